//! Who is given what validators decide.

use crate::book::Schedule;
use crate::cluster::{Cluster, Node, always, set, until};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Asks all validators, and is asked by none.
fn outsider(cluster: &Cluster, schedule: &Schedule, who: Option<u8>) -> Node {
    let mut node = Node::new(schedule, who);
    node.peers = cluster.nodes.iter().map(|node| node.port).collect();
    node.knows_veil.store(false, Ordering::SeqCst);
    node
}

/// Follower or with a key of no validator.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_stays_connected_and_gets_nothing_and_who_is_listed_gets_everything() {
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    let schedule = always(4);
    let mut strangers = [None, Some(9)].map(|who| outsider(&cluster, &schedule, who));
    let mut listed = outsider(&cluster, &schedule, None);
    for node in &mut cluster.nodes {
        node.followers = vec![listed.peer()];
    }
    cluster.start_all().await;
    for node in &mut strangers {
        node.start().await;
    }
    listed.start().await;
    let connected = |node: &Node| node.engine.as_ref().unwrap().status().peers > 0;
    until("strangers connect", || strangers.iter().all(connected)).await;
    cluster.go_on(&[0, 1, 2, 3], 20).await;
    let tip = cluster.tip();
    until("who is listed has it", || listed.height() >= tip).await;
    for stranger in &mut strangers {
        assert_eq!(stranger.height(), 0, "it got what was decided");
        assert_eq!(stranger.book.judged(), [], "it read what was proposed");
        stranger.stop().await;
    }
    listed.stop().await;
    cluster.agree_without_evidence();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_set_later_is_given_all_from_then_on_though_nobody_lists_it() {
    const CHANGE: u64 = 40;
    let (before, after) = (set(0, 0..4), set(1, 0..5));
    let schedule = Arc::new(BTreeMap::from([(0, before), (CHANGE, after)]));
    let mut cluster = Cluster::new(&schedule, (0..4).map(Some)).await;
    let mut joins = outsider(&cluster, &schedule, Some(4));
    cluster.start_all().await;
    joins.start().await;
    cluster.reach(&[0, 1, 2, 3], CHANGE - 10).await;
    // Whoever is of the next set is admitted one height before it decides.
    if cluster.tip() < CHANGE - 2 {
        assert_eq!(joins.height(), 0, "it got what was decided");
    }
    // As it asks another validator for it when it is elected.
    until("it is of the next set", || cluster.tip() >= CHANGE - 1).await;
    joins.knows_veil.store(true, Ordering::SeqCst);
    until("it has what was decided before it joined", || {
        joins.height() >= CHANGE
    })
    .await;
    let tip = cluster.tip();
    until("it proposes", || {
        !joins.book.built().is_empty() && joins.height() > tip + 5
    })
    .await;
    joins.stop().await;
    cluster.agree();
    cluster.stop_all().await;
}

//! Some are away, and come back.

use crate::book::Book;
use crate::cluster::{Cluster, always, until};
use kofo_consensus::Origin;

#[tokio::test(flavor = "multi_thread")]
async fn with_one_of_four_away_the_others_go_on_and_it_catches_up() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    cluster.nodes[3].stop().await;
    let tip = cluster.tip();
    cluster.reach(&[0, 1, 2], tip + 5).await;
    cluster.nodes[3].start().await;
    let tip = cluster.tip();
    cluster.reach(&[0, 1, 2, 3], tip + 3).await;
    cluster.agree();
    assert!(cluster.nodes.iter().all(|node| node.book.evidence().is_empty()));
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_of_four_away_nothing_is_decided_until_one_is_back() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    cluster.nodes[2].stop().await;
    cluster.nodes[3].stop().await;
    // One height may have been on its way.
    let tip = cluster.tip() + 1;
    cluster.stays("the height", |cluster| cluster.tip() <= tip).await;
    cluster.nodes[2].start().await;
    cluster.reach(&[0, 1, 2], tip + 3).await;
    cluster.nodes[3].start().await;
    cluster.reach(&[0, 1, 2, 3], tip + 5).await;
    cluster.agree();
    assert!(cluster.nodes.iter().all(|node| node.book.evidence().is_empty()));
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_stop_and_start_it_goes_on_and_nobody_votes_twice() {
    let mut cluster = Cluster::running(4).await;
    for round in 1..=3 {
        cluster.reach(&[0, 1, 2, 3], 3 * round).await;
        cluster.stop_all().await;
        cluster.start_all().await;
    }
    let tip = cluster.tip();
    cluster.reach(&[0, 1, 2, 3], tip + 4).await;
    cluster.agree();
    assert!(cluster.nodes.iter().all(|node| node.book.evidence().is_empty()));
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_everything_gets_it_from_the_others() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 15).await;
    cluster.nodes[3].stop().await;
    cluster.nodes[3].book = Book::new(&always(4));
    cluster.nodes[3].folder = tempfile::tempdir().unwrap();
    cluster.nodes[3].start().await;
    let tip = cluster.tip();
    cluster.reach(&[0, 1, 2, 3], tip + 4).await;
    cluster.agree();
    let pages = cluster.nodes[3].book.pages.lock().unwrap();
    let synced = pages
        .judged
        .iter()
        .filter(|(_, origin, _)| *origin == Origin::Synced);
    assert!(synced.count() >= 15);
    drop(pages);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_one_validator_has_all_that_is_decided_and_votes_for_nothing() {
    let who = [Some(0), Some(1), Some(2), Some(3), None];
    let mut cluster = Cluster::new(&always(4), who).await;
    cluster.nodes[4].peers = vec![cluster.nodes[1].port];
    for node in 0..4 {
        let follower = cluster.nodes[4].port;
        cluster.nodes[node].peers.retain(|port| *port != follower);
    }
    cluster.start_all().await;
    cluster.reach(&[4], 20).await;
    cluster.agree();
    assert_eq!(cluster.nodes[4].engine.as_ref().unwrap().key(), None);
    let pages = cluster.nodes[4].book.pages.lock().unwrap();
    assert!(pages.built.is_empty());
    assert!(
        pages
            .judged
            .iter()
            .all(|(_, origin, valid)| *origin == Origin::Synced && *valid)
    );
    drop(pages);
    // It serves what it has, to another follower that knows only it.
    let mut second = crate::cluster::Node::new(&always(4), None);
    second.peers = vec![cluster.nodes[4].port];
    second.start().await;
    until("a follower of the follower has it too", || second.height() >= 20).await;
    second.stop().await;
    cluster.stop_all().await;
}

//! Some do what they must not.

use crate::book::network;
use crate::cluster::{Cluster, always, secret, until};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_of_invalid_payloads_is_voted_down_and_the_next_round_decides() {
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    cluster.nodes[1].book.crooked.store(true, Ordering::SeqCst);
    cluster.start_all().await;
    cluster.reach(&[0, 1, 2, 3], 10).await;
    cluster.agree();
    let book = &cluster.nodes[0].book;
    let second_round = book.certificates().iter().filter(|c| c.round > 0).count();
    assert!(
        second_round >= 2,
        "its turn came and passed, {second_round} times"
    );
    assert!(book.judged().iter().any(|(_, _, valid)| !valid));
    for (_, _, filler) in book.payloads() {
        assert_ne!(filler[0], 0xff);
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_runs_twice_is_proved_to_have_voted_twice_and_there_is_no_fork() {
    let who = [Some(0), Some(1), Some(2), Some(3), Some(3)];
    let mut cluster = Cluster::new(&always(4), who).await;
    cluster.start_all().await;
    let honest = [0, 1, 2];
    let proved = || {
        honest
            .iter()
            .all(|n| !cluster.nodes[*n].book.evidence().is_empty())
    };
    until("every honest node has evidence", proved).await;
    for n in honest {
        for double in cluster.nodes[n].book.evidence() {
            assert_eq!(double.check(&network()), Ok(secret(3).key()));
        }
    }
    cluster.go_on(&honest, 5).await;
    cluster.agree();
    let rounds: BTreeSet<_> = cluster.nodes[0]
        .book
        .certificates()
        .iter()
        .map(|c| c.round)
        .collect();
    println!("rounds with a key that runs twice: {rounds:?}");
    cluster.stop_all().await;
}

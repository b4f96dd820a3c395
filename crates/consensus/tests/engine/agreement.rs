//! Nobody fails.

use crate::book::Book;
use crate::cluster::{Cluster, always, until};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_commit_the_same_payloads_at_every_height() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 2).await;
    let begin = (Instant::now(), cluster.tip());
    cluster.reach(&[0, 1, 2, 3], 30).await;
    let (heights, seconds) = (cluster.tip() - begin.1, begin.0.elapsed().as_secs_f32());
    println!(
        "{:.1} heights a second at a target of 20",
        heights as f32 / seconds
    );
    cluster.agree();
    for node in &cluster.nodes {
        let book = &node.book;
        assert!(book.evidence().is_empty());
        for certificate in book.certificates() {
            let set = book.set(certificate.height);
            certificate.verify(&crate::book::network(), &set).unwrap();
        }
    }
    let status = cluster.nodes[0].engine.as_ref().unwrap().status();
    assert!(status.height >= 30 && status.failure.is_none(), "{status:?}");
    let engine = cluster.nodes[0].engine.as_ref().unwrap();
    until("three peers are counted", || engine.status().peers == 3).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_many_messages_arrives_whole() {
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    for node in &mut cluster.nodes {
        node.book = Book::with_filler(&always(4), 700_000);
    }
    cluster.start_all().await;
    cluster.reach(&[0, 1, 2, 3], 5).await;
    cluster.agree();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_validator_alone_is_a_network() {
    let mut cluster = Cluster::running(1).await;
    cluster.reach(&[0], 5).await;
    cluster.stop_all().await;
}

//! The engine fails, and says so.

use crate::book::Book;
use crate::cluster::{Cluster, always};
use kofo_consensus::{Engine, Failure, StartError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_cannot_commit_stops_its_engine_and_no_other() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 2).await;
    cluster.nodes[3].book.broken.store(true, Ordering::SeqCst);
    let engine = cluster.nodes[3].engine.as_ref().unwrap();
    let failure = timeout(crate::cluster::PATIENCE, engine.failed()).await.unwrap();
    assert!(
        matches!(&failure, Failure::Application(why) if why.contains("the disk is full")),
        "{failure:?}"
    );
    let (stuck, tip) = (cluster.nodes[3].height(), cluster.tip());
    cluster.reach(&[0, 1, 2], tip + 4).await;
    assert_eq!(cluster.nodes[3].height(), stuck);
    // Its disk is repaired: it commits what it had helped to decide, and goes on.
    cluster.nodes[3].stop().await;
    cluster.nodes[3].book.broken.store(false, Ordering::SeqCst);
    cluster.nodes[3].start().await;
    cluster.go_on(&[0, 1, 2, 3], 3).await;
    cluster.agree();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_port_that_is_in_use_is_refused() {
    let mut cluster = Cluster::new(&always(4), [Some(0)]).await;
    cluster.start_all().await;
    let node = &cluster.nodes[0];
    let book: Arc<Book> = Book::new(&always(4));
    let mut settings = node.settings();
    settings.listen = "/ip4/127.0.0.1/tcp/0".into();
    let refused = Engine::start(settings, Arc::clone(&book) as _).await;
    assert!(matches!(refused, Err(StartError::Data { .. })), "{refused:?}");
    let other = tempfile::tempdir().unwrap();
    let mut settings = node.settings();
    settings.data = other.path().into();
    let refused = Engine::start(settings, book).await;
    assert!(matches!(refused, Err(StartError::Listen { .. })), "{refused:?}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_of_an_undecided_height_stops_the_validator_before_it_votes() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    // Two are left: the next height is begun and cannot be decided.
    cluster.nodes[2].stop().await;
    cluster.nodes[3].stop().await;
    cluster.decides_nothing().await;
    cluster.nodes[0].stop().await;
    let log = cluster.nodes[0].folder.path().join("wal/consensus.wal");
    let mut bytes = std::fs::read(&log).unwrap();
    // Behind the head of the file and that of the first entry: what that says.
    bytes[12 + 13] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    cluster.nodes[0].start().await;
    let engine = cluster.nodes[0].engine.as_ref().unwrap();
    let failure = timeout(crate::cluster::PATIENCE, engine.failed()).await.unwrap();
    assert!(matches!(failure, Failure::Log(_)), "{failure:?}");
    cluster.stop_all().await;
}

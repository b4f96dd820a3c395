//! What is told to everybody, and who stops it.

use kofo_network::{Fault, Mesh, MeshLimits, PublishError, Topic, Transport};

use crate::node::{Node, QUIC, TCP, Word, config, limited, mesh, until};

/// Three nodes in a row, the middle one judging as told.
async fn row(judge: fn(&[u8]) -> Word) -> [Node; 3] {
    let (a, c) = (Node::plain().await, Node::plain().await);
    let b = Node::start(config(&[TCP, QUIC]), mesh(), judge).await;
    a.meet(&b).await;
    c.meet(&b).await;
    [a, b, c]
}

#[tokio::test]
async fn gossip_reaches_a_node_two_hops_away_and_not_its_author() {
    let [a, b, c] = row(|_| Word::Accept).await;
    for (topic, body) in [
        (Topic::Listing, b"listing"),
        (Topic::Book, b"a book!"),
        (Topic::Cancel, b"cancels"),
    ] {
        a.network.publish(topic, body.to_vec()).expect("published");
        until("the far node has heard it", || c.has_heard(body)).await;
        let heard = c.seen.lock().expect("not poisoned").heard.clone();
        assert_eq!(heard.last(), Some(&(b.id(), topic, body.to_vec())));
    }
    assert!(a.seen.lock().expect("not poisoned").heard.is_empty());
    assert_eq!(b.seen.lock().expect("not poisoned").heard.len(), 3, "each once");
}

#[tokio::test]
async fn gossip_goes_no_further_than_a_node_that_does_not_accept_it() {
    let [a, b, c] = row(|body| match body {
        b"ignored" => Word::Ignore,
        b"rejected" => Word::Reject(Fault::Signature),
        _ => Word::Accept,
    })
    .await;
    let tell = |body: &[u8]| a.network.publish(Topic::Book, body.to_vec()).expect("published");
    tell(b"ignored");
    until("the middle has heard it", || b.has_heard(b"ignored")).await;
    assert_eq!(b.score_of(&a), Some(0), "nobody is to blame");
    tell(b"rejected");
    until("the score falls", || b.score_of(&a) < Some(0)).await;
    assert!(b.score_of(&a) >= Some(-Fault::Signature.weight()));
    // The score lets gossip through again only after a while; until then another one speaks.
    c.network
        .publish(Topic::Book, b"last".to_vec())
        .expect("published");
    until("the middle has heard it", || b.has_heard(b"last")).await;
    assert!(!c.has_heard(b"ignored") && !c.has_heard(b"rejected"));
}

#[tokio::test]
async fn a_peer_that_goes_on_with_rejected_gossip_is_banned() {
    let [a, b, c] = row(|_| Word::Reject(Fault::Malformed)).await;
    for n in 0..3u8 {
        a.network.publish(Topic::Book, vec![n]).expect("published");
    }
    until("it is disconnected", || {
        !a.is_neighbour(&b) && !b.is_neighbour(&a)
    })
    .await;
    let refused = a.network.request(&b.address(), vec![1]).await;
    assert!(refused.is_err(), "refused while the ban lasts: {refused:?}");
    assert!(b.is_neighbour(&c), "nobody else pays");
}

#[tokio::test]
async fn gossip_over_the_limit_is_refused_on_both_sides() {
    let rude = limited(MeshLimits {
        gossip_bytes: 16 * 1024 + 500,
        ..MeshLimits::default()
    });
    let rude = Node::start(config(&[TCP]), rude, |_| Word::Accept).await;
    let [a, b, c] = row(|_| Word::Accept).await;
    let size = 16 * 1024 + 1;
    assert_eq!(
        a.network.publish(Topic::Book, vec![0; size]),
        Err(PublishError::TooLarge { size, max: 16 * 1024 })
    );
    rude.meet(&b).await;
    rude.network
        .publish(Topic::Book, vec![0; size])
        .expect("within its own limit");
    until("the score falls", || b.score_of(&rude) < Some(0)).await;
    assert!(!b.has_heard(&vec![0; size]) && !c.has_heard(&vec![0; size]));
    let largest = vec![1; 16 * 1024];
    a.network
        .publish(Topic::Book, largest.clone())
        .expect("published");
    until("the largest arrives", || c.has_heard(&largest)).await;
}

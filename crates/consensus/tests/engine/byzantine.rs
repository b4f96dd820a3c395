//! Validators that lie in the engine's own words.

use crate::book::network;
use crate::cluster::{Cluster, always, place_of, proposer, secret, until};
use kofo_consensus::{Lies, Origin, Slot};
use std::sync::atomic::Ordering;

/// Four validators, of which number 3 lies.
async fn with_a_liar(lies: Lies) -> Cluster {
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    for node in 0..3 {
        cluster.nodes[node].start().await;
    }
    cluster.nodes[3].start_lying(lies).await;
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_that_votes_twice_changes_nothing_and_is_proved_to_have() {
    let lies = Lies {
        double_votes: Some(1..=1000),
        ..Lies::default()
    };
    let cluster = with_a_liar(lies).await;
    let proved = || (0..3).all(|n| !cluster.nodes[n].book.evidence().is_empty());
    until("every honest node has evidence", proved).await;
    for double in cluster.nodes[0].book.evidence() {
        assert_eq!(double.check(&network()), Ok(secret(3).key()));
    }
    cluster.go_on(&[0, 1, 2], 8).await;
    cluster.agree();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_that_proposes_two_things_at_once_changes_nothing() {
    let lies = Lies {
        double_proposals: Some(1..=1000),
        ..Lies::default()
    };
    let cluster = with_a_liar(lies).await;
    cluster.reach(&[0, 1, 2], 13).await;
    cluster.agree();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_that_is_silent_delays_its_turn_and_no_more() {
    let lies = Lies {
        silent_votes: Some(1..=1000),
        silent_proposals: Some(1..=1000),
        ..Lies::default()
    };
    let cluster = with_a_liar(lies).await;
    cluster.reach(&[0, 1, 2], 9).await;
    cluster.agree();
    for certificate in cluster.nodes[0].book.certificates() {
        let place = place_of(3);
        assert!(!certificate.signed(place), "{certificate:?}");
    }
}

/// Validator 3 precommits nothing in a round in which all but one prevoted: two are locked on a payload that the fourth
/// refused for its time. The next round proposes it again, and sends it on, and then it is not too old.
#[tokio::test(flavor = "multi_thread")]
async fn what_some_are_locked_on_is_sent_on_and_decided_in_a_later_round() {
    // A turn of one of those that will be locked.
    let height = (5u64..9)
        .find(|height| [0, 1].contains(&proposer(*height)))
        .unwrap();
    let lies = Lies {
        no_precommit: Some((height, 0)),
        ..Lies::default()
    };
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    cluster.nodes[2].book.picky_at.store(height, Ordering::SeqCst);
    for node in 0..3 {
        cluster.nodes[node].start().await;
    }
    cluster.nodes[3].start_lying(lies).await;
    cluster.reach(&[0, 1, 2, 3], height + 3).await;
    cluster.agree();
    let at = Slot { height, round: 0 };
    let book = &cluster.nodes[2].book;
    let place = height as usize - 1;
    assert!(book.certificates()[place].round > 0);
    let (_, _, filler) = &book.payloads()[place];
    assert_eq!(
        filler[0], 0,
        "what was built in the first round is what was decided"
    );
    let judged = book.judged();
    assert!(judged.contains(&(at, Origin::Proposed, false)), "{judged:?}");
    assert!(judged.contains(&(at, Origin::Repeated, true)), "{judged:?}");
}

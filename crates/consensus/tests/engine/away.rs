//! Some are away, and come back.

use crate::book::Book;
use crate::cluster::{Cluster, always, place_of, proposer, until};
use kofo_consensus::{Engine, Origin, Slot, Unrecorded};

#[tokio::test(flavor = "multi_thread")]
async fn with_one_of_four_away_the_others_go_on_and_it_catches_up() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    cluster.nodes[3].stop().await;
    cluster.go_on(&[0, 1, 2], 5).await;
    cluster.nodes[3].start().await;
    cluster.go_on(&[0, 1, 2, 3], 3).await;
    cluster.agree_without_evidence();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_of_four_away_nothing_is_decided_until_one_is_back() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    cluster.nodes[2].stop().await;
    cluster.nodes[3].stop().await;
    let tip = cluster.decides_nothing().await;
    cluster.nodes[2].start().await;
    cluster.reach(&[0, 1, 2], tip + 3).await;
    cluster.nodes[3].start().await;
    cluster.reach(&[0, 1, 2, 3], tip + 5).await;
    cluster.agree_without_evidence();
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
    cluster.go_on(&[0, 1, 2, 3], 4).await;
    cluster.agree_without_evidence();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_lost_everything_gets_it_from_the_others_and_signs_nothing_until_it_is_told_to() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 15).await;
    cluster.nodes[3].stop().await;
    assert!(Engine::has_record(cluster.nodes[3].folder.path()).unwrap());
    cluster.nodes[3].book = Book::new(&always(4));
    cluster.nodes[3].folder = tempfile::tempdir().unwrap();
    cluster.nodes[3].unrecorded = Unrecorded::Follows;
    let tip = cluster.tip();
    cluster.nodes[3].start().await;
    cluster.go_on(&[0, 1, 2, 3], 8).await;
    let judged = cluster.nodes[3].book.judged();
    let synced = judged.iter().filter(|(_, origin, _)| *origin == Origin::Synced);
    assert!(synced.count() >= 15);
    let engine = cluster.nodes[3].engine.as_ref().unwrap();
    assert!(engine.key().is_some() && !engine.votes());
    let place = place_of(3);
    // What was under way when it stopped may still have its signature.
    let signed = |cluster: &Cluster, after| {
        let nodes = cluster.nodes.iter();
        let all: Vec<_> = nodes.flat_map(|node| node.book.certificates()).collect();
        all.iter().any(|one| one.height > after && one.signed(place))
    };
    assert!(!signed(&cluster, tip + 2), "it signed");
    assert_eq!(cluster.nodes[3].book.built(), [], "it proposed");
    // Started again it is no wiser, until it is told that it may begin.
    cluster.nodes[3].stop().await;
    assert!(!Engine::has_record(cluster.nodes[3].folder.path()).unwrap());
    cluster.nodes[3].unrecorded = Unrecorded::Votes;
    let told = cluster.tip();
    cluster.nodes[3].start().await;
    until("it signs", || signed(&cluster, told)).await;
    // From then on it has a record, and votes also where it is not told to.
    cluster.nodes[3].stop().await;
    cluster.nodes[3].unrecorded = Unrecorded::Follows;
    let again = cluster.tip();
    cluster.nodes[3].start().await;
    until("it signs again", || signed(&cluster, again + 1)).await;
    cluster.agree_without_evidence();
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
    let second = crate::cluster::Node::new(&always(4), None);
    cluster.nodes[1].followers = vec![cluster.nodes[4].peer()];
    cluster.nodes[4].followers = vec![second.peer()];
    cluster.start_all().await;
    cluster.reach(&[4], 20).await;
    cluster.agree();
    assert_eq!(cluster.nodes[4].engine.as_ref().unwrap().key(), None);
    let book = &cluster.nodes[4].book;
    assert_eq!(book.built(), []);
    let judged = book.judged();
    assert!(
        judged
            .iter()
            .all(|(_, origin, valid)| *origin == Origin::Synced && *valid)
    );
    // It serves what it has, to another follower that knows only it.
    let mut second = second;
    second.peers = vec![cluster.nodes[4].port];
    second.start().await;
    until("a follower of the follower has it too", || second.height() >= 20).await;
    second.stop().await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_restarted_again_and_again_never_votes_twice() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 2).await;
    for turn in 0..16 {
        let node = turn * 7 % 4;
        cluster.nodes[node].stop().await;
        cluster.nodes[node].start().await;
        // At once, or a little later: wherever in a round it is then.
        if turn % 3 == 0 {
            let tip = cluster.tip();
            until("a height is decided", || cluster.tip() > tip).await;
        }
    }
    cluster.go_on(&[0, 1, 2, 3], 3).await;
    cluster.agree_without_evidence();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_whose_log_is_deleted_says_again_what_it_said() {
    let mut cluster = Cluster::running(4).await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    // Two are left, at a height that one of them has proposed and the other voted for.
    let mut tries = 0;
    let (proposer, voter) = loop {
        tries += 1;
        assert!(tries < 12, "no height was of use");
        cluster.nodes[2].stop().await;
        cluster.nodes[3].stop().await;
        let height = cluster.settled(&[0, 1]).await;
        let at = Slot { height, round: 0 };
        let judged = |n: usize| {
            cluster.nodes[n]
                .book
                .judged()
                .contains(&(at, Origin::Proposed, true))
        };
        if let Some(voter) = (0..2)
            .find(|n| judged(*n))
            .filter(|n| proposer(height) == 1 - *n as u8)
        {
            break (1 - voter, voter);
        }
        cluster.nodes[2].start().await;
        cluster.nodes[3].start().await;
        // Not always as many, lest it be the turn of the same ones again and again.
        cluster.go_on(&[0, 1, 2, 3], 1 + tries % 2).await;
    };
    cluster.nodes[voter].stop().await;
    let log = cluster.nodes[voter].folder.path().join("wal/consensus.wal");
    std::fs::remove_file(log).unwrap();
    cluster.nodes[voter].start().await;
    // Nobody sends it the proposal again: it would vote for nothing now, and the proposer would tell of both votes.
    let tip = cluster.decides_nothing().await;
    cluster.nodes[2].start().await;
    cluster.nodes[3].start().await;
    cluster.reach(&[0, 1, 2, 3], tip + 4).await;
    cluster.agree();
    assert_eq!(cluster.nodes[proposer].book.evidence(), []);
    cluster.stop_all().await;
}

//! A wallet, six relays and a provider in a row.

use super::world::*;
use kofo_primitives::{Claim, ClaimId};

/// The claim went out and its quote came home.
fn quoted() -> (World, ClaimId) {
    let mut world = World::line(6);
    let id = world.issue(0, 1);
    world.run();
    assert_eq!(world.refusals, []);
    (world, id)
}

#[test]
fn a_quote_comes_back_over_the_hops_that_its_claim_took_and_each_signs_for_it() {
    let (world, _) = quoted();
    let quotes = &world.nodes[0].quotes;
    assert_eq!(quotes.len(), 1);
    assert_eq!(quotes[0].path.len(), 7);
    let hops: Vec<_> = quotes[0].returns.iter().map(|entry| entry.index).collect();
    assert_eq!(hops, [6, 5, 4, 3, 2, 1]);
    assert!(World::is_whole(&claim(1), &quotes[0]));
    for received in &world.nodes[7].taken {
        assert_eq!(received.path.entries(), quotes[0].path);
    }
}

#[test]
fn a_selection_goes_the_same_way_and_its_answer_comes_back() {
    let (mut world, id) = quoted();
    let fulfil = world.nodes[0].quotes[0].fulfil.body.id();
    world.select(0, 1, (id, fulfil));
    world.run();
    assert_eq!(world.refusals, []);
    assert_eq!(world.nodes[7].selections.len(), 1);
    assert_eq!(world.nodes[0].answers.len(), 1);
    assert_eq!(world.nodes[0].answers[0].body.claim, id);
}

#[test]
fn a_claim_goes_no_further_than_its_longest_path() {
    let mut world = World::line(6);
    let short = Claim {
        max_hops: 3,
        ..claim(1)
    };
    world.issue_claim(0, 1, short);
    world.run();
    let reached: Vec<_> = world.nodes.iter().map(|node| node.taken.len()).collect();
    assert_eq!(reached, [0, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!(world.refusals, []);
}

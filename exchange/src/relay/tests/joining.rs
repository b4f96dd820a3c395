//! Neighbours that join, leave and come back, and epochs that end.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;

#[test]
fn who_joins_late_learns_the_claims_that_live() {
    let mut world = World::line(2);
    let ids = [world.issue(0, 1), world.issue(0, 2)];
    world.run();
    world
        .nodes
        .push(World::new(&[LinkRole::Provider], 1).nodes.remove(0));
    world.connect(1, 4);
    world.run();
    let mut known: Vec<_> = world.nodes[4].taken.iter().map(|r| r.id).collect();
    known.sort_unstable();
    let mut all = ids.to_vec();
    all.sort_unstable();
    assert_eq!(known, all);
    assert_eq!(world.nodes[0].quotes.len(), 4);
    assert_eq!(world.refusals, []);
}

#[test]
fn who_joins_is_not_told_of_claims_that_are_over() {
    let mut world = World::line(1);
    world.issue(0, 1);
    world.run();
    world.now_ms = NOW + LIFE;
    assert!(world.nodes[1].relay.greet(Link(2), world.now_ms).is_empty());
}

/// Two triangles of relays; a wallet with the first, a provider with the second.
fn two_halves() -> World {
    let mut roles = vec![LinkRole::Relay; 8];
    (roles[0], roles[7]) = (LinkRole::Wallet, LinkRole::Provider);
    let mut world = World::new(&roles, 3);
    for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 1), (4, 5), (5, 6), (6, 4), (7, 6)] {
        world.connect(a, b);
    }
    world
}

#[test]
fn claims_cross_when_a_network_that_fell_apart_grows_together() {
    let mut world = two_halves();
    world.issue(0, 1);
    world.run();
    assert!(world.nodes[4..].iter().all(|node| node.taken.is_empty()));
    world.connect(3, 4);
    world.run();
    assert!(world.nodes[1..].iter().all(|node| !node.taken.is_empty()));
    assert!(!world.nodes[0].quotes.is_empty());
    assert_eq!(world.blamed(), Vec::<&Refusal>::new());
}

#[test]
fn our_own_claim_reaches_neighbours_that_join_when_it_is_issued_again() {
    let mut world = World::new(&[LinkRole::Wallet, LinkRole::Provider], 1);
    world.issue(0, 1);
    assert!(world.under_way.is_empty());
    world.connect(0, 1);
    world.issue(0, 1);
    world.run();
    assert_eq!(world.nodes[0].quotes.len(), 1);
    world.issue(0, 1);
    assert!(world.under_way.is_empty(), "it has the claim");
}

#[test]
fn who_comes_back_gets_the_very_same_claim_and_nobody_is_blamed() {
    let mut world = World::line(3);
    world.issue(0, 1);
    world.run();
    for round in 1..4 {
        let link = world.link_of(2, 3);
        world.disconnect(link);
        world.connect(2, 3);
        world.run();
        assert_eq!(world.nodes[3].taken.len(), 1 + round);
        assert_eq!(world.refusals, []);
    }
    // The second hop of a line knows one copy, and the quote for it came home once.
    assert_eq!(world.nodes[0].quotes.len(), 1);
}

#[test]
fn a_claim_that_was_lost_with_its_link_arrives_on_the_next() {
    let mut world = World::line(2);
    world.issue(0, 1);
    while world.nodes[1].taken.is_empty() {
        world.step();
    }
    let link = world.link_of(1, 2);
    world.disconnect(link);
    assert!(world.under_way.is_empty());
    world.connect(1, 2);
    world.run();
    assert_eq!(world.nodes[0].quotes.len(), 1);
    assert_eq!(world.refusals, []);
}

#[test]
fn a_quote_finds_the_neighbours_that_left_and_came_back_since() {
    let mut world = World::line(3);
    world.nodes[4].drops = true;
    world.issue(0, 1);
    world.run();
    for (a, b) in [(0, 1), (2, 3), (3, 4)] {
        let link = world.link_of(a, b);
        world.disconnect(link);
        world.connect(a, b);
    }
    world.run();
    let received = world.nodes[4].taken[0].clone();
    world.quote(4, &received);
    world.run();
    assert_eq!(world.nodes[0].quotes.len(), 1);
    assert!(World::is_whole(&claim(1), &world.nodes[0].quotes[0]));
    assert_eq!(world.refusals, []);
}

#[test]
fn within_one_meeting_the_same_copy_is_a_replay_and_after_a_reconnect_it_is_none() {
    let mut desk = Desk::new(2);
    desk.claim(1, envelope(1, 1, 1)).unwrap();
    desk.relay.unlink(Link(1));
    desk.link(11, 1, LinkRole::Relay);
    let again = desk.claim(11, envelope(1, 1, 1)).unwrap();
    assert_eq!(
        (again.forward, again.first, again.received.from),
        (vec![], false, Link(11))
    );
    assert_eq!(desk.claim(11, envelope(1, 1, 1)), Err(ClaimRefused::Replayed));
    desk.relay.unlink(Link(11));
    desk.link(12, 1, LinkRole::Relay);
    let why = desk.claim(12, envelope(1, 2, 1)).unwrap_err();
    assert_eq!((why.blame(), why), (None, ClaimRefused::AnotherPath));
}

#[test]
fn a_neighbour_that_we_cannot_know_again_is_known_by_its_copy() {
    let mut desk = Desk::new(2);
    let received = desk.claim(1, envelope(1, 1, 1)).unwrap().received;
    desk.relay.unlink(Link(1));
    // A new epoch began meanwhile; the key of the epoch before is told first, then the new one.
    let (new, theirs) = (link_key(0, 1, 2), link_key(1, 0, 1).base());
    desk.relay.link(Link(11), LinkRole::Relay, new, theirs);
    let copy = envelope(1, 1, 1);
    assert_eq!(desk.claim(11, copy.clone()), Err(PathError::Receiver.into()));
    desk.relay.unlink(Link(11));
    desk.link(12, 7, LinkRole::Relay);
    for epoch in [1, 2] {
        let (ours, theirs) = (link_key(0, 1, epoch), link_key(1, 0, 1).base());
        desk.relay.link(Link(12), LinkRole::Relay, ours, theirs);
    }
    assert!(desk.claim(12, copy).is_ok());
    let quote = fulfil(received.id, received.path.digest(), &key("quote", &[1]));
    let (link, _) = desk.relay.quote(&received, quote, NOW).unwrap();
    assert_eq!(link, Link(12));
}

#[test]
fn when_an_epoch_begins_the_claims_of_the_last_one_go_on() {
    let mut world = World::line(4);
    world.nodes[5].drops = true;
    world.issue(0, 1);
    world.run();
    // Half of the hops begin their epoch; claims for their old keys are still under way.
    world.issue(0, 2);
    for node in [1, 3, 5] {
        world.nodes[node].epoch = 2;
    }
    for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)] {
        let link = world.link_of(a, b);
        world.hello(link, a, b);
    }
    world.run();
    world.issue(0, 3);
    world.run();
    for received in world.nodes[5].taken.clone() {
        world.quote(5, &received);
    }
    world.run();
    assert_eq!(world.nodes[0].quotes.len(), 3);
    assert_eq!(world.refusals, []);
}

#[test]
fn neighbours_that_come_and_go_for_ever_leave_nothing_behind() {
    let mut desk = Desk::new(1);
    desk.claim(1, envelope(1, 0, 1)).unwrap();
    for n in 10..300 {
        desk.link(n, n, LinkRole::Relay);
        desk.relay.greet(Link(n), NOW);
        desk.relay.unlink(Link(n));
    }
    let ways = desk.relay.dump().matches("  on ").count();
    assert_eq!(ways, 32);
    assert_eq!(desk.relay.statistics().links.len(), 1);
}

#[test]
fn who_has_claims_here_is_remembered_longer_than_a_thousand_strangers_who_left() {
    let mut desk = Desk::new(1);
    desk.claim(1, envelope(1, 1, 1)).unwrap();
    desk.relay.unlink(Link(1));
    for n in 10..1_100 {
        desk.link(n, n, LinkRole::Wallet);
        desk.relay.unlink(Link(n));
    }
    desk.link(2_000, 1, LinkRole::Relay);
    assert!(
        !desk.claim(2_000, envelope(1, 1, 1)).unwrap().first,
        "the very same copy of a neighbour that is known"
    );
    assert_eq!(desk.relay.statistics().gone, 1_023);
}

#[test]
fn a_greeting_is_bounded_and_begins_with_what_lives_longest() {
    let mut desk = Desk::new(1);
    for n in 0..(MAX_GREETING as u64 + 5) {
        let longer = Claim {
            expires_ms: NOW + LIFE + n,
            ..claim(n)
        };
        desk.claim(1, envelope_of(longer, 0, 1)).unwrap();
    }
    desk.link(2, 2, LinkRole::Relay);
    let greeting = desk.relay.greet(Link(2), NOW);
    assert_eq!(greeting.len(), MAX_GREETING);
    assert_eq!(
        greeting[0].1.claim.body.expires_ms,
        NOW + LIFE + MAX_GREETING as u64 + 4
    );
    assert!(greeting.iter().all(|(link, _)| *link == Link(2)));
}

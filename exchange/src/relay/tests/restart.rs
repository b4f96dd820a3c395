//! What a restart forgets and what it does not.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use kofo_primitives::*;

fn restarted(desk: &Desk, relays: u64) -> Desk {
    let bytes = encode(&desk.relay.guards());
    let mut after = Desk::new(relays);
    after.relay.restore(borsh::from_slice(&bytes).unwrap());
    after
}

#[test]
fn a_claim_from_before_a_restart_is_refused_without_blame() {
    let mut before = Desk::new(3);
    before.claim(1, envelope(1, 1, 1)).unwrap();
    let mut after = restarted(&before, 3);
    for from in [1, 2] {
        let refused = after.refused(from, envelope(1, 1, from));
        assert_eq!(refused, (ClaimRefused::BeforeRestart, None));
    }
    assert!(after.claim(1, envelope(2, 1, 1)).is_ok());
}

#[test]
fn a_cancel_from_before_a_restart_still_holds() {
    let mut before = Desk::new(1);
    let cancel = Cancel {
        version: 1,
        network: claim(1).network,
        claim: claim(1).id(),
        key: claim_key(1).id(),
        expires_ms: NOW + LIFE,
    };
    let cancel = cancel.sign(&claim_key(1));
    before.relay.cancel(&cancel, NOW).unwrap();
    let mut after = restarted(&before, 1);
    assert_eq!(
        after.refused(1, envelope(1, 1, 1)),
        (ClaimRefused::Cancelled, None)
    );
    assert_eq!(after.relay.cancel(&cancel, NOW), Ok(false));
}

#[test]
fn quotes_selections_and_answers_for_what_a_restart_forgot_are_nobodys_fault() {
    let mut before = Desk::new(2);
    let taken = before.claim(1, envelope(1, 1, 1)).unwrap();
    let (link, forward) = taken.forward.into_iter().next().unwrap();
    let (id, quote_key) = (taken.received.id, key("quote", &[1]));
    let quote = crate::wire::FulfilEnvelope {
        fulfil: fulfil(id, forward.path.last().unwrap().digest(), &quote_key),
        path: forward.path,
        returns: vec![],
    };
    let fulfil = quote.fulfil.body.id();
    let mut after = restarted(&before, 2).relay;
    let why = after.fulfil(link, quote, NOW).unwrap_err();
    assert_eq!((why.blame(), why), (None, FulfilRefused::ClaimOver));
    let why = after
        .select(Some(Link(1)), select(id, fulfil, &claim_key(1)), NOW)
        .unwrap_err();
    assert_eq!((why.blame(), why), (None, SelectStopped::QuoteOver));
    let why = after
        .answer(Some(link), answer(id, fulfil, &quote_key), NOW)
        .unwrap_err();
    assert_eq!((why.blame(), why), (None, AnswerStopped::QuoteOver));
}

#[test]
fn our_own_claim_goes_on_after_a_restart_when_it_is_issued_again() {
    let mut world = World::line(2);
    world.nodes[3].drops = true;
    world.issue(0, 1);
    world.run();
    world.restart(0);
    world.issue(0, 1);
    world.run();
    // A quote for the copy that went out before the restart comes home.
    let received = world.nodes[3].taken[0].clone();
    world.quote(3, &received);
    world.run();
    assert_eq!(world.nodes[0].quotes.len(), 1);
    assert_eq!(world.blamed(), Vec::<&Refusal>::new());
}

#[test]
fn an_answer_to_what_a_claimant_forgot_over_a_restart_is_nobodys_fault() {
    let mut world = World::line(2);
    let id = world.issue(0, 1);
    world.run();
    let fulfil = world.nodes[0].quotes[0].fulfil.body.clone();
    world.restart(0);
    let link = world.link_of(0, 1);
    world.issue(0, 1);
    let late = answer(id, fulfil.id(), &key("quote", &[1]));
    let why = world.nodes[0].relay.answer(Some(link), late, NOW).unwrap_err();
    assert_eq!((why.blame(), why), (None, AnswerStopped::QuoteOver));
}

#[test]
fn guards_expire_when_nothing_can_come_of_their_claims_any_more() {
    let mut desk = Desk::new(1);
    desk.claim(1, envelope(1, 1, 1)).unwrap();
    let mut after = restarted(&desk, 1);
    after.relay.expire(NOW + LIFE + SKEW);
    assert_eq!(after.relay.guards().seen.len(), 1);
    after.relay.expire(NOW + 1_000_000);
    assert_eq!(after.relay.guards(), Guards::default());
}

#[test]
fn guards_that_were_tampered_with_fill_no_more_than_their_room() {
    let many = Guards {
        seen: (0..100u8).map(|n| (ClaimId::new([n; 32]), NOW)).collect(),
        cancelled: (0..100u8)
            .map(|n| (ClaimId::new([n; 32]), claim_key(1).id(), NOW))
            .collect(),
    };
    let small = RelayConfig {
        max_claims: 10,
        ..config(1)
    };
    let mut relay = Relay::new(small);
    relay.restore(many);
    let statistics = relay.statistics();
    assert_eq!((statistics.seen, statistics.cancelled), (30, 10));
}

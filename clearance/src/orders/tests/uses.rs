//! What can be used once, and how long that is remembered.

use crate::fixtures::{PROVIDER, account};
use crate::marks::used;
use crate::op::Fact;
use crate::orders::OrderRefused;
use crate::orders::fixtures::*;
use crate::receipt::Ending;
use crate::refused::Refused;
use kofo_primitives::{FeePayer, MAX_CLAIM_LIFE_MS, Preimage, Side, tagged_hash};

#[test]
fn the_same_order_twice_is_committed_already() {
    // Requirement C-08.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    assert_eq!(town.refused(&trade), OrderRefused::AlreadyCommitted(id));
    assert_eq!(
        town.ends((id, Side::Beta), Fact::Redeemed).ending,
        Ending::Settled
    );
    assert_eq!(
        town.refused(&trade),
        OrderRefused::AlreadyCommitted(id),
        "also when it is over"
    );
}

#[test]
fn the_same_order_twice_in_one_batch_is_committed_once() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let op = || crate::op::Op::Order(Box::new(trade.cleared()));
    let (done, _) = town.run(vec![op(), op()]);
    let again = OrderRefused::AlreadyCommitted(trade.cleared().order.id());
    assert_eq!(done, [Ok(()), Err(Refused::Order(again))]);
}

#[test]
fn a_hashlock_twice_under_one_claims_key_is_refused() {
    // Requirement C-08.
    let mut town = Town::new();
    let mut trade = town.trade(1);
    town.order(&trade);
    (trade.quote, trade.terms.reservation.seq) = (1, 50);
    assert_eq!(town.refused(&trade), OrderRefused::HashReuse);
    trade.preimage = 51;
    town.order(&trade);
}

#[test]
fn nobody_can_block_an_order_by_copying_its_hashlock() {
    // Review 23: the key of whoever knows the preimage is part of the nullifier.
    let mut town = Town::new();
    let victim = town.trade(1);
    let mut thief = town.trade(2);
    thief.preimage = victim.preimage;
    town.order(&thief);
    town.order(&victim);
}

#[test]
fn a_reservation_twice_is_refused_whether_for_another_claim_or_the_same() {
    let mut town = Town::new();
    let first = town.trade(1);
    town.order(&first);
    let (bond, seq) = (account(PROVIDER), first.terms.reservation.seq);
    let mut other = town.trade(2);
    other.terms.reservation.seq = seq;
    assert_eq!(town.refused(&other), OrderRefused::ReservationUsed { bond, seq });
    let mut same = first.clone();
    (same.quote, same.preimage) = (1, 52);
    assert_eq!(town.refused(&same), OrderRefused::ReservationUsed { bond, seq });
    other.terms.reservation.seq += 50;
    town.order(&other);
}

#[test]
fn two_quotes_for_one_claim_on_one_reservation_are_honest_and_one_of_them_commits() {
    // Review 19: the claim came by two paths.
    let mut town = Town::new();
    let by_one = town.trade(1);
    let mut by_other = by_one.clone().over(&[34, 35]);
    by_other.quote = 1;
    town.order(&by_other);
    let (bond, seq) = (account(PROVIDER), by_one.terms.reservation.seq);
    let mut by_one = by_one;
    by_one.preimage = 53;
    assert_eq!(town.refused(&by_one), OrderRefused::ReservationUsed { bond, seq });
    assert_eq!(town.bond(PROVIDER), 900_000, "nothing but the reserve is gone");
}

#[test]
fn a_use_is_remembered_exactly_as_long_as_a_second_one_could_pass() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let claim = trade.claim.id();
    let claim = tagged_hash("kofo/mark/claim/v1", &[claim.as_bytes()]);
    let (hashlock, key) = (Preimage::new([1; 32]).hashlock(), trade.claim.key);
    let hashlock = tagged_hash("kofo/hl/v1", &[hashlock.as_bytes(), key.as_bytes()]);
    let seq = trade.terms.reservation.seq.to_le_bytes();
    let bond = account(PROVIDER);
    let reservation = tagged_hash("kofo/mark/reservation/v1", &[bond.as_bytes(), &seq]);
    let marked = |town: &Town, mark| used(&town.chain.ledger.state, mark).is_some();
    // The last batch into which the claim could come, and the first into which it could not.
    let slack = town.chain.ledger.genesis().params.clock_ms;
    let last = trade.claim.expires_ms + slack;
    town.until(last);
    assert!(marked(&town, &claim));
    town.until(last + 1);
    assert!(!marked(&town, &claim));
    assert_eq!(
        town.refused(&trade),
        OrderRefused::AlreadyCommitted(id),
        "it still goes on"
    );
    town.until(last + 2_000);
    // Another claim made while this one lived, with as long a life as there is.
    let last = last + MAX_CLAIM_LIFE_MS + slack;
    town.until(last);
    assert!(marked(&town, &reservation) && marked(&town, &hashlock));
    town.until(last + 1);
    assert!(!marked(&town, &reservation) && !marked(&town, &hashlock));
}

#[test]
fn an_order_that_is_over_and_forgotten_is_too_old_to_be_committed_again() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.settled(&trade).order;
    town.until(trade.claim.expires_ms + 5_000);
    assert_eq!(town.refused(&trade), OrderRefused::AlreadyCommitted(id));
    town.until(trade.claim.expires_ms + 2 * MAX_CLAIM_LIFE_MS);
    assert!(matches!(town.refused(&trade), OrderRefused::ClaimExpired { .. }));
}

#[test]
fn nothing_of_a_settled_order_stays_but_what_it_paid() {
    let mut town = Town::new();
    let count = |town: &Town| town.chain.ledger.state.entries().count();
    let small = |town: &Town, n| town.trade(n).fee(1_000, FeePayer::Claimant);
    let trade = small(&town, 1);
    town.settled(&trade);
    town.until(trade.terms.alpha_timelock.0 * 1_000 + 15 * DAY_MS);
    let once = count(&town);
    for n in 2..6 {
        let trade = small(&town, n);
        town.settled(&trade);
    }
    town.until(town.now() + 16 * DAY_MS);
    assert_eq!(count(&town), once);
}

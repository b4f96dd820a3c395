//! One reservation sold twice.

use crate::book::Purse;
use crate::checked::{CheckError, CheckedOp};
use crate::fixtures::{PROVIDER, account, network};
use crate::op::{DoubleQuote, Op};
use crate::orders::OrderRefused;
use crate::orders::fixtures::*;
use crate::refused::Refused;

fn evidence(first: &Trade, second: &Trade) -> Op {
    Op::DoubleQuote(Box::new(DoubleQuote {
        first: first.quoted(),
        second: second.quoted(),
    }))
}

/// Two claims on one reservation.
fn pair(town: &Town) -> (Trade, Trade) {
    let (first, mut second) = (town.trade(1), town.trade(2));
    second.terms.reservation.seq = first.terms.reservation.seq;
    (first, second)
}

fn why(op: Op) -> Option<CheckError> {
    CheckedOp::new(op, &network()).err()
}

fn no(refused: OrderRefused) -> Result<(), Refused> {
    Err(Refused::Order(refused))
}

#[test]
fn a_provider_that_sells_one_reservation_twice_forfeits_a_small_sum_once() {
    // Review 19 and requirement C-16: not the reserve, for nobody was harmed.
    let mut town = Town::new();
    let (first, second) = pair(&town);
    let seq = first.terms.reservation.seq;
    let mut third = town.trade(3);
    third.terms.reservation.seq = seq;
    let (done, _) = town.run(vec![evidence(&first, &second)]);
    assert_eq!(done, [Ok(())]);
    assert_eq!(town.bond(PROVIDER), 1_000_000 - 500);
    assert_eq!(town.has(Purse::Burnt), 500);
    let bond = account(PROVIDER);
    let punished = || no(OrderRefused::Punished { bond, seq });
    let again = vec![evidence(&second, &first), evidence(&first, &third)];
    assert_eq!(town.run(again).0, [punished(), punished()]);
    assert_eq!(town.bond(PROVIDER), 1_000_000 - 500);
}

#[test]
fn several_quotes_for_one_claim_are_no_evidence() {
    // Review 19.
    let town = Town::new();
    let first = town.trade(1);
    let mut second = first.clone().over(&[34, 35]);
    second.quote = 1;
    let one_claim = CheckError::DoubleQuote("they answer one claim");
    assert_eq!(why(evidence(&first, &second)), Some(one_claim));
}

#[test]
fn quotes_of_two_reservations_or_of_two_times_are_no_evidence() {
    let mut town = Town::new();
    let (first, mut second) = pair(&town);
    assert_eq!(why(evidence(&first, &second)), None);
    second.terms.reservation.seq += 1;
    let two = CheckError::DoubleQuote("they are of two reservations");
    assert_eq!(why(evidence(&first, &second)), Some(two));
    town.until(first.expires_ms);
    let mut after = town.trade(2);
    after.terms.reservation.seq = first.terms.reservation.seq;
    let over = CheckError::DoubleQuote("one was over before the other began");
    assert_eq!(why(evidence(&first, &after)), Some(over));
}

#[test]
fn evidence_that_anybody_else_made_is_none() {
    let town = Town::new();
    let (first, second) = pair(&town);
    let mut quotes = (first.quoted(), second.quoted());
    quotes.1.2.reservation.signature = quotes.0.2.reservation.signature;
    quotes.1.1.body.terms = quotes.1.2.digest();
    let forged = Op::DoubleQuote(Box::new(DoubleQuote {
        first: quotes.0,
        second: quotes.1,
    }));
    assert!(matches!(why(forged), Some(CheckError::DoubleQuote(_))));
}

#[test]
fn evidence_is_too_old_once_bonds_of_its_time_may_be_gone() {
    let mut town = Town::new();
    let (first, second) = pair(&town);
    let unbond_ms = town.chain.ledger.genesis().params.unbond_ms;
    town.until(first.expires_ms + unbond_ms);
    let (done, _) = town.run(vec![evidence(&first, &second)]);
    assert!(matches!(
        done[0],
        Err(Refused::Order(OrderRefused::OldEvidence { .. }))
    ));
}

#[test]
fn evidence_against_nothing_takes_nothing() {
    let mut town = Town::new();
    let (mut first, mut second) = pair(&town);
    for trade in [&mut first, &mut second] {
        trade.provider = 99;
    }
    let (done, _) = town.run(vec![evidence(&first, &second)]);
    assert_eq!(done, [no(OrderRefused::NoBond(account(99)))]);
    for trade in [&mut first, &mut second] {
        trade.terms.reservation.reserve = None;
    }
    let (done, _) = town.run(vec![evidence(&first, &second)]);
    assert_eq!(done, [no(OrderRefused::NoReserve)]);
}

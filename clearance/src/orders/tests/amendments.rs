//! Changes that both parties want.

use crate::fixtures::{CLAIMANT, PROVIDER, key};
use crate::op::{Amendment, Change, Fact, Op};
use crate::orders::OrderRefused;
use crate::orders::fixtures::*;
use crate::receipt::{Ending, Settlement};
use crate::refused::Refused;
use kofo_primitives::{LegId, Side, UnixTime};

fn amend(town: &mut Town, amendment: Amendment) -> (Result<(), Refused>, Vec<Settlement>) {
    let (done, ended) = town.run(vec![Op::Amend(Box::new(amendment))]);
    (done[0].clone(), ended)
}

fn later(trade: &Trade, by: u64) -> Change {
    let at = |time: UnixTime| UnixTime(time.0 + by);
    Change::Deadlines {
        alpha_lock_by: at(trade.terms.alpha_lock_by),
        beta_lock_by: at(trade.terms.beta_lock_by),
        redeem_by: at(trade.terms.redeem_by),
    }
}

#[test]
fn an_amendment_with_one_of_two_signatures_is_refused() {
    // Requirement ECH-C-12.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let right = trade.amendment(id, 0, Change::Cancel);
    let foreign = key(77).sign(&Amendment::digest(&right.network, id, 0, Change::Cancel));
    for half in [
        Amendment {
            claimant: foreign,
            ..right.clone()
        },
        Amendment {
            provider: foreign,
            ..right.clone()
        },
        Amendment {
            provider: right.claimant,
            ..right.clone()
        },
    ] {
        let refused = amend(&mut town, half).0;
        assert!(matches!(refused, Err(Refused::Order(OrderRefused::Unsigned(_)))));
    }
    let other = Amendment {
        change: later(&trade, 10),
        ..right.clone()
    };
    let refused = amend(&mut town, other).0;
    assert!(
        matches!(refused, Err(Refused::Order(OrderRefused::Unsigned(_)))),
        "for another change"
    );
    let (done, ended) = amend(&mut town, right);
    assert_eq!((done, ended[0].ending), (Ok(()), Ending::Cancelled));
    assert_eq!((town.free(CLAIMANT), town.bond(PROVIDER)), (1_000_000, 1_000_000));
    assert_eq!(town.chain.ledger.live(&id), None);
}

#[test]
fn after_a_lock_nothing_is_amended() {
    // Requirement ECH-C-12.
    for side in [Side::Alpha, Side::Beta] {
        let mut town = Town::new();
        let trade = town.trade(1);
        let id = town.order(&trade);
        town.see(&[1], (id, side), Fact::Seen);
        let (done, _) = amend(&mut town, trade.amendment(id, 0, later(&trade, 0)));
        assert_eq!(done, Ok(()), "one observer is not enough to stop it");
        town.see(&[2, 3], (id, side), Fact::Seen);
        let locked = OrderRefused::Locked(LegId::first(side));
        let (done, _) = amend(&mut town, trade.amendment(id, 1, Change::Cancel));
        assert_eq!(done, Err(Refused::Order(locked)));
    }
}

#[test]
fn deadlines_are_moved_within_the_timelocks_and_count_from_then_on() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let (done, _) = amend(&mut town, trade.amendment(id, 0, later(&trade, 601)));
    assert!(matches!(
        done,
        Err(Refused::Order(OrderRefused::Deadlines { .. }))
    ));
    let (done, _) = amend(&mut town, trade.amendment(id, 0, later(&trade, 600)));
    assert_eq!(done, Ok(()));
    town.until(trade.terms.alpha_lock_by.0 * 1_000 + 10_000);
    town.goes_on((id, Side::Alpha), Fact::Absent);
    town.until(trade.terms.alpha_lock_by.0 * 1_000 + 601_000);
    assert_eq!(
        town.ends((id, Side::Alpha), Fact::Absent).ending,
        Ending::NeverLocked
    );
}

#[test]
fn an_amendment_happens_once_and_in_its_turn() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let sooner = trade.amendment(id, 0, later(&trade, 0));
    let count = |have, want| Err(Refused::Order(OrderRefused::AmendmentCount { have, want }));
    assert_eq!(
        amend(&mut town, trade.amendment(id, 1, Change::Cancel)).0,
        count(1, 0)
    );
    assert_eq!(amend(&mut town, sooner.clone()).0, Ok(()));
    assert_eq!(amend(&mut town, sooner).0, count(0, 1));
    assert_eq!(
        amend(&mut town, trade.amendment(id, 1, Change::Cancel)).1.len(),
        1
    );
    let over = Err(Refused::Order(OrderRefused::Unknown(id)));
    assert_eq!(amend(&mut town, trade.amendment(id, 2, Change::Cancel)).0, over);
}

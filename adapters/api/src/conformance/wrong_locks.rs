//! Locks that are not as agreed.

use super::harness::{Who, WrongLocks};
use super::stage::{Leg, Stage};
use kofo_primitives::{Act, ActKind, Amount, At, FailClass};

/// Watches a leg that they lock in these portions of it, all in one block.
async fn locked_as<H: WrongLocks>(stage: &mut Stage<H>, portions: &[u128]) -> Leg {
    let leg = stage.watched(Who::Them).await;
    for units in portions {
        stage.chain.lock_units(&leg.redeemer, Amount::new(*units)).await;
    }
    stage.until_waiting(portions.len()).await;
    stage.mine(1).await;
    leg
}

async fn is_wrong<H: WrongLocks>(stage: &Stage<H>, leg: &Leg, locked: u128) {
    for peer in [&stage.us, &stage.them] {
        let told = peer
            .until_told(leg, "WrongAmount", super::Told::wrong_amount)
            .await;
        assert!(
            !matches!(told.lock, Some(At::Block(_))),
            "it counts as not locked: {told:?}"
        );
        let class = FailClass::WrongAmount {
            have: Amount::new(locked),
            need: leg.redeemer.amount,
        };
        assert!(told.failed.contains(&(ActKind::Lock, class)), "{told:?}");
    }
}

/// One unit too few.
pub async fn an_underfunded_lock_is_a_wrong_amount<H: WrongLocks>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let units = stage.chain.amount().units() - 1;
    let leg = locked_as(&mut stage, &[units]).await;
    is_wrong(&stage, &leg, units).await;
}

/// One unit too many.
pub async fn an_overfunded_lock_is_a_wrong_amount<H: WrongLocks>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let units = stage.chain.amount().units() + 1;
    let leg = locked_as(&mut stage, &[units]).await;
    is_wrong(&stage, &leg, units).await;
}

/// Twice the right one, or two halves, are no lock.
pub async fn two_locks_are_a_wrong_amount<H: WrongLocks>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let amount = stage.chain.amount().units();
    let leg = locked_as(&mut stage, &[amount, amount]).await;
    is_wrong(&stage, &leg, 2 * amount).await;
    let leg = locked_as(&mut stage, &[amount / 2, amount - amount / 2]).await;
    is_wrong(&stage, &leg, amount).await;
}

/// The payer gets all of it back.
pub async fn what_was_locked_wrongly_is_refunded_whole<H: WrongLocks>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let amount = stage.chain.amount().units();
    let leg = locked_as(&mut stage, &[amount, amount + 1]).await;
    stage.mine_until(leg.refunder.timelock).await;
    let before = stage.them.adapter.balance(&stage.chain.asset()).await;
    let before = before.expect("the node answers").units();
    let refund = stage.them.build(&leg, Act::Refund).await;
    stage.send(Who::Them, &leg, ActKind::Refund, &refund).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).refund, Some(At::Block(tip)));
    stage.finalise().await;
    stage.mine(1).await;
    let after = stage.them.adapter.balance(&stage.chain.asset()).await;
    let back = after.expect("the node answers").units() - before;
    let (all, fee) = (2 * amount + 1, stage.chain.most_fee().units());
    assert!(
        back <= all && back + fee >= all,
        "expected {all} less a fee, got {back}"
    );
}

/// Somebody adds a little to our lock so that it looks wrong, and redeems: the preimage is told all the same.
pub async fn what_is_added_to_a_lock_hides_no_preimage<H: WrongLocks>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let little = Amount::new(stage.chain.amount().units() / 10);
    stage.chain.lock_units(&leg.refunder, little).await;
    stage.until_waiting(1).await;
    stage.mine(1).await;
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    let tip = stage.mine(1).await;
    let told = stage.us.told(&leg);
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Block(tip))));
}

//! Where the money is in the end.

use super::harness::{Harness, Who};
use super::stage::Stage;
use kofo_primitives::{Act, ActKind, Amount, ChainAction};

/// What both can spend: ours, theirs.
async fn balances<H: Harness>(stage: &Stage<H>) -> [u128; 2] {
    let asset = stage.chain.asset();
    let ours = stage.us.adapter.balance(&asset).await.expect("the node answers");
    let theirs = stage
        .them
        .adapter
        .balance(&asset)
        .await
        .expect("the node answers");
    [ours.units(), theirs.units()]
}

/// Both forget the leg, and all that it left is final.
async fn over<H: Harness>(stage: &Stage<H>, leg: &super::Leg) {
    stage.finalise().await;
    for peer in [&stage.us, &stage.them] {
        peer.adapter.act(leg.of, ChainAction::Unwatch).await;
    }
    stage.mine(1).await;
}

/// At most so much was paid in fees, and nothing was made.
fn paid(lost: Option<u128>, most: Amount, what: &str) {
    let lost = lost.unwrap_or_else(|| panic!("{what}: money came from nowhere"));
    assert!(
        lost <= most.units(),
        "{what}: expected fees of at most {most}, {lost} are gone"
    );
}

/// Lock and redeem: to the unit, less the fees.
pub async fn a_redeemed_swap_moves_the_amount_and_nothing_else<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let [us, them] = balances(&stage).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let prepared = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &prepared).await;
    stage.mine(1).await;
    over(&stage, &leg).await;
    let [us_after, them_after] = balances(&stage).await;
    let (amount, fee) = (leg.refunder.amount.units(), stage.chain.most_fee());
    paid((us - amount).checked_sub(us_after), fee, "the payer");
    paid((them + amount).checked_sub(them_after), fee, "the payee");
}

/// Lock and refund: all comes back, less the fees.
pub async fn a_refunded_lock_costs_nothing_but_fees<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let [us, them] = balances(&stage).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage.mine_until(leg.refunder.timelock).await;
    let prepared = stage.us.build(&leg, Act::Refund).await;
    stage.send(Who::Us, &leg, ActKind::Refund, &prepared).await;
    stage.mine(1).await;
    over(&stage, &leg).await;
    let [us_after, them_after] = balances(&stage).await;
    let fees = Amount::new(2 * stage.chain.most_fee().units());
    paid(us.checked_sub(us_after), fees, "the payer");
    assert_eq!(them, them_after);
}

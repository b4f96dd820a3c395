//! Fees rise while something is unconfirmed: what protects money pays more, in time, and never more than it is worth.

use crate::harness::{Evm, Swapped};
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_primitives::{Act, ActKind, At, Prepared, UnixTime};
use serde_json::json;

const GWEI: u128 = 1_000_000_000;
/// What blocks cost before the jump. Our first version leaves room for twice as much, and a tip.
const BEFORE: u128 = 3 * GWEI;

/// The next block's base fee.
async fn base_fee(stage: &Stage<Evm>, wei: u128) {
    let fee = format!("{wei:#x}");
    stage
        .chain
        .rpc("anvil_setNextBlockBaseFeePerGas", json!([fee]))
        .await;
}

/// Does what the core does: sends the newest version that was offered.
async fn send_newest(stage: &Stage<Evm>, leg: &Leg, kind: ActKind, not_after: Option<UnixTime>) {
    let told = stage.us.told(leg);
    let newest = told.built.iter().rev().find(|(built, _)| *built == kind);
    if let Some((_, newest)) = newest {
        stage.us.broadcast_until(leg, kind, newest, not_after).await;
    }
}

/// A block of twelve seconds.
async fn next_block(stage: &Stage<Evm>) -> UnixTime {
    let time = UnixTime(stage.chain.tip().await.time.0 + 12);
    stage.mine_until(time).await;
    time
}

fn in_block(stage: &Stage<Evm>, leg: &Leg, kind: ActKind) -> bool {
    let told = stage.us.told(leg);
    let at = match kind {
        ActKind::Redeem => told.redeem.map(|(_, at)| at),
        _ => told.refund,
    };
    matches!(at, Some(At::Block(_)))
}

/// Sends at yesterday's price, lets fees jump tenfold, and mines until it is in a block; at what time that was.
async fn through_the_jump(
    stage: &Stage<Evm>,
    (leg, kind, first): (&Leg, ActKind, &Prepared),
    not_after: Option<UnixTime>,
) -> UnixTime {
    let before = stage.chain.waiting().await;
    stage.us.broadcast_until(leg, kind, first, not_after).await;
    stage.until_waiting(before + 1).await;
    for blocks in 0..40 {
        base_fee(stage, BEFORE * 10).await;
        let time = next_block(stage).await;
        if in_block(stage, leg, kind) {
            assert!(blocks > 0, "the first version pays too little for such a block");
            return time;
        }
        send_newest(stage, leg, kind, not_after).await;
    }
    panic!("expected the {kind:?} in a block: {:?}", stage.us.told(leg));
}

async fn dear_stage(test: &str, swapped: Swapped) -> Option<Stage<Evm>> {
    let chain = Evm::ready(test, swapped).await?;
    let stage = Stage::set(chain).await;
    base_fee(&stage, BEFORE).await;
    stage.mine(1).await;
    Some(stage)
}

async fn a_redeem_through_the_jump(test: &str, swapped: Swapped) {
    let Some(mut stage) = dear_stage(test, swapped).await else {
        return;
    };
    let (leg, _) = stage.locked(Who::Them).await;
    let redeem = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let deadline = UnixTime(stage.chain.tip().await.time.0 + 300);
    let at = through_the_jump(&stage, (&leg, ActKind::Redeem, &redeem), Some(deadline)).await;
    assert!(at <= deadline, "{at:?} is later than {deadline:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_jump_tenfold_while_a_redeem_is_unconfirmed_and_it_is_bumped_and_confirms_before_the_deadline() {
    a_redeem_through_the_jump("redeem through a jump", Swapped::Eth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_jump_tenfold_while_a_redeem_of_a_token_is_unconfirmed_and_it_confirms_before_the_deadline() {
    a_redeem_through_the_jump("token through a jump", Swapped::Token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_jump_tenfold_while_a_refund_is_unconfirmed_and_it_is_bumped_and_confirms() {
    let Some(mut stage) = dear_stage("refund through a jump", Swapped::Eth).await else {
        return;
    };
    let (leg, _) = stage.locked(Who::Us).await;
    let timelock = leg.refunder.timelock;
    base_fee(&stage, BEFORE).await;
    stage.mine_until(timelock).await;
    let refund = stage.us.build(&leg, Act::Refund).await;
    let at = through_the_jump(&stage, (&leg, ActKind::Refund, &refund), None).await;
    let patience = 12 * stage.chain.config.fees.patience;
    assert!(at.0 <= timelock.0 + patience, "{at:?} is long after {timelock:?}");
}

/// What the transaction that waits would pay for a gas at most.
async fn offered(stage: &Stage<Evm>) -> Option<u128> {
    let content = stage.chain.rpc("txpool_content", json!([])).await;
    let accounts = content["pending"].as_object().unwrap().values();
    let waiting = accounts.flat_map(|account| account.as_object().unwrap().values());
    let fee = |tx: &serde_json::Value| {
        let fee = tx["maxFeePerGas"].as_str().unwrap();
        u128::from_str_radix(fee.trim_start_matches("0x"), 16).unwrap()
    };
    waiting.map(fee).max()
}

/// A block that takes nothing, after which the pool is empty.
async fn shunning_block(stage: &Stage<Evm>) {
    let turn = stage.chain.proxy.behaviour.turn.write().await;
    stage.chain.rpc("anvil_dropAllTransactions", json!([])).await;
    let time = UnixTime(stage.chain.tip().await.time.0 + 12);
    stage.chain.mine_until(time).await;
    drop(turn);
    stage.settled().await;
}

/// Sends a redeem that no miner ever takes, although it pays enough for every block, until its deadline; all that was
/// offered for it, in order.
async fn shunned_until_the_deadline(stage: &mut Stage<Evm>) -> Vec<u128> {
    let (leg, _) = stage.locked(Who::Them).await;
    let redeem = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let deadline = UnixTime(stage.chain.tip().await.time.0 + 600);
    stage
        .us
        .broadcast_until(&leg, ActKind::Redeem, &redeem, Some(deadline))
        .await;
    stage.until_waiting(1).await;
    let mut fees = Vec::new();
    while stage.chain.tip().await.time.0 + 12 <= deadline.0 {
        fees.extend(offered(stage).await);
        shunning_block(stage).await;
        send_newest(stage, &leg, ActKind::Redeem, Some(deadline)).await;
        stage.until_waiting(1).await;
    }
    fees.extend(offered(stage).await);
    fees
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeem_that_nobody_mines_pays_step_by_step_more_and_the_most_before_its_deadline() {
    let Some(mut stage) = dear_stage("shunned redeem", Swapped::Eth).await else {
        return;
    };
    let fees = shunned_until_the_deadline(&mut stage).await;
    let steps = fees.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!(fees.is_sorted() && steps > 5, "{fees:?}");
    assert_eq!(fees.last(), Some(&stage.chain.config.fees.cap), "{fees:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bump_never_pays_more_than_the_value_at_risk_justifies() {
    let Some(mut chain) = Evm::ready("value at risk", Swapped::Eth).await else {
        return;
    };
    chain.config.fees.cap = 20_000 * GWEI;
    let half = chain.amount().units() / 2;
    let mut stage = Stage::set(chain).await;
    let fees = shunned_until_the_deadline(&mut stage).await;
    // The gas limit of a redeem of coins.
    let justified = half / 80_000;
    assert!(justified < stage.chain.config.fees.cap);
    assert_eq!(fees.last(), Some(&justified), "{fees:?}");
    assert!(fees.iter().all(|fee| *fee <= justified), "{fees:?}");
}

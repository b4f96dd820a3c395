//! Fees that jump while something waits.

use crate::world::{World, broadcast_newest, fee, redeem_built, settled, world};
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Told, Who};
use kofo_primitives::{Act, ActKind, Amount, At};
use serde_json::{Value, json};

/// What our adapter pays first: regtest has seen too little to estimate.
const USUAL: u64 = 2;
/// A leg that can bear a jump of fees.
const AMOUNT: u64 = 200_000;

/// Our node estimates so many satoshi per vbyte from now on.
fn estimate(stage: &Stage<World>, rate: u64) {
    let btc_per_kvb = rate as f64 / 1e5;
    stage.chain.ours.lie(move |method: &str, _: &Value, _: &Value| {
        (method == "estimatesmartfee").then(|| json!({"feerate": btc_per_kvb, "blocks": 2}))
    });
}

/// Blocks come every ten minutes and take nothing that pays less than `least`; the core sends whatever was built
/// last. Gives the number of blocks until the act is in one.
async fn blocks_until(
    stage: &Stage<World>,
    leg: &Leg,
    (kind, least): (ActKind, u64),
    there: impl Fn(&Told) -> bool,
) -> u64 {
    for blocks in 1..=40 {
        stage.chain.mine_dear(least).await;
        settled(stage).await;
        if there(&stage.us.told(leg)) {
            return blocks;
        }
        let newest = broadcast_newest(stage, leg, kind).await;
        in_mempool(stage, &newest).await;
    }
    panic!("expected {kind:?} in one of 40 blocks: {:?}", stage.us.told(leg));
}

/// Waits until bitcoind has this version.
async fn in_mempool(stage: &Stage<World>, version: &kofo_primitives::Prepared) {
    let txid = crate::world::transaction(version).compute_txid().to_string();
    let taken = async {
        while stage
            .chain
            .rpc("getrawmempool", json!([]))
            .await
            .as_array()
            .unwrap()
            .iter()
            .all(|t| *t != txid)
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let taken = tokio::time::timeout(std::time::Duration::from_secs(120), taken).await;
    assert!(taken.is_ok(), "expected {txid} in the mempool");
}

fn redeemed(told: &Told) -> bool {
    matches!(told.redeem, Some((_, At::Block(_))))
}

fn refunded(told: &Told) -> bool {
    matches!(told.refund, Some(At::Block(_)))
}

fn versions(told: &Told, kind: ActKind) -> Vec<u64> {
    let of_kind = told.built.iter().filter(|(built, _)| *built == kind);
    of_kind.map(|(_, prepared)| fee(prepared)).collect()
}

#[tokio::test]
async fn fees_jump_tenfold_while_a_redeem_is_unconfirmed_and_it_is_bumped_and_confirms_before_the_deadline() {
    let test = "fees_jump_tenfold_while_a_redeem_is_unconfirmed";
    let Some(mut stage) = world(test, AMOUNT, false).await else {
        return;
    };
    let (leg, first) = redeem_built(&mut stage).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &first).await;
    in_mempool(&stage, &first).await;
    estimate(&stage, 10 * USUAL);
    stage.chain.mine_dear(10 * USUAL).await;
    let bumped = |told: &Told| versions(told, ActKind::Redeem).len() > 1;
    stage.us.until_told(&leg, "a bump after one block", bumped).await;
    let second = broadcast_newest(&stage, &leg, ActKind::Redeem).await;
    in_mempool(&stage, &second).await;
    stage.chain.mine_dear(10 * USUAL).await;
    settled(&stage).await;
    assert!(redeemed(&stage.us.told(&leg)), "{:?}", stage.us.told(&leg));
    assert!(stage.chain.tip().await.time < leg.redeemer.timelock);
}

#[tokio::test]
async fn a_jump_that_no_estimate_tells_of_is_outgrown_before_the_deadline() {
    let test = "a_jump_that_no_estimate_tells_of_is_outgrown_before_the_deadline";
    let Some(mut stage) = world(test, AMOUNT, false).await else {
        return;
    };
    let (leg, first) = redeem_built(&mut stage).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &first).await;
    in_mempool(&stage, &first).await;
    // Ninety-five times as much, and nothing but the blocks shows it.
    blocks_until(&stage, &leg, (ActKind::Redeem, 190), redeemed).await;
    assert!(stage.chain.tip().await.time < leg.redeemer.timelock);
    let paid = versions(&stage.us.told(&leg), ActKind::Redeem);
    assert!(
        paid.len() <= 20 && paid.is_sorted(),
        "few steps, each dearer: {paid:?}"
    );
}

#[tokio::test]
async fn fees_jump_tenfold_while_a_refund_is_unconfirmed_and_it_is_bumped_and_confirms() {
    let test = "fees_jump_tenfold_while_a_refund_is_unconfirmed";
    let Some(mut stage) = world(test, AMOUNT, false).await else {
        return;
    };
    let (leg, _) = stage.locked(Who::Us).await;
    stage.chain.mine_until(leg.refunder.timelock).await;
    settled(&stage).await;
    let first = stage.us.build(&leg, Act::Refund).await;
    stage.us.broadcast(&leg, ActKind::Refund, &first).await;
    in_mempool(&stage, &first).await;
    let blocks = blocks_until(&stage, &leg, (ActKind::Refund, 10 * USUAL), refunded).await;
    assert!(
        blocks <= 7,
        "a refund pays its cap after six blocks, this one took {blocks}"
    );
}

#[tokio::test]
async fn a_bump_never_pays_more_than_the_value_at_risk_justifies() {
    const SMALL: u64 = 20_000;
    let test = "a_bump_never_pays_more_than_the_value_at_risk_justifies";
    let Some(mut stage) = world(test, SMALL, false).await else {
        return;
    };
    let (leg, first) = redeem_built(&mut stage).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &first).await;
    in_mempool(&stage, &first).await;
    estimate(&stage, 5_000);
    for _ in 0..20 {
        // No block takes it, whatever it pays.
        stage.chain.mine_dear(u64::MAX).await;
        settled(&stage).await;
        let newest = broadcast_newest(&stage, &leg, ActKind::Redeem).await;
        in_mempool(&stage, &newest).await;
    }
    let paid = versions(&stage.us.told(&leg), ActKind::Redeem);
    let most = paid.iter().max().unwrap();
    // Half of it, and the schedule went there.
    assert!((SMALL / 2 - 300..=SMALL / 2).contains(most), "{paid:?}");
}

#[tokio::test]
async fn the_least_amount_rises_with_the_fee() {
    let test = "the_least_amount_rises_with_the_fee";
    let Some(mut stage) = world(test, AMOUNT, false).await else {
        return;
    };
    let mut leg = stage.agree(Who::Them).await;
    leg.redeemer.amount = Amount::new(1_000);
    let mut least = Vec::new();
    for rate in [USUAL, 10 * USUAL] {
        estimate(&stage, rate);
        let refused = stage.us.adapter.check(leg.of, &leg.redeemer).await.unwrap_err();
        let AdapterError::Uneconomic { least: now, .. } = refused else {
            panic!("expected a refusal for the fees, got {refused}");
        };
        least.push(now.units());
        leg.redeemer.amount = now;
        assert!(stage.us.adapter.check(leg.of, &leg.redeemer).await.is_ok());
        leg.redeemer.amount = Amount::new(1_000);
    }
    assert_eq!(least[1], 10 * least[0]);
}

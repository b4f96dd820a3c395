//! Redeems that nobody can take from us any more go in one transaction, as long as there is time for it to fail.

use crate::harness::{Evm, Swapped};
use kofo_adapter_api::conformance::harness::Stranger;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_primitives::{Act, ActKind, At, UnixTime};
use serde_json::{Value, json};
use std::time::Duration;

async fn stage(test: &str, swapped: Swapped) -> Option<Stage<Evm>> {
    let mut chain = Evm::ready(test, swapped).await?;
    // Time to hear of all of them, also on a machine that does much else.
    chain.config.poll = Duration::from_millis(300);
    Some(Stage::set(chain).await)
}

/// So many legs that they lock for us, in one block.
async fn locked(stage: &mut Stage<Evm>, count: usize) -> Vec<Leg> {
    let mut legs = Vec::new();
    for _ in 0..count {
        legs.push(stage.watched(Who::Them).await);
    }
    for leg in &legs {
        let lock = stage.them.build(leg, Act::Lock).await;
        stage.them.broadcast(leg, ActKind::Lock, &lock).await;
    }
    stage.until_waiting(count).await;
    stage.mine(1).await;
    legs
}

/// Asks for all redeems at once.
async fn redeem(stage: &Stage<Evm>, legs: &[Leg], not_after: Option<UnixTime>) {
    let mut built = Vec::new();
    for leg in legs {
        built.push(stage.us.build(leg, Act::Redeem(leg.preimage.clone())).await);
    }
    for (leg, redeem) in legs.iter().zip(&built) {
        stage
            .us
            .broadcast_until(leg, ActKind::Redeem, redeem, not_after)
            .await;
    }
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// The gas of each transaction in the newest block.
async fn gas_of_block(stage: &Stage<Evm>) -> Vec<u64> {
    let block = stage
        .chain
        .rpc("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let mut gas = Vec::new();
    for hash in block["transactions"].as_array().unwrap() {
        let receipt = stage.chain.rpc("eth_getTransactionReceipt", json!([hash])).await;
        gas.push(number(&receipt["gasUsed"]));
    }
    gas
}

fn redeemed_at(stage: &Stage<Evm>, leg: &Leg) -> Option<At> {
    stage.us.told(leg).redeem.map(|(_, at)| at)
}

async fn many_go_in_one(test: &str, swapped: Swapped, count: usize) {
    let Some(mut stage) = stage(test, swapped).await else {
        return;
    };
    let alone = locked(&mut stage, 1).await;
    redeem(&stage, &alone, None).await;
    stage.until_waiting(1).await;
    stage.mine(1).await;
    let single = gas_of_block(&stage).await[0];

    let legs = locked(&mut stage, count).await;
    redeem(&stage, &legs, None).await;
    for leg in &legs {
        let shown = |told: &kofo_adapter_api::conformance::Told| told.redeem.is_some();
        stage.us.until_told(leg, "the redeem to be sent", shown).await;
    }
    let tip = stage.mine(1).await;
    let gas = gas_of_block(&stage).await;
    assert_eq!(gas.len(), 1, "{gas:?}");
    let each = gas[0] / u64::try_from(count).unwrap();
    assert!(
        each * 2 < single,
        "{each} gas for each of {count}, {single} for one alone"
    );
    for leg in &legs {
        assert_eq!(redeemed_at(&stage, leg), Some(At::Block(tip)));
        let told = stage.them.told(leg).redeem;
        assert_eq!(
            told,
            Some((leg.preimage.clone(), At::Block(tip))),
            "it shows the preimage to them"
        );
        assert!(stage.us.told(leg).failed.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_redeems_that_wait_at_once_take_one_transaction_and_less_than_half_the_gas() {
    many_go_in_one("batch of coins", Swapped::Eth, 32).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_redeems_of_a_token_take_one_transaction_and_less_than_half_the_gas() {
    many_go_in_one("batch of tokens", Swapped::Token, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeem_that_somebody_makes_in_front_of_the_batch_does_not_stop_the_others() {
    let Some(mut stage) = stage("front-run batch", Swapped::Eth).await else {
        return;
    };
    let legs = locked(&mut stage, 4).await;
    // Pays more than we do, so that it comes first in the block.
    stage
        .chain
        .redeem_as_stranger(legs[1].spec(Who::Us), &legs[1].preimage)
        .await;
    redeem(&stage, &legs, None).await;
    stage.until_waiting(2).await;
    let tip = stage.mine(1).await;
    assert_eq!(gas_of_block(&stage).await.len(), 2, "the stranger's and ours");
    for leg in &legs {
        assert_eq!(redeemed_at(&stage, leg), Some(At::Block(tip)));
        assert!(stage.us.told(leg).failed.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_their_timelocks_and_with_preimages_that_nobody_knows_redeems_go_alone() {
    let Some(mut stage) = stage("no batch", Swapped::Eth).await else {
        return;
    };
    let legs = locked(&mut stage, 4).await;
    let (secret, late) = legs.split_at(2);
    let until = UnixTime(secret[0].redeemer.timelock.0 - 60);
    redeem(&stage, secret, Some(until)).await;
    stage.until_waiting(2).await;
    stage.mine(1).await;
    assert_eq!(gas_of_block(&stage).await.len(), 2, "unrevealed");

    stage
        .mine_until(UnixTime(late[0].redeemer.timelock.0 - 900))
        .await;
    redeem(&stage, late, None).await;
    stage.until_waiting(2).await;
    let tip = stage.mine(1).await;
    assert_eq!(gas_of_block(&stage).await.len(), 2, "near the timelock");
    assert!(
        late.iter()
            .all(|leg| redeemed_at(&stage, leg) == Some(At::Block(tip)))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_no_block_takes_in_time_comes_apart() {
    let Some(mut stage) = stage("stuck batch", Swapped::Eth).await else {
        return;
    };
    let legs = locked(&mut stage, 3).await;
    redeem(&stage, &legs, None).await;
    stage.until_waiting(1).await;
    for block in 0..8 {
        let waiting = stage.chain.waiting().await;
        assert!(
            block > 3 || waiting == 1,
            "{waiting} transactions after {block} blocks"
        );
        // Nobody mines what is there.
        let turn = stage.chain.proxy.behaviour.turn.write().await;
        stage.chain.rpc("anvil_dropAllTransactions", json!([])).await;
        stage.chain.mine(1).await;
        drop(turn);
        stage.settled().await;
        stage.until_waiting(1).await;
    }
    stage.until_waiting(2).await;
    for _ in 0..3 {
        stage.mine(1).await;
    }
    for leg in &legs {
        assert!(
            matches!(redeemed_at(&stage, leg), Some(At::Block(_))),
            "{:?}",
            stage.us.told(leg)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_reverts_is_tried_again_one_by_one() {
    let Some(mut stage) = stage("reverting batch", Swapped::BlockingToken).await else {
        return;
    };
    let legs = locked(&mut stage, 2).await;
    redeem(&stage, &legs, None).await;
    stage.until_waiting(1).await;
    // The token refuses us, for one block.
    let us = stage.chain.owner(Who::Us).await;
    stage.chain.ban(us).await;
    stage.settled().await;
    stage.until_waiting(2).await;
    assert!(
        legs.iter().all(|leg| stage.us.told(leg).failed.is_empty()),
        "a batch blames no leg"
    );
}

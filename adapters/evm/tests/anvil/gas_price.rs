//! What is paid for gas where the node names one price: never less than the floor, never more than the cap.

use crate::harness::{Evm, Swapped};
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Leg, Stage, Who};
use kofo_primitives::{Act, ActKind, Amount, At, FailClass, Prepared};
use serde_json::json;

const GWEI: u128 = 1_000_000_000;

/// From now on gas costs so much, as far as our nodes know.
fn gas_costs(stage: &Stage<Evm>, wei: u128) {
    *stage.chain.proxy.behaviour.gas_price.lock().unwrap() = Some(wei);
}

/// Sends it, mines it as the only one of its block, and gives the gas price that it paid.
async fn paid(stage: &Stage<Evm>, who: Who, act: (&Leg, ActKind, &Prepared)) -> u128 {
    let (leg, kind, prepared) = act;
    stage.send(who, leg, kind, prepared).await;
    stage.mine(1).await;
    let block = stage
        .chain
        .rpc("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    let transactions = block["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 1, "{transactions:?}");
    let price = transactions[0]["gasPrice"].as_str().unwrap();
    u128::from_str_radix(price.trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_gas_costs_nothing_the_floor_is_paid() {
    let Some(chain) = Evm::ready("gas for nothing", Swapped::Ec).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    gas_costs(&stage, 0);
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    assert_eq!(
        paid(&stage, Who::Us, (&leg, ActKind::Lock, &lock)).await,
        2 * GWEI
    );
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    assert_eq!(
        paid(&stage, Who::Them, (&leg, ActKind::Redeem, &redeem)).await,
        2 * GWEI
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_cap_nothing_is_locked_but_redeem_and_refund_are_sent_at_the_cap() {
    let Some(chain) = Evm::ready("dear gas", Swapped::Ec).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (to_redeem, _) = stage.locked(Who::Us).await;
    let (to_refund, _) = stage.locked(Who::Us).await;
    gas_costs(&stage, 500 * GWEI);
    let leg = stage.watched(Who::Us).await;
    let refused = stage.us.try_build(&leg, Act::Lock).await;
    let (need, most) = (Amount::new(500 * GWEI), Amount::new(100 * GWEI));
    assert_eq!(refused.err(), Some(FailClass::FeeCap { need, most }));

    let redeem = stage
        .them
        .build(&to_redeem, Act::Redeem(to_redeem.preimage.clone()))
        .await;
    let redeem = (&to_redeem, ActKind::Redeem, &redeem);
    assert_eq!(paid(&stage, Who::Them, redeem).await, 100 * GWEI);
    let told = stage.us.told(&to_redeem).redeem;
    assert!(matches!(told, Some((_, At::Block(_)))), "{told:?}");

    stage.mine_until(to_refund.refunder.timelock).await;
    let refund = stage.us.build(&to_refund, Act::Refund).await;
    let refund = (&to_refund, ActKind::Refund, &refund);
    assert_eq!(paid(&stage, Who::Us, refund).await, 100 * GWEI);
    let told = stage.us.told(&to_refund).refund;
    assert!(matches!(told, Some(At::Block(_))), "{told:?}");
}

/// The least amount that is worth its fees today.
async fn least(stage: &Stage<Evm>, leg: &Leg) -> u128 {
    let mut tiny = leg.refunder.clone();
    tiny.amount = Amount::new(1);
    match stage.us.adapter.check(leg.of, &tiny).await {
        Err(AdapterError::Uneconomic { have, least, .. }) => {
            assert_eq!(have, Amount::new(1));
            least.units()
        }
        other => panic!("expected one wei to be too little, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_amount_that_is_accepted_follows_the_price_of_gas() {
    let Some(chain) = Evm::ready("least amount", Swapped::Ec).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let mut leg = stage.agree(Who::Us).await;
    gas_costs(&stage, 4 * GWEI);
    let cheap = least(&stage, &leg).await;
    gas_costs(&stage, 8 * GWEI);
    let dear = least(&stage, &leg).await;
    assert_eq!(dear, 2 * cheap);
    leg.refunder.amount = Amount::new(cheap);
    let check = async || stage.us.adapter.check(leg.of, &leg.refunder).await;
    assert!(matches!(check().await, Err(AdapterError::Uneconomic { .. })));
    gas_costs(&stage, 4 * GWEI);
    let today = check().await;
    assert!(today.is_ok(), "{today:?}");
}

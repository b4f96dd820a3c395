//! A redeem that pays somebody else, whose address may have code: that code is asked before a preimage is shown.

use crate::harness::{Evm, MERCHANT, Swapped};
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::harness::{Harness, Merchant, Overheard};
use kofo_adapter_api::conformance::{Leg, Stage, Who};
use kofo_primitives::{Act, ActKind, Amount, At, FailClass};
use serde_json::json;

/// STOP: takes everything.
const TAKES: &str = "0x00";
/// Reverts if anything is paid.
const REFUSES: &str = "0x34600557005b60006000fd";
/// Fails as no contract does on purpose: POP on an empty stack.
const BREAKS: &str = "0x50";
/// Takes it in the end, but never ends.
const BURNS: &str = "0x5b600056";

/// Takes everything, and needs nearly all the gas that it may: nine cold reads of storage.
fn needy() -> String {
    let reads = (0..9).map(|slot| format!("60{slot:02x}5450"));
    format!("0x{}", reads.collect::<String>())
}

async fn becomes(chain: &Evm, code: &str) {
    chain.rpc("anvil_setCode", json!([MERCHANT, code])).await;
}

async fn agreed(stage: &mut Stage<Evm>) -> Leg {
    let merchant = stage.chain.merchant().await;
    stage.agree_paying(Who::Them, &merchant).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_whose_code_takes_no_coins_is_refused_before_anything_is_locked() {
    let Some(chain) = Evm::ready("payees with code", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = agreed(&mut stage).await;
    for (code, takes) in [(TAKES, true), (REFUSES, false), (BURNS, false), ("0x", true)] {
        becomes(&stage.chain, code).await;
        let checked = stage.us.adapter.check(leg.of, &leg.redeemer).await;
        match checked {
            Ok(()) => assert!(takes, "{code} does not take coins"),
            Err(AdapterError::PayeeRefused { why, .. }) => {
                assert!(!takes && why.contains(&MERCHANT.to_string()), "{code}: {why}");
            }
            Err(other) => panic!("{code}: {other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_that_refuses_after_the_lock_is_shown_no_preimage_and_is_paid_when_it_takes_again() {
    let Some(chain) = Evm::ready("a payee that changes", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = agreed(&mut stage).await;
    stage.lock(&leg).await;
    let redeem = || Act::Redeem(leg.preimage.clone());
    for code in [REFUSES, BURNS, BREAKS] {
        becomes(&stage.chain, code).await;
        let built = stage.us.try_build(&leg, redeem()).await;
        assert!(matches!(built, Err(FailClass::Refused(_))), "{code}: {built:?}");
    }
    let shown = stage.chain.requests_with(leg.preimage.expose()).await;
    assert_eq!(shown, Vec::<String>::new());
    // What passes the trial is paid with the gas that every redeem has.
    becomes(&stage.chain, &needy()).await;
    let prepared = stage.us.build(&leg, redeem()).await;
    stage.send(Who::Us, &leg, ActKind::Redeem, &prepared).await;
    let at = At::Block(stage.mine(1).await);
    assert_eq!(stage.them.told(&leg).redeem, Some((leg.preimage.clone(), at)));
    assert_eq!(stage.chain.merchant_has().await, stage.chain.amount());
    assert_ne!(stage.chain.amount(), Amount::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_that_the_token_blocks_after_the_lock_is_shown_no_preimage() {
    let Some(chain) = Evm::ready("a blocked payee", Swapped::BlockingToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = agreed(&mut stage).await;
    stage.lock(&leg).await;
    stage.chain.ban(MERCHANT).await;
    stage.settled().await;
    let built = stage.us.try_build(&leg, Act::Redeem(leg.preimage.clone())).await;
    assert!(matches!(built, Err(FailClass::Refused(_))), "{built:?}");
    let shown = stage.chain.requests_with(leg.preimage.expose()).await;
    assert_eq!(shown, Vec::<String>::new());
}

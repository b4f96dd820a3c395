//! Two endpoints, one of which lies: ours or the witness. Nothing is told that only the liar says, nothing is missed that
//! the other one shows, and the chain is called faulty until they agree again.

mod two;
mod waiting;

use crate::harness::Swapped;
use alloy::hex;
use alloy::primitives::{Address, U256};
use kofo_adapter_api::conformance::{Harness, Leg, Told, Who};
use kofo_primitives::{Act, ActKind, At, Health};
use serde_json::{Value, json};
use two::{Liar, Two, add, heard_by, is, is_block, number};

const GWEI: u128 = 1_000_000_000;

/// Each test for either liar.
macro_rules! either_lies {
    ($($name:ident => $story:ident),* $(,)?) => {
        mod ours_lies {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$story(stringify!($name), super::Liar::Ours).await;
            })*
        }
        mod the_witness_lies {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$story(stringify!($name), super::Liar::Witness).await;
            })*
        }
    };
}

either_lies! {
    a_height_that_nobody_else_has_is_not_told => a_wrong_height,
    a_block_that_nobody_else_has_makes_no_lock_deeper => a_wrong_hash,
    a_time_that_nobody_else_has_is_not_told_and_refunds_nothing => a_later_time,
    a_lock_that_nobody_else_sees_is_not_told => a_forged_lock,
    a_lock_that_somebody_does_not_see_is_not_final => a_hidden_lock,
    a_redeem_that_somebody_hides_is_told_by_the_other => a_hidden_redeem,
    a_redeem_that_nobody_else_saw_ends_nothing => a_forged_log,
    a_forged_receipt_makes_no_lock_dead => a_forged_receipt,
    a_price_that_nobody_else_names_is_not_paid => an_inflated_price,
    a_late_and_dear_block_that_nobody_else_has_makes_no_redeem_dearer => a_late_and_dear_block,
}

/// Blocks change under this lie: no tip of ours differs from the honest chain's.
async fn only_honest_tips(two: &Two, lie: impl Fn(&mut Value) + Send + Sync + 'static) {
    let mark = two.stage.us.mark();
    two.lie(move |request, block| {
        if is_block(request) && !block.is_null() {
            lie(block);
        }
    });
    for _ in 0..3 {
        two.mine_apart(1).await;
    }
    two.told_health(mark, Health::Fault).await;
    assert_eq!(two.stage.us.tips(mark), vec![], "no block counts meanwhile");
    two.agrees_again(mark).await;
    assert_eq!(two.stage.us.tips(mark).last(), Some(&two.stage.chain.tip().await));
}

async fn a_wrong_height(test: &str, liar: Liar) {
    let Some(two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    two.stage.settled().await;
    only_honest_tips(&two, |block| add(&mut block["number"], 7)).await;
}

async fn a_wrong_hash(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let at = two.stage.us.told(&leg).lock;
    only_honest_tips(&two, |block| {
        block["hash"] = json!(format!("0x{}", "ab".repeat(32)))
    })
    .await;
    assert_eq!(two.stage.us.told(&leg).lock, at);
}

async fn a_later_time(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Us).await;
    let refund = two.stage.us.build(&leg, Act::Refund).await;
    two.stage.us.broadcast(&leg, ActKind::Refund, &refund).await;
    only_honest_tips(&two, |block| add(&mut block["timestamp"], 100_000)).await;
    // A refund names the hashlock, a lock does not.
    let hashlock = leg.refunder.hashlock.as_bytes();
    assert!(!heard_by(&two.stage.chain.proxy, hashlock) && !heard_by(&two.witness, hashlock));
}

/// Answers for slots as this says; `honest` is what the contract says.
fn slots_are(two: &Two, honest: &'static str, lie: impl Fn(&str) -> String + Send + Sync + 'static) {
    let contract = format!("{:?}", two.stage.chain.contract()).to_lowercase();
    two.lie(move |request, result| {
        let to = request["params"][0]["to"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        if is(request, "eth_call") && to == contract {
            let words = result.as_str().unwrap();
            assert!(words.len() > honest.len());
            *result = json!(lie(words));
        }
    });
}

fn commitment(leg: &Leg) -> String {
    let spec = &leg.refunder;
    let redeemer = Address::from_slice(spec.redeemer.as_slice());
    let terms = kofo_evm::terms((*spec.hashlock.as_bytes()).into(), redeemer, spec.timelock.0);
    let amount = U256::from(spec.amount.units());
    hex::encode(kofo_evm::commitment(terms, amount, Address::ZERO))
}

async fn a_forged_lock(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let leg = two.stage.watched(Who::Them).await;
    let (mark, forged) = (two.stage.us.mark(), commitment(&leg));
    slots_are(&two, "0x", move |words| {
        // Offset, length, and the value of the one slot.
        format!("{}{forged}", &words[..words.len() - 64])
    });
    two.mine_apart(3).await;
    two.told_health(mark, Health::Fault).await;
    assert_eq!(two.stage.us.told(&leg).lock, None);
    two.agrees_again(mark).await;
    assert_eq!(two.stage.us.told(&leg).lock, None);
}

async fn a_hidden_lock(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let leg = two.stage.watched(Who::Them).await;
    let lock = two.stage.them.build(&leg, Act::Lock).await;
    two.stage.send(Who::Them, &leg, ActKind::Lock, &lock).await;
    let mark = two.stage.us.mark();
    slots_are(&two, "0x", |words| {
        format!("{}{}", &words[..words.len() - 64], "0".repeat(64))
    });
    let locked = two.mine_apart(1).await.height;
    two.told_health(mark, Health::Fault).await;
    assert_eq!(two.stage.us.told(&leg).lock, None);
    two.agrees_again(mark).await;
    assert_eq!(two.stage.us.told(&leg).lock, Some(At::Block(locked)));
}

async fn a_hidden_redeem(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Us).await;
    two.blind();
    let mark = two.stage.us.mark();
    two.lie(|request, result| {
        if is(request, "eth_getLogs") {
            *result = json!([]);
        }
    });
    let redeem = two
        .stage
        .them
        .build(&leg, Act::Redeem(leg.preimage.clone()))
        .await;
    two.stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    let at = two.mine_apart(1).await.height;
    let shown = |told: &Told| told.redeem.is_some();
    let told = two.stage.us.until_told(&leg, "the preimage", shown).await;
    assert_eq!(
        told.redeem,
        Some((leg.preimage.clone(), At::Mempool)),
        "the block is not agreed on"
    );
    two.told_health(mark, Health::Fault).await;
    two.agrees_again(mark).await;
    assert_eq!(
        two.stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(at)))
    );
}

async fn a_forged_log(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Us).await;
    let mark = two.stage.us.mark();
    // "It was returned to its owner."
    let owner = Address::from_slice(&leg.refunder.refunder.as_slice()[..20]);
    let lane = u16::from_be_bytes(leg.refunder.refunder.as_slice()[20..].try_into().unwrap());
    let slot = format!("{:#066x}", kofo_evm::slot(owner, lane));
    let contract = two.stage.chain.contract();
    two.lie(move |request, result| {
        if is(request, "eth_getLogs") {
            let signature = alloy::primitives::keccak256("Returned(uint256)");
            let block = request["params"][0]["blockHash"].clone();
            let zero = json!(format!("0x{}", "0".repeat(64)));
            *result = json!([{
                "address": contract, "topics": [signature, slot], "data": "0x", "blockNumber": "0x1",
                "blockHash": if block.is_null() { zero.clone() } else { block }, "transactionHash": zero,
                "transactionIndex": "0x0", "logIndex": "0x0", "removed": false,
            }]);
        }
    });
    two.mine_apart(2).await;
    two.told_health(mark, Health::Fault).await;
    two.agrees_again(mark).await;
    let told = two.stage.us.told(&leg);
    assert_eq!((told.refund, told.lock.is_some()), (None, true), "{told:?}");
}

async fn a_forged_receipt(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let leg = two.stage.watched(Who::Us).await;
    let lock = two.stage.us.build(&leg, Act::Lock).await;
    let _cancel = two.stage.us.build(&leg, Act::Cancel).await;
    let mark = two.stage.us.mark();
    two.lie(|request, result| {
        if is(request, "eth_getTransactionCount") {
            add(result, 5);
        }
        if is(request, "eth_getTransactionReceipt") {
            let zero = format!("0x{}", "0".repeat(64));
            let nobody = format!("0x{}", "0".repeat(40));
            *result = json!({
                "transactionHash": request["params"][0], "transactionIndex": "0x0", "blockHash": zero,
                "blockNumber": "0x1", "from": nobody, "to": nobody, "cumulativeGasUsed": "0x1", "gasUsed": "0x1",
                "effectiveGasPrice": "0x1", "logs": [], "logsBloom": format!("0x{}", "0".repeat(512)),
                "status": "0x1", "type": "0x2",
            });
        }
    });
    two.stage.us.broadcast(&leg, ActKind::Lock, &lock).await;
    two.mine_apart(1).await;
    two.told_health(mark, Health::Fault).await;
    two.agrees_again(mark).await;
    two.stage.until_waiting(1).await;
    let tip = two.stage.mine(1).await;
    let told = two.stage.us.told(&leg);
    assert!(told.failed.is_empty() && told.cancel.is_none(), "{told:?}");
    assert_eq!(two.stage.them.told(&leg).lock, Some(At::Block(tip)));
}

async fn a_late_and_dear_block(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Eth, liar).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let mark = two.stage.us.mark();
    two.lie(|request, block| {
        if is_block(request) && !block.is_null() {
            add(&mut block["timestamp"], 100_000);
            block["baseFeePerGas"] = json!("0x22ecb25c00");
        }
    });
    two.mine_apart(1).await;
    two.told_health(mark, Health::Fault).await;
    two.stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    two.stage.until_waiting(1).await;
    two.after_rounds().await;
    // It is sent without agreement, and no dearer version is offered.
    let built = two.stage.us.told(&leg).built;
    assert_eq!(built, vec![(ActKind::Redeem, redeem)]);
}

async fn an_inflated_price(test: &str, liar: Liar) {
    let Some(mut two) = Two::before(test, Swapped::Ec, liar).await else {
        return;
    };
    *two.liar().gas_price.lock().unwrap() = Some(90 * GWEI);
    let (leg, _) = two.stage.locked(Who::Us).await;
    let block = two
        .stage
        .chain
        .rpc("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    let price = number(&block["transactions"][0]["gasPrice"]);
    assert!(u128::from(price) < 10 * GWEI, "{price} wei");
    assert!(two.stage.us.told(&leg).lock.is_some());
}

//! Two endpoints, one of which lies: ours or the witness. Nothing is told that only the liar says, nothing is missed that
//! the other one shows, and the chain is called faulty until they agree again.

use crate::harness::{Evm, Swapped};
use crate::proxy::{Behaviour, Proxy};
use alloy::hex;
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_evm::EvmAdapter;
use kofo_primitives::{Act, ActKind, At, ChainEvent, Health, LegEvent, Seed, Tip, UnixTime};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const GWEI: u128 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Liar {
    Ours,
    Witness,
}

/// Us with two endpoints, them with an honest one.
struct Two {
    stage: Stage<Evm>,
    witness: Proxy,
    liar: Liar,
}

impl Two {
    async fn before(test: &str, swapped: Swapped, liar: Liar) -> Option<Self> {
        let mut chain = Evm::ready(&format!("{test}, {liar:?} lies"), swapped).await?;
        let honest = match swapped {
            Swapped::Ec => chain.regtest.echoin().url.clone(),
            _ => chain.regtest.ethereum().url.clone(),
        };
        let witness = Proxy::before(&honest).await;
        chain.their_url = Some(honest);
        chain.config.witnesses = vec![witness.url.clone()];
        chain.config.patience = Duration::from_millis(400);
        let stage = Stage::set(chain).await;
        Some(Self { stage, witness, liar })
    }

    fn liar(&self) -> &Behaviour {
        match self.liar {
            Liar::Ours => &self.stage.chain.proxy.behaviour,
            Liar::Witness => &self.witness.behaviour,
        }
    }

    fn lie(&self, lie: impl Fn(&Value, &mut Value) + Send + Sync + 'static) {
        *self.liar().lies.lock().unwrap() = Some(Arc::new(lie));
    }

    fn mishear(&self, mishear: impl Fn(&mut Value) + Send + Sync + 'static) {
        *self.liar().mishears.lock().unwrap() = Some(Arc::new(mishear));
    }

    fn repents(&self) {
        *self.liar().lies.lock().unwrap() = None;
        *self.liar().mishears.lock().unwrap() = None;
        self.liar().cut.store(false, Ordering::Relaxed);
    }

    /// Nobody's pool shows anything.
    fn blind(&self) {
        for behaviour in [&self.stage.chain.proxy.behaviour, &self.witness.behaviour] {
            let empty = |request: &mut Value| {
                if request["params"][0] == "pending" {
                    request["params"][0] = json!("latest");
                }
            };
            *behaviour.mishears.lock().unwrap() = Some(Arc::new(empty));
        }
    }

    /// Mines where we may not follow; they do.
    async fn mine_apart(&self, blocks: u32) -> Tip {
        self.stage.chain.mine(blocks).await;
        self.stage.chain.tip().await
    }

    async fn told_health(&self, mark: usize, health: Health) {
        let told = |events: &[ChainEvent]| events.contains(&ChainEvent::Health(health)).then_some(());
        self.stage.us.until(mark, &format!("{health:?}"), told).await;
    }

    /// We asked each endpoint so often more: whatever we would do, we did.
    async fn after_rounds(&self) {
        let behaviours = [&self.stage.chain.proxy.behaviour, &self.witness.behaviour];
        let calls = || behaviours.map(|behaviour| behaviour.calls.load(Ordering::Relaxed));
        let (before, deadline) = (calls(), Instant::now() + Duration::from_secs(30));
        while calls().iter().zip(before).any(|(now, then)| *now < then + 20) {
            assert!(Instant::now() < deadline, "expected more questions");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The liar stops, and we are where everybody is.
    async fn agrees_again(&self, mark: usize) {
        self.repents();
        self.told_health(mark, Health::Healthy).await;
        self.stage.settled().await;
    }
}

fn is(request: &Value, method: &str) -> bool {
    request["method"] == method
}

fn is_block(request: &Value) -> bool {
    request["method"].as_str().unwrap().starts_with("eth_getBlockBy")
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn add(value: &mut Value, more: u64) {
    *value = json!(format!("{:#x}", number(value) + more));
}

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
    let redeemer = alloy::primitives::Address::from_slice(spec.redeemer.as_slice());
    let terms = kofo_evm::terms((*spec.hashlock.as_bytes()).into(), redeemer, spec.timelock.0);
    let amount = alloy::primitives::U256::from(spec.amount.units());
    hex::encode(kofo_evm::commitment(
        terms,
        amount,
        alloy::primitives::Address::ZERO,
    ))
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
    let shown = |told: &kofo_adapter_api::conformance::Told| told.redeem.is_some();
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
    let owner = alloy::primitives::Address::from_slice(&leg.refunder.refunder.as_slice()[..20]);
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

/// Whether these bytes were in a question.
fn heard_by(proxy: &Proxy, bytes: &[u8]) -> bool {
    let wanted = hex::encode(bytes);
    let asked = proxy.behaviour.asked.lock().unwrap();
    asked.iter().any(|request| request.contains(&wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preimage_that_nobody_knows_goes_to_our_own_node_only_and_to_all_when_it_is_public() {
    let Some(mut two) = Two::before("two audiences", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let late = Some(UnixTime(leg.redeemer.timelock.0 - 60));
    let us = &two.stage.us;
    us.broadcast_until(&leg, ActKind::Redeem, &redeem, late).await;
    two.stage.until_waiting(1).await;
    two.after_rounds().await;
    assert!(heard_by(&two.stage.chain.proxy, leg.preimage.expose()));
    assert!(
        !heard_by(&two.witness, leg.preimage.expose()),
        "the witness may not know it first"
    );
    us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !heard_by(&two.witness, leg.preimage.expose()) {
        assert!(
            Instant::now() < deadline,
            "expected a public redeem at the witness"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeem_whose_preimage_is_public_waits_for_no_witness() {
    let Some(mut two) = Two::before("witness down", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let mark = two.stage.us.mark();
    two.liar().cut.store(true, Ordering::Relaxed);
    two.told_health(mark, Health::Fault).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    two.stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    two.stage.until_waiting(1).await;
    let at = two.mine_apart(1).await.height;
    two.agrees_again(mark).await;
    assert_eq!(
        two.stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(at)))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeem_whose_preimage_is_public_waits_not_even_for_our_own_node() {
    let Some(mut two) = Two::before("our node down", Swapped::Eth, Liar::Ours).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let mark = two.stage.us.mark();
    two.liar().cut.store(true, Ordering::Relaxed);
    two.told_health(mark, Health::Fault).await;
    two.stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    two.stage.until_waiting(1).await;
    two.mine_apart(1).await;
    two.agrees_again(mark).await;
}

/// The witness stands still at the block of this height.
fn lags_at(two: &Two, height: u64) {
    let height = json!(format!("{height:#x}"));
    two.mishear(move |request| {
        if is(request, "eth_getBlockByNumber") && request["params"][0] == "latest" {
            request["params"][0] = height.clone();
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_lags_takes_nothing_back_and_hides_no_preimage() {
    let Some(mut two) = Two::before("lagging witness", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Us).await;
    let tip = two.stage.mine(1).await;
    let mark = two.stage.us.mark();
    // Behind what was agreed on.
    lags_at(&two, tip - 2);
    let redeem = two
        .stage
        .them
        .build(&leg, Act::Redeem(leg.preimage.clone()))
        .await;
    two.stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    let at = two.mine_apart(1).await.height;
    let shown = |told: &kofo_adapter_api::conformance::Told| told.redeem.is_some();
    two.stage.us.until_told(&leg, "the preimage", shown).await;
    two.told_health(mark, Health::Fault).await;
    assert_eq!(
        two.stage.us.tips(mark),
        vec![],
        "no tip beyond what is agreed, and none before"
    );
    assert!(
        !two.stage
            .us
            .unseen(leg.of)
            .iter()
            .skip(4)
            .any(|kind| *kind == ActKind::Lock)
    );
    assert!(two.stage.us.told(&leg).lock.is_some());
    two.agrees_again(mark).await;
    assert_eq!(
        two.stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(at)))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_late_by_any_endpoint_is_not_shown() {
    let Some(mut two) = Two::before("late by one", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let tip = two.stage.chain.tip().await;
    lags_at(&two, tip.height);
    // By the witness it is still time.
    two.stage.chain.mine_until(UnixTime(tip.time.0 + 600)).await;
    let late = Some(UnixTime(tip.time.0 + 300));
    two.after_rounds().await;
    two.stage
        .us
        .broadcast_until(&leg, ActKind::Redeem, &redeem, late)
        .await;
    two.after_rounds().await;
    assert!(
        !heard_by(&two.stage.chain.proxy, leg.preimage.expose())
            && !heard_by(&two.witness, leg.preimage.expose())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_of_another_chain_or_without_the_contract_is_refused_at_start() {
    let Some(two) = Two::before("strange witness", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let config = &two.stage.chain.config;
    let start = async || EvmAdapter::start(config.clone(), &Seed::new([1; 64])).await.err();
    for method in ["eth_chainId", "eth_getCode"] {
        two.lie(move |request, result| {
            if is(request, method) {
                *result = json!("0x63");
            }
        });
        let why = start().await;
        assert!(
            matches!(&why, Some(AdapterError::Malformed { field: "witness", .. })),
            "{why:?}"
        );
    }
    two.liar().cut.store(true, Ordering::Relaxed);
    assert!(start().await.is_none(), "one that is down is met later");
    let mut many = config.clone();
    many.witnesses = vec![two.witness.url.clone(); 4];
    let why = EvmAdapter::start(many, &Seed::new([1; 64])).await.err();
    assert!(
        matches!(
            why,
            Some(AdapterError::Malformed {
                field: "witnesses",
                ..
            })
        ),
        "{why:?}"
    );
}

/// Nothing of a leg is told twice because two endpoints say it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_both_say_is_told_once_and_costs_each_the_same_for_a_block() {
    let Some(mut two) = Two::before("two that agree", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let locked = |event: &&LegEvent| matches!(event, LegEvent::Seen { act: Act::Lock, .. });
    let mut seen = Vec::new();
    two.stage
        .us
        .until(0, "the lock", |events| {
            let of = |event: &ChainEvent| match event {
                ChainEvent::Leg(at, event) if *at == leg.of => Some(event.clone()),
                _ => None,
            };
            Some(events.iter().filter_map(of).collect::<Vec<_>>())
                .filter(|events| events.iter().any(|e| locked(&e)))
        })
        .await
        .iter()
        .filter(locked)
        .for_each(|event| seen.push(event.clone()));
    assert_eq!(seen.len(), 1, "{seen:?}");
    let calls = |behaviour: &Behaviour| behaviour.calls.load(Ordering::Relaxed);
    let ours = calls(&two.stage.chain.proxy.behaviour);
    let theirs = calls(&two.witness.behaviour);
    two.stage.mine(5).await;
    let (ours, theirs) = (
        calls(&two.stage.chain.proxy.behaviour) - ours,
        calls(&two.witness.behaviour) - theirs,
    );
    assert!(
        theirs <= ours + 5,
        "{theirs} questions for the witness, {ours} for ours"
    );
}

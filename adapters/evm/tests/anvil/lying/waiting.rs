//! What waits for agreement and what does not, and who hears what.

use super::two::{Liar, Two, heard_by, is};
use crate::harness::{Evm, Swapped};
use crate::proxy::Behaviour;
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Harness, Told, Who};
use kofo_evm::EvmAdapter;
use kofo_primitives::{Act, ActKind, At, ChainEvent, Health, LegEvent, Seed, UnixTime};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

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
    let deadline = Instant::now() + Duration::from_secs(120);
    while !heard_by(&two.witness, leg.preimage.expose()) {
        assert!(
            Instant::now() < deadline,
            "expected a public redeem at the witness"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_endpoint_is_ours_a_redeem_goes_to_both_and_its_preimage_in_nothing_else() {
    let Some(mut two) = Two::strangers("two strangers", Swapped::Eth).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    // The first one keeps everything to itself.
    two.lie(|request, answer| {
        if is(request, "eth_sendRawTransaction") {
            *answer = json!(format!("0x{}", "00".repeat(32)));
        }
    });
    two.mishear(|request| {
        if request["method"] == "eth_sendRawTransaction" {
            request["method"] = json!("eth_chainId");
            request["params"] = json!([]);
        }
    });
    let late = Some(UnixTime(leg.redeemer.timelock.0 - 60));
    two.stage
        .us
        .broadcast_until(&leg, ActKind::Redeem, &redeem, late)
        .await;
    two.stage.until_waiting(1).await;
    assert!(heard_by(&two.stage.chain.proxy, leg.preimage.expose()));
    two.after_rounds().await;
    for proxy in [&two.stage.chain.proxy, &two.witness] {
        let asked = proxy.behaviour.asked.lock().unwrap();
        let wanted = alloy::hex::encode(leg.preimage.expose());
        let showing = asked.iter().filter(|request| request.contains(&wanted));
        assert!(showing.clone().count() > 0, "one of them was told nothing");
        for request in showing {
            assert!(request.contains("eth_sendRawTransaction"), "{request}");
        }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_a_redeem_whose_preimage_is_public_waits_for_no_witness_either() {
    let Some(mut two) = Two::before("restart without witness", Swapped::Eth, Liar::Witness).await else {
        return;
    };
    let (leg, _) = two.stage.locked(Who::Them).await;
    let redeem = two.stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    two.liar().cut.store(true, Ordering::Relaxed);
    let stage = two.stage.restart_us(async |_: &Evm, _: &_| ()).await;
    let held = std::slice::from_ref(&redeem);
    stage.us.ask_to_watch(&leg, held).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    stage.until_waiting(1).await;
    assert_eq!(stage.us.tips(0), vec![], "no block counts meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_our_node_keeps_to_itself_gets_into_a_block_by_the_witness() {
    let Some(mut two) = Two::before("greedy node", Swapped::Eth, Liar::Ours).await else {
        return;
    };
    let leg = two.stage.watched(Who::Us).await;
    let lock = two.stage.us.build(&leg, Act::Lock).await;
    // It says that it took the transaction, and forgets it.
    two.mishear(|request| {
        if is(request, "eth_sendRawTransaction") {
            request["method"] = json!("web3_sha3");
        }
    });
    two.stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let tip = two.stage.mine(1).await;
    assert_eq!(two.stage.them.told(&leg).lock, Some(At::Block(tip)));
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
    let shown = |told: &Told| told.redeem.is_some();
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
    let start = async || {
        EvmAdapter::start(config.clone(), kofo_evm::local_signer(&Seed::new([1; 64])))
            .await
            .err()
    };
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
    let why = EvmAdapter::start(many, kofo_evm::local_signer(&Seed::new([1; 64])))
        .await
        .err();
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

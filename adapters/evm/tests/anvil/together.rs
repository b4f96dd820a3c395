//! What both parties do together: the redeemer signs, and the lock is returned before its timelock.

use crate::harness::{Evm, Swapped};
use alloy::hex;
use alloy::primitives::{Address, B256, Signature, U256, b256};
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_adapter_api::{AdapterError, Round, RoundReply};
use kofo_evm::{domain, redeem_for_digest, release_digest};
use kofo_primitives::{Act, ActKind, At, Bytes, HtlcSpec, LegRef, Prepared, Together};
use serde_json::{Value, json};

fn seen_by(who: Who, legs: &[&Leg]) -> Vec<(LegRef, HtlcSpec)> {
    legs.iter().map(|leg| (leg.of, leg.spec(who).clone())).collect()
}

/// A round that we open for legs of ours.
async fn opened(stage: &Stage<Evm>, legs: &[&Leg]) -> Round {
    let legs = seen_by(Who::Us, legs);
    let opened = stage.us.adapter.open_round(Together::Refund, &legs).await;
    opened.expect("a release can be asked for at any time")
}

/// Their answer to it, about legs that they take for those.
async fn answered(stage: &Stage<Evm>, round: &Round, legs: &[&Leg]) -> Result<RoundReply, AdapterError> {
    let legs = seen_by(Who::Them, legs);
    let helper = &stage.them.adapter;
    helper.cosign(Together::Refund, &legs, &round.request).await
}

async fn released(stage: &Stage<Evm>, legs: &[&Leg]) -> Vec<Prepared> {
    let round = opened(stage, legs).await;
    let reply = answered(stage, &round, legs).await.unwrap();
    round.finish(&reply).await.unwrap()
}

async fn our_balance(stage: &Stage<Evm>) -> u128 {
    let asset = stage.chain.asset();
    stage.us.adapter.balance(&asset).await.unwrap().units()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, AdapterError>, field: &str) {
    assert!(
        matches!(&answer, Err(AdapterError::Malformed { field: f, .. }) if *f == field),
        "{answer:?}"
    );
}

async fn returns_before_the_timelock(test: &str, swapped: Swapped) {
    let Some(chain) = Evm::ready(test, swapped).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let before = our_balance(&stage).await;
    let [release] = released(&stage, &[&leg]).await.try_into().unwrap();
    stage.send(Who::Us, &leg, ActKind::RefundTogether, &release).await;
    let tip = stage.mine(1).await;
    for peer in [&stage.us, &stage.them] {
        let told = peer.told(&leg);
        assert_eq!((told.refund, told.redeem), (Some(At::Block(tip)), None));
    }
    assert!(stage.chain.tip().await.time < leg.refunder.timelock);
    // A gas account sent it, so all of the amount is back.
    let back = our_balance(&stage).await - before;
    assert_eq!(back, leg.refunder.amount.units());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_returns_ether_before_the_timelock() {
    returns_before_the_timelock("release eth", Swapped::Eth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_returns_a_token_before_the_timelock() {
    returns_before_the_timelock("release erc20", Swapped::Token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_returns_a_token_that_answers_nothing_before_the_timelock() {
    returns_before_the_timelock("release usdt-like", Swapped::UsdtLike).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_returns_echoin_before_the_timelock() {
    returns_before_the_timelock("release ec", Swapped::Ec).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_releases_many_legs() {
    let Some(chain) = Evm::ready("release many", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let mut legs = Vec::new();
    for _ in 0..3 {
        legs.push(stage.locked(Who::Us).await.0);
    }
    let legs: Vec<&Leg> = legs.iter().collect();
    let releases = released(&stage, &legs).await;
    for (leg, release) in legs.iter().zip(&releases) {
        stage.us.broadcast(leg, ActKind::RefundTogether, release).await;
    }
    // Two gas accounts send them, each one at a time.
    stage.until_waiting(2).await;
    stage.mine(1).await;
    stage.until_waiting(1).await;
    stage.mine(1).await;
    for leg in legs {
        assert!(matches!(stage.them.told(leg).refund, Some(At::Block(_))));
        assert!(stage.us.told(leg).failed.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_for_another_leg_or_other_terms_is_refused_before_it_is_sent() {
    let Some(chain) = Evm::ready("foreign release", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let (other, _) = stage.locked(Who::Us).await;
    let sent = stage.chain.sent_to(stage.chain.contract());
    // Another leg of the same two.
    let foreign = answered(&stage, &opened(&stage, &[&other]).await, &[&other]).await;
    let round = opened(&stage, &[&leg]).await;
    refused(round.finish(&foreign.unwrap()).await, "the redeemer's signature");
    // Other terms: the helper says so at once, and what it would sign for its own terms is of no use to us.
    let mut later = leg.clone();
    later.redeemer.timelock.0 += 1;
    let round = opened(&stage, &[&leg]).await;
    refused(answered(&stage, &round, &[&later]).await, "request of a round");
    later.refunder.timelock.0 += 1;
    let reply = answered(&stage, &opened(&stage, &[&later]).await, &[&later]).await;
    refused(round.finish(&reply.unwrap()).await, "the redeemer's signature");
    // A redeem of many signatures there is not.
    let alone = stage
        .us
        .adapter
        .open_round(Together::Redeem, &seen_by(Who::Us, &[&leg]))
        .await;
    assert!(matches!(alone, Err(AdapterError::Alone(_))), "{alone:?}");
    assert_eq!(
        stage.chain.sent_to(stage.chain.contract()),
        sent,
        "nothing was sent"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_garbage_answer_the_refund_alone_still_works() {
    let Some(chain) = Evm::ready("garbage answer", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    for garbage in [vec![], vec![0xff; 4_096], vec![1, 1, 0, 0, 0]] {
        let round = opened(&stage, &[&leg]).await;
        refused(
            round.finish(&Bytes::new(garbage).unwrap()).await,
            "answer of a round",
        );
    }
    stage.mine_until(leg.refunder.timelock).await;
    let refund = stage.us.build(&leg, Act::Refund).await;
    stage.send(Who::Us, &leg, ActKind::Refund, &refund).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).refund, Some(At::Block(tip)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_was_journaled_is_sent_again_after_a_restart() {
    let Some(chain) = Evm::ready("release restart", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, lock) = stage.locked(Who::Us).await;
    let [release] = released(&stage, &[&leg]).await.try_into().unwrap();
    stage.send(Who::Us, &leg, ActKind::RefundTogether, &release).await;
    let stage = stage
        .restart_us(async |chain: &Evm, _: &_| {
            chain.rpc("anvil_dropAllTransactions", json!([])).await;
        })
        .await;
    assert_eq!(stage.chain.waiting().await, 0);
    stage.us.watch(&leg, &[lock, release.clone()]).await;
    stage.send(Who::Us, &leg, ActKind::RefundTogether, &release).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).refund, Some(At::Block(tip)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_dead_when_the_redeem_is_final() {
    let Some(chain) = Evm::ready("dead release", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let [release] = released(&stage, &[&leg]).await.try_into().unwrap();
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::RefundTogether, &release).await;
    stage.finalise().await;
    let dead = |told: &kofo_adapter_api::conformance::Told| told.dead(ActKind::RefundTogether);
    stage.us.until_told(&leg, "the release to be dead", dead).await;
    assert_eq!(stage.chain.waiting().await, 0, "it was never sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_has_become_too_cheap_pays_more_with_the_same_signature() {
    let Some(chain) = Evm::ready("cheap release", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let [release] = released(&stage, &[&leg]).await.try_into().unwrap();
    stage.send(Who::Us, &leg, ActKind::RefundTogether, &release).await;
    for blocks in 0..10 {
        let dear = json!(["0x6fc23ac00"]);
        stage.chain.rpc("anvil_setNextBlockBaseFeePerGas", dear).await;
        let tip = stage.mine(1).await;
        let told = stage.us.told(&leg);
        if let Some(at) = told.refund {
            assert!(blocks > 0, "the first version pays too little for such a block");
            assert_eq!(at, At::Block(tip));
            return;
        }
        let better = told
            .built
            .iter()
            .rev()
            .find(|(kind, _)| *kind == ActKind::RefundTogether);
        if let Some((kind, better)) = better {
            stage.us.broadcast(&leg, *kind, better).await;
        }
    }
    panic!("expected the release in a block: {:?}", stage.us.told(&leg));
}

/// The pinned digests of the unit tests, and an implementation of EIP-712 that is not ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anvil_signs_the_digests_that_we_sign() {
    let Some(chain) = Evm::bare("digests", Swapped::Eth).await else {
        return;
    };
    let here = domain(chain.contract(), chain.config.chain_id);
    let slot: U256 = (U256::from(0xb0_u64) << 96) | U256::from(0x8007);
    let commitment = B256::new([0x33; 32]);
    let relayer = Address::left_padding_from(&[0xc3]);
    let shared = json!({ "slot": slot.to_string(), "commitment": commitment });
    let release = release_digest(&here, slot, commitment);
    let pinned = b256!("71728b2c33b93933df2ce4d816a4f4a6cc894b076ddafca22a454d3699be080d");
    assert_eq!(release, pinned);
    signed_alike(&chain, "Release", &[], shared.clone(), release).await;
    let mut more = shared;
    more["relayer"] = json!(relayer);
    more["fee"] = json!("1000");
    let redeem_for = redeem_for_digest(&here, (slot, commitment), relayer, U256::from(1_000));
    let pinned = b256!("ef321c8c500b31e7f0e83d9252d2ee892530215a783557a984ced718661fbbc4");
    assert_eq!(redeem_for, pinned);
    let fields = [("relayer", "address"), ("fee", "uint256")];
    signed_alike(&chain, "RedeemFor", &fields, more, redeem_for).await;
}

/// Anvil's own signature of the message names anvil's account when it is read as one of our digest.
async fn signed_alike(chain: &Evm, kind: &str, fields: &[(&str, &str)], message: Value, digest: B256) {
    let account: Address =
        serde_json::from_value(chain.rpc("eth_accounts", json!([])).await[0].clone()).unwrap();
    let field = |(name, kind): &(&str, &str)| json!({ "name": name, "type": kind });
    let own: Vec<Value> = [("slot", "uint256"), ("commitment", "bytes32")]
        .iter()
        .chain(fields)
        .map(field)
        .collect();
    let of_domain: Vec<Value> = [
        ("name", "string"),
        ("version", "string"),
        ("chainId", "uint256"),
        ("verifyingContract", "address"),
    ]
    .iter()
    .map(field)
    .collect();
    let typed = json!({
        "types": { "EIP712Domain": of_domain, kind: own },
        "primaryType": kind,
        "domain": {
            "name": "HashLanes", "version": "1",
            "chainId": chain.config.chain_id, "verifyingContract": chain.contract(),
        },
        "message": message,
    });
    let signature = chain.rpc("eth_signTypedData_v4", json!([account, typed])).await;
    let signature = hex::decode(signature.as_str().unwrap()).unwrap();
    let signature = Signature::from_raw(&signature).unwrap();
    assert_eq!(signature.recover_address_from_prehash(&digest).unwrap(), account);
}

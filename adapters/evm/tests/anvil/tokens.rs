//! Tokens that are not what ERC-20 says, and tokens that turn bad: refused before anything is locked, or nothing lost.

use crate::harness::{Evm, Swapped};
use crate::own_promises::built_after_blocks;
use alloy::primitives::U256;
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_primitives::{Act, ActKind, At, FailClass};

/// Both ends' answers to the check of a leg that we would lock.
async fn checked(stage: &Stage<Evm>, leg: &Leg) -> [Result<(), AdapterError>; 2] {
    [
        stage.us.adapter.check(leg.of, &leg.refunder).await,
        stage.them.adapter.check(leg.of, &leg.redeemer).await,
    ]
}

/// The answer names the token of the chain and says this.
fn refuses_token(stage: &Stage<Evm>, answer: &Result<(), AdapterError>, says: &str) {
    let Err(AdapterError::PayeeRefused { asset, why }) = answer else {
        panic!("expected the token to be refused, got {answer:?}");
    };
    assert_eq!(*asset, stage.chain.asset());
    assert!(why.contains(says), "expected {says:?} in {why:?}");
}

/// A lock of ours is refused for this reason, and nothing of it is sent, nor an approval.
async fn no_lock_is_built(stage: &Stage<Evm>, leg: &Leg, says: &str) {
    match stage.us.try_build(leg, Act::Lock).await {
        Err(FailClass::Refused(why)) => assert!(why.to_string().contains(says), "{why}"),
        other => panic!("expected the lock to be refused, got {other:?}"),
    }
    // Only the gas accounts may be filled meanwhile.
    let chain = &stage.chain;
    assert_eq!(chain.sent_to(chain.token()), 0, "nothing is approved");
    assert_eq!(chain.sent_to(chain.contract()), 0, "nothing is locked");
}

async fn balance(stage: &Stage<Evm>) -> u128 {
    let asset = stage.chain.asset();
    stage.us.adapter.balance(&asset).await.unwrap().units()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_keeps_a_fee_is_refused_before_it_is_even_approved() {
    let Some(chain) = Evm::bare("fee token", Swapped::FeeToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let [payer, _] = checked(&stage, &leg).await;
    refuses_token(&stage, &payer, "another amount");
    no_lock_is_built(&stage, &leg, "another amount").await;
    assert_eq!(stage.chain.allowance(Who::Us).await, U256::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_keeps_a_fee_is_refused_also_when_it_was_approved_long_ago() {
    let Some(chain) = Evm::ready("approved fee token", Swapped::FeeToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let [payer, _] = checked(&stage, &leg).await;
    refuses_token(&stage, &payer, "another amount");
    no_lock_is_built(&stage, &leg, "another amount").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_says_false_is_refused_at_both_ends() {
    let Some(chain) = Evm::bare("false token", Swapped::FalseToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    for answer in checked(&stage, &leg).await {
        refuses_token(&stage, &answer, "says false");
    }
    no_lock_is_built(&stage, &leg, "says false").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeemer_on_the_tokens_blocklist_is_refused_at_both_ends() {
    let Some(chain) = Evm::bare("banned redeemer", Swapped::BlockingToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    for answer in checked(&stage, &leg).await {
        assert!(answer.is_ok(), "before it is banned: {answer:?}");
    }
    let them = stage.chain.owner(Who::Them).await;
    stage.chain.ban(them).await;
    stage.settled().await;
    for answer in checked(&stage, &leg).await {
        refuses_token(&stage, &answer, "blocked");
    }
    no_lock_is_built(&stage, &leg, "blocked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payer_on_the_tokens_blocklist_is_told_so_and_not_the_redeemer() {
    let Some(chain) = Evm::bare("banned payer", Swapped::BlockingToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let us = stage.chain.owner(Who::Us).await;
    stage.chain.ban(us).await;
    stage.settled().await;
    let [payer, redeemer] = checked(&stage, &leg).await;
    refuses_token(&stage, &payer, "refuses the transfer");
    assert!(redeemer.is_ok(), "the contract could pay it: {redeemer:?}");
    no_lock_is_built(&stage, &leg, "refuses the transfer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_begins_to_keep_a_fee_after_the_lock_was_built_costs_gas_and_no_token() {
    let Some(chain) = Evm::ready("new fee", Swapped::Token).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let before = balance(&stage).await;
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    stage.chain.turn_token_into(Swapped::FeeToken).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    assert!(
        stage.chain.sent_to(stage.chain.contract()) > 0,
        "the lock was tried"
    );
    stage.mine(stage.chain.depth() + 1).await;
    let told = stage
        .us
        .until_told(&leg, "the lock to be dead", |told| told.dead(ActKind::Lock))
        .await;
    assert_eq!((told.lock, stage.them.told(&leg).lock), (None, None));
    assert_eq!(balance(&stage).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allowance_that_is_too_small_goes_through_zero_to_the_most() {
    let Some(chain) = Evm::bare("leftover allowance", Swapped::UsdtLike).await else {
        return;
    };
    chain.approve(Who::Us, U256::from(1)).await;
    chain.mine(1).await;
    let mut stage = Stage::set(chain).await;
    assert_eq!(stage.chain.allowance(Who::Us).await, U256::from(1));
    // The token would refuse any other allowance than zero now.
    stage.chain.approve(Who::Us, U256::MAX).await;
    stage.mine(1).await;
    assert_eq!(stage.chain.allowance(Who::Us).await, U256::from(1));
    let leg = stage.agree(Who::Us).await;
    let checked = stage.us.adapter.check(leg.of, &leg.refunder).await;
    assert!(
        checked.is_ok(),
        "what is left over is no reason to refuse: {checked:?}"
    );
    let (leg, _) = built_after_blocks(&mut stage).await;
    assert_eq!(stage.chain.allowance(Who::Us).await, U256::MAX);
    let (_, lock) = stage.us.told(&leg).built[0].clone();
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(tip)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_cannot_simulate_learns_of_the_fee_when_the_token_is_approved() {
    let Some(chain) = Evm::bare("old node", Swapped::FeeToken).await else {
        return;
    };
    *chain.proxy.behaviour.unknown.lock().unwrap() = Some("eth_simulateV1");
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let [payer, _] = checked(&stage, &leg).await;
    assert!(payer.is_ok(), "nobody can know yet: {payer:?}");
    let building = stage.us.try_build(&leg, Act::Lock);
    let mining = async {
        loop {
            if stage.chain.waiting().await > 0 {
                stage.chain.mine(1).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let refused = tokio::select! {
        refused = building => refused,
        () = mining => unreachable!("it mines for ever"),
    };
    assert!(
        matches!(&refused, Err(FailClass::Refused(why)) if why.to_string().contains("another amount")),
        "{refused:?}"
    );
    let [payer, _] = checked(&stage, &leg).await;
    refuses_token(&stage, &payer, "another amount");
    let chain = &stage.chain;
    assert!(chain.sent_to(chain.token()) > 0, "it was approved");
    assert_eq!(chain.sent_to(chain.contract()), 0, "nothing is locked");
}

//! What this adapter promises beyond the port.

use crate::harness::{Evm, Swapped};
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_evm::{EvmAdapter, EvmConfig};
use kofo_primitives::{Act, ActKind, At, ChainAction, ChainEvent, FailClass, Health, Seed};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Builds a lock of ours, mining whenever something waits; with how many blocks that took.
pub(crate) async fn built_after_blocks(stage: &mut Stage<Evm>) -> (Leg, u32) {
    let leg = stage.watched(Who::Us).await;
    stage.us.adapter.act(leg.of, ChainAction::Build(Act::Lock)).await;
    let mut blocks = 0;
    let build = async {
        while stage.us.told(&leg).built.is_empty() {
            if stage.chain.waiting().await > 0 {
                stage.mine(1).await;
                blocks += 1;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let built = tokio::time::timeout(Duration::from_secs(120), build).await;
    assert!(
        built.is_ok(),
        "expected the lock to be built: {:?}",
        stage.us.told(&leg)
    );
    (leg, blocks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_its_first_lock_an_owner_approves_the_token_and_fills_the_gas_accounts() {
    let Some(chain) = Evm::bare("first lock", Swapped::Token).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, blocks) = built_after_blocks(&mut stage).await;
    assert!(blocks > 0, "without those errands it could not redeem or refund");
    let adapter = stage.chain.adapter(Who::Us).await;
    for account in adapter.gas_addresses() {
        let balance = stage
            .chain
            .rpc("eth_getBalance", json!([account, "latest"]))
            .await;
        let wei = u128::from_str_radix(balance.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        // One end of a token leg at the fee cap.
        assert!(
            wei >= 200_000 * stage.chain.config.fees.cap,
            "{account} has {wei}"
        );
    }
    let (_, lock) = stage.us.told(&leg).built[0].clone();
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(tip)));
    // The second lock needs none of it.
    let leg = stage.watched(Who::Us).await;
    stage.us.build(&leg, Act::Lock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_cleared_without_an_event_concludes_nothing() {
    let Some(chain) = Evm::ready("hidden event", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let locked = stage.settled().await;
    stage
        .chain
        .proxy
        .behaviour
        .hide_logs
        .store(true, Ordering::Relaxed);
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    // A redeem from the pool's view is a preimage; here the lying node hides the event only.
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    stage.mine(1).await;
    let told = stage.us.told(&leg);
    assert_eq!((told.lock, told.refund), (Some(At::Block(locked)), None));
    assert!(!matches!(told.redeem, Some((_, At::Block(_)))), "{told:?}");
    let fault = |events: &[ChainEvent]| events.contains(&ChainEvent::Health(Health::Fault)).then_some(());
    stage.us.until(0, "the node to be called faulty", fault).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reorg_that_empties_several_blocks_takes_back_all_that_was_in_them() {
    let Some(chain) = Evm::ready("deep reorg", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage.mine(2).await;
    stage.chain.reorg(3).await;
    stage.settled().await;
    for peer in [&stage.us, &stage.them] {
        assert_eq!(peer.told(&leg).lock, None, "the block of the lock is gone");
    }
    // We are still told to send it, so it comes back by itself.
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(tip)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_and_its_redeem_in_one_block_are_both_told() {
    let Some(chain) = Evm::ready("one block", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    stage.mine(1).await;
    // Both wait again, and the next block takes both.
    stage.chain.reorg(2).await;
    stage.settled().await;
    stage.until_waiting(2).await;
    let tip = stage.mine(1).await;
    for peer in [&stage.us, &stage.them] {
        let told = peer.told(&leg);
        assert_eq!(told.lock, Some(At::Block(tip)));
        assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Block(tip))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_redeems_than_gas_accounts_are_all_sent() {
    let Some(chain) = Evm::ready("many redeems", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let mut legs = Vec::new();
    for _ in 0..4 {
        legs.push(stage.locked(Who::Them).await.0);
    }
    for leg in &legs {
        let redeem = stage.us.build(leg, Act::Redeem(leg.preimage.clone())).await;
        stage.us.broadcast(leg, ActKind::Redeem, &redeem).await;
    }
    for _ in 0..10 {
        stage.mine(1).await;
    }
    for leg in &legs {
        assert!(matches!(stage.them.told(leg).redeem, Some((_, At::Block(_)))));
        assert!(stage.us.told(leg).failed.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_that_the_token_refuses_gets_no_lock() {
    let Some(chain) = Evm::ready("refused payee", Swapped::Token).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    // From now on every call of the token reverts.
    stage.chain.break_token().await;
    let refused = stage.us.try_build(&leg, Act::Lock).await;
    assert!(matches!(refused, Err(FailClass::Refused(_))), "{refused:?}");
    let checked = stage.us.adapter.check(leg.of, &leg.refunder).await;
    assert!(
        matches!(checked, Err(AdapterError::PayeeRefused { .. })),
        "{checked:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_or_another_contract_is_refused_at_start() {
    let Some(chain) = Evm::bare("start checks", Swapped::Eth).await else {
        return;
    };
    let start = async |config: EvmConfig| {
        EvmAdapter::start(config, kofo_evm::local_signer(&Seed::new([1; 64])))
            .await
            .err()
    };
    let mut other_chain = chain.config.clone();
    other_chain.chain_id += 1;
    let why = start(other_chain).await;
    assert!(matches!(why, Some(AdapterError::Malformed { .. })), "{why:?}");
    // A look-alike with one byte of other code.
    let contract = kofo_evm::contract_address(chain.config.profile, chain.config.chain_id);
    let mut code = kofo_evm::runtime_code(chain.config.profile, chain.config.chain_id);
    *code.last_mut().unwrap() ^= 1;
    let code = alloy::hex::encode_prefixed(code);
    chain.rpc("anvil_setCode", json!([contract, code])).await;
    let why = start(chain.config.clone()).await;
    assert!(matches!(why, Some(AdapterError::Malformed { .. })), "{why:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_lane_is_taken_before_a_fresh_one() {
    let Some(chain) = Evm::ready("lanes", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    stage.mine(1).await;
    // In a stage that forgot which parties were taken, as after the swap is over.
    let mut stage = Stage::set(stage.chain).await;
    let again = stage.agree(Who::Us).await;
    assert_eq!(again.refunder.refunder, leg.refunder.refunder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_no_errand_takes_the_nonce_of_a_lock_that_was_built_before() {
    let Some(chain) = Evm::bare("held nonce", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = built_after_blocks(&mut stage).await;
    let (_, lock) = stage.us.told(&leg).built[0].clone();
    let mut stage = stage.restart_us(async |_: &Evm, _: &_| ()).await;
    // Three more legs need more gas in reserve, which an errand brings, before the lock is sent.
    stage.us.watch(&leg, std::slice::from_ref(&lock)).await;
    for _ in 0..3 {
        stage.watched(Who::Us).await;
    }
    let queued = async || {
        let pool = stage.chain.rpc("txpool_status", json!([])).await;
        pool["queued"] != "0x0"
    };
    let deadline = Instant::now() + Duration::from_secs(120);
    while !queued().await {
        assert!(Instant::now() < deadline, "expected the errand behind the lock");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.us.broadcast(&leg, ActKind::Lock, &lock).await;
    stage.until_waiting(2).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(tip)));
}

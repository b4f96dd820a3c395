//! What an owner leaves to a tower: another node, with other keys, that redeems or refunds for it and to it.

use crate::harness::{Evm, Swapped};
use alloy::primitives::Address;
use kofo_adapter_api::conformance::harness::Overheard;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Told, Who};
use kofo_adapter_api::{ChainAdapter, Entrusted};
use kofo_evm::{EvmAdapter, EvmConfig, TowerWage};
use kofo_primitives::{Act, ActKind, At, ChainAction, ChainEvent, HtlcSpec, Prepared, Seed};
use serde_json::json;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);

/// A third node, which has nothing to do with the leg.
struct Tower {
    adapter: EvmAdapter,
    told: Told,
}

impl Tower {
    /// With coins for gas where they are spent.
    async fn with_gas(chain: &Evm) -> Self {
        let tower = Self::start(chain).await;
        for account in tower.adapter.gas_addresses() {
            chain.fund(account).await;
        }
        chain.mine(1).await;
        tower
    }

    async fn start(chain: &Evm) -> Self {
        let adapter = chain.tower().await;
        Self {
            adapter,
            told: Told::default(),
        }
    }

    /// Listens to the one leg that it watches, until what was told fits.
    async fn until(&mut self, what: &str, fits: impl Fn(&Told) -> bool) {
        let listen = async {
            while !fits(&self.told) {
                if let Some(ChainEvent::Leg(_, event)) = self.adapter.next().await {
                    self.told.hear(&event);
                }
            }
        };
        let heard = tokio::time::timeout(DEADLINE, listen).await;
        assert!(heard.is_ok(), "expected {what}: {:?}", self.told);
    }

    async fn watch(&mut self, leg: &Leg, spec: &HtlcSpec, held: Vec<Prepared>) {
        let spec = spec.clone();
        self.adapter.act(leg.of, ChainAction::Watch { spec, held }).await;
        self.until("the leg to be watched", |told| told.watched.is_some())
            .await;
    }

    async fn takes_over(&self, leg: &Leg, spec: &HtlcSpec, act: &Act, package: &Entrusted) -> Prepared {
        self.adapter.take_over(leg.of, spec, act, package).await.unwrap()
    }

    async fn broadcast(&self, leg: &Leg, act: ActKind, tx: &Prepared) {
        let (tx, not_after) = (tx.clone(), None);
        let action = ChainAction::Broadcast { act, tx, not_after };
        self.adapter.act(leg.of, action).await;
    }
}

async fn coins(chain: &Evm, account: Address) -> u128 {
    let balance = chain.rpc("eth_getBalance", json!([account, "latest"])).await;
    u128::from_str_radix(balance.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// What the owner of this end leaves to the tower.
async fn entrusted(adapter: &dyn ChainAdapter, leg: &Leg, spec: &HtlcSpec, act: ActKind) -> Entrusted {
    let [package] = adapter
        .entrust(leg.of, spec, act)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    package
}

async fn balance(stage: &Stage<Evm>, who: Who) -> u128 {
    let asset = stage.chain.asset();
    stage.peer(who).adapter.balance(&asset).await.unwrap().units()
}

async fn a_tower_redeems(test: &str, swapped: Swapped) {
    let Some(chain) = Evm::ready(test, swapped).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let before = balance(&stage, Who::Them).await;
    let package = entrusted(&*stage.them.adapter, &leg, &leg.redeemer, ActKind::Redeem).await;
    let mut tower = Tower::with_gas(&stage.chain).await;
    tower.watch(&leg, &leg.redeemer, Vec::new()).await;
    assert!(tower.told.lock.is_some());
    let act = Act::Redeem(leg.preimage.clone());
    let redeem = tower.takes_over(&leg, &leg.redeemer, &act, &package).await;
    tower.broadcast(&leg, ActKind::Redeem, &redeem).await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    for peer in [&stage.us, &stage.them] {
        assert_eq!(
            peer.told(&leg).redeem,
            Some((leg.preimage.clone(), At::Block(tip)))
        );
    }
    // The owner paid nothing for it.
    let got = balance(&stage, Who::Them).await - before;
    assert_eq!(got, leg.redeemer.amount.units());
    let shown = stage.chain.requests_with(leg.preimage.expose()).await;
    assert!(
        shown.iter().all(|method| method == "eth_sendRawTransaction"),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_with_other_keys_redeems_ether_to_the_owner() {
    a_tower_redeems("tower eth", Swapped::Eth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_with_other_keys_redeems_a_token_to_the_owner() {
    a_tower_redeems("tower erc20", Swapped::Token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_with_other_keys_redeems_echoin_to_the_owner() {
    a_tower_redeems("tower ec", Swapped::Ec).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_refunds_to_the_owner_at_the_timelock_and_not_before() {
    let Some(chain) = Evm::ready("tower refund", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let before = balance(&stage, Who::Us).await;
    let package = entrusted(&*stage.us.adapter, &leg, &leg.refunder, ActKind::Refund).await;
    let mut tower = Tower::with_gas(&stage.chain).await;
    tower.watch(&leg, &leg.refunder, Vec::new()).await;
    let refund = tower
        .takes_over(&leg, &leg.refunder, &Act::Refund, &package)
        .await;
    tower.broadcast(&leg, ActKind::Refund, &refund).await;
    stage.mine(2).await;
    assert_eq!(stage.us.told(&leg).refund, None);
    stage.mine_until(leg.refunder.timelock).await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).refund, Some(At::Block(tip)));
    assert_eq!(
        balance(&stage, Who::Us).await - before,
        leg.refunder.amount.units()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_that_was_restarted_goes_on_and_fills_its_gas_accounts_by_itself() {
    let Some(chain) = Evm::ready("tower restart", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let package = entrusted(&*stage.them.adapter, &leg, &leg.redeemer, ActKind::Redeem).await;
    let first = Tower::start(&stage.chain).await;
    let act = Act::Redeem(leg.preimage.clone());
    let redeem = first.takes_over(&leg, &leg.redeemer, &act, &package).await;
    let owner = first.adapter.address(&stage.chain.config.coin).await.unwrap();
    stage.chain.fund(owner.parse().unwrap()).await;
    drop(first);
    let mut tower = Tower::start(&stage.chain).await;
    tower.watch(&leg, &leg.redeemer, vec![redeem.clone()]).await;
    tower.broadcast(&leg, ActKind::Redeem, &redeem).await;
    // First what fills the gas accounts, one after the other, then the redeem.
    for _ in 0..4 {
        stage.until_waiting(1).await;
        stage.mine(1).await;
        if matches!(stage.them.told(&leg).redeem, Some((_, At::Block(_)))) {
            return;
        }
    }
    panic!("expected the redeem in a block: {:?}", stage.them.told(&leg));
}

/// Their adapter, told to leave the tower a hundredth.
async fn paying(chain: &Evm, account: Address) -> EvmAdapter {
    let tower_wage = Some(TowerWage {
        account,
        per_mille: 10,
    });
    let config = EvmConfig {
        tower_wage,
        ..chain.config.clone()
    };
    EvmAdapter::start(config, kofo_evm::local_signer(&Seed::new([2; 64])))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_keeps_the_wage_that_the_owner_signed_and_no_more() {
    let Some(chain) = Evm::ready("tower wage", Swapped::Eth).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let before = balance(&stage, Who::Them).await;
    let mut tower = Tower::with_gas(&stage.chain).await;
    // Not the account that would be first in line.
    let account = tower.adapter.gas_addresses()[1];
    let owner = paying(&stage.chain, account).await;
    let package = entrusted(&owner, &leg, &leg.redeemer, ActKind::Redeem).await;
    let secret = leg.preimage.expose();
    assert!(
        package.as_slice().windows(32).all(|bytes| bytes != secret),
        "no preimage in it"
    );
    tower.watch(&leg, &leg.redeemer, Vec::new()).await;
    let act = Act::Redeem(leg.preimage.clone());
    let redeem = tower.takes_over(&leg, &leg.redeemer, &act, &package).await;
    let had = coins(&stage.chain, account).await;
    tower.broadcast(&leg, ActKind::Redeem, &redeem).await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.them.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
    let wage = leg.redeemer.amount.units() / 100;
    let got = balance(&stage, Who::Them).await - before;
    assert_eq!(got, leg.redeemer.amount.units() - wage);
    let earned = coins(&stage.chain, account).await - had;
    assert!(
        earned > wage * 9 / 10 && earned < wage,
        "wage less gas, not {earned}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tower_whom_the_token_refuses_to_pay_redeems_for_nothing() {
    let Some(chain) = Evm::ready("banned tower", Swapped::BlockingToken).await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let before = balance(&stage, Who::Them).await;
    let mut tower = Tower::with_gas(&stage.chain).await;
    let account = tower.adapter.gas_addresses()[0];
    stage.chain.ban(account).await;
    let owner = paying(&stage.chain, account).await;
    let package = entrusted(&owner, &leg, &leg.redeemer, ActKind::Redeem).await;
    tower.watch(&leg, &leg.redeemer, Vec::new()).await;
    let act = Act::Redeem(leg.preimage.clone());
    let redeem = tower.takes_over(&leg, &leg.redeemer, &act, &package).await;
    tower.broadcast(&leg, ActKind::Redeem, &redeem).await;
    stage.until_waiting(1).await;
    stage.mine(1).await;
    tower
        .until("the wage to be refused", |told| !told.failed.is_empty())
        .await;
    stage.mine(2).await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.them.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
    assert_eq!(
        balance(&stage, Who::Them).await - before,
        leg.redeemer.amount.units()
    );
}

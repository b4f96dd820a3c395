//! The adapter when its bitcoind dies.
#![allow(clippy::unwrap_used)] // functions beside the tests are not covered by allow-unwrap-in-tests

use kofo_adapter_api::{AdapterError, ChainAdapter};
use kofo_bitcoin::{Access, BitcoinAdapter, BitcoinConfig, MemoryStore, Network, RpcAuth, asset_id};
use kofo_primitives::{ChainEvent, Health, NetworkId, Seed};
use kofo_regtest::{Chain, Options, Regtest};
use std::sync::Arc;
use std::time::Duration;

/// A verdict, not a pace.
const DEADLINE: Duration = Duration::from_secs(60);

async fn start(regtest: &Regtest, network: Network) -> Result<BitcoinAdapter, AdapterError> {
    let node = regtest.bitcoin();
    let config = BitcoinConfig {
        network,
        kofo_network: NetworkId::new("kofo-trouble").unwrap(),
        access: Access::Node {
            url: node.rpc_url.clone(),
            auth: RpcAuth::UserPass {
                user: node.rpc_user.clone(),
                password: node.rpc_password.clone(),
            },
            witnesses: Vec::new(),
        },
        birthday: 0,
        max_fee_rate: 200,
        poll: Duration::from_millis(50),
        block_time: Duration::from_secs(600),
    };
    let signer = kofo_bitcoin::local_signer(&Seed::new([5; 64]));
    BitcoinAdapter::start(config, signer, Arc::new(MemoryStore::default())).await
}

/// Waits for an event that fits.
async fn until(adapter: &BitcoinAdapter, what: &str, mut fits: impl FnMut(&ChainEvent) -> bool) {
    let search = async {
        while let Some(event) = adapter.next().await {
            if fits(&event) {
                return;
            }
        }
        panic!("the adapter stopped before {what}");
    };
    let found = tokio::time::timeout(DEADLINE, search).await;
    assert!(found.is_ok(), "expected {what} within {DEADLINE:?}");
}

#[tokio::test]
async fn a_node_that_dies_is_a_fault_and_is_followed_again_when_it_is_back() {
    let test = "a_node_that_dies_is_a_fault_and_is_followed_again_when_it_is_back";
    let options = Options {
        chains: vec![Chain::Bitcoin],
        ..Options::manual()
    };
    let Some(regtest) = Regtest::up_or_skip(test, options).await else {
        return;
    };
    let adapter = start(&regtest, Network::Regtest).await.unwrap();
    let address = adapter.address(&asset_id(Network::Regtest)).await.unwrap();
    regtest.fund_bitcoin(&address, 70_000).await.unwrap();
    let before = regtest.tip(Chain::Bitcoin).await.unwrap().height;
    until(
        &adapter,
        "the first tip",
        |event| matches!(event, ChainEvent::Tip(tip) if tip.height == before),
    )
    .await;

    regtest.stop(Chain::Bitcoin).await.unwrap();
    until(&adapter, "a fault", |event| {
        *event == ChainEvent::Health(Health::Fault)
    })
    .await;
    assert!(adapter.tip().await.is_err());

    regtest.start(Chain::Bitcoin).await.unwrap();
    let after = regtest.mine(Chain::Bitcoin, 2).await.unwrap().height;
    // In either order: the first look that succeeds may find both blocks already.
    let (mut healthy, mut there) = (false, false);
    until(&adapter, "health and the new tip", |event| {
        healthy |= *event == ChainEvent::Health(Health::Healthy);
        there |= matches!(event, ChainEvent::Tip(tip) if tip.height == after);
        healthy && there
    })
    .await;
    let balance = adapter.balance(&asset_id(Network::Regtest)).await.unwrap();
    assert_eq!(balance.units(), 70_000);
}

#[tokio::test]
async fn a_node_of_another_network_is_refused_at_the_start() {
    let test = "a_node_of_another_network_is_refused_at_the_start";
    let options = Options {
        chains: vec![Chain::Bitcoin],
        ..Options::manual()
    };
    let Some(regtest) = Regtest::up_or_skip(test, options).await else {
        return;
    };
    let started = start(&regtest, Network::Bitcoin).await;
    let refused = started.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(
        refused.contains("genesis block: expected 000000000019d668"),
        "{refused}"
    );
}

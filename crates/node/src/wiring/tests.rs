use super::*;
use crate::assets::Asset;
use crate::config::Endpoint;
use kofo_journal::memory;
use kofo_primitives::{AssetId, NetworkId, Seed};

fn endpoint() -> Endpoint {
    Endpoint::new("http://127.0.0.1:1").unwrap()
}

fn config() -> Config {
    let auth = BitcoindAuth::Password {
        user: "kofo".into(),
        file: "password".into(),
    };
    let chains = RegtestChains {
        bitcoin: Some((endpoint(), auth)),
        ethereum: Some(endpoint()),
        echoin: Some(endpoint()),
        token: Some(format!("0x{}", "Ab".repeat(20))),
    };
    regtest(NetworkId::new("kofo-regtest").unwrap(), chains).unwrap()
}

async fn refusal(config: &Config) -> WiringError {
    let data = tempfile::tempdir().unwrap();
    let journal = SharedJournal::new(memory::Memory::open(&memory::Disk::new()).unwrap());
    let seed = Seed::new([7; 64]);
    let wired = wire(config, data.path(), &crate::signer::local(&seed), &journal).await;
    wired.err().expect("a refusal")
}

#[test]
fn the_regtest_configuration_is_read_back_and_knows_its_assets() {
    let config = config();
    let read = Config::parse(&config.to_toml(), Path::new("x")).unwrap();
    assert_eq!(read, config);
    let symbols: Vec<_> = read.assets().iter().map(|a| a.symbol.clone()).collect();
    assert_eq!(symbols, ["BTC", "EC", "ETH", "USDX"]);
}

#[test]
fn every_chain_has_a_pace_and_a_depth() {
    let mut config = config();
    assert!(policy(&config).paces.values().all(|pace| *pace == Pace::REGTEST));
    config.timelocks = TimelockPolicy::Standard;
    let policy = policy(&config);
    let pace = |id: &str| policy.paces[&ChainId::new(id).unwrap()];
    assert_eq!((pace("eip155:31337"), pace("eip155:18")), (ETHEREUM, ECHOIN));
    assert_eq!((policy.paces.len(), policy.margins), (3, Margins::STANDARD));
}

#[tokio::test]
async fn a_node_of_somebody_else_is_refused() {
    let mut config = config();
    for chain in &mut config.chains {
        match &mut chain.backend {
            Backend::Bitcoin(bitcoin) => bitcoin.trusted = false,
            Backend::Evm(evm) => evm.trusted = false,
            Backend::Sim | Backend::Light(_) => {}
        }
    }
    for chain in config.chains.clone() {
        let one = Config::new(config.network.clone(), vec![chain]);
        assert!(matches!(refusal(&one).await, WiringError::Untrusted { .. }));
    }
}

#[test]
fn what_strangers_tell_of_is_not_risked_more_upon_than_was_said() {
    let mut config = config();
    assert!(light_most(&config).is_empty(), "nodes of ours need no limit");
    let eth = config
        .chains
        .iter_mut()
        .find(|chain| chain.name == "ethereum")
        .unwrap();
    let nothing = eth
        .assets
        .iter()
        .map(|asset| (asset.id.clone(), Amount::ZERO))
        .collect();
    let Backend::Evm(evm) = &mut eth.backend else {
        panic!("an EVM chain");
    };
    evm.trusted = false;
    assert_eq!(light_most(&config), nothing);
}

#[tokio::test]
async fn a_contract_at_another_address_is_refused() {
    let mut config = config();
    config.chains.retain(|chain| chain.name == "ethereum");
    if let Backend::Evm(evm) = &mut config.chains[0].backend {
        evm.contract = format!("0x{}", "00".repeat(20));
    }
    assert!(matches!(refusal(&config).await, WiringError::Contract { .. }));
}

#[tokio::test]
async fn an_unknown_bitcoin_network_and_a_missing_password_are_refused() {
    let mut config = config();
    config.chains.retain(|chain| chain.name == "bitcoin");
    let error = refusal(&config).await;
    assert!(matches!(error, WiringError::Password { .. }), "{error}");
    config.chains[0].id = ChainId::new("bip122:ffffffffffffffffffffffffffffffff").unwrap();
    let error = refusal(&config).await;
    assert!(error.to_string().contains("regtest"), "{error}");
}

#[tokio::test]
async fn a_chain_whose_node_is_not_there_keeps_the_node_from_starting() {
    let mut config = config();
    config.chains.retain(|chain| chain.name == "echoin");
    let error = refusal(&config).await;
    assert!(matches!(error, WiringError::Adapter { .. }), "{error}");
    assert!(error.to_string().contains("chain.echoin"), "{error}");
}

#[tokio::test]
async fn a_chain_in_memory_mines_and_its_owner_has_funds() {
    let asset = Asset {
        symbol: "COIN".into(),
        id: AssetId::new("sim:a/coin:a").unwrap(),
        decimals: 8,
        freezable: false,
    };
    let chain = ChainConfig {
        name: "a".into(),
        id: ChainId::new("sim:a").unwrap(),
        depth: 1,
        assets: vec![asset.clone()],
        backend: Backend::Sim,
    };
    let config = Config::new(NetworkId::new("kofo-sim").unwrap(), vec![chain]);
    let journal = SharedJournal::new(memory::Memory::open(&memory::Disk::new()).unwrap());
    let wired = wire(
        &config,
        Path::new("."),
        &crate::signer::local(&Seed::new([7; 64])),
        &journal,
    )
    .await
    .unwrap();
    let adapter = &wired.adapters[&asset.id.chain()];
    assert!(adapter.balance(&asset.id).await.unwrap() > Amount::ZERO);
    let first = adapter.tip().await.unwrap().height;
    let mined = async {
        while adapter.tip().await.unwrap().height == first {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), mined)
        .await
        .expect("a block within 10 s");
}

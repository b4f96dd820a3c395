//! A whole node on a chain in memory.

mod clearing;
mod kept;
mod watched;

use super::*;
use crate::assets::Asset;
use crate::config::{Backend, CONFIG_FILE, ChainConfig, Config};
use crate::init::{InitError, init};
use crate::keystore::KdfCost;
use crate::rpc::types::{ClaimAsked, ClaimState};
use crate::rpc::{COOKIE_FILE, MarketRpcClient, NODE_FILE, NodeApi, NodeRpcClient, connect};
use kofo_primitives::{AssetId, ChainId};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn chain(name: &str) -> ChainConfig {
    let id = ChainId::new(&format!("sim:{name}")).unwrap();
    ChainConfig {
        name: name.into(),
        depth: 1,
        assets: vec![Asset {
            symbol: name.to_ascii_uppercase(),
            id: AssetId::new(&format!("{id}/coin:{name}")).unwrap(),
            decimals: 8,
            freezable: false,
        }],
        backend: Backend::Sim,
        id,
    }
}

fn new_node(data: &Path) -> Result<(), InitError> {
    let config = Config::new(NetworkId::new("kofo-sim").unwrap(), vec![chain("a"), chain("b")]);
    init(
        data,
        &config,
        &Seed::new([7; 64]),
        &passphrase("correct horse"),
        KdfCost::WEAK,
    )
}

fn daemon(data: &Path) -> Daemon {
    Daemon {
        data: data.to_owned(),
        passphrase: Some(passphrase("correct horse")),
        network: None,
    }
}

type Ended = JoinHandle<Result<(), RunError>>;

/// Starts a node, and returns when it is ready.
async fn start(data: &Path) -> (NodeFile, Ended) {
    let (tell, told) = oneshot::channel();
    let daemon = daemon(data);
    let ended = tokio::spawn(daemon.run(|file| {
        let _unheard = tell.send(file.clone());
    }));
    match told.await {
        Ok(file) => (file, ended),
        Err(_) => panic!("not ready: {:?}", ended.await),
    }
}

async fn refusal(daemon: Daemon) -> RunError {
    daemon.run(|_| panic!("ready")).await.expect_err("a refusal")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_is_found_answers_and_stops_when_told() {
    let data = tempfile::tempdir().unwrap();
    new_node(data.path()).unwrap();
    let (file, ended) = start(data.path()).await;
    assert!(
        file.listen.iter().all(|address| address.ends_with(&file.peer_id)),
        "{file:?}"
    );
    let client = connect(data.path()).unwrap();
    let status = client.node_status().await.unwrap();
    assert_eq!(
        (status.network.as_str(), status.chains.len(), status.live),
        ("kofo-sim", 2, 0)
    );
    let balances = client.wallet_balances().await.unwrap();
    assert!(
        balances.iter().all(|balance| balance.spendable.is_some()),
        "{balances:?}"
    );

    client.node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
    for gone in [NODE_FILE, COOKIE_FILE] {
        assert!(!data.path().join(gone).exists(), "{gone}");
    }
    // And it is the same node the next time.
    let (again, ended) = start(data.path()).await;
    assert_eq!(again.peer_id, file.peer_id);
    connect(data.path()).unwrap().node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_run_beside_each_other_in_one_process_and_one_ends_without_the_other() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut nodes = Vec::new();
    for folder in &folders {
        new_node(folder.path()).unwrap();
        let start = Start {
            data: folder.path().to_owned(),
            passphrase: passphrase("correct horse"),
            network: None,
            role: Some(NodeRole::Wallet),
        };
        nodes.push(Running::start(start).await.unwrap());
    }
    let second = nodes.pop().unwrap();
    let mut first = nodes.pop().unwrap();
    second.stop().await.unwrap();
    assert!(!folders[1].path().join(NODE_FILE).exists());

    let status = first.service().status().await.unwrap();
    assert_eq!((status.chains.len(), status.role.as_str()), (2, "wallet"));
    connect(first.data()).unwrap().node_stop().await.unwrap();
    first.asked_to_stop().await.unwrap();
    first.stop().await.unwrap();
    assert!(!folders[0].path().join(NODE_FILE).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_do_not_share_a_data_folder() {
    let data = tempfile::tempdir().unwrap();
    new_node(data.path()).unwrap();
    let (_, ended) = start(data.path()).await;
    assert!(matches!(
        refusal(daemon(data.path())).await,
        RunError::InUse { .. }
    ));
    // The refused one has not touched what tells of the other.
    connect(data.path()).unwrap().node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_with_a_part_of_it_missing_or_wrong() {
    let data = tempfile::tempdir().unwrap();
    assert!(matches!(
        refusal(daemon(&data.path().join("none"))).await,
        RunError::Folder { .. }
    ));
    assert!(matches!(refusal(daemon(data.path())).await, RunError::Config(_)));
    new_node(data.path()).unwrap();
    assert!(matches!(new_node(data.path()), Err(InitError::Exists { .. })));

    let mut wrong = daemon(data.path());
    wrong.passphrase = Some(passphrase("another one"));
    assert!(matches!(
        refusal(wrong).await,
        RunError::Keystore(KeystoreError::WrongPassphrase { .. })
    ));
    let mut wrong = daemon(data.path());
    wrong.network = Some(NetworkId::new("kofo-main").unwrap());
    assert!(matches!(refusal(wrong).await, RunError::OtherNetwork { .. }));

    let path = data.path().join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("kofo-sim", "kofo-main")).unwrap();
    assert!(matches!(
        refusal(daemon(data.path())).await,
        RunError::Keystore(KeystoreError::OtherNetwork { .. })
    ));
    std::fs::write(&path, text.replace("\"journal\"", "\"elsewhere\"")).unwrap();
    assert!(matches!(refusal(daemon(data.path())).await, RunError::Journal(_)));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("rpc_port = {}", taken.local_addr().unwrap().port());
    std::fs::write(&path, text.replace("rpc_port = 0", &port)).unwrap();
    assert!(matches!(refusal(daemon(data.path())).await, RunError::Rpc { .. }));
    assert!(!data.path().join(NODE_FILE).exists());
}

/// A node with these peers and a price, that runs in that role.
async fn trader(data: &Path, seed: u8, peers: Vec<String>, role: NodeRole) -> (NodeFile, Ended) {
    let mut config = Config::new(NetworkId::new("kofo-sim").unwrap(), vec![chain("a"), chain("b")]);
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    config.peers = peers;
    config.timelocks = crate::config::TimelockPolicy::Test;
    config.provider.prices = vec![crate::market::PriceLine {
        pair: "A/B".into(),
        price: "2".into(),
        spread_bps: 50,
        least: "0.01".into(),
        most: "1".into(),
        as_of_ms: None,
    }];
    let open = passphrase("correct horse");
    init(data, &config, &Seed::new([seed; 64]), &open, KdfCost::WEAK).unwrap();
    let (tell, told) = oneshot::channel();
    let ended = tokio::spawn(daemon(data).run_as(Some(role), |file| {
        let _unheard = tell.send(file.clone());
    }));
    match told.await {
        Ok(file) => (file, ended),
        Err(_) => panic!("not ready: {:?}", ended.await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_a_wallet_reaches_a_provider_over_a_relay_and_its_quote_comes_back() {
    let folders: [_; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [relay_data, provider_data, wallet_data] = folders.each_ref().map(|folder| folder.path());
    let (relay, first) = trader(relay_data, 1, vec![], NodeRole::Relay).await;
    let (_, second) = trader(provider_data, 2, relay.listen.clone(), NodeRole::Provider).await;
    let (_, third) = trader(wallet_data, 3, relay.listen.clone(), NodeRole::Wallet).await;
    let [of_relay, of_provider, of_wallet] =
        [relay_data, provider_data, wallet_data].map(|data| connect(data).unwrap());
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    let roles = async || -> Vec<_> {
        let peers = of_relay.peers_list().await.unwrap();
        let mut roles: Vec<_> = peers.into_iter().filter_map(|peer| peer.role).collect();
        roles.sort();
        roles
    };
    while roles().await != ["provider", "wallet"] {
        assert!(std::time::Instant::now() < deadline, "they say what they do");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = of_relay.node_status().await.unwrap();
    assert_eq!((status.role.as_str(), status.neighbours), ("relay", 2));

    let asked = ClaimAsked {
        give: "0.5a".into(),
        want: "0.9b".into(),
        manual: true,
        max_hops: Some(2),
        ..ClaimAsked::default()
    };
    let mut claim = of_wallet.claim_make(asked).await.unwrap();
    while claim.quotes.is_empty() {
        assert!(std::time::Instant::now() < deadline, "a quote comes: {claim:?}");
        claim = of_wallet.claim_quotes(claim.id, Some(claim.seq)).await.unwrap();
    }
    let quote = &claim.quotes[0];
    assert_eq!((quote.want.to_string(), quote.path.len()), ("0.995 B".into(), 2));
    assert_eq!(quote.price, "1.99 B per A");
    assert_eq!(
        of_wallet.claim_cancel(claim.id).await.unwrap().state,
        ClaimState::Cancelled
    );
    assert_eq!(of_wallet.claim_list().await.unwrap().claims.len(), 1);
    let book = of_wallet.book_show("a/b".into()).await.unwrap();
    assert_eq!(book.pair, "A/B");
    for (client, ended) in [(of_wallet, third), (of_provider, second), (of_relay, first)] {
        client.node_stop().await.unwrap();
        ended.await.unwrap().unwrap();
    }
}

//! A whole node on a chain in memory.

use super::*;
use crate::assets::Asset;
use crate::config::{Backend, CONFIG_FILE, ChainConfig};
use crate::init::{InitError, init};
use crate::keystore::KdfCost;
use crate::rpc::{COOKIE_FILE, NODE_FILE, NodeRpcClient, connect};
use kofo_primitives::{AssetId, ChainId};
use std::path::Path;
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
        passphrase: passphrase("correct horse"),
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
    wrong.passphrase = passphrase("another one");
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

//! Validators in processes of their own, a node, and accounts with money for orders. The genesis says that validators
//! observe the chains of the orders; nobody runs one, so that no order ever ends.

use super::orders;
use crate::shared::kofo;
use kofo_clearance::{Genesis, GenesisBalance};
use kofo_cli::demo::{Council, NETWORK, NodeProcess, SYMBOL};
use kofo_cli::founding::{DECIMALS, Founding, Profile, ledger_asset};
use kofo_node::clearing::{GENESIS_FILE, GenesisFile};
use kofo_node::config::{ClearingConfig, Config, Endpoint};
use kofo_node::keystore::{KdfCost, Passphrase};
use kofo_node::rpc::{RpcClient, connect};
use kofo_node::run::node_key;
use kofo_node::wiring::{self, RegtestChains};
use kofo_node::{files, init};
use kofo_primitives::{Amount, NetworkId, NodeId, Seed};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What the node has at its disposal, in smallest units.
const FREE: u128 = 1_000_000_000;

/// All of them. They and all they hold are gone when this is dropped.
pub(super) struct Forum {
    pub(super) council: Council,
    pub(super) genesis: Genesis,
    _node: NodeProcess,
    folder: TempDir,
}

impl Forum {
    /// Founds the network and starts everybody.
    pub(super) async fn up() -> Self {
        let folder = tempfile::Builder::new().prefix("kofo-forum-").tempdir().unwrap();
        let mut council = Council::found_blind(folder.path(), kofo()).unwrap();
        let data = node_folder(folder.path());
        let account = new_node(&data);
        let genesis = found(&council, account);
        let file = GenesisFile { genesis };
        for data in council.folders().chain([data.as_path()]) {
            file.save_new(&data.join(GENESIS_FILE)).unwrap();
        }
        council.start_all().await.unwrap();
        let node = NodeProcess::start(kofo(), &data).await.unwrap();
        Self {
            council,
            genesis: file.genesis,
            _node: node,
            folder,
        }
    }

    /// A client of the node.
    pub(super) fn client(&self) -> RpcClient {
        connect(&node_folder(self.folder.path())).unwrap()
    }
}

fn node_folder(folder: &Path) -> PathBuf {
    folder.join("node")
}

fn network() -> NetworkId {
    NetworkId::new(NETWORK).unwrap()
}

/// A node without chains, whose account this is.
fn new_node(data: &Path) -> NodeId {
    let mut config = Config::new(network(), Vec::new());
    config.clearing = Some(ClearingConfig {
        genesis: GENESIS_FILE.into(),
        services: Vec::new(),
        paid: false,
    });
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
    config.neighbours = 0;
    files::create_folder(data).unwrap();
    // Where a process of the demo looks for it.
    let file = data.join("passphrase");
    files::replace(&file, b"a passphrase of a test").unwrap();
    let (seed, passphrase) = (Seed::new([9; 64]), Passphrase::from_file(&file).unwrap());
    init::init(data, &config, &seed, &passphrase, KdfCost::WEAK).unwrap();
    node_key(&seed, &network()).id()
}

fn found(council: &Council, account: NodeId) -> Genesis {
    let asset = ledger_asset(&network(), SYMBOL, DECIMALS).unwrap();
    let mut balances = orders::balances(&asset.asset);
    balances.push(GenesisBalance {
        account,
        asset: asset.asset.clone(),
        free: Amount::new(FREE),
        provider: Amount::ZERO,
        relay: Amount::ZERO,
    });
    let chains = chains_of_nobody();
    let mut validators = council.entries();
    for validator in &mut validators {
        validator.observes = chains.chains.iter().map(|chain| chain.id.clone()).collect();
    }
    let founding = Founding {
        network: network(),
        profile: Profile::Dev,
        proofs: Vec::new(),
        assets: vec![asset],
        validators,
        balances,
        foundation: account,
        config: &chains,
    };
    founding.genesis().unwrap()
}

/// Of which the orders are.
fn chains_of_nobody() -> Config {
    let nowhere = || Some(Endpoint::new("http://127.0.0.1:1").unwrap());
    let chains = RegtestChains {
        ethereum: nowhere(),
        echoin: nowhere(),
        ..RegtestChains::default()
    };
    wiring::regtest(network(), chains).unwrap()
}

//! Validators that observe no chain, and one node with money of the ledger: all that it takes to see them decide.

use super::city::SYMBOL;
use super::council::Council;
use crate::demo::daemons::{NETWORK, new_folder};
use crate::demo::process::NodeProcess;
use crate::founding::{DECIMALS, Founding, Profile, ledger_asset};
use anyhow::{Context, Result};
use kofo_clearance::GenesisBalance;
use kofo_node::clearing::{GENESIS_FILE, GenesisFile};
use kofo_node::config::{ClearingConfig, Config, Endpoint};
use kofo_node::rpc::{RpcClient, connect};
use kofo_node::run::node_key;
use kofo_node::wiring::{self, RegtestChains};
use kofo_primitives::{Amount, NetworkId, NodeId};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What the node has at its disposal, in smallest units.
const FREE: Amount = Amount::new(1_000_000_000);

/// The validators and the node. They and all they hold are gone when this is dropped.
pub struct Hall {
    /// The validators.
    pub council: Council,
    account: NodeId,
    _node: NodeProcess,
    folder: TempDir,
}

impl Hall {
    /// Founds the network and starts everybody.
    pub async fn up(kofo: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("kofo-hall-").tempdir()?;
        let mut council = Council::found_blind(folder.path(), kofo)?;
        let network = NetworkId::new(NETWORK)?;
        let mut config = Config::new(network.clone(), Vec::new());
        config.clearing = Some(ClearingConfig {
            genesis: GENESIS_FILE.into(),
            services: Vec::new(),
            paid: false,
        });
        config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        config.neighbours = 0;
        let data = node_folder(folder.path());
        let account = node_key(&new_folder(&data, &config)?, &network).id();
        let asset = ledger_asset(&network, SYMBOL, DECIMALS).context("the symbol is a word")?;
        let zero = Amount::ZERO;
        let balance = GenesisBalance {
            account,
            asset: asset.asset.clone(),
            free: FREE,
            provider: zero,
            relay: zero,
        };
        let founding = Founding {
            network,
            profile: Profile::Dev,
            proofs: Vec::new(),
            assets: vec![asset],
            validators: council.entries(),
            balances: vec![balance],
            foundation: account,
            config: &some_chains()?,
        };
        let file = GenesisFile {
            genesis: founding.genesis()?,
        };
        for data in council.folders().chain([data.as_path()]) {
            file.save_new(&data.join(GENESIS_FILE))?;
        }
        council.start_all().await?;
        let node = NodeProcess::start(kofo, &data).await?;
        Ok(Self {
            council,
            account,
            _node: node,
            folder,
        })
    }

    /// A client of the node.
    pub fn client(&self) -> Result<RpcClient> {
        Ok(connect(&node_folder(self.folder.path()))?)
    }

    /// The node's account.
    #[must_use]
    pub const fn account(&self) -> NodeId {
        self.account
    }
}

fn node_folder(folder: &Path) -> PathBuf {
    folder.join("node")
}

/// A genesis says how far apart the timelocks of chains are: of any, for nobody here has one.
fn some_chains() -> Result<Config> {
    let somewhere = || Endpoint::new("http://127.0.0.1:1").map(Some);
    let chains = RegtestChains {
        ethereum: somewhere()?,
        echoin: somewhere()?,
        ..RegtestChains::default()
    };
    Ok(wiring::regtest(NetworkId::new(NETWORK)?, chains)?)
}

//! The process from its command to its end.

use super::{RunError, Sight, Start, Validator};
use crate::config::{Role, ValidatorConfig};
use crate::head::Clock;
use crate::rpc::RpcServer;
use kofo_bitcoin_proof::BitcoinProofs;
use kofo_node::clearing::GenesisFile;
use kofo_node::config::Config;
use kofo_node::keystore::{self, Passphrase};
use kofo_node::rpc::{Cookie, NodeFile};
use kofo_primitives::NetworkId;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the command says.
#[derive(Debug)]
pub struct Run {
    /// The data folder, made by `kofo validator init`.
    pub data: PathBuf,
    /// What opens the keystore.
    pub passphrase: Passphrase,
    /// The network that the configuration must be of, if it matters.
    pub network: Option<NetworkId>,
    /// The role, if not the configuration's.
    pub role: Option<Role>,
}

impl Run {
    fn start(self) -> Result<Start, RunError> {
        let node = Config::load(&self.data)?;
        let mut config = ValidatorConfig::load(&self.data)?;
        if let Some(role) = self.role {
            config.role = role;
        }
        let GenesisFile { genesis } = GenesisFile::load(&self.data.join(&config.genesis))?;
        let of = self.network.unwrap_or_else(|| node.network.clone());
        if genesis.network != of || node.network != of {
            return Err(RunError::OtherNetwork {
                genesis: genesis.network,
                node: of,
            });
        }
        let seed = keystore::open(&self.data, &genesis.network, &self.passphrase)?;
        Ok(Start {
            data: self.data,
            genesis,
            seed,
            pace: config.speed.pace(),
            config,
            proofs: Arc::new(BitcoinProofs),
            sight: Sight::Node(Box::new(node)),
            clock: Clock::system(),
        })
    }
}

impl Validator {
    /// Runs until `validator.stop`, Ctrl-C or a TERM signal. `ready` is told, once, where it can be reached.
    pub async fn run(run: Run, ready: impl FnOnce(&NodeFile)) -> Result<(), RunError> {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
        let start = tokio::task::spawn_blocking(|| run.start());
        let start = start.await.map_err(|_| RunError::Fault)??;
        let port = start.config.rpc_port;
        let validator = Self::start(start).await?;
        let (ask, mut asked) = watch::channel(false);
        let cookie = Cookie::create(validator.folder.path())?;
        let rpc = RpcServer::start(port, cookie, Arc::clone(&validator.shared), ask);
        let rpc = rpc.await.map_err(|source| RunError::Rpc { port, source })?;
        let file = validator.file(rpc.url());
        file.save(validator.folder.path())
            .map_err(|source| RunError::Folder {
                folder: validator.folder.path().to_owned(),
                source,
            })?;
        ready(&file);
        let failed = tokio::select! {
            failure = validator.failed() => Some(failure),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            // The sender is the RPC's, which lives as long.
            _ = asked.wait_for(|stop| *stop) => None,
        };
        rpc.stop().await;
        validator.stop().await;
        failed.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

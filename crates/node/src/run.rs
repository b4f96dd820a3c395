//! The daemon: a node that is the process.

mod folder;
mod running;
mod start;
mod unlock;

use crate::assets::AssetError;
use crate::clearing::{ClearingError, GenesisFileError};
use crate::config::format::FormatError;
use crate::config::{ConfigError, NodeRole};
use crate::driver::DriverError;
use crate::events::EventError;
use crate::keystore::{KeystoreError, Passphrase};
use crate::market::MarketError;
use crate::rpc::{CookieError, NodeFile};
use crate::towers::TowersError;
use crate::transfers::TransferError;
use crate::wiring::WiringError;
pub(crate) use folder::Folder;
use kofo_primitives::{NetworkId, NodeKey, Seed};
pub use running::{Running, SignedStart, Start};
pub(crate) use start::{Part, Started};
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
pub(crate) use unlock::Unlock;

/// Why the node does not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process uses the data folder.
    #[error("a node runs already in {data}: stop it with `kofo stop --data {data}`", data = data.display())]
    InUse {
        /// The data folder.
        data: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {data}: {source}; make it with `kofo init --data {data}`", data = data.display())]
    Folder {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration is of another network than the command.
    #[error(
        "expected a node of network {expected}, configuration or genesis are of {got}: check --data and --network"
    )]
    OtherNetwork {
        /// What the command said.
        expected: NetworkId,
        /// What the configuration says.
        got: NetworkId,
    },
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Limits of assets that the configuration does not have.
    #[error("limits: {0}")]
    Limits(#[from] AssetError),
    /// The data folder is of another format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// Whoever has the keys refuses this node.
    #[error(transparent)]
    Signer(#[from] kofo_adapter_api::SignerError),
    /// Nobody has keys for the node.
    #[error("expected a signer in the configuration, or the passphrase of a keystore: there is neither")]
    NoKeys,
    /// The journal cannot be opened.
    #[error("cannot open the journal: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// A chain.
    #[error(transparent)]
    Wiring(#[from] Box<WiringError>),
    /// The network.
    #[error("cannot listen for peers: {0}")]
    Network(#[from] kofo_network::StartError),
    /// The towers that the journal names.
    #[error(transparent)]
    Towers(#[from] TowersError),
    /// What the journal has of events.
    #[error(transparent)]
    Events(#[from] EventError),
    /// What the journal has of the market.
    #[error(transparent)]
    Market(#[from] Box<MarketError>),
    /// The network's genesis.
    #[error(transparent)]
    Genesis(#[from] Box<GenesisFileError>),
    /// What the journal has of payments out of the wallet.
    #[error(transparent)]
    Transfers(#[from] Box<TransferError>),
    /// The clearance layer.
    #[error(transparent)]
    Clearing(#[from] Box<ClearingError>),
    /// The RPC's cookie.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// The RPC cannot listen.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another rpc_port, or 0")]
    Rpc {
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nobody can watch the node.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another health_port, or 0 for none")]
    Health {
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The journal failed while the node ran. Nothing was sent that is not in it.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// A fault of ours, which the log has.
    #[error(
        "the engine ended by a fault of the program; its journal is whole: restart the node, and report this"
    )]
    Fault,
    /// The system does not deliver signals.
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
}

/// What the daemon is told.
#[derive(Debug)]
pub struct Daemon {
    /// The data folder.
    pub data: PathBuf,
    /// What opens the keystore; not needed where the configuration names a signer.
    pub passphrase: Option<Passphrase>,
    /// The network that the configuration must be of, if it matters.
    pub network: Option<NetworkId>,
}

impl Daemon {
    /// Runs the node until `node.stop`, Ctrl-C or a TERM signal. `ready` is told, once, where it can be reached.
    pub async fn run(self, ready: impl FnOnce(&NodeFile)) -> Result<(), RunError> {
        self.run_as(None, ready).await
    }

    /// As [`Daemon::run`], in another role than the configuration's if one is given.
    pub async fn run_as(self, role: Option<NodeRole>, ready: impl FnOnce(&NodeFile)) -> Result<(), RunError> {
        let unlock = self.passphrase.map_or(Unlock::Configured, Unlock::Passphrase);
        let (place, network) = (self.data, self.network);
        let Some(mut node) = Running::begin((place, network, role), unlock, Stops::new()?).await? else {
            return Ok(());
        };
        ready(node.file());
        node.asked_to_stop().await?;
        node.stop().await
    }
}

/// A task that ends with its owner, however that ends.
struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// What came of it.
    async fn ended(&mut self) -> Result<T, tokio::task::JoinError> {
        (&mut self.0).await
    }

    /// Ends the task and waits until it has dropped all it held.
    async fn end(mut self) {
        self.0.abort();
        // An aborted task says so; nothing in it must be finished.
        let _aborted = (&mut self.0).await;
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The key by which the node signs offers and acceptances; its account in the clearance layer.
#[must_use]
pub fn node_key(seed: &Seed, network: &NetworkId) -> NodeKey {
    let secret = seed.node_secret("kofo/node/v1", network);
    NodeKey::new(secret.expose()).expect("fewer than one seed in 2^127 gives no key")
}

/// What makes the node stop.
pub(crate) struct Stops {
    signals: Option<Signals>,
    asked: watch::Receiver<bool>,
    ask: watch::Sender<bool>,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(signals: &mut Option<Self>) {
        let Some(Self { interrupt, terminate }) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

impl Stops {
    /// Ctrl-C, a TERM signal, or being asked.
    pub(crate) fn new() -> Result<Self, RunError> {
        let signals = Signals {
            interrupt: signal(SignalKind::interrupt()).map_err(RunError::Signals)?,
            terminate: signal(SignalKind::terminate()).map_err(RunError::Signals)?,
        };
        let signals = Some(signals);
        Ok(Self {
            signals,
            ..Self::when_asked()
        })
    }

    /// Being asked, and nothing else.
    fn when_asked() -> Self {
        let (ask, asked) = watch::channel(false);
        Self {
            signals: None,
            asked,
            ask,
        }
    }

    /// By which it is asked.
    fn asking(&self) -> watch::Sender<bool> {
        self.ask.clone()
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = Signals::next(&mut self.signals) => {}
            // The sender is ours: it is never gone.
            _ = self.asked.wait_for(|stop| *stop) => {}
        }
    }
}

#[cfg(test)]
mod tests;

//! The daemon: everything in the order in which it must begin and end.

mod folder;
mod start;

use crate::agree::{Agreement, Held};
use crate::clearing::{Clearing, ClearingError, ClearingParts, GenesisFileError};
use crate::config::{Config, ConfigError, NodeRole};
use crate::driver::{Driver, DriverError};
use crate::engine::Engine;
use crate::journal::SharedJournal;
use crate::keystore::{KeystoreError, Passphrase};
use crate::market::{Market, MarketError, MarketParts, Timing};
use crate::rpc::{Cookie, CookieError, NodeFile, RpcServer};
use crate::service::Service;
use crate::towers::{Towers, TowersError};
use crate::wiring::WiringError;
pub(crate) use folder::Folder;
use kofo_clearance::Genesis;
use kofo_network::{MeshInbound, Network, Transport};
use kofo_primitives::{NetworkId, NodeKey, Seed};
pub(crate) use start::{Part, Started};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the engine may take to end in order; every promise it made is in the journal by then anyway.
const LAST_SYNC: Duration = Duration::from_secs(10);

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
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
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
    /// What the journal has of the market.
    #[error(transparent)]
    Market(#[from] Box<MarketError>),
    /// The network's genesis.
    #[error(transparent)]
    Genesis(#[from] Box<GenesisFileError>),
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
    /// What opens the keystore.
    pub passphrase: Passphrase,
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
        let mut stops = Stops::new()?;
        let part = Part::Node(role);
        let started = Started::up(part, &self.data, self.passphrase, self.network, &mut stops).await?;
        let Some(started) = started else {
            return Ok(());
        };
        let Started {
            folder,
            config,
            genesis,
            seed,
            journal,
            network,
            inbound,
            mesh,
            wired,
        } = started;
        let driver = Driver::open(journal.clone())?;
        let (engine, asks, running) = Engine::start(driver, &wired.adapters);
        let mut engine_task = Task(tokio::spawn(running));
        let agreement = Arc::new(Agreement {
            network: config.network.clone(),
            key: node_key(&seed, &config.network),
            seed,
            policy: wired.policy,
            depths: wired.depths,
            adapters: wired.adapters,
            engine,
            transport: Arc::new(network.clone()),
            one_at_a_time: tokio::sync::Mutex::new(()),
            held: Held::default(),
        });
        let towers = Arc::new(Towers::open(Arc::clone(&agreement), journal.clone())?);
        let clearing = clearing(&config, genesis, &agreement, journal.clone())?;
        let mut parts = market_parts(&config, &self.data, &agreement, network.clone());
        parts.clearing = clearing.clone();
        let market = Market::open(parts, journal).map_err(Box::new)?;
        let service = Service::new(Arc::clone(&agreement), config.assets(), stops.ask.clone())
            .with_market(Arc::clone(&market))
            .with_clearing(clearing)
            .with_towers(Arc::clone(&towers));
        let deliveries = Task(tokio::spawn(async move { towers.deliver().await }));
        let trade = Task(tokio::spawn(take_part(market, mesh)));
        let rounds = Task(tokio::spawn(Arc::clone(&agreement).cooperate(asks)));
        let peers = Task(tokio::spawn(async move { agreement.serve(inbound).await }));
        let rpc = serve(&config, &folder, Arc::new(service)).await?;
        let file = NodeFile {
            rpc: rpc.url(),
            pid: std::process::id(),
            network: config.network.to_string(),
            peer_id: network.peer_id().to_string(),
            listen: network.listen_addresses(),
        };
        folder.publish(&file)?;
        drop(network);
        ready(&file);
        tokio::select! {
            ended = &mut engine_task.0 => fault(ended),
            () = stops.next() => {
                // Nobody can ask for anything any more: then the engine has done all it was asked, and ends.
                rpc.stop().await;
                trade.end().await;
                peers.end().await;
                rounds.end().await;
                deliveries.end().await;
                last_sync(engine_task).await
            }
        }
    }
}

/// The market over this node's own network and settlement.
fn market_parts(config: &Config, data: &Path, agreement: &Arc<Agreement>, network: Network) -> MarketParts {
    MarketParts {
        network: config.network.clone(),
        role: config.role,
        seed: agreement.seed.clone(),
        assets: config.assets(),
        provider: config.provider.clone(),
        data: data.to_owned(),
        mesh: Arc::new(network),
        settles: Arc::clone(agreement) as _,
        timing: Timing::default(),
        clearing: None,
        paid: config.clearing.as_ref().is_some_and(|clearing| clearing.paid),
    }
}

/// The way to the clearance layer, if the configuration names the network's genesis.
fn clearing(
    config: &Config,
    genesis: Option<Genesis>,
    agreement: &Agreement,
    journal: SharedJournal,
) -> Result<Option<Arc<Clearing>>, RunError> {
    let (Some(clearing), Some(genesis)) = (&config.clearing, genesis) else {
        return Ok(None);
    };
    let parts = ClearingParts {
        genesis,
        services: clearing.services.clone(),
        key: node_key(&agreement.seed, &config.network),
        transport: Arc::clone(&agreement.transport),
        journal,
    };
    Ok(Some(Arc::new(Clearing::open(parts).map_err(Box::new)?)))
}

async fn take_part(market: Arc<Market>, mesh: Option<MeshInbound>) {
    if let Some(mesh) = mesh {
        market.run(mesh).await;
    }
}

/// A task that ends with its owner, however that ends.
struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
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

type Ended = Result<Result<(), DriverError>, tokio::task::JoinError>;

/// The engine ended and nobody told it to: by an error, or else by a fault of ours.
fn fault(ended: Ended) -> Result<(), RunError> {
    ended.map_err(|_| RunError::Fault)??;
    Err(RunError::Fault)
}

async fn last_sync(mut engine: Task<Result<(), DriverError>>) -> Result<(), RunError> {
    match tokio::time::timeout(LAST_SYNC, &mut engine.0).await {
        Ok(ended) => Ok(ended.map_err(|_| RunError::Fault)??),
        Err(_still_busy) => {
            tracing::warn!("the engine did not end in time; its journal is whole");
            Ok(())
        }
    }
}

/// The key by which the node signs offers and acceptances; its account in the clearance layer.
#[must_use]
pub fn node_key(seed: &Seed, network: &NetworkId) -> NodeKey {
    let secret = seed.node_secret("kofo/node/v1", network);
    NodeKey::new(secret.expose()).expect("fewer than one seed in 2^127 gives no key")
}

async fn serve(config: &Config, folder: &Folder, service: Arc<Service>) -> Result<RpcServer, RunError> {
    let cookie = Cookie::create(folder.data())?;
    let port = config.rpc_port;
    RpcServer::start(port, cookie, service, config.assets())
        .await
        .map_err(|source| RunError::Rpc { port, source })
}

/// What makes the node stop.
pub(crate) struct Stops {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    asked: watch::Receiver<bool>,
    ask: watch::Sender<bool>,
}

impl Stops {
    pub(crate) fn new() -> Result<Self, RunError> {
        let (ask, asked) = watch::channel(false);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(RunError::Signals)?,
            terminate: signal(SignalKind::terminate()).map_err(RunError::Signals)?,
            asked,
            ask,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            // The sender is ours: it is never gone.
            _ = self.asked.wait_for(|stop| *stop) => {}
        }
    }
}

#[cfg(test)]
mod tests;

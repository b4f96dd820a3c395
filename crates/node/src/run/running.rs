//! A node in this process: everything in the order in which it must begin and end.

use super::{Folder, Part, RunError, Started, Stops, Task, Unlock, node_key};
use crate::agree::{Agreement, Held};
use crate::backup::Backups;
use crate::clearing::{Clearing, ClearingParts};
use crate::clock::now_ms;
use crate::config::{Config, NodeRole};
use crate::driver::{Driver, DriverError};
use crate::engine::{Adapters, Engine};
use crate::events::{EventLog, Followed, follow};
use crate::journal::SharedJournal;
use crate::keystore::Passphrase;
use crate::limits::Limits;
use crate::market::{Market, MarketParts, Timing};
use crate::metrics::{HealthServer, Watched};
use crate::rpc::{NodeFile, RpcParts, RpcServer, Tokens};
use crate::service::Service;
use crate::towers::Towers;
use crate::transfers::Transfers;
use kofo_adapter_api::Signer;
use kofo_clearance::Genesis;
use kofo_network::{MeshInbound, Network, Transport};
use kofo_primitives::{Amount, AssetId, ChainId, NetworkId, Seed};
use kofo_settlement::Policy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the engine may take to end in order; every promise it made is in the journal by then anyway.
const LAST_SYNC: Duration = Duration::from_secs(10);

/// How long answers of the chains' nodes are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// What a node is told when it starts.
#[derive(Debug)]
pub struct Start {
    /// The data folder.
    pub data: PathBuf,
    /// What opens the keystore.
    pub passphrase: Passphrase,
    /// The network that the configuration must be of, if it matters.
    pub network: Option<NetworkId>,
    /// Another role than the configuration's.
    pub role: Option<NodeRole>,
}

/// What a node is told when it starts on a folder without a keystore ([`crate::init::init_signed`]).
pub struct SignedStart {
    /// The data folder.
    pub data: PathBuf,
    /// Who has the keys. Must be the one that the folder was made with.
    pub signer: Arc<dyn Signer>,
    /// The network that the configuration must be of, if it matters.
    pub network: Option<NetworkId>,
    /// Another role than the configuration's.
    pub role: Option<NodeRole>,
}

/// A node that runs. Many can in one process, each in its own data folder.
///
/// Dropped without [`Running::stop`] it ends as if the process had been killed, which loses nothing.
pub struct Running {
    file: NodeFile,
    service: Arc<Service>,
    stops: Stops,
    // What is first here is dropped first: the folder is free when nothing uses it any more.
    rpc: RpcServer,
    health: Option<HealthServer>,
    tasks: Tasks,
    engine: Task<Result<(), DriverError>>,
    chains: JoinSet<()>,
    closed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    folder: Folder,
}

impl Running {
    /// Starts a node that ends when it is told to, by [`Running::stop`] or over its RPC; signals of the process are left
    /// to whoever embeds it.
    pub async fn start(start: Start) -> Result<Self, RunError> {
        let place = (start.data, start.network, start.role);
        let unlock = Unlock::Passphrase(start.passphrase);
        let begun = Self::begin(place, unlock, Stops::when_asked()).await?;
        Ok(begun.expect("nobody can have asked it to stop before it answers"))
    }

    /// As [`Running::start`], with keys that are elsewhere. Waits until the signer answers.
    pub async fn start_signed(start: SignedStart) -> Result<Self, RunError> {
        let place = (start.data, start.network, start.role);
        let begun = Self::begin(place, Unlock::Signer(start.signer), Stops::when_asked()).await?;
        Ok(begun.expect("nobody can have asked it to stop before it answers"))
    }

    /// Starts a node; `None` if it is to stop before the chains have answered.
    pub(super) async fn begin(
        (data, network, role): (PathBuf, Option<NetworkId>, Option<NodeRole>),
        unlock: Unlock,
        mut stops: Stops,
    ) -> Result<Option<Self>, RunError> {
        let started = Started::up(Part::Node(role), &data, unlock, network, &mut stops).await?;
        let Some(started) = started else {
            return Ok(None);
        };
        let Started {
            folder,
            config,
            genesis,
            seed,
            signer,
            journal,
            network,
            inbound,
            mesh,
            wired,
        } = started;
        let closed = Box::pin(journal.closed());
        let driver = Driver::open(journal.clone())?;
        let (engine, asks, running) = Engine::start(driver, &wired.adapters);
        let chains = (wired.adapters, wired.policy, wired.depths, wired.light_most);
        let agreement = Arc::new(agreement(&config, (seed, signer), chains, engine, &network)?);
        let transfers = resumed(&agreement, &journal).await?;
        let engine_task = Task::spawn(running);
        let towers = Arc::new(Towers::open(Arc::clone(&agreement), journal.clone())?);
        let clearing = clearing(&config, genesis, &agreement, journal.clone())?;
        let mut parts = market_parts(&config, &data, &agreement, network.clone());
        parts.clearing = clearing.clone();
        let market = Market::open(parts, journal.clone()).map_err(Box::new)?;
        let events = Arc::new(EventLog::open(journal.clone(), now_ms())?);
        let followed = followed(&config, &agreement, &market);
        let backups = backups(&config, &data, (&agreement, &towers));
        let service = Service::new(Arc::clone(&agreement), config.assets(), stops.asking())
            .with_market(Arc::clone(&market))
            .with_clearing(clearing, wired.blocks)
            .with_backups(Arc::clone(&backups))
            .with_transfers(Arc::clone(&transfers))
            .with_towers(Arc::clone(&towers))
            .with_events(Arc::clone(&events));
        let service = Arc::new(service);
        let watched = watched(&config, &data, (&agreement, &market), journal);
        let tasks = Tasks {
            telling: Task::spawn(follow(Arc::clone(&events), followed)),
            deliveries: Task::spawn(deliver(towers, backups, transfers)),
            trade: Task::spawn(take_part(market, mesh)),
            rounds: Task::spawn(Arc::clone(&agreement).cooperate(asks)),
            peers: Task::spawn(async move { agreement.serve(inbound).await }),
        };
        let open = open(&config, &folder, &service, (events, watched), &network).await;
        let (rpc, health, file) = match open {
            Ok(open) => open,
            Err(error) => {
                // Nothing of it runs any more when the caller is told.
                tasks.end().await;
                engine_task.end().await;
                return Err(error);
            }
        };
        Ok(Some(Self {
            file,
            service,
            stops,
            rpc,
            health,
            tasks,
            engine: engine_task,
            chains: wired.tasks,
            closed,
            folder,
        }))
    }

    /// Where it can be reached.
    #[must_use]
    pub const fn file(&self) -> &NodeFile {
        &self.file
    }

    /// What it answers, without a socket between.
    #[must_use]
    pub const fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.data()
    }

    /// Until it is asked to stop; an error if its engine ends before that, which nobody told it to.
    pub async fn asked_to_stop(&mut self) -> Result<(), RunError> {
        tokio::select! {
            ended = self.engine.ended() => fault(ended),
            () = self.stops.next() => Ok(()),
        }
    }

    /// Stops it in good order. When this returns, the folder is free: another can be started in it.
    pub async fn stop(self) -> Result<(), RunError> {
        // Nobody can ask for anything any more: then the engine has done all it was asked, and ends.
        self.rpc.stop().await;
        if let Some(health) = self.health {
            health.stop().await;
        }
        drop(self.service);
        self.tasks.end().await;
        let ended = last_sync(self.engine).await;
        drop(self.chains);
        // What follows a chain ends with its last question to a chain's node.
        if tokio::time::timeout(LAST_ANSWERS, self.closed).await.is_err() {
            tracing::warn!("a chain's node does not answer: the folder is in use until it does");
        }
        ended
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Running({})", self.folder.data().display())
    }
}

/// What runs beside the engine.
struct Tasks {
    trade: Task<()>,
    telling: Task<()>,
    peers: Task<()>,
    rounds: Task<()>,
    deliveries: Task<()>,
}

impl Tasks {
    async fn end(self) {
        self.trade.end().await;
        self.telling.end().await;
        self.peers.end().await;
        self.rounds.end().await;
        self.deliveries.end().await;
    }
}

/// What others are given: for the time when this node is away, or lost; and what its owner pays them.
async fn deliver(towers: Arc<Towers>, backups: Arc<Backups>, transfers: Arc<Transfers>) {
    tokio::join!(towers.deliver(), backups.run(), transfers.run());
}

/// Payments out of the wallet. What those hold that are on their way is held before the engine builds anything.
async fn resumed(agreement: &Arc<Agreement>, journal: &SharedJournal) -> Result<Arc<Transfers>, RunError> {
    let transfers = Transfers::new(Arc::clone(agreement), journal.clone());
    transfers.resume().await.map_err(Box::new)?;
    Ok(Arc::new(transfers))
}

/// What backups of this node are made of.
fn backups(
    config: &Config,
    data: &Path,
    (agreement, towers): (&Arc<Agreement>, &Arc<Towers>),
) -> Arc<Backups> {
    let file = config.backup.as_ref().map(|file| data.join(file));
    let (agreement, towers) = (Arc::clone(agreement), Arc::clone(towers));
    Arc::new(Backups::new(agreement, towers, config.to_toml(), file))
}

type Chains = (
    Adapters,
    Policy,
    BTreeMap<ChainId, u32>,
    BTreeMap<AssetId, Amount>,
);

/// What makes and keeps swaps, over these chains.
fn agreement(
    config: &Config,
    (seed, signer): (Seed, Arc<dyn Signer>),
    (adapters, policy, depths, light_most): Chains,
    engine: Engine,
    network: &Network,
) -> Result<Agreement, RunError> {
    let limits = Limits::new(&config.limits, &config.assets())?;
    Ok(Agreement {
        network: config.network.clone(),
        key: node_key(&seed, &config.network),
        seed,
        signer,
        policy,
        depths,
        adapters,
        light_most,
        engine,
        transport: Arc::new(network.clone()),
        one_at_a_time: tokio::sync::Mutex::new(()),
        limits: Arc::new(limits),
        held: Held::default(),
    })
}

/// What events are told of.
fn followed(config: &Config, agreement: &Agreement, market: &Arc<Market>) -> Followed {
    Followed {
        engine: agreement.engine.clone(),
        market: Some(Arc::clone(market)),
        assets: config.assets(),
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

async fn serve(
    config: &Config,
    folder: &Folder,
    service: Arc<Service>,
    events: Arc<EventLog>,
) -> Result<RpcServer, RunError> {
    let tokens = Tokens::create(folder.data())?;
    let port = config.rpc_port;
    RpcServer::start(RpcParts::new(port, tokens, (service, config.assets()), events))
        .await
        .map_err(|source| RunError::Rpc { port, source })
}

/// Lets other processes ask: the RPC, the figures, and the file by which the node is found.
async fn open(
    config: &Config,
    folder: &Folder,
    service: &Arc<Service>,
    (events, watched): (Arc<EventLog>, Watched),
    network: &Network,
) -> Result<(RpcServer, Option<HealthServer>, NodeFile), RunError> {
    let rpc = serve(config, folder, Arc::clone(service), events).await?;
    let health = watch_over(watched).await?;
    let file = told(&rpc, config, network);
    folder.publish(&file)?;
    Ok((rpc, health, file))
}

/// What other processes find the node by.
fn told(rpc: &RpcServer, config: &Config, network: &Network) -> NodeFile {
    NodeFile {
        rpc: rpc.url(),
        pid: std::process::id(),
        network: config.network.to_string(),
        peer_id: network.peer_id().to_string(),
        listen: network.listen_addresses(),
    }
}

/// What those who watch the node may see.
fn watched(
    config: &Config,
    data: &Path,
    (agreement, market): (&Arc<Agreement>, &Arc<Market>),
    journal: SharedJournal,
) -> Watched {
    Watched {
        agreement: Arc::clone(agreement),
        market: Arc::clone(market),
        journal_folder: data.join(&config.journal),
        journal,
        config: config.clone(),
    }
}

/// The listener for those who watch the node, if there is to be one.
async fn watch_over(watched: Watched) -> Result<Option<HealthServer>, RunError> {
    let port = watched.config.health_port;
    if port == 0 {
        return Ok(None);
    }
    let started = HealthServer::start(port, watched).await;
    Ok(Some(started.map_err(|source| RunError::Health { port, source })?))
}

type Ended = Result<Result<(), DriverError>, tokio::task::JoinError>;

/// The engine ended and nobody told it to: by an error, or else by a fault of ours.
fn fault(ended: Ended) -> Result<(), RunError> {
    ended.map_err(|_| RunError::Fault)??;
    Err(RunError::Fault)
}

async fn last_sync(mut engine: Task<Result<(), DriverError>>) -> Result<(), RunError> {
    match tokio::time::timeout(LAST_SYNC, engine.ended()).await {
        Ok(ended) => Ok(ended.map_err(|_| RunError::Fault)??),
        Err(_still_busy) => {
            tracing::warn!("the engine did not end in time; its journal is whole");
            Ok(())
        }
    }
}

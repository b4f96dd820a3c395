//! The process: everything in the order in which it must begin and end.

mod folder;
mod peers;
mod probation;
mod run;
mod seat;
mod watching;

pub use run::Run;
pub use watching::Sight;

use crate::checks::Checks;
use crate::committee::{Committee, CommitteeError};
use crate::config::{ConfigError, MOST_REQUESTS, Role, ValidatorConfig};
use crate::head::{Clock, Head};
use crate::intake::{Forward, Intake, IntakeParts, Pool, PoolLimits};
use crate::keys::Keys;
use crate::replica::{Replica, ReplicaError, ReplicaParts, most_payload};
use crate::service::{Service, ServiceParts};
use crate::status::Status;
use crate::store::{OpenError, Store};
use folder::Folder;
use kofo_clearance::{Genesis, LegProofs};
use kofo_consensus::{Engine, EngineStatus, Failure, Pace, Settings, Veil};
use kofo_network::{Inbound, Limits, Network, Transport};
use kofo_node::rpc::NodeFile;
use kofo_primitives::{NetworkId, Seed};
use peers::Others;
use probation::Probation;
use seat::{Plan, Seat, Seen};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The validator's folder in the data folder.
pub const FOLDER: &str = "validator";

/// Why a validator does not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process uses the folder.
    #[error("a validator runs already in {folder}: never run one twice, it would be punished for it", folder = .folder.display())]
    InUse {
        /// The validator's folder.
        folder: PathBuf,
    },
    /// The folder cannot be used.
    #[error("cannot use the folder {folder}: {source}", folder = .folder.display())]
    Folder {
        /// The validator's folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The genesis is of another network than the node.
    #[error(
        "the genesis is of network {genesis}, expected {node}: check --data and `genesis` in validator.toml"
    )]
    OtherNetwork {
        /// The genesis'.
        genesis: NetworkId,
        /// The node's.
        node: NetworkId,
    },
    /// The validator's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node's configuration.
    #[error(transparent)]
    Node(#[from] kofo_node::config::ConfigError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] kofo_node::keystore::KeystoreError),
    /// The genesis file.
    #[error(transparent)]
    Genesis(#[from] kofo_node::clearing::GenesisFileError),
    /// The ledger's file.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ReplicaError),
    /// The secret that validators share.
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    /// The service.
    #[error("cannot listen for nodes: {0}")]
    Network(#[from] kofo_network::StartError),
    /// An address of another validator.
    #[error("the address of a validator's service: {0}")]
    Address(#[from] kofo_network::AddressError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] kofo_consensus::StartError),
    /// The RPC's cookie.
    #[error(transparent)]
    Cookie(#[from] kofo_node::rpc::CookieError),
    /// The RPC cannot listen.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another rpc_port, or 0")]
    Rpc {
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The engine stopped by itself.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The system does not deliver signals.
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
    /// A fault of ours.
    #[error("the validator ended by a fault of the program: start it again, and report this")]
    Fault,
}

/// What a validator or follower is started with.
pub struct Start {
    /// The data folder; the validator has its own in it.
    pub data: PathBuf,
    /// What the network begins with.
    pub genesis: Genesis,
    /// What the keys are drawn from.
    pub seed: Seed,
    /// The configuration.
    pub config: ValidatorConfig,
    /// How fast heights follow each other.
    pub pace: Pace,
    /// What reads the proofs of chains: the same at all validators.
    pub proofs: Arc<dyn LegProofs>,
    /// What it sees of chains.
    pub sight: Sight,
    /// What time it is.
    pub clock: Clock,
}

/// A running validator or follower.
pub struct Validator {
    // Dropped from the first to the last: the folder is free when nothing uses it any more.
    tasks: Vec<JoinHandle<()>>,
    seat: Seat,
    network: Network,
    pub(crate) shared: Arc<Shared>,
    folder: Folder,
}

/// What the parts of a running validator have in common.
pub(crate) struct Shared {
    pub(crate) network: NetworkId,
    pub(crate) role: Role,
    pub(crate) keys: Arc<Keys>,
    pub(crate) replica: Arc<Replica>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) committee: Arc<Committee>,
    pub(crate) clock: Clock,
    pub(crate) engine: watch::Receiver<EngineStatus>,
    /// Whether it follows for want of a record of what it signed.
    pub(crate) follows: watch::Receiver<bool>,
    pub(crate) engine_listen: String,
    pub(crate) service_listen: Vec<String>,
}

/// The ledger's part, before anything listens.
struct Ledger {
    replica: Arc<Replica>,
    committee: Arc<Committee>,
    checks: Arc<Checks>,
    /// Whether it is known what we signed.
    recorded: bool,
    /// By which others know our engine.
    peer: String,
}

fn open(start: &Start, folder: &Folder, keys: &Keys) -> Result<Ledger, RunError> {
    let genesis = &start.genesis;
    let store = Arc::new(Store::open(folder.path(), &genesis.digest())?);
    let (committee, voter) = match start.config.role {
        Role::Validator => {
            let committee = Committee::open(folder.path(), genesis, &keys.account)?;
            (committee, Some(keys.vote()))
        }
        Role::Follower => (Committee::unknown(folder.path(), genesis), None),
    };
    let (committee, checks) = (
        Arc::new(committee),
        Arc::new(Checks::new(genesis.network.clone())),
    );
    let parts = ReplicaParts {
        store,
        checks: Arc::clone(&checks),
        committee: Arc::clone(&committee),
        clock: start.clock.clone(),
        voter,
    };
    let replica = Replica::open(genesis.clone(), Arc::clone(&start.proofs), parts)?;
    Ok(Ledger {
        replica: Arc::new(replica),
        committee,
        checks,
        recorded: Engine::has_record(&engine_folder(folder))?,
        peer: kofo_consensus::peer_id(&engine_folder(folder))?,
    })
}

/// The engine's part of the validator's folder.
const ENGINE: &str = "engine";

fn engine_folder(of: &Folder) -> PathBuf {
    of.path().join(ENGINE)
}

/// By which validators list the follower of this data folder, also before it runs: the name of the key of its engine's
/// connections, which is drawn if there is none.
pub fn engine_peer(data: &Path) -> Result<String, kofo_consensus::StartError> {
    kofo_consensus::peer_id(&data.join(FOLDER).join(ENGINE))
}

/// What the engine is started with.
fn plan(start: &Start, keys: &Arc<Keys>, folder: &Folder, peers: Vec<String>, ledger: &Ledger) -> Plan {
    let (network, data, listen) = (
        start.genesis.network.clone(),
        engine_folder(folder),
        start.config.engine.clone(),
    );
    let keys = (start.config.role == Role::Validator).then(|| Arc::clone(keys));
    let (followers, committee) = (start.config.followers.clone(), Arc::clone(&ledger.committee));
    let veil = Veil::of(move || committee.veil());
    let (pace, payload) = (start.pace, most_payload(&start.genesis.params));
    let settings = move |unrecorded| Settings {
        network: network.clone(),
        data: data.clone(),
        listen: listen.clone(),
        peers: peers.clone(),
        followers: followers.clone(),
        veil: veil.clone(),
        secret: keys.as_ref().map(|keys| keys.vote()),
        unrecorded,
        pace,
        limits: kofo_consensus::Limits {
            payload,
            ..kofo_consensus::Limits::default()
        },
    };
    Plan {
        settings: Box::new(settings),
        application: Arc::clone(&ledger.replica) as _,
    }
}

/// Validators ask and tell each other more than strangers do; those the service itself holds back.
fn limits() -> Limits {
    Limits {
        inbound_per_peer: 64,
        inbound_per_second: MOST_REQUESTS,
        inbound_total: 1_024,
        outbound_per_peer: 32,
        outbound_total: 1_024,
        connections_in: 256,
        ..Limits::default()
    }
}

impl Validator {
    /// Starts it: opens its folder, does again what came after the last snapshot, listens, and joins the others.
    pub async fn start(start: Start) -> Result<Self, RunError> {
        let folder = Folder::lock(&start.data.join(FOLDER))?;
        let keys = Arc::new(Keys::new(&start.seed, &start.genesis.network));
        let blocking = tokio::task::spawn_blocking(move || {
            let opened = open(&start, &folder, &keys);
            opened.map(|ledger| (start, folder, keys, ledger))
        });
        let (start, folder, keys, ledger) = blocking.await.map_err(|_| RunError::Fault)??;
        let own = kofo_network::Config {
            identity: keys.identity.clone(),
            network_id: start.genesis.network.to_string(),
            listen: start.config.service.clone(),
            limits: limits(),
        };
        let (network, inbound) = Network::start(own).await?;
        Self::join(start, folder, keys, ledger, (network, inbound)).await
    }

    async fn join(
        start: Start,
        folder: Folder,
        keys: Arc<Keys>,
        ledger: Ledger,
        (network, inbound): (Network, Inbound),
    ) -> Result<Self, RunError> {
        let others = Others::of(&start, &keys)?;
        let transport: Arc<dyn Transport> = Arc::new(network.clone());
        let follower = start.config.role == Role::Follower;
        let plan = plan(&start, &keys, &folder, others.engines.clone(), &ledger);
        let knows = follower || ledger.recorded || start.config.vote_without_record;
        let begin = || Probation::begin(&start, &keys, &others, &ledger.replica, &transport);
        let probation = (!knows).then(begin);
        let intake = Arc::new(Intake::new(
            start.genesis.network.clone(),
            IntakeParts {
                checks: ledger.checks,
                committee: Arc::clone(&ledger.committee),
                pool: Arc::new(Pool::new(PoolLimits::default())),
                head: ledger.replica.head(),
                forward: Forward::start(&transport, &others.services),
                clock: start.clock.clone(),
                voter: (!follower).then(|| keys.voter()),
            },
        ));
        ledger.replica.feed(Arc::clone(&intake));
        let service = Arc::new(Service::new(
            start.genesis.network.clone(),
            start.genesis.digest(),
            ServiceParts {
                replica: Arc::clone(&ledger.replica),
                intake: Arc::clone(&intake),
                committee: Arc::clone(&ledger.committee),
                clock: start.clock.clone(),
                validators: others.services.keys().copied().collect(),
                per_second: start.config.requests_per_second,
            },
        ));
        let mut tasks = vec![tokio::spawn(service.serve(inbound))];
        let seat = Seat::take(plan, probation).await?;
        let Seen { engine, follows } = seat.seen();
        let shared = Arc::new(Shared {
            network: start.genesis.network.clone(),
            role: start.config.role,
            keys,
            replica: ledger.replica,
            intake,
            committee: ledger.committee,
            clock: start.clock,
            engine,
            follows,
            engine_listen: format!("{}/p2p/{}", start.config.engine, ledger.peer),
            service_listen: network.listen_addresses(),
        });
        if !follower {
            let asking = peers::ask_for_secret(Arc::clone(&shared), transport, others.services);
            tasks.push(tokio::spawn(asking));
            let watching = watching::watch(Arc::clone(&shared), start.sight, start.data, start.seed);
            tasks.push(tokio::spawn(watching));
        }
        Ok(Self {
            tasks,
            seat,
            network,
            shared,
            folder,
        })
    }

    /// The ledger, as it is committed: to be watched.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<Arc<Head>> {
        self.shared.replica.head()
    }

    /// The ledger as the engine's application.
    #[must_use]
    pub fn replica(&self) -> &Arc<Replica> {
        &self.shared.replica
    }

    /// Where operations come in: also our own.
    #[must_use]
    pub fn intake(&self) -> &Arc<Intake> {
        &self.shared.intake
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What tells other processes of it, with the URL of its RPC.
    #[must_use]
    pub fn file(&self, rpc: String) -> NodeFile {
        NodeFile {
            rpc,
            pid: std::process::id(),
            network: self.shared.network.to_string(),
            peer_id: self.network.peer_id().to_string(),
            listen: self.network.listen_addresses(),
        }
    }

    /// Waits until the engine has stopped by itself: the process must not go on.
    pub async fn failed(&self) -> Failure {
        self.seat.failed().await
    }

    /// Stops in good order: what it listens at and its folder are free when this returns.
    pub async fn stop(self) {
        let Self {
            tasks,
            seat,
            network,
            shared,
            folder,
        } = self;
        for mut task in tasks {
            task.abort();
            // An aborted task says so.
            let _aborted = (&mut task).await;
        }
        seat.stop().await;
        network.shutdown().await;
        if let Err(error) = shared.replica.snapshot() {
            tracing::warn!(%error, "no snapshot: the next start does more again");
        }
        drop(shared);
        drop(folder);
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Validator({:?})", self.shared.keys)
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Start({}, {:?})", self.data.display(), self.config)
    }
}

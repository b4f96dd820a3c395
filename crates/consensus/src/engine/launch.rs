//! From settings to a running engine.

use super::watching::Watching;
use super::{Engine, EngineStatus};
use crate::application::{Application, Tip};
use crate::codec::Wire;
use crate::config::EngineConfig;
use crate::context::{Address, Ctx};
use crate::gate::{Admitted, Gate};
use crate::peer_key;
use crate::record::Record;
use crate::settings::{Settings, StartError, Unrecorded};
use crate::sign::{Eye, Pen};
use crate::store::Store;
use crate::worker::{Ask, Parts, Progress, Worker};
use arc_malachitebft_app_channel::app::config::NodeConfig;
use arc_malachitebft_app_channel::app::metrics::SharedRegistry;
use arc_malachitebft_app_channel::app::types::Keypair;
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::spawn::spawn_network_actor;
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkIdentity, RequestContext, SyncContext,
    WalContext,
};
use std::fs::{DirBuilder, File};
use std::future::Future;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// The engine listens within milliseconds, or never.
const READY: Duration = Duration::from_secs(15);
/// How long the log of an engine that stopped may stay locked.
const LOG_WAIT: Duration = Duration::from_secs(5);
/// Questions to the engine that wait for their turn.
pub(crate) const REQUESTS: usize = 16;

/// Payloads that are not decided, and the record of what was signed.
const UNDECIDED: &str = "undecided.redb";

/// All that the engine's builder needs.
pub(crate) struct Plan {
    pub(crate) ctx: Ctx,
    pub(crate) config: EngineConfig,
    pub(crate) wal: PathBuf,
    pub(crate) identity: NetworkIdentity,
    pub(crate) admitted: Arc<Admitted>,
    /// Of those who vote.
    pub(crate) pen: Option<Pen>,
}

impl Plan {
    pub(crate) fn consensus(&self) -> ConsensusContext<Ctx> {
        let eye = Box::new(Eye::new(self.ctx.network.clone()));
        match &self.pen {
            Some(pen) => ConsensusContext::new_validator(pen.address(), eye, Box::new(pen.clone())),
            None => ConsensusContext::new_full_node(Address::NOBODY, eye),
        }
    }
}

pub(crate) type Launched = Result<(Channels<Ctx>, EngineHandle), StartError>;

pub(crate) fn refused(error: impl std::fmt::Display) -> StartError {
    StartError::Engine(format!("{error:#}"))
}

/// As it is meant to be.
pub(super) async fn honest(plan: Plan) -> Launched {
    let consensus = plan.consensus();
    let registry = SharedRegistry::global().with_moniker(plan.config.moniker());
    let (cfg, sync) = (plan.config.consensus(), plan.config.value_sync());
    let network = spawn_network_actor(plan.identity, cfg, sync, &registry, Wire).await;
    let (network, parts) = network.map_err(refused)?;
    let gate = Gate::before(network, plan.admitted).await.map_err(refused)?;
    let launched = EngineBuilder::new(plan.ctx, plan.config)
        .with_default_wal(WalContext::new(plan.wal, Wire))
        .with_custom_network(gate.clone(), parts)
        .with_default_sync(SyncContext::new(Wire))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(REQUESTS))
        .build()
        .await;
    if launched.is_err() {
        gate.stop(None);
    }
    launched.map_err(refused)
}

/// The engine's own folder.
struct Folder {
    wal: PathBuf,
    store: Store,
    record: Record,
    keys: Keypair,
}

/// An engine of ours that has just stopped may still be writing its log.
fn await_log(wal: &Path) -> std::io::Result<()> {
    let deadline = Instant::now() + LOG_WAIT;
    let log = match File::open(wal) {
        Ok(log) => log,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    while log.try_lock().is_err() {
        if Instant::now() >= deadline {
            return Err(std::io::Error::other("its log is in use"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    log.unlock()
}

fn unusable(folder: &Path, why: impl std::fmt::Display) -> StartError {
    StartError::Data {
        folder: folder.into(),
        why: why.to_string(),
    }
}

/// Whether a validator may sign: it knows what it signed, or is told to begin.
fn may_sign(settings: &Settings, record: &Record) -> Result<bool, StartError> {
    if record.begun().map_err(|e| unusable(&settings.data, e))? {
        return Ok(true);
    }
    match settings.unrecorded {
        Unrecorded::Follows => Ok(false),
        Unrecorded::Votes => record
            .begin()
            .map(|()| true)
            .map_err(|e| unusable(&settings.data, e)),
    }
}

fn open(data: &Path) -> Result<Folder, StartError> {
    let logs = data.join("wal");
    std::fs::create_dir_all(&logs).map_err(|e| unusable(data, e))?;
    let wal = logs.join("consensus.wal");
    // Taken first: it is the lock of the folder.
    let store = Store::open(&data.join(UNDECIDED)).map_err(|e| unusable(data, e))?;
    let record = Record::open(store.disk()).map_err(|e| unusable(data, e))?;
    await_log(&wal).map_err(|e| unusable(data, e))?;
    let keys = peer_key::load(data).map_err(|e| unusable(data, e))?;
    Ok(Folder {
        wal,
        store,
        record,
        keys,
    })
}

/// The name of the folder's key of connections, which is drawn if there is none.
pub(super) fn peer_id(data: &Path) -> Result<String, StartError> {
    // Nobody else's, as it may be made here.
    let mut folder = DirBuilder::new();
    let made = folder.recursive(true).mode(0o700).create(data);
    let read = made.and_then(|()| peer_key::load(data));
    let keys = read.map_err(|e| unusable(data, e))?;
    Ok(keys.public().to_peer_id().to_string())
}

/// Whether a folder has a record of what was signed.
pub(super) fn has_record(data: &Path) -> Result<bool, StartError> {
    let file = data.join(UNDECIDED);
    if !file.exists() {
        return Ok(false);
    }
    let store = Store::open(&file).map_err(|e| unusable(data, e))?;
    let record = Record::open(store.disk()).map_err(|e| unusable(data, e))?;
    record.begun().map_err(|e| unusable(data, e))
}

fn identity(moniker: String, keys: Keypair, pen: Option<&Pen>) -> Result<NetworkIdentity, StartError> {
    let Some(pen) = pen else {
        return Ok(NetworkIdentity::new(moniker, keys, None));
    };
    let proof = pen.prove_peer(keys.public().to_peer_id().to_bytes());
    let proof = Codec::encode(&Wire, &proof).map_err(refused)?;
    let address = pen.address().to_string();
    Ok(NetworkIdentity::new_validator(moniker, keys, address, proof))
}

pub(crate) async fn start<L, F>(
    mut settings: Settings,
    application: Arc<dyn Application>,
    launch: L,
) -> Result<Engine, StartError>
where
    L: FnOnce(Plan) -> F,
    F: Future<Output = Launched>,
{
    let ask = Ask::new(application);
    let tip = ask.tip().await?;
    let at = crate::address::listen(&settings.listen).await?;
    let data = settings.data.clone();
    let folder = tokio::task::spawn_blocking(move || open(&data)).await;
    let folder = folder.map_err(refused)??;
    let peer = folder.keys.public().to_peer_id().to_string();
    let moniker: String = peer.chars().rev().take(8).collect();
    let config = EngineConfig::new(&settings, moniker.clone(), at)?;
    let signs = settings.secret.is_none() || may_sign(&settings, &folder.record)?;
    let secret = settings.secret.take();
    let known = secret.map(|secret| Pen::new(settings.network.clone(), secret, folder.record));
    let key = known.as_ref().map(Pen::key);
    let identity = identity(moniker, folder.keys, known.as_ref())?;
    // Who has no pen can sign nothing, whatever the engine does.
    let pen = known.filter(|_| signs);
    let admitted = Arc::new(Admitted::new(&settings.followers)?);
    let plan = Plan {
        ctx: Ctx::new(settings.network.clone()),
        config,
        wal: folder.wal,
        identity,
        admitted: Arc::clone(&admitted),
        pen: pen.clone(),
    };
    let (channels, handle) = launch(plan).await?;
    let engine = Started {
        listen: crate::address::text(at),
        peer,
        key,
        votes: pen.is_some(),
        handle,
    };
    engine
        .work(channels, settings, (pen, folder.store, tip, admitted), ask)
        .await
}

struct Started {
    listen: String,
    peer: String,
    key: Option<kofo_primitives::ValidatorKey>,
    votes: bool,
    handle: EngineHandle,
}

impl Started {
    async fn work(
        self,
        channels: Channels<Ctx>,
        settings: Settings,
        (pen, store, tip, admitted): (Option<Pen>, Store, Tip, Arc<Admitted>),
        ask: Ask,
    ) -> Result<Engine, StartError> {
        let (status, watched) = watch::channel(EngineStatus::default());
        let (progress, progressing) = watch::channel(Progress::default());
        let (ready, is_ready) = oneshot::channel();
        let stopping = Arc::new(AtomicBool::new(false));
        let worker = Worker::new(
            Parts {
                network: settings.network,
                pen,
                pace: settings.pace,
                limits: settings.limits,
                veil: settings.veil,
                admitted,
                store,
                tip,
                publish: channels.network,
            },
            ask,
            progress,
            ready,
        );
        let watching = Watching {
            status,
            node: self.handle.actor.clone(),
            stopping: Arc::clone(&stopping),
        };
        // Subscribed before the worker answers: nothing happens unseen.
        let events = channels.events.subscribe();
        let mut tasks = watching.spawn(events, channels.net_requests, progressing);
        tasks.push(watching.run(worker, channels.consensus, self.handle.handle));
        let engine = Engine {
            status: watched,
            listen: self.listen,
            peer: self.peer,
            key: self.key,
            votes: self.votes,
            node: self.handle.actor,
            stopping,
            tasks,
        };
        match tokio::time::timeout(READY, is_ready).await {
            Ok(Ok(())) => Ok(engine),
            _ => {
                let why = format!("it does not listen at {}", engine.listen);
                engine.stop().await;
                Err(StartError::Engine(why))
            }
        }
    }
}

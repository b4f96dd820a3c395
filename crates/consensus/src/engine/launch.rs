//! From settings to a running engine.

use super::watching::Watching;
use super::{Engine, EngineStatus};
use crate::application::{Application, Tip};
use crate::codec::Wire;
use crate::config::EngineConfig;
use crate::context::{Address, Ctx};
use crate::peer_key;
use crate::record::Record;
use crate::settings::{Settings, StartError};
use crate::sign::{Eye, Pen};
use crate::store::Store;
use crate::worker::{Ask, Parts, Progress, Worker};
use arc_malachitebft_app_channel::app::types::Keypair;
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkContext, NetworkIdentity, RequestContext,
    SyncContext, WalContext,
};
use std::fs::File;
use std::future::Future;
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

/// All that the engine's builder needs.
pub(crate) struct Plan {
    pub(crate) ctx: Ctx,
    pub(crate) config: EngineConfig,
    pub(crate) wal: PathBuf,
    pub(crate) identity: NetworkIdentity,
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
    EngineBuilder::new(plan.ctx, plan.config)
        .with_default_wal(WalContext::new(plan.wal, Wire))
        .with_default_network(NetworkContext::new(plan.identity, Wire))
        .with_default_sync(SyncContext::new(Wire))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(REQUESTS))
        .build()
        .await
        .map_err(refused)
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

fn open(data: &Path) -> Result<Folder, StartError> {
    let failed = |why: String| StartError::Data {
        folder: data.into(),
        why,
    };
    let logs = data.join("wal");
    std::fs::create_dir_all(&logs).map_err(|e| failed(e.to_string()))?;
    let wal = logs.join("consensus.wal");
    // Taken first: it is the lock of the folder.
    let store = Store::open(&data.join("undecided.redb")).map_err(|e| failed(e.to_string()))?;
    let record = Record::open(store.disk()).map_err(|e| failed(e.to_string()))?;
    await_log(&wal).map_err(|e| failed(e.to_string()))?;
    let keys = peer_key::load(data).map_err(|e| failed(e.to_string()))?;
    Ok(Folder {
        wal,
        store,
        record,
        keys,
    })
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
    let secret = settings.secret.take();
    let pen = secret.map(|secret| Pen::new(settings.network.clone(), secret, folder.record));
    let key = pen.as_ref().map(Pen::key);
    let plan = Plan {
        ctx: Ctx::new(settings.network.clone()),
        config,
        wal: folder.wal,
        identity: identity(moniker, folder.keys, pen.as_ref())?,
        pen: pen.clone(),
    };
    let (channels, handle) = launch(plan).await?;
    let engine = Started {
        listen: crate::address::text(at),
        peer,
        key,
        handle,
    };
    engine
        .work(channels, settings, (pen, folder.store, tip), ask)
        .await
}

struct Started {
    listen: String,
    peer: String,
    key: Option<kofo_primitives::ValidatorKey>,
    handle: EngineHandle,
}

impl Started {
    async fn work(
        self,
        channels: Channels<Ctx>,
        settings: Settings,
        (pen, store, tip): (Option<Pen>, Store, Tip),
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

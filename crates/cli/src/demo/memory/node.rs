//! A whole node in this process, put together of the parts that a node process is made of.

use super::{Memory, account};
use crate::demo::story::Who;
use anyhow::{Context, Result};
use kofo_journal::memory::Memory as MemoryJournal;
use kofo_network::{Identity, Limits, Transport};
use kofo_node::agree::{Agreement, Held};
use kofo_node::driver::Driver;
use kofo_node::engine::{Adapters, Engine};
use kofo_node::events::{EventLog, Followed, follow};
use kofo_node::journal::SharedJournal;
use kofo_node::regtest::{AccountId, ChainAdapter, SimAdapter, SimChain};
use kofo_node::rpc::{COOKIE_FILE, NODE_FILE, NodeFile, READ_FILE, RpcParts, RpcServer, Tokens};
use kofo_node::service::Service;
use kofo_primitives::{ChainId, NodeKey};
use kofo_settlement::{Margins, Pace, Policy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// A block is final at once.
const DEPTH: u32 = 1;
/// What a killed node held is given up within so long.
const GIVEN_UP: Duration = Duration::from_secs(5);

impl Memory {
    fn adapters(&self, owner: AccountId) -> Adapters {
        let adapter =
            |sim: &SimChain| -> Arc<dyn ChainAdapter> { Arc::new(SimAdapter::new(sim.clone(), owner)) };
        let chains = self.chains.values();
        chains.map(|sim| (sim.id().clone(), adapter(sim))).collect()
    }
}

/// A running node. Dropping it is its death: nothing more is written or sent.
pub(crate) struct HereNode {
    data: PathBuf,
    rpc: Option<RpcServer>,
    tasks: JoinSet<()>,
}

impl HereNode {
    /// Starts the node, or starts it again with what it had journaled; its RPC is found through the data folder.
    pub(crate) async fn start(memory: &Memory, who: Who, data: &Path) -> Result<Self> {
        let (seed, _) = &memory.lives[who.index()];
        let secret = |label: &str| *seed.node_secret(label, &memory.network).expose();
        let key = NodeKey::new(&secret("kofo/demo/node/v1")).context("HKDF gives a valid key")?;
        let identity = Identity::from_secret(Zeroizing::new(secret("kofo/demo/transport/v1")));
        let adapters = memory.adapters(account(who));
        let journal = SharedJournal::new(journal(memory, who).await?);
        let driver = Driver::open(journal.clone())?;
        let mut tasks = JoinSet::new();
        let (engine, asks, running) = Engine::start(driver, &adapters);
        tasks.spawn(async move {
            if let Err(error) = running.await {
                tracing::error!(%error, "a node in memory has stopped");
            }
        });
        let (transport, inbound) = memory.air.join(&identity, Limits::default());
        let (peer_id, listen) = (transport.peer_id().to_string(), transport.listen_addresses());
        let agreement = Arc::new(Agreement {
            light_most: BTreeMap::new(),
            network: memory.network.clone(),
            key,
            signer: kofo_node::signer::local(seed),
            seed: seed.clone(),
            policy: policy(memory.chains.values().map(|sim| sim.id().clone())),
            depths: memory
                .chains
                .values()
                .map(|sim| (sim.id().clone(), DEPTH))
                .collect(),
            adapters,
            engine,
            transport: Arc::new(transport),
            one_at_a_time: Mutex::new(()),
            limits: Arc::default(),
            held: Held::default(),
        });
        let events = Arc::new(EventLog::open(journal, kofo_node::clock::now_ms())?);
        let followed = Followed {
            engine: agreement.engine.clone(),
            market: None,
            assets: memory.assets.clone(),
        };
        tasks.spawn(follow(Arc::clone(&events), followed));
        tasks.spawn(Arc::clone(&agreement).cooperate(asks));
        let serving = Arc::clone(&agreement);
        tasks.spawn(async move { serving.serve(inbound).await });
        let (stop, _) = watch::channel(false);
        let service = Service::new(agreement, memory.assets.clone(), stop);
        let tokens = Tokens::create(data)?;
        let parts = (Arc::new(service) as _, memory.assets.clone());
        let rpc = RpcServer::start(RpcParts::new(0, tokens, parts, events)).await?;
        let (network, pid) = (memory.network.to_string(), std::process::id());
        NodeFile {
            rpc: rpc.url(),
            pid,
            network,
            peer_id,
            listen,
        }
        .save(data)?;
        Ok(Self {
            data: data.to_owned(),
            rpc: Some(rpc),
            tasks,
        })
    }

    /// The death of the node. When this returns, nothing of it runs.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
        if let Some(rpc) = self.rpc.take() {
            rpc.stop().await;
        }
        for file in [NODE_FILE, COOKIE_FILE, READ_FILE] {
            // A file that is not there is as good as one that was removed.
            let _gone = std::fs::remove_file(self.data.join(file));
        }
    }
}

/// The journal, as soon as the node's former life has given it up.
async fn journal(memory: &Memory, who: Who) -> Result<MemoryJournal> {
    let (_, disk) = &memory.lives[who.index()];
    let deadline = Instant::now() + GIVEN_UP;
    loop {
        match MemoryJournal::open(disk) {
            Ok(journal) => return Ok(journal),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_held) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn policy(chains: impl Iterator<Item = ChainId>) -> Policy {
    let paces: BTreeMap<_, _> = chains.map(|id| (id, Pace::REGTEST)).collect();
    Policy {
        paces,
        margins: Margins::REGTEST,
    }
}

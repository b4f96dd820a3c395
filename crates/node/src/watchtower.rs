//! The tower as a daemon: a data folder of its own, adapters as a node has them, and no swaps of its own.

use crate::config::Config;
use crate::files;
use crate::keystore::Passphrase;
use crate::rpc::types::WalletAddress;
use crate::run::{Folder, Part, RunError, Started, Stops, Unlock, node_key};
use kofo_network::Transport;
use kofo_primitives::{NetworkId, NodeId, SwapId};
use kofo_tower::{Adapters, Bounds, Guests, LegWatch, Rules, ServeError, Tower, TowerError, Watching, serve};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// The file in the data folder that says what a running tower watches.
pub const TOWER_FILE: &str = "tower.json";
const MAX_TOWER_FILE: u64 = 256 * 1024 * 1024;
/// The file is written at most so often.
const WRITE_EVERY: Duration = Duration::from_millis(300);

/// Why the tower does not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum WatchtowerError {
    /// What can happen to a node too.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The tower.
    #[error(transparent)]
    Tower(#[from] TowerError),
    /// It had to stop.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// No tower runs here.
    #[error("no tower runs in {data}: start it with `kofo tower run --data {data}`", data = data.display())]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The tower's file is not what a tower writes.
    #[error("{path} is not what a tower writes: {why}; restart the tower", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// What a running tower tells about itself in [`TOWER_FILE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TowerFile {
    /// Its process.
    pub pid: u32,
    /// Its network.
    pub network: String,
    /// Its name among peers.
    pub peer_id: String,
    /// Its addresses, each with its peer id: what `kofo tower add` takes.
    pub listen: Vec<String>,
    /// Whom it serves; `None` is everybody.
    pub guests: Option<Vec<String>>,
    /// Where its own wallet receives what it pays from: on EVM chains it pays for what it sends.
    pub wallet: Vec<WalletAddress>,
    /// What it watches.
    pub swaps: Vec<SwapWatched>,
}

/// One swap in its hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapWatched {
    /// Whose.
    pub owner: String,
    /// Which.
    pub swap: String,
    /// Its preimage was seen on a chain, or its owner was told it.
    pub preimage_is_known: bool,
    /// Its legs.
    pub legs: Vec<LegWatched>,
}

/// One leg of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegWatched {
    /// Its name in the swap, such as `alpha/0`.
    pub leg: String,
    /// The chain, by CAIP-2.
    pub chain: String,
    /// What is locked in it, by CAIP-19.
    pub asset: String,
    /// How much, in smallest units.
    pub amount: String,
    /// From when on it can be refunded, by the chain's own time.
    pub timelock: u64,
    /// What the tower may do with it: `redeem`, `refund`, or nothing.
    pub may: Option<String>,
    /// `looking`, `not locked`, `locked`, `redeemed`, `refunded` or `cancelled`.
    pub state: String,
    /// The level of fee that it sent last, from 1.
    pub sent: Option<u8>,
    /// How many levels it has.
    pub levels: u8,
    /// What keeps it from acting.
    pub trouble: Option<String>,
}

/// What the tower is told.
#[derive(Debug)]
pub struct Watchtower {
    /// The data folder.
    pub data: PathBuf,
    /// What opens the keystore.
    pub passphrase: Passphrase,
    /// The network that the configuration must be of, if it matters.
    pub network: Option<NetworkId>,
    /// Whom it serves.
    pub guests: Guests,
}

impl Watchtower {
    /// Runs the tower until Ctrl-C or a TERM signal. `ready` is told, once, where it can be reached.
    pub async fn run(self, ready: impl FnOnce(&TowerFile)) -> Result<(), WatchtowerError> {
        let mut stops = Stops::new()?;
        let (data, network) = (&self.data, self.network);
        let started = Started::up(
            Part::Tower,
            data,
            Unlock::Passphrase(self.passphrase),
            network,
            &mut stops,
        )
        .await?;
        let Some(started) = started else {
            return Ok(());
        };
        let Started {
            folder,
            config,
            genesis: _,
            seed,
            signer: _,
            journal,
            network,
            inbound,
            mesh: _,
            wired,
        } = started;
        let rules = Rules {
            network: config.network.clone(),
            chains: wired.adapters.keys().cloned().collect(),
            guests: self.guests.clone(),
            bounds: Bounds::default(),
        };
        let tower = Tower::open(journal, rules)?;
        let file = TowerFile {
            pid: std::process::id(),
            network: config.network.to_string(),
            peer_id: network.peer_id().to_string(),
            listen: network.listen_addresses(),
            guests: names(&self.guests),
            wallet: wallet(&config, &wired.adapters).await,
            swaps: Vec::new(),
        };
        tracing::info!(node = %node_key(&seed, &config.network).id(), "a tower");
        drop(seed);
        let (seen, watching) = watch::channel(Vec::new());
        write(&self.data, &file);
        ready(&file);
        let published = publish(&self.data, file, watching);
        let result = tokio::select! {
            served = serve(tower, wired.adapters, inbound, seen) => served.map_err(WatchtowerError::from),
            () = published => Ok(()),
            () = stops.next() => Ok(()),
        };
        drop(network);
        let _gone = std::fs::remove_file(self.data.join(TOWER_FILE));
        drop(folder);
        result
    }
}

impl TowerFile {
    /// What the tower in this data folder tells; it must run.
    pub fn load(data: &Path) -> Result<Self, WatchtowerError> {
        let path = data.join(TOWER_FILE);
        let not_running = || WatchtowerError::NotRunning {
            data: data.to_owned(),
        };
        // Whoever can lock the folder sees that nobody runs in it, whatever files are left there.
        if Folder::is_free(data) {
            return Err(not_running());
        }
        let bytes = files::read_bounded(&path, MAX_TOWER_FILE).map_err(|_| not_running())?;
        serde_json::from_slice(&bytes).map_err(|e| WatchtowerError::Malformed {
            path,
            why: e.to_string(),
        })
    }
}

/// Writes down what is watched, now and whenever it changes.
async fn publish(data: &Path, mut file: TowerFile, mut watching: watch::Receiver<Vec<Watching>>) {
    loop {
        file.swaps = watching.borrow_and_update().iter().map(watched).collect();
        write(data, &file);
        if watching.changed().await.is_err() {
            // The tower has ended and says why itself.
            return std::future::pending().await;
        }
        tokio::time::sleep(WRITE_EVERY).await;
    }
}

fn write(data: &Path, file: &TowerFile) {
    let path = data.join(TOWER_FILE);
    let written = serde_json::to_vec_pretty(file)
        .map_err(std::io::Error::from)
        .and_then(|text| files::replace(&path, &text));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "what the tower watches is not written down");
    }
}

/// Where coins are received; of an asset whose chain does not answer now, nothing is told.
async fn wallet(config: &Config, adapters: &Adapters) -> Vec<WalletAddress> {
    let mut wallet = Vec::new();
    for asset in config
        .assets()
        .iter()
        .filter(|asset| asset.id.on_chain().0 == "slip44")
    {
        let Some(adapter) = adapters.get(&asset.id.chain()) else {
            continue;
        };
        if let Ok(address) = adapter.address(&asset.id).await {
            wallet.push(WalletAddress {
                symbol: asset.symbol.clone(),
                asset: asset.id.to_string(),
                address,
            });
        }
    }
    wallet
}

fn names(guests: &Guests) -> Option<Vec<String>> {
    match guests {
        Guests::Anyone => None,
        Guests::Only(owners) => Some(owners.iter().map(NodeId::to_string).collect()),
    }
}

fn watched(watching: &Watching) -> SwapWatched {
    SwapWatched {
        owner: watching.owner.to_string(),
        swap: SwapId::to_string(&watching.swap),
        preimage_is_known: watching.preimage_is_known,
        legs: watching.legs.iter().map(leg).collect(),
    }
}

fn leg(leg: &LegWatch) -> LegWatched {
    let may = match leg.end {
        kofo_primitives::End::Redeemer => "redeem",
        kofo_primitives::End::Refunder => "refund",
    };
    LegWatched {
        leg: leg.leg.to_string(),
        chain: leg.chain.to_string(),
        asset: leg.asset.to_string(),
        amount: leg.amount.to_string(),
        timelock: leg.timelock.0,
        may: (leg.levels > 0).then(|| may.to_owned()),
        state: leg.state.to_owned(),
        sent: leg.sent.map(|level| level.saturating_add(1)),
        levels: leg.levels,
        trouble: leg.trouble.clone(),
    }
}

//! One look at a running node.

use super::depth::{PairDepth, rounded};
use super::judge::stale_after;
use crate::agree::Agreement;
use crate::clock::{now, now_ms};
use crate::config::Config;
use crate::driver::Live;
use crate::engine::Core;
use crate::journal::SharedJournal;
use crate::market::Market;
use futures::future::join_all;
use kofo_adapter_api::ChainAdapter;
use kofo_journal::Journal;
use kofo_primitives::{ChainId, Health, Seconds};
use kofo_settlement::Phase;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A chain's node that takes longer has not answered.
const ANSWER: Duration = Duration::from_secs(5);
/// Deadlines nearer than these are counted.
pub(super) const NEAR: [Seconds; 3] = [Seconds::minutes(3), Seconds::minutes(15), Seconds::minutes(60)];
/// The file that shows that the journal's disk takes what is written.
const PROBE: &str = ".health";

/// What is looked at.
pub struct Watched {
    /// Chains and swaps.
    pub agreement: Arc<Agreement>,
    /// Peers and books.
    pub market: Arc<Market>,
    /// The journal.
    pub journal: SharedJournal,
    /// Its folder.
    pub journal_folder: PathBuf,
    /// How the node was set up.
    pub config: Config,
}

/// What was seen.
#[derive(Debug)]
pub struct Look {
    /// The swaps; `None` if the engine does not answer.
    pub swaps: Option<SwapsSeen>,
    /// The chains of the configuration.
    pub chains: Vec<ChainSeen>,
    /// The journal, or why it cannot be written.
    pub journal: Result<JournalSeen, String>,
    /// The neighbours.
    pub neighbours: NeighboursSeen,
    /// The books of the pairs that are known.
    pub books: Vec<PairDepth>,
    /// What is wrong with sources of prices and orders: how many of them.
    pub troubles: u64,
}

/// The swaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwapsSeen {
    /// How many are in each state.
    pub states: BTreeMap<&'static str, u64>,
    /// Offers of ours that nobody accepted yet.
    pub offers: u64,
    /// How many have a deadline within 3, 15 and 60 minutes, with something of ours locked.
    pub near: [u64; 3],
    /// The time to the nearest of those deadlines, however far.
    pub nearest: Option<Seconds>,
    pub(super) faulty: BTreeSet<ChainId>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainSeen {
    /// By CAIP-2.
    pub chain: ChainId,
    /// Height and age of the best block; or why there is none.
    pub tip: Result<(u64, Seconds), String>,
    /// Its nodes contradict each other.
    pub faulty: bool,
    /// An older best block is behind.
    pub stale_after: Option<Seconds>,
    /// What can be spent of its assets, by symbol, in whole units, rounded.
    pub spendable: Vec<(String, f64)>,
}

/// The journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSeen {
    /// Bytes it takes.
    pub used: u64,
    /// Bytes free on its disk.
    pub free: u64,
}

/// The neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighboursSeen {
    /// How many there are of each role; `unknown` said nothing yet.
    pub by_role: BTreeMap<String, u64>,
    /// The configuration names peers.
    pub wanted: bool,
}

impl Watched {
    /// Looks now. Takes at most some seconds, whatever hangs.
    pub async fn look(&self) -> Look {
        let swaps = self.swaps().await;
        let faulty = swaps
            .as_ref()
            .map(|swaps| swaps.faulty.clone())
            .unwrap_or_default();
        let chains = join_all(
            self.agreement
                .adapters
                .values()
                .map(|adapter| self.chain(adapter.as_ref(), &faulty)),
        );
        let (chains, journal) = tokio::join!(chains, self.journal());
        Look {
            swaps,
            chains,
            journal,
            neighbours: self.neighbours(),
            books: self.market.books().iter().map(PairDepth::from).collect(),
            troubles: count(self.market.troubles().len()),
        }
    }

    async fn swaps(&self) -> Option<SwapsSeen> {
        let chains: Vec<_> = self.agreement.adapters.keys().cloned().collect();
        let seen = self.agreement.engine.call(move |core| see(core, &chains));
        tokio::time::timeout(ANSWER, seen).await.ok()?.ok()
    }

    async fn chain(&self, adapter: &dyn ChainAdapter, faulty: &BTreeSet<ChainId>) -> ChainSeen {
        let chain = adapter.chain().clone();
        let configured = self.config.chains.iter().find(|one| one.id == chain);
        let tip = match tokio::time::timeout(ANSWER, adapter.tip()).await {
            Ok(Ok(tip)) => Ok((tip.height, tip.time.until(now()))),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_late) => Err(format!("its node does not answer within {} s", ANSWER.as_secs())),
        };
        let mut spendable = Vec::new();
        // Whoever has no tip has no balance either, and would be waited for again.
        if let (Some(configured), true) = (configured, tip.is_ok()) {
            for asset in &configured.assets {
                if let Ok(Ok(have)) = tokio::time::timeout(ANSWER, adapter.balance(&asset.id)).await {
                    let money = self.config.assets().money(&asset.id, have);
                    spendable.push((asset.symbol.clone(), rounded(&money.amount)));
                }
            }
        }
        ChainSeen {
            faulty: faulty.contains(&chain),
            stale_after: configured.and_then(|chain| stale_after(self.config.timelocks, chain)),
            chain,
            tip,
            spendable,
        }
    }

    /// Whether the journal's disk takes what is written. The journal itself is not written to for that: a write of it
    /// that fails ends the node.
    async fn journal(&self) -> Result<JournalSeen, String> {
        let (journal, folder) = (self.journal.clone(), self.journal_folder.clone());
        let probed = tokio::task::spawn_blocking(move || {
            let space = journal.space().map_err(|e| e.to_string())?;
            let probe = folder.join(PROBE);
            crate::files::replace(&probe, now_ms().to_string().as_bytes()).map_err(|e| e.to_string())?;
            Ok(JournalSeen {
                used: space.used,
                free: space.free,
            })
        });
        match tokio::time::timeout(ANSWER, probed).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) => Err("its probe ended by a fault of the program".to_owned()),
            Err(_late) => Err(format!("its disk does not answer within {} s", ANSWER.as_secs())),
        }
    }

    fn neighbours(&self) -> NeighboursSeen {
        let mut by_role: BTreeMap<String, u64> = ["wallet", "relay", "provider", "unknown"]
            .map(|role| (role.to_owned(), 0))
            .into();
        for peer in self.market.peers() {
            let count = by_role.entry(peer.role.unwrap_or_else(|| "unknown".to_owned()));
            let count = count.or_default();
            *count = count.saturating_add(1);
        }
        NeighboursSeen {
            by_role,
            wanted: !self.config.peers.is_empty(),
        }
    }
}

fn see(core: &Core, chains: &[ChainId]) -> SwapsSeen {
    let driver = &core.driver;
    let swaps = core.stopwatch.live().filter_map(|id| driver.swaps().get(id));
    let left: Vec<_> = swaps.filter_map(left).collect();
    let within = |most: Seconds| count(left.iter().filter(|left| **left <= most).count());
    let now = now();
    let open = driver
        .offers()
        .values()
        .filter(|entry| entry.accepted.is_none() && !entry.withdrawn && entry.offer.body.expires >= now);
    let faulty = chains
        .iter()
        .filter(|chain| driver.health(chain) == Health::Fault);
    SwapsSeen {
        states: core.stopwatch.states(),
        offers: count(open.count()),
        near: NEAR.map(within),
        nearest: left.iter().copied().min(),
        faulty: faulty.cloned().collect(),
    }
}

/// The time to a swap's deadline by its chain's own time, once there is something to lose.
fn left(live: &Live) -> Option<Seconds> {
    if live.swap().phase() < Phase::LockSent {
        return None;
    }
    let deadline = live.swap().deadline(live.terms())?;
    Some(live.tips().of(&deadline.chain)?.time.until(deadline.at))
}

pub(super) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

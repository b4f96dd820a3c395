//! Chains and nodes in this process: the same nodes, journals and messages, with no daemon and no child process.

use super::ground::{Cost, Purse, Units};
use super::story::Who;
use anyhow::{Context, Result};
use kofo_journal::memory::Disk;
use kofo_network::SimulatedNetwork;
use kofo_node::assets::{Asset, Assets};
use kofo_node::clock::now;
use kofo_node::regtest::{AccountId, SimChain};
use kofo_primitives::{Amount, AssetId, ChainId, NetworkId, Seconds, Seed, UnixTime};
use kofo_regtest::Chain;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

mod node;

pub(super) use node::HereNode;

/// The network of these nodes.
const NETWORK: &str = "kofo-sim";
/// Symbol, chain and decimals.
const ASSETS: [(&str, Chain, u8); 4] = [
    ("BTC", Chain::Bitcoin, 8),
    ("ETH", Chain::Ethereum, 18),
    ("USDX", Chain::Ethereum, 18),
    ("EC", Chain::Echoin, 18),
];
/// Each node gets so many notes of each asset, of so many whole units.
const NOTES: u32 = 3;
const WHOLE: u128 = 50_000;
/// How often the mempools are looked at.
const LOOK: Duration = Duration::from_millis(5);
/// How many looks go by between two blocks when nothing waits.
const IDLE_LOOKS: u32 = 10;

/// Chains in memory, the air between two nodes, and what survives of a node that is killed.
pub struct Memory {
    chains: BTreeMap<Chain, SimChain>,
    assets: Assets,
    network: NetworkId,
    air: SimulatedNetwork,
    lives: [(Seed, Disk); 2],
    time: Mutex<Time>,
}

struct Time {
    paused: BTreeSet<Chain>,
    /// What the next block is dated.
    at: UnixTime,
    /// Our clock when `at` was last moved with it.
    clock: UnixTime,
}

/// The chain by CAIP-2.
#[must_use]
pub(super) fn chain_id(chain: Chain) -> String {
    format!("sim:{chain}")
}

const fn account(who: Who) -> AccountId {
    match who {
        Who::Initiator => AccountId(1),
        Who::Participant => AccountId(2),
    }
}

impl Memory {
    /// Chains that mine when a transaction waits, and two accounts with money. The returned tasks are the miner.
    pub fn start() -> Result<(Arc<Self>, JoinSet<()>)> {
        let start = now();
        let named = |(symbol, chain, decimals): &(&str, Chain, u8)| -> Result<Asset> {
            let id = AssetId::new(&format!("sim:{chain}/coin:{}", symbol.to_lowercase()))?;
            Ok(Asset {
                symbol: (*symbol).to_owned(),
                id,
                decimals: *decimals,
                freezable: false,
            })
        };
        let assets = Assets::new(ASSETS.iter().map(named).collect::<Result<_>>()?)?;
        let mut chains = BTreeMap::new();
        for chain in Chain::ALL {
            let id = ChainId::new(&chain_id(chain))?;
            let on = assets.iter().map(|a| a.id.clone()).filter(|a| a.chain() == id);
            let sim = SimChain::new(id.clone(), on.collect::<Vec<_>>(), start);
            for asset in assets.iter().filter(|asset| asset.id.chain() == id) {
                let amount = Amount::parse_units(&WHOLE.to_string(), asset.decimals)?;
                for who in Who::BOTH {
                    (0..NOTES).for_each(|_| sim.fund(account(who), &asset.id, amount));
                }
            }
            chains.insert(chain, sim);
        }
        let memory = Arc::new(Self {
            chains,
            assets,
            network: NetworkId::new(NETWORK)?,
            air: SimulatedNetwork::new(1),
            lives: [(fresh_seed()?, Disk::new()), (fresh_seed()?, Disk::new())],
            time: Mutex::new(Time {
                paused: BTreeSet::new(),
                at: start,
                clock: start,
            }),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(mine(Arc::clone(&memory)));
        Ok((memory, tasks))
    }

    /// The assets on the chains.
    #[must_use]
    pub const fn assets(&self) -> &Assets {
        &self.assets
    }

    /// From now on the chain gets no block by itself, or does again.
    pub fn set_paused(&self, chain: Chain, paused: bool) {
        let mut time = self.time();
        if paused {
            time.paused.insert(chain)
        } else {
            time.paused.remove(&chain)
        };
    }

    /// How many transactions wait for a block.
    #[must_use]
    pub fn waiting(&self, chain: Chain) -> u64 {
        self.chains
            .get(&chain)
            .map_or(0, |sim| u64::try_from(sim.waiting().len()).unwrap_or(u64::MAX))
    }

    /// One block, also on a paused chain.
    pub fn mine(&self, chain: Chain) {
        if let Some(sim) = self.chains.get(&chain) {
            sim.mine(1);
        }
    }

    /// Moves all chains to `time` or later, with one block each.
    pub fn advance_to(&self, time: UnixTime) {
        {
            let mut state = self.time();
            let span = state.at.until(time);
            state.at = state.at.plus(span);
            self.chains.values().for_each(|sim| sim.advance(span));
        }
        self.chains.values().for_each(|sim| sim.mine(1));
    }

    /// What a transaction cost, if it is in a block.
    #[must_use]
    pub fn cost(&self, chain: Chain, txid: &str) -> Option<Cost> {
        let sim = self.chains.get(&chain)?;
        let blocks = (0..=sim.tip().height)
            .rev()
            .filter_map(|height| sim.block(height));
        let tx = blocks
            .flat_map(|block| block.txs)
            .find(|tx| tx.id().to_string() == txid)?;
        let symbol = self.assets.by_id(&tx.asset).ok()?.symbol.clone();
        let fee = self.assets.show(&tx.asset, tx.fee);
        Some(Cost {
            size: 1,
            unit: "tx",
            fee,
            symbol,
            units: tx.fee.units(),
        })
    }

    /// What a node has; on these chains every fee comes out of what a transaction moves.
    #[must_use]
    pub fn purse(&self, who: Who) -> Purse {
        let mut has = Units::new();
        for (symbol, chain, _) in ASSETS {
            if let (Ok(asset), Some(sim)) = (self.assets.by_symbol(symbol), self.chains.get(&chain)) {
                has.insert(symbol.to_owned(), sim.balance(account(who), &asset.id).units());
            }
        }
        Purse {
            has,
            gas: Units::new(),
        }
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The chains' time goes with our clock, and jumps with [`Memory::advance_to`].
    fn tick(&self) {
        let mut time = self.time();
        let clock = now();
        let passed = time.clock.until(clock);
        if passed > Seconds(0) {
            time.clock = clock;
            time.at = time.at.plus(passed);
            self.chains.values().for_each(|sim| sim.advance(passed));
        }
    }

    fn is_paused(&self, chain: Chain) -> bool {
        self.time().paused.contains(&chain)
    }
}

async fn mine(memory: Arc<Memory>) {
    let mut idle = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        memory.tick();
        idle = (idle + 1) % IDLE_LOOKS;
        for chain in Chain::ALL {
            if !memory.is_paused(chain) && (idle == 0 || memory.waiting(chain) > 0) {
                memory.mine(chain);
            }
        }
    }
}

fn fresh_seed() -> Result<Seed> {
    Ok(kofo_node::keystore::Words::draw()
        .context("cannot draw a seed")?
        .seed())
}

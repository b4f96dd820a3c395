//! One node of the world: a disk, a driver, an adapter for every chain, and the moment at which it is to die.

use kofo_journal::Journal;
use kofo_journal::faulty::{Fault, Faulty, Syncs};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::driver::{Driver, DriverError, Effect};
use kofo_primitives::ChainId;
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;

pub(crate) type Chains = BTreeMap<ChainId, SimChain>;
pub(crate) type Adapters = BTreeMap<ChainId, SimAdapter>;

/// Which of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Who knows the preimage and locks first.
    Initiator,
    /// Who locks second.
    Participant,
}

impl Who {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Initiator, Self::Participant];
}

/// Where a node is to die, once.
#[derive(Clone, Copy, Debug)]
pub enum Death {
    /// Nowhere.
    Never,
    /// At this sync of its journal, before or after the write.
    AtSync(Fault),
    /// When it has handed out its n-th effect and not yet carried it out.
    AtEffect(u64),
}

/// One node.
pub struct Node {
    pub(crate) account: AccountId,
    disk: Disk,
    pub(crate) driver: Option<Driver<Faulty<Memory>>>,
    pub(crate) adapters: Adapters,
    death: Death,
    syncs: Syncs,
    /// What it has asked of its chains so far, counted.
    pub effects: u64,
    /// How often it died.
    pub deaths: u64,
    /// It is off and does not come back by itself.
    pub away: bool,
    pub(crate) stays_away: bool,
}

impl Node {
    pub(crate) fn new(account: u32, chains: &Chains, death: Death) -> Self {
        let mut node = Self {
            account: AccountId(account),
            disk: Disk::new(),
            driver: None,
            adapters: BTreeMap::new(),
            death,
            syncs: Syncs::default(),
            effects: 0,
            deaths: 0,
            away: false,
            stays_away: false,
        };
        node.start(chains);
        node
    }

    pub(crate) fn start(&mut self, chains: &Chains) {
        let memory = Memory::open(&self.disk).unwrap();
        let journal = match self.death {
            Death::AtSync(fault) if self.deaths == 0 => Faulty::new(memory, fault),
            _ => Faulty::sound(memory),
        };
        self.syncs = journal.syncs();
        self.driver = Some(Driver::open(journal).unwrap());
        self.adapters = adapters(chains, self.account);
    }

    /// Journal syncs since it started last.
    pub fn syncs(&self) -> u64 {
        self.syncs.count()
    }

    /// It died more often than it was to: something else than the planned fault stopped it.
    pub(crate) fn died_unplanned(&self) -> bool {
        let planned = u64::from(!matches!(self.death, Death::Never));
        self.deaths > planned
    }

    pub(crate) fn stop(&mut self) {
        self.driver = None;
        self.adapters.clear();
    }

    pub(crate) fn driver(&mut self) -> &mut Driver<Faulty<Memory>> {
        self.driver.as_mut().expect("the node runs")
    }

    /// One turn of the shell. Whether anything happened; `Err` is a death.
    pub(crate) fn turn(&mut self) -> Result<bool, DriverError> {
        let (death, deaths, effects) = (self.death, self.deaths, &mut self.effects);
        let driver = self.driver.as_mut().expect("the node runs");
        turn(driver, &self.adapters, || {
            *effects += 1;
            matches!(death, Death::AtEffect(n) if n == *effects && deaths == 0)
        })
    }
}

/// An adapter of this account for every chain, as after a start.
pub(crate) fn adapters(chains: &Chains, account: AccountId) -> Adapters {
    let adapter = |chain: &SimChain| SimAdapter::new(chain.clone(), account);
    chains
        .iter()
        .map(|(id, chain)| (id.clone(), adapter(chain)))
        .collect()
}

/// All events, one sync, all effects. `dies` is asked at every effect whether the node dies there. Whether anything
/// happened.
pub(crate) fn turn<J: Journal>(
    driver: &mut Driver<J>,
    adapters: &Adapters,
    mut dies: impl FnMut() -> bool,
) -> Result<bool, DriverError> {
    let mut events = Vec::new();
    for (chain, adapter) in adapters {
        events.extend(std::iter::from_fn(|| adapter.poll()).map(|event| (chain.clone(), event)));
    }
    let mut busy = !events.is_empty();
    for (chain, event) in events {
        driver.chain_event(&chain, event)?;
    }
    for Effect { chain, leg, action } in driver.flush()?.effects {
        busy = true;
        if dies() {
            return Err(DriverError::TooMany);
        }
        adapters[&chain].act_now(leg, action);
    }
    Ok(busy)
}

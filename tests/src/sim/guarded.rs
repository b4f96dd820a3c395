//! A world whose nodes have towers: the same rules of what is entrusted when, and the same tower, as in life.

use super::node::{Adapters, Chains, Who, adapters};
use super::world::World;
use kofo_journal::faulty::{Fault, Faulty, Syncs};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::towers::{Draft, Due};
use kofo_primitives::*;
use kofo_settlement::Input;
use kofo_sim::AccountId;
use kofo_tower::{Bounds, Effect, Guests, Package, Rules, Told, Tower, TowerError};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What a tower does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// What it ought to.
    Honest,
    /// It says that it keeps a package, and does nothing.
    Idle,
}

/// One tower of the world.
pub struct TowerNode {
    account: AccountId,
    habit: Habit,
    disk: Disk,
    tower: Option<Tower<Faulty<Memory>>>,
    adapters: Adapters,
    death: Option<Fault>,
    syncs: Syncs,
    /// How often it died.
    pub deaths: u64,
    /// What it sent, counted.
    pub sent: u64,
}

impl TowerNode {
    fn new(account: u32, world: &World, habit: Habit, death: Option<Fault>) -> Self {
        let mut node = Self {
            account: AccountId(account),
            habit,
            disk: Disk::new(),
            tower: None,
            adapters: Adapters::new(),
            death,
            syncs: Syncs::default(),
            deaths: 0,
            sent: 0,
        };
        node.start(&world.chains, &world.network);
        node
    }

    fn start(&mut self, chains: &Chains, network: &NetworkId) {
        self.tower = None;
        let memory = Memory::open(&self.disk).unwrap();
        let journal = match self.death {
            Some(fault) if self.deaths == 0 => Faulty::new(memory, fault),
            _ => Faulty::sound(memory),
        };
        self.syncs = journal.syncs();
        let rules = Rules {
            network: network.clone(),
            chains: chains.keys().cloned().collect(),
            guests: Guests::Anyone,
            bounds: Bounds::default(),
        };
        self.tower = Some(Tower::open(journal, rules).unwrap());
        self.adapters = adapters(chains, self.account);
    }

    /// Journal syncs since it started last.
    pub fn syncs(&self) -> u64 {
        self.syncs.count()
    }

    /// How many swaps it watches.
    pub fn watches(&self) -> usize {
        self.tower.as_ref().map_or(0, |tower| tower.watching().count())
    }

    fn tower(&mut self) -> &mut Tower<Faulty<Memory>> {
        self.tower.as_mut().expect("a tower runs")
    }

    /// Whether it acknowledges; `Err` is a death.
    fn entrust(&mut self, package: Signed<Package>) -> Result<bool, TowerError> {
        let taken = self.tower().entrust(package).is_ok();
        self.flush()?;
        Ok(taken)
    }

    /// One turn of the shell. Whether anything happened.
    fn turn(&mut self) -> Result<bool, TowerError> {
        let mut busy = false;
        for (chain, adapter) in &self.adapters {
            for event in std::iter::from_fn(|| adapter.poll()) {
                busy = true;
                self.tower
                    .as_mut()
                    .expect("a tower runs")
                    .chain_event(chain, &event);
            }
        }
        Ok(self.flush()? || busy)
    }

    fn flush(&mut self) -> Result<bool, TowerError> {
        let effects = self.tower().flush()?;
        let busy = !effects.is_empty();
        for effect in effects {
            match effect {
                Effect::Act { chain, leg, action } => {
                    let sends = matches!(action, ChainAction::Broadcast { .. });
                    self.sent += u64::from(sends);
                    if self.habit == Habit::Honest || !sends {
                        self.adapters[&chain].act_now(leg, action);
                    }
                }
                Effect::TakeOver {
                    chain,
                    leg,
                    spec,
                    act,
                    level,
                    entrusted,
                } => {
                    let taken = self.adapters[&chain].take_over_now(&spec, &act, &entrusted);
                    let taken = taken.map_err(|error| error.to_string());
                    self.tower().took_over(leg, act.kind(), level, taken);
                }
            }
        }
        Ok(busy)
    }
}

/// A world and its towers, which both nodes have.
pub struct Guarded {
    /// The world.
    pub world: World,
    /// The towers.
    pub towers: Vec<TowerNode>,
    /// Every package that was ever given, in order.
    pub packages: Vec<Signed<Package>>,
    given: BTreeMap<(Who, usize), Due>,
    told: BTreeSet<usize>,
}

impl World {
    /// What opens the first swap.
    pub fn first_preimage(&self) -> Preimage {
        self.preimage(0)
    }
}

impl Guarded {
    /// A world with towers of these habits, each to die as told.
    pub fn new(world: World, towers: &[(Habit, Option<Fault>)]) -> Self {
        let tower = |(account, (habit, death)): (u32, &(Habit, Option<Fault>))| {
            TowerNode::new(account, &world, *habit, *death)
        };
        Self {
            towers: (10..).zip(towers).map(tower).collect(),
            world,
            packages: Vec::new(),
            given: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// What a node's towers have all acknowledged.
    pub fn given(&self, who: Who) -> Due {
        let all = (0..self.towers.len()).map(|n| self.given.get(&(who, n)).copied().unwrap_or_default());
        all.reduce(|a, b| Due {
            refund: a.refund && b.refund,
            redeem: a.redeem && b.redeem,
        })
        .unwrap_or_default()
    }

    /// Ten seconds and one block on every chain pass, and everybody does what is to be done.
    pub fn step(&mut self) {
        self.world.step();
        for who in Who::BOTH {
            self.entrust(who);
        }
        self.pass_on();
        for n in 0..self.towers.len() {
            self.settle(n);
        }
    }

    /// Lets time pass until it is so; `false` if it is not within three hours.
    pub fn until(&mut self, what: impl Fn(&Self) -> bool) -> bool {
        (0..1_080).any(|_| {
            self.step();
            what(self)
        })
    }

    /// A node gives its towers what is due to them and was not acknowledged.
    fn entrust(&mut self, who: Who) {
        for n in 0..self.towers.len() {
            let before = self.given.get(&(who, n)).copied().unwrap_or_default();
            let Some((due, package)) = self.package(who, before) else {
                continue;
            };
            self.packages.push(package.clone());
            match self.towers[n].entrust(package) {
                Ok(true) => drop(self.given.insert((who, n), before.and(due))),
                Ok(false) => panic!("a tower refuses {who:?}"),
                Err(_) => self.dies(n),
            }
        }
    }

    /// The initiator shows the participant the preimage by a message, and no chain.
    pub fn tell_the_participant(&mut self) {
        let (swap, preimage) = (self.world.swaps[0], self.world.first_preimage());
        let node = self
            .world
            .nodes
            .get_mut(&Who::Participant)
            .expect("there are two");
        let told = node.driver().input(swap, Input::PeerKnows(preimage));
        told.expect("a participant takes a right preimage");
        self.pass_on();
    }

    /// Where a node's money is.
    pub fn account(&self, who: Who) -> AccountId {
        self.world.nodes[&who].account
    }

    /// The participant tells its towers what it was told.
    fn pass_on(&mut self) {
        let (who, swap) = (Who::Participant, self.world.swaps[0]);
        let live = |world: &World| world.nodes[&who].driver.as_ref()?.swaps().get(&swap).cloned();
        let preimage = live(&self.world).and_then(|live| Due::told(&live).cloned());
        let Some(preimage) = preimage else { return };
        let key = NodeKey::new(&[2; 32]).unwrap();
        for (n, tower) in self.towers.iter_mut().enumerate() {
            let keeps = self.given.contains_key(&(who, n));
            if !keeps || self.told.contains(&n) {
                continue;
            }
            let told = Told {
                version: 1,
                network: self.world.network.clone(),
                owner: key.id(),
                swap,
                preimage: preimage.clone(),
            };
            if tower.tower().told(told.sign(&key)).is_ok() && tower.flush().is_ok() {
                self.told.insert(n);
            }
        }
    }

    fn package(&self, who: Who, before: Due) -> Option<(Due, Signed<Package>)> {
        let node = &self.world.nodes[&who];
        let live = node.driver.as_ref()?.swaps().get(self.world.swaps.first()?)?;
        let due = Due::of(live);
        if due.is_part_of(before) {
            return None;
        }
        let mut draft = Draft::of(live, due);
        let adapter = |chain: &ChainId| {
            node.adapters
                .get(chain)
                .map(|a| a as &dyn kofo_adapter_api::ChainAdapter)
        };
        ready(draft.fill(adapter)).expect("the chains answer");
        let key = match who {
            Who::Initiator => NodeKey::new(&[1; 32]).unwrap(),
            Who::Participant => NodeKey::new(&[2; 32]).unwrap(),
        };
        let sequence = u64::try_from(self.packages.len()).unwrap() + 1;
        Some((due, draft.sign(&self.world.network, sequence, &key)?))
    }

    fn settle(&mut self, n: usize) {
        for _ in 0..1_000 {
            match self.towers[n].turn() {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => self.dies(n),
            }
        }
        panic!("a tower that talks to its chains for ever");
    }

    fn dies(&mut self, n: usize) {
        let tower = &mut self.towers[n];
        tower.deaths += 1;
        assert!(tower.deaths == 1, "a tower died without a fault that was planned");
        tower.start(&self.world.chains, &self.world.network);
    }

    /// Nothing is locked any more on any chain.
    pub fn nothing_is_locked(&self) -> bool {
        super::ASSETS.iter().all(|name| {
            let asset = super::asset(name);
            self.world.chains[&asset.chain()].locked(&asset) == Amount::ZERO
        })
    }
}

/// The result of what never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future)
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a chain in memory answers at once"),
    }
}

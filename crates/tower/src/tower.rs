//! All entrusted swaps and their journal: packages and chain events in, effects out. No task, no socket, no clock.

mod records;
mod refusal;

pub use refusal::{Refusal, TowerError};

use crate::message::{Ask, MOST_NAMED, Standing, Told};
use crate::package::{MOST_PACKAGE_BYTES, Package, PackageError};
use crate::shelf::Shelf;
use crate::status::Watching;
use crate::watched::{Duty, Kept, Watched};
use kofo_adapter_api::Entrusted;
use kofo_journal::Journal;
use kofo_primitives::{
    Act, ActKind, ChainAction, ChainEvent, ChainId, HtlcSpec, LegEvent, LegRef, NetworkId, NodeId, Prepared,
    Role, Signed, SwapId, Tip, UnixTime, encode, tagged_hash,
};
use std::collections::{BTreeMap, BTreeSet};

/// Names in the journal's side table begin so.
const PLACE: &str = "tower/";

/// Whose packages a tower takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guests {
    /// Everybody's: on some chains the tower pays for their acts.
    Anyone,
    /// These owners'.
    Only(BTreeSet<NodeId>),
}

/// How much a tower takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Owners at the same time.
    pub owners: usize,
    /// Swaps of one owner at the same time; at most 1,024 are told when it asks.
    pub swaps_per_owner: usize,
    /// Bytes of all packages together.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            owners: 64,
            swaps_per_owner: MOST_NAMED,
            bytes: 64 * 1024 * 1024,
        }
    }
}

/// What a tower is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Its network.
    pub network: NetworkId,
    /// The chains that it has adapters for.
    pub chains: BTreeSet<ChainId>,
    /// Whose packages it takes.
    pub guests: Guests,
    /// How much it takes on.
    pub bounds: Bounds,
}

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A swap that was not there.
    New,
    /// A later package of one that was.
    Replaced,
    /// The very same again.
    Same,
}

/// What a tower asks of one adapter. Legs carry the tower's own name of the swap ([`watch_id`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Hand this to the chain's adapter.
    Act {
        /// The chain.
        chain: ChainId,
        /// The leg.
        leg: LegRef,
        /// The action.
        action: ChainAction,
    },
    /// Ask the chain's adapter for [`kofo_adapter_api::ChainAdapter::take_over`], and give its answer to
    /// [`Tower::took_over`].
    TakeOver {
        /// The chain.
        chain: ChainId,
        /// The leg.
        leg: LegRef,
        /// The leg as its owner has it.
        spec: Box<HtlcSpec>,
        /// Redeem or refund.
        act: Act,
        /// Which level.
        level: u8,
        /// What was entrusted for it.
        entrusted: Entrusted,
    },
}

/// The name under which a tower watches an owner's swap: both parties of a swap may have the same tower.
#[must_use]
pub fn watch_id(owner: &NodeId, swap: &SwapId) -> SwapId {
    SwapId::new(tagged_hash(
        "kofo/tower/watch/v1",
        &[owner.as_bytes(), swap.as_bytes()],
    ))
}

/// A tower's swaps and their journal.
pub struct Tower<J> {
    journal: J,
    rules: Rules,
    swaps: BTreeMap<SwapId, Watched>,
    /// Of all packages together.
    bytes: usize,
    touched: BTreeSet<SwapId>,
    /// Swaps whose durable part changed or went.
    dirty: BTreeSet<SwapId>,
    farewells: Vec<Effect>,
    /// Recovery records of its owners.
    shelf: Shelf,
    /// How late it is on each chain.
    times: BTreeMap<ChainId, UnixTime>,
}

impl<J: Journal> Tower<J> {
    /// Reads what was entrusted. Everything is watched again.
    pub fn open(journal: J, rules: Rules) -> Result<Self, TowerError> {
        let mut swaps = BTreeMap::new();
        for (name, value) in journal.scan(PLACE)? {
            let malformed = |why: String| TowerError::Stored {
                name: name.clone(),
                why,
            };
            let kept: Kept = borsh::from_slice(&value).map_err(|e| malformed(e.to_string()))?;
            let id = name_of(&kept);
            if name != place(id) {
                return Err(malformed("it is of another swap".to_owned()));
            }
            swaps.insert(id, Watched::new(kept));
        }
        let bytes = swaps.values().map(size).sum();
        Ok(Self {
            shelf: records::open(&journal, rules.bounds)?,
            times: BTreeMap::new(),
            journal,
            rules,
            touched: swaps.keys().copied().collect(),
            swaps,
            bytes,
            dirty: BTreeSet::new(),
            farewells: Vec::new(),
        })
    }

    /// W2: takes a package. It counts after the next [`Tower::flush`], and may be acknowledged then.
    pub fn entrust(&mut self, signed: Signed<Package>) -> Result<Accepted, Refusal> {
        Package::check(&signed, &self.rules.network)?;
        let package = &signed.body;
        let id = watch_id(&package.owner, &package.swap);
        if let Some(watched) = self.swaps.get_mut(&id) {
            let (have, got) = (watched.package().sequence, package.sequence);
            if watched.kept().package == signed {
                return Ok(Accepted::Same);
            }
            if got <= have {
                return Err(Refusal::Older { have, got });
            }
            if !same_legs(watched.package(), package) {
                return Err(Refusal::OtherLegs);
            }
            let before = size(watched);
            let after = self
                .bytes
                .saturating_sub(before)
                .saturating_add(encode(&signed).len());
            if after > self.rules.bounds.bytes {
                return Err(Refusal::Full);
            }
            watched.replace(signed);
            self.bytes = after;
            self.change(id);
            return Ok(Accepted::Replaced);
        }
        self.room_for(package)?;
        let watched = Watched::new(Kept {
            package: signed,
            preimage: None,
            built: BTreeMap::new(),
        });
        let after = self.bytes.saturating_add(size(&watched));
        if after > self.rules.bounds.bytes {
            return Err(Refusal::Full);
        }
        self.bytes = after;
        self.swaps.insert(id, watched);
        self.change(id);
        Ok(Accepted::New)
    }

    /// W4: a participant passes on the preimage that the initiator showed it by a message. Counts after the next
    /// [`Tower::flush`]; the sequence of the swap's package is returned.
    pub fn told(&mut self, told: Signed<Told>) -> Result<u64, Refusal> {
        let body = &told.body;
        self.right(body.version, &body.network)?;
        let signed = body.owner.verify(&body.id(), &told.signature);
        signed.map_err(PackageError::from)?;
        let id = watch_id(&body.owner, &body.swap);
        let watched = self.swaps.get_mut(&id).ok_or(Refusal::OpensNothing)?;
        let sequence = watched.package().sequence;
        if watched.package().role != Role::Participant {
            return Err(Refusal::OpensNothing);
        }
        match watched.told(told.body.preimage) {
            Some(true) => self.change(id),
            Some(false) => {}
            None => return Err(Refusal::OpensNothing),
        }
        Ok(sequence)
    }

    fn right(&self, version: u8, network: &NetworkId) -> Result<(), PackageError> {
        if version != 1 {
            return Err(PackageError::Version(version));
        }
        if *network != self.rules.network {
            let (expected, got) = (self.rules.network.clone(), network.clone());
            return Err(PackageError::Network { expected, got });
        }
        Ok(())
    }

    fn room_for(&self, package: &Package) -> Result<(), Refusal> {
        self.serves(&package.owner)?;
        let Rules { chains, bounds, .. } = &self.rules;
        let mut legs = package.legs.values().map(|entry| entry.spec.chain());
        if let Some(chain) = legs.find(|chain| !chains.contains(chain)) {
            return Err(Refusal::Chain(chain));
        }
        let mut swaps = BTreeMap::<NodeId, usize>::new();
        for watched in self.swaps.values() {
            *swaps.entry(watched.package().owner).or_default() += 1;
        }
        match swaps.get(&package.owner) {
            None if swaps.len() >= bounds.owners => Err(Refusal::TooManyOwners(bounds.owners)),
            Some(have) if *have >= bounds.swaps_per_owner => Err(Refusal::TooManySwaps(*have)),
            None | Some(_) => Ok(()),
        }
    }

    fn serves(&self, owner: &NodeId) -> Result<(), Refusal> {
        match &self.rules.guests {
            Guests::Only(owners) if !owners.contains(owner) => Err(Refusal::NotAGuest(*owner)),
            Guests::Only(_) | Guests::Anyone => Ok(()),
        }
    }

    fn may_ask(&self, ask: &Signed<Ask>) -> Result<(), Refusal> {
        let body = &ask.body;
        self.right(body.version, &body.network)?;
        let signed = body.owner.verify(&body.id(), &ask.signature);
        signed.map_err(PackageError::from)?;
        self.serves(&body.owner)
    }

    /// Answers an owner's question about what is watched for it.
    pub fn standing(&self, ask: &Signed<Ask>) -> Result<Standing, Refusal> {
        self.may_ask(ask)?;
        let body = &ask.body;
        let theirs = self
            .swaps
            .values()
            .map(Watched::package)
            .filter(|p| p.owner == body.owner);
        Ok(Standing {
            swaps: theirs.map(|p| (p.swap, p.sequence)).take(MOST_NAMED).collect(),
        })
    }

    /// Takes what an adapter tells.
    pub fn chain_event(&mut self, chain: &ChainId, event: &ChainEvent) {
        match event {
            ChainEvent::Tip(tip) => self.tip(chain, *tip),
            ChainEvent::Leg(leg, event) => self.leg_event(chain, *leg, event),
            // A tower starts nothing new: it goes on as long as the chain says anything at all.
            ChainEvent::Health(_) => {}
        }
    }

    fn tip(&mut self, chain: &ChainId, tip: Tip) {
        self.forget_records(chain, tip.time);
        let here = self.swaps.iter_mut().filter(|(_, watched)| watched.is_on(chain));
        for (id, watched) in here {
            watched.tip(chain, tip);
            self.touched.insert(*id);
        }
    }

    fn leg_event(&mut self, chain: &ChainId, at: LegRef, event: &LegEvent) {
        let Some(watched) = self.swaps.get_mut(&at.swap) else {
            return;
        };
        if watched.spec(at.leg).is_none_or(|spec| spec.chain() != *chain) {
            return;
        }
        let durable = watched.hear(at.leg, event);
        self.touched.insert(at.swap);
        if durable {
            self.dirty.insert(at.swap);
        }
    }

    /// Takes the answer to [`Effect::TakeOver`]: what to broadcast, or why not.
    pub fn took_over(&mut self, at: LegRef, act: ActKind, level: u8, tx: Result<Prepared, String>) {
        if let Some(watched) = self.swaps.get_mut(&at.swap) {
            if watched.took_over(at.leg, act, level, tx) {
                self.dirty.insert(at.swap);
            }
            self.touched.insert(at.swap);
        }
    }

    /// An action did not reach its adapter: it is owed again.
    pub fn undelivered(&mut self, swap: SwapId) {
        if let Some(watched) = self.swaps.get_mut(&swap) {
            watched.owe_all_again();
        }
    }

    fn change(&mut self, id: SwapId) {
        self.dirty.insert(id);
        self.touched.insert(id);
    }

    /// W3: makes all that was taken durable, in one sync, and only then says what is owed. An error is fatal: the process
    /// must stop, and nothing of what was taken may be acknowledged or acted upon.
    pub fn flush(&mut self) -> Result<Vec<Effect>, TowerError> {
        let over: Vec<SwapId> = self
            .touched
            .iter()
            .filter(|id| self.swaps.get(id).is_some_and(Watched::is_over))
            .copied()
            .collect();
        for id in over {
            self.forget(id);
        }
        let dirty = std::mem::take(&mut self.dirty);
        for id in &dirty {
            match self.swaps.get(id) {
                Some(watched) => {
                    let bytes = borsh::to_vec(watched.kept()).expect("writing to memory does not fail");
                    self.journal.put(&place(*id), &bytes)?;
                }
                None => self.journal.remove(&place(*id))?,
            }
        }
        let records = self.shelf.write(&mut self.journal)?;
        if records || !dirty.is_empty() {
            self.journal.sync()?;
        }
        let mut effects = std::mem::take(&mut self.farewells);
        for id in std::mem::take(&mut self.touched) {
            if let Some(watched) = self.swaps.get_mut(&id) {
                let owed = watched.owed();
                effects.extend(
                    owed.into_iter()
                        .filter_map(|(leg, duty)| effect(id, watched, leg, duty)),
                );
            }
        }
        // After a start every adapter first learns what was prepared, and only then prepares anything.
        let asks = |effect: &Effect| {
            matches!(
                effect,
                Effect::Act {
                    action: ChainAction::Watch { .. },
                    ..
                }
            )
        };
        effects.sort_by_key(|effect| !asks(effect));
        Ok(effects)
    }

    /// W7.
    fn forget(&mut self, id: SwapId) {
        let Some(watched) = self.swaps.remove(&id) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(size(&watched));
        self.dirty.insert(id);
        let legs = watched.package().legs.iter();
        self.farewells.extend(legs.map(|(leg, entry)| Effect::Act {
            chain: entry.spec.chain(),
            leg: LegRef { swap: id, leg: *leg },
            action: ChainAction::Unwatch,
        }));
    }

    /// All that is watched.
    pub fn watching(&self) -> impl Iterator<Item = Watching> {
        self.swaps.values().map(Watched::watching)
    }
}

fn effect(swap: SwapId, watched: &Watched, leg: kofo_primitives::LegId, duty: Duty) -> Option<Effect> {
    let spec = watched.spec(leg)?;
    let (chain, leg) = (spec.chain(), LegRef { swap, leg });
    Some(match duty {
        Duty::Ask(action) => Effect::Act { chain, leg, action },
        Duty::TakeOver {
            act,
            level,
            entrusted,
        } => Effect::TakeOver {
            chain,
            leg,
            spec: Box::new(spec.clone()),
            act,
            level,
            entrusted,
        },
    })
}

fn same_legs(a: &Package, b: &Package) -> bool {
    let specs = |package: &Package| -> Vec<_> {
        let legs = package.legs.iter();
        legs.map(|(leg, entry)| (*leg, entry.spec.clone())).collect()
    };
    a.role == b.role && specs(a) == specs(b)
}

fn name_of(kept: &Kept) -> SwapId {
    let package = &kept.package.body;
    watch_id(&package.owner, &package.swap)
}

fn place(id: SwapId) -> String {
    format!("{PLACE}{id}")
}

fn size(watched: &Watched) -> usize {
    encode(&watched.kept().package).len().min(MOST_PACKAGE_BYTES)
}

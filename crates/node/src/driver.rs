//! The driver: journals what was accepted, syncs once, and then asks the chains for what the states owe.
//!
//! It is the only owner of swaps and offers. No task, no socket, no clock: inputs are method calls, and
//! [`Driver::flush`] gives what is to be done. The simulation drives the very same object.

mod approve;
mod events;
mod kept;
mod live;
mod records;
mod restored;
mod together;

pub use kept::RECORD_KEPT;
pub use live::Live;
pub use records::Begin;
pub use together::Ask;

use kofo_exchange::{Reused, Seen};
use kofo_journal::{Entry, Journal};
use kofo_primitives::{
    ChainAction, ChainId, Digest, Health, LegRef, Offer, Party, Preimage, SettlementOrder, Signed, SwapId,
    Text,
};
use kofo_settlement::{Input, Rejected, Terms};
use kofo_tower::{Shelf, ShelfError, ShelfFull};
use records::Stored;
use std::collections::{BTreeMap, BTreeSet};

/// At most so many inputs are taken between two syncs.
pub const MAX_BATCH: usize = 256;

/// At most so many swaps go on at once: each holds funds, fees and room in the journal.
pub const MAX_LIVE: usize = 10_000;

/// Why the driver cannot go on or did not take something.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The journal failed: the process must stop before anything else is sent.
    #[error("the journal failed, the node stops: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// A record that does not replay: written by a newer version, or the program is wrong.
    #[error(
        "record {seq} of the journal does not replay: {why}; use the version that wrote it, or report this"
    )]
    Replay {
        /// Its place.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// An adapter has stopped: its chain would go silent while timelocks run.
    #[error(
        "the adapter of {0} has stopped, the node stops: start it again, and report this if it happens again"
    )]
    AdapterStopped(ChainId),
    /// No such swap.
    #[error("no swap {0}: check the id")]
    NoSuchSwap(SwapId),
    /// The machine refuses.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The offer or its hashlock was used before.
    #[error(transparent)]
    Reused(#[from] Reused),
    /// A swap that waits for nobody's word.
    #[error("swap {0} does not wait to be approved: see `kofo swap show`")]
    NotWaiting(SwapId),
    /// Too much at once.
    #[error("{MAX_LIVE} swaps go on already: wait until some are over")]
    TooMany,
    /// The recovery records in the journal cannot be read.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// No room for another recovery record.
    #[error(transparent)]
    ShelfFull(#[from] ShelfFull),
}

/// One thing to ask of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The chain.
    pub chain: ChainId,
    /// The leg.
    pub leg: LegRef,
    /// The action.
    pub action: ChainAction,
}

/// What a sync made known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// What is to be done now.
    pub effects: Vec<Effect>,
    /// The swaps that were told something since the last time.
    pub touched: BTreeSet<SwapId>,
    /// Whom to ask for a signature.
    pub asks: Vec<Ask>,
}

/// Offers, swaps and their journal.
pub struct Driver<J> {
    journal: J,
    swaps: BTreeMap<SwapId, Live>,
    offers: BTreeMap<Digest, OfferEntry>,
    seen: Seen,
    health: BTreeMap<ChainId, Health>,
    touched: BTreeSet<SwapId>,
    dirty: bool,
    cooperates: bool,
    /// Recovery records of our counterparties.
    shelf: Shelf,
}

/// An offer of ours.
#[derive(Clone, Debug)]
pub struct OfferEntry {
    /// The offer.
    pub offer: Signed<Offer>,
    /// When it was made, by our clock, in milliseconds.
    pub made_ms: u64,
    /// The swap that came of it.
    pub accepted: Option<SwapId>,
    /// We take it back.
    pub withdrawn: bool,
}

impl<J: Journal> Driver<J> {
    /// Replays the journal. Nothing is owed until the chains have spoken, except what needs no time.
    pub fn open(journal: J) -> Result<Self, DriverError> {
        let mut driver = Self {
            shelf: kept::open(&journal)?,
            journal,
            swaps: BTreeMap::new(),
            offers: BTreeMap::new(),
            seen: Seen::default(),
            health: BTreeMap::new(),
            touched: BTreeSet::new(),
            dirty: false,
            cooperates: false,
        };
        let entries: Result<Vec<Entry>, _> = driver.journal.replay()?.collect();
        for entry in entries? {
            let seq = entry.seq.0;
            let replay = |why: String| DriverError::Replay { seq, why };
            let stored = Stored::read(&entry.record).map_err(|e| replay(e.to_string()))?;
            driver.restore(stored).map_err(|e| replay(e.to_string()))?;
        }
        let live = |(id, live): (&SwapId, &Live)| live.goes_on().then_some(*id);
        driver.touched = driver.swaps.iter().filter_map(live).collect();
        Ok(driver)
    }

    fn restore(&mut self, stored: Stored) -> Result<(), DriverError> {
        match stored {
            Stored::Offer(offer, made_ms) => {
                self.seen.admit(&offer.body)?;
                let entry = OfferEntry {
                    offer,
                    made_ms,
                    accepted: None,
                    withdrawn: false,
                };
                self.offers.insert(entry.offer.body.id(), entry);
            }
            Stored::Withdrawn(id) => {
                if let Some(entry) = self.offers.get_mut(&id) {
                    entry.withdrawn = true;
                }
            }
            Stored::Begin(begin) => self.admit(Live::begin(*begin)?)?,
            Stored::Restored(begin) => self.admit(Live::restored(*begin)?)?,
            Stored::Waiting(begin, why) => self.admit(Live::waiting(*begin, why)?)?,
            Stored::Approved(id, at_ms) => self
                .swaps
                .get_mut(&id)
                .ok_or(DriverError::NoSuchSwap(id))?
                .approve(at_ms),
            Stored::Contacts(id, contacts) => self
                .swaps
                .get_mut(&id)
                .ok_or(DriverError::NoSuchSwap(id))?
                .reach_by(contacts),
            Stored::Input(id, input) => {
                self.swaps
                    .get_mut(&id)
                    .ok_or(DriverError::NoSuchSwap(id))?
                    .apply(&input)?;
            }
        }
        Ok(())
    }

    fn admit(&mut self, live: Live) -> Result<(), DriverError> {
        let (origin, hashlock) = (live.order().origin(), live.order().hashlock());
        let id = live.terms().swap();
        match self.offers.get_mut(&origin) {
            // Our own offer took its hashlock when it was made.
            Some(entry) => entry.accepted = Some(id),
            None => self.seen.admit_hashlock(hashlock, origin)?,
        }
        self.swaps.insert(id, live);
        Ok(())
    }

    /// Records an offer of ours. It may leave the process after the next [`Driver::flush`].
    pub fn offer(&mut self, offer: Signed<Offer>, made_ms: u64) -> Result<(), DriverError> {
        self.seen.check(&offer.body)?;
        let stored = Stored::Offer(offer, made_ms);
        self.append(&stored)?;
        self.restore(stored)
    }

    /// Takes back an offer that nobody accepted.
    pub fn withdraw(&mut self, id: Digest) -> Result<(), DriverError> {
        let stored = Stored::Withdrawn(id);
        self.append(&stored)?;
        self.restore(stored)
    }

    /// Begins a swap that both parties have agreed. The initiator brings the preimage.
    pub fn begin(&mut self, begin: Begin) -> Result<SwapId, DriverError> {
        self.begin_as(begin, None)
    }

    fn begin_as(&mut self, begin: Begin, why: Option<Text<200>>) -> Result<SwapId, DriverError> {
        if self.live_count() >= MAX_LIVE {
            return Err(DriverError::TooMany);
        }
        let id = begin.terms.swap();
        let origin = begin.order.origin();
        match self.offers.get(&origin).map(|entry| entry.accepted) {
            Some(None) => {}
            // The same acceptance again: nothing changes.
            Some(Some(swap)) if swap == id => return Ok(id),
            Some(Some(_)) => return Err(Reused::Offer { id: origin }.into()),
            None if self.swaps.contains_key(&id) => return Ok(id),
            None => self.seen.check_hashlock(begin.order.hashlock(), origin)?,
        }
        let (live, stored) = match why {
            None => (Live::begin(begin.clone())?, Stored::Begin(Box::new(begin))),
            Some(why) => {
                let live = Live::waiting(begin.clone(), why.clone())?;
                (live, Stored::Waiting(Box::new(begin), why))
            }
        };
        self.append(&stored)?;
        self.admit(live)?;
        self.touched.insert(id);
        Ok(id)
    }

    /// Gives one swap one input. What changes nothing is not journaled.
    pub fn input(&mut self, id: SwapId, input: Input) -> Result<(), DriverError> {
        let live = self.swaps.get_mut(&id).ok_or(DriverError::NoSuchSwap(id))?;
        if live.apply(&input)? {
            self.append(&Stored::Input(id, input))?;
        }
        self.touched.insert(id);
        Ok(())
    }

    fn append(&mut self, stored: &Stored) -> Result<(), DriverError> {
        self.journal.append(stored.write())?;
        self.dirty = true;
        Ok(())
    }

    /// Makes all that was taken durable, in one sync, and only then says what is owed. An error is fatal: nothing of
    /// what was taken may be acted upon.
    pub fn flush(&mut self) -> Result<Flushed, DriverError> {
        if self.shelf.write(&mut self.journal)? || self.dirty {
            self.journal.sync()?;
            self.dirty = false;
        }
        let touched = std::mem::take(&mut self.touched);
        let (mut effects, mut asks) = (Vec::new(), Vec::new());
        for id in &touched {
            if let Some(live) = self.swaps.get_mut(id) {
                if self.cooperates {
                    asks.extend(live.fresh_asks());
                }
                effects.extend(live.owed());
            }
        }
        // After a start every adapter first learns what all live swaps hold, and only then builds anything.
        effects.sort_by_key(|effect| !matches!(effect.action, ChainAction::Watch { .. }));
        Ok(Flushed {
            effects,
            touched,
            asks,
        })
    }

    /// An action did not reach its adapter: it is owed again.
    pub fn undelivered(&mut self, swap: SwapId) {
        if let Some(live) = self.swaps.get_mut(&swap) {
            live.owe_all_again();
        }
    }

    /// The swaps that were told something since the last [`Driver::flush`].
    #[must_use]
    pub const fn touched(&self) -> &BTreeSet<SwapId> {
        &self.touched
    }

    /// All swaps, those that are over too.
    #[must_use]
    pub const fn swaps(&self) -> &BTreeMap<SwapId, Live> {
        &self.swaps
    }

    /// All offers of ours.
    #[must_use]
    pub const fn offers(&self) -> &BTreeMap<Digest, OfferEntry> {
        &self.offers
    }

    /// Whether an offer and its hashlock are unused.
    pub fn unused(&self, offer: &Offer) -> Result<(), Reused> {
        self.seen.check(offer)
    }

    /// Whether the chain's nodes can be relied upon; a chain that has said nothing of it can.
    #[must_use]
    pub fn health(&self, chain: &ChainId) -> Health {
        self.health.get(chain).copied().unwrap_or(Health::Healthy)
    }

    /// How many swaps go on.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.swaps.values().filter(|live| live.goes_on()).count()
    }

    /// Our parties in live offers and swaps on a chain: a new one must share nothing with them.
    #[must_use]
    pub fn taken(&self, chain: &ChainId) -> Vec<Party> {
        let in_offers = self
            .offers
            .values()
            .filter(|o| o.accepted.is_none() && !o.withdrawn)
            .flat_map(|o| {
                let body = &o.offer.body;
                body.give
                    .iter()
                    .chain(&body.want)
                    .filter(|leg| leg.asset.chain() == *chain)
                    .map(|leg| leg.party.clone())
            });
        let in_swaps = self
            .swaps
            .values()
            .filter(|live| live.goes_on())
            .flat_map(|live| {
                let legs = live
                    .terms()
                    .legs()
                    .values()
                    .filter(|leg| leg.spec.chain() == *chain);
                legs.map(|leg| leg.spec.ours().clone())
            });
        in_offers.chain(in_swaps).collect()
    }

    /// The journal, for the wallets' values.
    pub const fn journal(&mut self) -> &mut J {
        &mut self.journal
    }
}

impl Begin {
    /// What a node begins a swap with.
    #[must_use]
    pub fn new(order: SettlementOrder, terms: Terms, preimage: Option<Preimage>, at_ms: u64) -> Self {
        Self {
            order,
            terms,
            preimage,
            at_ms,
        }
    }
}

//! What a validator may say of one leg: a pure function of what its adapter told, of the tip, and of what it said before.
//!
//! Nothing is said from a picture that is not whole: what an adapter tells counts from the next tip on, when all up to it
//! was told. Who cannot see a chain's newest blocks says nothing that needs them.

use kofo_clearance::Fact;
use kofo_primitives::{Act, ActKind, At, FailClass, LegEvent, Tip, TxId, UnixTime};
use std::collections::BTreeMap;

/// A lock is absent only when so many blocks came after the first that was past its time.
const BLOCKS_MORE: u64 = 2;

/// An act on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    at: At,
    tx: Option<TxId>,
}

/// All that is on the chain of one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Picture {
    lock: Option<Sight>,
    redeem: Option<Sight>,
    refund: Option<Sight>,
}

/// One leg under watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leg {
    /// As far as it was told.
    told: Picture,
    /// As it was at the last tip; `None` until the adapter has answered.
    whole: Option<(Picture, Tip)>,
    /// The first height that was seen past a time (unix ms).
    passed: BTreeMap<u64, u64>,
}

/// What the ledger asks of a leg, and what we said of it last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// How deep a fact must be.
    pub(crate) depth: u32,
    /// Times (unix ms) past which it matters that the lock is not there or not final.
    pub(crate) watch_ms: &'a [u64],
    /// Our last word, and by which tip.
    pub(crate) last: Option<(Fact, UnixTime)>,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) fact: Fact,
    pub(crate) tx: Option<TxId>,
    pub(crate) height: u64,
    pub(crate) depth: u32,
    pub(crate) tip: UnixTime,
}

impl Leg {
    /// Whether the adapter has answered.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Takes what the adapter tells.
    pub(crate) fn hear(&mut self, event: LegEvent) {
        match event {
            LegEvent::Seen { act, at, tx } => self.seen(&act, Sight { at, tx }),
            LegEvent::RedeemedTogether { at, tx } => self.told.redeem = Some(Sight { at, tx }),
            LegEvent::Unseen(act) => self.unseen(act),
            LegEvent::Failed(ActKind::Lock, FailClass::WrongAmount { .. }) => self.told.lock = None,
            LegEvent::Watched(tip) => self.whole = Some((self.told.clone(), tip)),
            LegEvent::Built(..) | LegEvent::Failed(..) => {}
        }
    }

    fn seen(&mut self, act: &Act, sight: Sight) {
        match act {
            Act::Lock => self.told.lock = Some(sight),
            Act::Redeem(_) => self.told.redeem = Some(sight),
            Act::Refund => self.told.refund = Some(sight),
            // A lock that cannot happen any more is one that is not there.
            Act::Cancel => {}
        }
    }

    fn unseen(&mut self, act: ActKind) {
        match act {
            ActKind::Lock => self.told.lock = None,
            ActKind::Redeem | ActKind::RedeemTogether => self.told.redeem = None,
            ActKind::Refund | ActKind::RefundTogether => self.told.refund = None,
            ActKind::Cancel => {}
        }
    }

    /// The chain has a new tip: all up to it was told.
    pub(crate) fn tip(&mut self, tip: Tip) {
        if self.whole.is_some() {
            self.whole = Some((self.told.clone(), tip));
        }
    }

    /// Notes which times are past. Times that matter no more are forgotten.
    pub(crate) fn look(&mut self, watch_ms: &[u64]) {
        self.passed.retain(|time, _| watch_ms.contains(time));
        let Some((_, tip)) = &self.whole else { return };
        for time in watch_ms.iter().filter(|time| is_past(tip.time, **time)) {
            self.passed.entry(*time).or_insert(tip.height);
        }
    }

    /// What is to be said now; `None` if that was said before, or cannot be told.
    pub(crate) fn word(&self, asked: &Asked<'_>) -> Option<Word> {
        let (picture, tip) = self.whole.as_ref()?;
        let there = picture.fact(*tip, asked.depth);
        let Some((fact, sight)) = there else {
            return self.absent(*tip, asked);
        };
        let word = |fact| Word {
            fact,
            tx: sight.tx,
            height: match sight.at {
                At::Block(height) => height,
                At::Mempool => tip.height,
            },
            depth: depth(sight.at, *tip),
            tip: tip.time,
        };
        match asked.last {
            None => Some(word(fact)),
            // Nobody says the opposite of what it called final without taking that back first.
            Some((said, _)) if opposite(said, fact) => Some(word(Fact::Final)),
            Some((said, _)) if said != fact => Some(word(fact)),
            Some((Fact::Seen, by)) => {
                let crossed = |time: &u64| !is_past(by, *time) && is_past(tip.time, *time);
                asked.watch_ms.iter().any(crossed).then(|| word(Fact::Seen))
            }
            Some(_) => None,
        }
    }

    /// A lock that is not there: at once if we said that it was, else when its time is past for long enough.
    fn absent(&self, tip: Tip, asked: &Asked<'_>) -> Option<Word> {
        let word = Word {
            fact: Fact::Absent,
            tx: None,
            height: tip.height,
            depth: 0,
            tip: tip.time,
        };
        let long_past = |time: &u64| {
            let first = self.passed.get(time);
            let enough = first.is_some_and(|first| tip.height >= first.saturating_add(BLOCKS_MORE));
            enough && is_past(tip.time, *time)
        };
        match asked.last {
            None => asked.watch_ms.iter().any(long_past).then_some(word),
            Some((Fact::Absent, by)) => {
                let new = |time: &u64| !is_past(by, *time) && long_past(time);
                asked.watch_ms.iter().any(new).then_some(word)
            }
            Some((Fact::Seen | Fact::Final | Fact::Redeemed | Fact::Refunded | Fact::Unclear, _)) => {
                Some(word)
            }
        }
    }
}

impl Picture {
    /// What is true at a tip, and the act that shows it; `None` if no lock is in a block.
    fn fact(&self, tip: Tip, want: u32) -> Option<(Fact, Sight)> {
        let deep = |sight: &Sight| depth(sight.at, tip) >= want.max(1);
        match (self.redeem.filter(deep), self.refund.filter(deep)) {
            (Some(redeem), None) => return Some((Fact::Redeemed, redeem)),
            (None, Some(refund)) => return Some((Fact::Refunded, refund)),
            // Somebody locked twice, and both parties took something.
            (Some(redeem), Some(_)) => return Some((Fact::Unclear, redeem)),
            (None, None) => {}
        }
        let lock = self.lock.filter(|lock| depth(lock.at, tip) > 0)?;
        let fact = if deep(&lock) { Fact::Final } else { Fact::Seen };
        Some((fact, lock))
    }
}

/// How deep a block is; what is in the mempool is not.
fn depth(at: At, tip: Tip) -> u32 {
    match at {
        At::Mempool => 0,
        At::Block(height) => {
            let depth = tip.height.saturating_add(1).saturating_sub(height);
            u32::try_from(depth).unwrap_or(u32::MAX)
        }
    }
}

const fn is_past(tip: UnixTime, time_ms: u64) -> bool {
    tip.0.saturating_mul(1_000) > time_ms
}

const fn opposite(one: Fact, other: Fact) -> bool {
    matches!(
        (one, other),
        (Fact::Redeemed, Fact::Refunded) | (Fact::Refunded, Fact::Redeemed)
    )
}

#[cfg(test)]
mod tests;

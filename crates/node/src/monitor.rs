//! The timeout monitor: tells people early that a deadline comes near. It does not act; the machine does, on tips.

use crate::driver::{Driver, Live};
use kofo_journal::Journal;
use kofo_primitives::{Seconds, SwapId, UnixTime};
use kofo_settlement::{Deadline, Phase};
use std::collections::{BTreeMap, BTreeSet};

/// People are told when so much is left, and when nothing is.
const LEVELS: [Seconds; 4] = [
    Seconds::minutes(60),
    Seconds::minutes(15),
    Seconds::minutes(3),
    Seconds(0),
];

/// A deadline that comes near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The swap.
    pub swap: SwapId,
    /// The deadline.
    pub deadline: Deadline,
    /// What is left, by the chain's own time.
    pub left: Seconds,
}

/// Remembers what was told.
#[derive(Clone, Debug, Default)]
pub struct Monitor(BTreeMap<SwapId, (UnixTime, usize)>);

impl Monitor {
    /// The deadlines of these swaps that have come nearer than was told.
    pub fn look<J: Journal>(&mut self, driver: &Driver<J>, touched: &BTreeSet<SwapId>) -> Vec<Alarm> {
        let look = |id: &SwapId| self.look_at(*id, driver.swaps().get(id)?);
        touched.iter().filter_map(look).collect()
    }

    fn look_at(&mut self, swap: SwapId, live: &Live) -> Option<Alarm> {
        let Some(deadline) = live.swap().deadline(live.terms()) else {
            self.0.remove(&swap);
            return None;
        };
        // Before our lock there is nothing to lose.
        if live.swap().phase() < Phase::LockSent {
            return None;
        }
        let left = live.tips().of(&deadline.chain)?.time.until(deadline.at);
        let level = LEVELS.iter().rposition(|level| left <= *level)?;
        let told = self
            .0
            .get(&swap)
            .filter(|(at, _)| *at == deadline.at)
            .map(|(_, level)| *level);
        if told.is_some_and(|told| told >= level) {
            return None;
        }
        self.0.insert(swap, (deadline.at, level));
        Some(Alarm { swap, deadline, left })
    }
}

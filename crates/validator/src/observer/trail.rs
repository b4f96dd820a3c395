//! How high a chain was, and when: so that a leg is looked for from before its order on, also after a restart.

use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;

/// One place is kept for each so long.
const EVERY_MS: u64 = 10 * 60 * 1_000;
/// So many are kept: a month.
const MOST: usize = 4_320;
/// A reorganisation puts a lock so many blocks below the tip at most.
const BLOCKS_BELOW: u64 = 12;

/// The heights of one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Trail(VecDeque<(u64, u64)>);

impl Trail {
    /// The chain is this high now (unix ms). Whether that was kept.
    pub(crate) fn note(&mut self, now_ms: u64, height: u64) -> bool {
        let due = |(last, _): &(u64, u64)| now_ms >= last.saturating_add(EVERY_MS);
        if !self.0.back().is_none_or(due) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((now_ms, height));
        true
    }

    /// Nothing of an order of that time is in a block below this one; `None` if the order is older than we are here.
    pub(crate) fn below(&self, committed_ms: u64) -> Option<u64> {
        let before = self.0.iter().rev().find(|(at, _)| *at <= committed_ms);
        before.map(|(_, height)| height.saturating_sub(BLOCKS_BELOW))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_looked_for_from_the_last_place_before_it() {
        let mut trail = Trail::default();
        assert_eq!(trail.below(u64::MAX), None);
        assert!(trail.note(1_000, 100));
        assert!(!trail.note(1_000 + EVERY_MS - 1, 105), "too soon");
        assert!(trail.note(1_000 + EVERY_MS, 110));
        assert_eq!(trail.below(999), None);
        assert_eq!(trail.below(1_000 + EVERY_MS - 1), Some(88));
        assert_eq!(trail.below(u64::MAX), Some(98));
    }

    #[test]
    fn a_trail_does_not_grow_without_end() {
        let mut trail = Trail::default();
        for step in 0..MOST as u64 + 10 {
            assert!(trail.note(step * EVERY_MS, step));
        }
        assert_eq!(trail.0.len(), MOST);
        assert_eq!(trail.below(9 * EVERY_MS), None);
        assert_eq!(trail.below(10 * EVERY_MS), Some(0));
    }
}

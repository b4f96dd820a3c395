//! Which nonces of the owner account are spoken for.
//!
//! A lock holds its nonce from when it is built until it or what replaced it is final, so that no other transaction of
//! ours can kill it and no second lock of the swap can exist beside it. The book is not stored: every held nonce is in
//! the `Prepared` of a live swap, and those are watched before anything new is built.

use kofo_primitives::LegRef;
use std::collections::BTreeMap;

/// The owner's nonces.
#[derive(Debug, Default)]
pub(crate) struct NonceBook {
    held: BTreeMap<u64, LegRef>,
}

impl NonceBook {
    /// Holds a nonce for a leg. The first holder keeps it.
    pub(crate) fn hold(&mut self, nonce: u64, leg: LegRef) {
        self.held.entry(nonce).or_insert(leg);
    }

    /// Lets go of what a leg holds.
    pub(crate) fn free(&mut self, leg: LegRef) {
        self.held.retain(|_, holder| *holder != leg);
    }

    /// The lowest nonce that is neither consumed (below `mined`), nor held, nor `busy` with an errand of our own.
    pub(crate) fn next(&self, mined: u64, busy: Option<u64>) -> u64 {
        let mut nonce = mined;
        while self.held.contains_key(&nonce) || busy == Some(nonce) {
            nonce = nonce.saturating_add(1);
        }
        nonce
    }

    /// A nonce that nothing holds although a higher one is held: what is above it waits for ever unless it is filled.
    pub(crate) fn gap(&self, mined: u64, busy: Option<u64>) -> Option<u64> {
        let highest = self.held.keys().next_back()?;
        let lowest = self.next(mined, busy);
        (lowest < *highest).then_some(lowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_primitives::{LegId, Side, SwapId};

    fn leg(n: u8) -> LegRef {
        LegRef {
            swap: SwapId::new([n; 32]),
            leg: LegId::first(Side::Alpha),
        }
    }

    #[test]
    fn two_locks_never_share_a_nonce() {
        let mut book = NonceBook::default();
        assert_eq!(book.next(5, None), 5);
        book.hold(5, leg(1));
        assert_eq!(book.next(5, None), 6);
        book.hold(6, leg(2));
        assert_eq!(book.next(5, Some(7)), 8);
    }

    #[test]
    fn a_freed_nonce_is_the_next_to_be_used() {
        let mut book = NonceBook::default();
        book.hold(5, leg(1));
        book.hold(6, leg(2));
        book.free(leg(1));
        assert_eq!(book.next(5, None), 5);
        book.hold(5, leg(3));
        assert_eq!(book.next(5, None), 7);
    }

    #[test]
    fn a_gap_below_a_held_nonce_is_found_and_only_such_a_gap() {
        let mut book = NonceBook::default();
        assert_eq!(book.gap(5, None), None);
        book.hold(7, leg(1));
        assert_eq!(book.gap(5, None), Some(5));
        assert_eq!(book.gap(5, Some(5)), Some(6));
        assert_eq!(book.gap(7, None), None);
        book.hold(5, leg(2));
        assert_eq!(book.gap(5, None), Some(6));
    }

    #[test]
    fn what_was_held_before_a_restart_keeps_its_first_holder() {
        let mut book = NonceBook::default();
        book.hold(5, leg(1));
        book.hold(5, leg(2));
        book.free(leg(2));
        assert_eq!(book.next(5, None), 6);
    }
}

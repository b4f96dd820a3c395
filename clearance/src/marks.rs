//! What may be used once: orders, reservations, hashlocks, and how much of a claim is filled. A mark is kept as long as a
//! second use could pass all other checks, and forgotten then: the ledger does not grow with its past.

use crate::state::{State, Table};
use crate::timers::{Timer, remind};
use kofo_primitives::{Amount, Digest};

/// By a digest of what is used; how much of it was, where that counts.
const MARKS: Table<Digest, Amount> = Table::new(5);

/// How much of it was used.
pub(crate) fn used(state: &State, mark: &Digest) -> Option<Amount> {
    state.get(&MARKS, mark)
}

/// Marks it until a time (unix ms); a second time changes how much alone.
pub(crate) fn mark(state: &mut State, mark: &Digest, amount: Amount, until_ms: u64) {
    if used(state, mark).is_some() {
        state.put(&MARKS, mark, &amount);
    } else {
        mark_first(state, mark, amount, until_ms);
    }
}

/// Marks until a time (unix ms) what is known not to be used.
pub(crate) fn mark_first(state: &mut State, mark: &Digest, amount: Amount, until_ms: u64) {
    remind(state, until_ms, &Timer::Forget(*mark));
    state.put(&MARKS, mark, &amount);
}

/// Forgets it.
pub(crate) fn forget(state: &mut State, mark: &Digest) {
    state.remove(&MARKS, mark);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers::{due, take};

    #[test]
    fn a_mark_is_forgotten_once_whatever_it_counts() {
        let mut state = State::default();
        let empty = state.root();
        mark(&mut state, &[1; 32], Amount::new(3), 100);
        mark(&mut state, &[1; 32], Amount::new(5), 100);
        assert_eq!(used(&state, &[1; 32]), Some(Amount::new(5)));
        let timers = due(&state, 100, 9);
        assert_eq!(timers.len(), 1);
        assert_eq!(take(&mut state, timers[0]), Some(Timer::Forget([1; 32])));
        forget(&mut state, &[1; 32]);
        assert_eq!(due(&state, u64::MAX, 9), []);
        assert_eq!(used(&state, &[1; 32]), None);
        assert_ne!(state.root(), empty, "timers are counted");
    }
}

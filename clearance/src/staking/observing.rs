//! Who observes which chain, and with what power: what validators declared before the epoch began.
//!
//! It stays as it is until the epoch ends, also for whom is jailed meanwhile, so that what a majority is does not change
//! under the orders that wait for one.

use crate::ledger::VALIDATORS;
use crate::state::{State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{ChainId, NodeId, ValidatorKey, ValidatorSet};
use std::collections::BTreeMap;

/// Those of one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Observers {
    /// The power of them all.
    pub(crate) declared: u64,
    powers: Vec<(ValidatorKey, u64)>,
}

impl Observers {
    /// A validator's power among them; `None` unless it is one.
    pub(crate) fn power(&self, key: &ValidatorKey) -> Option<u64> {
        let mut powers = self.powers.iter();
        powers.find_map(|(one, power)| (one == key).then_some(*power))
    }
}

const OBSERVERS: Table<ChainId, Observers> = Table::new(34);

/// The validators that observe a chain.
pub(crate) fn observers(state: &State, chain: &ChainId) -> Observers {
    state.get(&OBSERVERS, chain).unwrap_or_default()
}

/// The power of all validators.
pub(crate) fn total_power(state: &State) -> u64 {
    state.get(&VALIDATORS, &()).map_or(0, |set| set.total())
}

/// The power of the validators that observe a chain, and of all validators.
#[cfg(test)]
pub(crate) fn observing(state: &State, chain: &ChainId) -> (u64, u64) {
    (observers(state, chain).declared, total_power(state))
}

/// A set begins to serve; `of` says what each account observes.
pub(super) fn declare(state: &mut State, set: &ValidatorSet, of: impl Fn(&State, NodeId) -> Vec<ChainId>) {
    let before: Vec<_> = state.scan(&OBSERVERS, &()).map(|(chain, _)| chain).collect();
    let mut now = BTreeMap::<ChainId, Observers>::new();
    for member in set.members() {
        for chain in of(state, member.account) {
            let observers = now.entry(chain).or_default();
            observers.declared = observers.declared.saturating_add(member.power);
            observers.powers.push((member.key, member.power));
        }
    }
    for chain in before {
        state.remove(&OBSERVERS, &chain);
    }
    for (chain, observers) in &now {
        state.put(&OBSERVERS, chain, observers);
    }
}

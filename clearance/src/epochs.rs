//! Epochs: the genesis, and what happens when one ends.
//!
//! Validators change only here, and so does who observes what, what commissions are, and what nodes score. Epochs end at
//! the same time of day for ever, in the first batch at or after it: one that is missed while the chain stood still is
//! skipped.

mod check;

use crate::accounts;
use crate::book::{BondKind, Book, Purse};
use crate::genesis::Genesis;
use crate::ledger::{Step, VALIDATORS};
use crate::state::{Sorted, State, Table};
use crate::{importance, points, staking};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, ValidatorSet};

pub use check::GenesisError;

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Epoch {
    /// From 0.
    pub(crate) number: u64,
    pub(crate) first_height: u64,
    /// Time of the header before it (unix ms).
    pub(crate) begins_ms: u64,
    /// The first header at or after this time (unix ms) is its last.
    pub(crate) ends_ms: u64,
}

/// Who served in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Served {
    pub(crate) epoch: Epoch,
    pub(crate) set: ValidatorSet,
}

/// So many epochs are remembered at most, for evidence.
const MAX_SERVED: usize = 512;

const EPOCH: Table<(), Epoch> = Table::new(39);
/// By the first height, also the one that goes on.
const SERVED: Table<Sorted, Served> = Table::new(40);

/// The epoch that goes on.
pub(crate) fn now(state: &State) -> Epoch {
    state
        .get(&EPOCH, &())
        .expect("the genesis began an epoch, and each end begins one")
}

/// The epoch of a height and its validators; `None` if it is forgotten.
pub(crate) fn served(state: &State, height: u64) -> Option<Served> {
    let all = state.scan(&SERVED, &());
    all.take_while(|(first, _)| first.0 <= height)
        .last()
        .map(|(_, served)| served)
}

/// Puts a genesis into an empty state.
pub(crate) fn begin(genesis: &Genesis, state: &mut State) -> Result<(), GenesisError> {
    check::check(genesis)?;
    let params = &genesis.params;
    for row in &genesis.balances {
        let who = row.account;
        let kinds = [
            (Purse::Free(who), row.free),
            (Purse::Bond(who, BondKind::Provider), row.provider),
            (Purse::Bond(who, BondKind::Relay), row.relay),
        ];
        for (purse, amount) in kinds {
            if amount > Amount::ZERO {
                state.bring(purse, &row.asset, amount)?;
            }
        }
    }
    for one in &genesis.validators {
        state.bring(Purse::Stake(one.account), &params.stake, one.stake)?;
        staking::found(state, one);
        accounts::found(state, params, one.account, genesis.time_ms);
    }
    let set = staking::elect(state, params, 0, genesis.time_ms).ok_or(GenesisError::NoValidators)?;
    let epoch = Epoch {
        number: 0,
        first_height: 1,
        begins_ms: genesis.time_ms,
        ends_ms: genesis.time_ms.saturating_add(params.epoch_ms),
    };
    serve(state, epoch, set);
    Ok(())
}

fn serve(state: &mut State, epoch: Epoch, set: ValidatorSet) {
    state.put(&EPOCH, &(), &epoch);
    state.put(&VALIDATORS, &(), &set);
    staking::begin(state, &set);
    let served = Served { epoch, set };
    state.put(&SERVED, &Sorted(epoch.first_height), &served);
}

/// The end of a batch, which may be that of an epoch.
pub(crate) fn end(step: &mut Step<'_>) {
    let epoch = now(step.state);
    if step.time_ms < epoch.ends_ms {
        return;
    }
    let served = step.state.get(&VALIDATORS, &());
    let served = served.expect("the genesis put a set, and sets are only replaced");
    staking::reward(step, &served);
    points::divide(step, &served);
    staking::turn(step);
    accounts::turn(step);
    importance::score(step);
    let number = epoch.number.saturating_add(1);
    let elected = staking::elect(step.state, step.params(), number, step.time_ms);
    let set = elected.unwrap_or_else(|| {
        let again = ValidatorSet::new(number, served.members().to_vec());
        again.expect("it was a set, whatever its epoch")
    });
    forget(step);
    let next = Epoch {
        number,
        first_height: step.height.saturating_add(1),
        begins_ms: step.time_ms,
        ends_ms: next_end(epoch.ends_ms, step.params().epoch_ms, step.time_ms),
    };
    serve(step.state, next, set);
}

/// The first of the times at which epochs end that is after `now`.
fn next_end(last: u64, every: u64, now: u64) -> u64 {
    let whole = now.saturating_sub(last).checked_div(every).unwrap_or(0);
    last.saturating_add(every.saturating_mul(whole.saturating_add(1)))
}

/// Forgets epochs whose stake has left.
fn forget(step: &mut Step<'_>) {
    let all: Vec<_> = step.state.scan(&SERVED, &()).collect();
    let surplus = all.len().saturating_sub(MAX_SERVED.saturating_sub(1));
    for (place, (first, served)) in all.iter().enumerate() {
        let until = served.epoch.ends_ms.saturating_add(step.params().unstake_ms);
        if place < surplus || until <= step.time_ms {
            step.state.remove(&SERVED, first);
        }
    }
}

#[cfg(test)]
mod tests;

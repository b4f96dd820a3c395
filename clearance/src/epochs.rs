//! Epochs: the genesis, and what happens when one ends.

use crate::genesis::Genesis;
use crate::ledger::{Step, VALIDATORS};
use crate::state::State;
use kofo_primitives::{Validator, ValidatorSet, ValidatorSetError};

/// Why a genesis is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Its validators are no set.
    #[error(transparent)]
    Validators(#[from] ValidatorSetError),
}

pub(crate) fn begin(genesis: &Genesis, state: &mut State) -> Result<(), GenesisError> {
    let member = |one: &crate::GenesisValidator| Validator {
        key: one.key,
        account: one.account,
        power: u64::try_from(one.stake.units()).unwrap_or(u64::MAX),
    };
    let set = ValidatorSet::new(0, genesis.validators.iter().map(member).collect())?;
    state.put(&VALIDATORS, &(), &set);
    Ok(())
}

pub(crate) fn end(_: &mut Step<'_>) {}

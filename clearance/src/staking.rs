//! Validators: who may be one, what they earn, and what they forfeit.
//!
//! Whoever staked is a candidate. At the end of an epoch those with the most stake, their own and what was delegated to
//! them, are elected for the next. A validator that misses many heights in a row, votes twice, proposes what more than two
//! thirds find invalid, or says what is proven wrong of a chain, forfeits a part of its stake and is jailed: it stays until
//! the epoch ends, and is not elected again before it asks to be.

mod acts;
mod election;
mod evidence;
mod observing;
mod power;
mod rewards;
mod slashing;

use crate::book::{BALANCES, Book, Purse};
use crate::genesis::{GenesisValidator, Params};
use crate::ledger::Step;
use crate::state::{Sorted, State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, ChainId, NodeId, ValidatorKey, ValidatorSet};

pub(crate) use acts::{delegate, observe, stake, undelegate, unjail, unstake};
pub(crate) use election::elect;
pub(crate) use evidence::{complaint, double_vote, missed};
#[cfg(test)]
pub(crate) use observing::observing;
pub(crate) use observing::{Observers, observers, total_power};
pub(crate) use rewards::pay as reward;
pub(crate) use slashing::slash_observer;

/// Who staked: a candidate at every election.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Candidate {
    /// By which it votes from the next election on.
    pub(crate) key: ValidatorKey,
    /// By which it voted before, and until when (unix ms) that is remembered: there may be evidence against it.
    pub(crate) retired: Option<(ValidatorKey, u64)>,
    /// What it keeps of its delegators' rewards in this epoch (basis points).
    pub(crate) commission_bps: u16,
    /// And from the next on: who delegates sees an increase before it is taken.
    pub(crate) next_commission_bps: u16,
    /// What it observes from the next epoch on.
    pub(crate) observes: Vec<ChainId>,
    /// Not before this time (unix ms) may it ask to be elected again.
    pub(crate) jailed_until_ms: Option<u64>,
}

/// Stake that is on its way back and can still be slashed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Leaving {
    owner: NodeId,
    amount: Amount,
    /// When it was asked back (unix ms).
    since_ms: u64,
}

const CANDIDATES: Table<NodeId, Candidate> = Table::new(31);
/// Whose a vote key is, also one that is retired.
const KEYS: Table<ValidatorKey, NodeId> = Table::new(32);
/// By the validator that was backed, when it is at its owner's disposal, and the number of that timer.
const LEAVING: Table<(NodeId, Sorted, Sorted), Leaving> = Table::new(36);

/// Why something said of a validator is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StakingRefused {
    /// Not one that the ledger knows.
    #[error("{0} is no validator of this network")]
    Unknown(ValidatorKey),
    /// Not one of those of that height.
    #[error("{key} was no validator at height {height}")]
    NotServing {
        /// Whose key.
        key: ValidatorKey,
        /// Of which height something was said.
        height: u64,
    },
    /// Of a height that is not yet.
    #[error("it is of height {height}, and the ledger is at {now}: submit it later")]
    Future {
        /// Of which height.
        height: u64,
        /// The batch's.
        now: u64,
    },
    /// Stake may have left since.
    #[error("it is of height {height}, which is so long ago that the stake may have left")]
    Stale {
        /// Of which height.
        height: u64,
    },
    /// Once is enough.
    #[error("{key} was slashed for height {height}, round {round} already")]
    Punished {
        /// Who.
        key: ValidatorKey,
        /// Of which height.
        height: u64,
        /// And round.
        round: u32,
    },
    /// The same complaint again.
    #[error("{0} complained of that already")]
    Twice(ValidatorKey),
    /// Complaints are kept, so they are counted.
    #[error("{key} complained {most} times in this epoch, which is the most")]
    TooMany {
        /// Who.
        key: ValidatorKey,
        /// The most.
        most: u32,
    },
}

/// Whether a validator is jailed. Others are not.
pub(crate) fn jailed_until(state: &State, account: NodeId) -> Option<u64> {
    state.get(&CANDIDATES, &account)?.jailed_until_ms
}

/// Whether an account is a candidate with enough stake of its own.
pub(crate) fn is_candidate(state: &State, params: &Params, account: NodeId) -> bool {
    let own = state.balance(Purse::Stake(account), &params.stake);
    state.get(&CANDIDATES, &account).is_some() && own >= params.min_stake
}

/// A validator of the genesis is a candidate. Its stake is in its purse.
pub(crate) fn found(state: &mut State, one: &GenesisValidator) {
    let candidate = Candidate {
        key: one.key,
        retired: None,
        commission_bps: one.commission_bps,
        next_commission_bps: one.commission_bps,
        observes: one.observes.clone(),
        jailed_until_ms: None,
    };
    state.put(&CANDIDATES, &one.account, &candidate);
    state.put(&KEYS, &one.key, &one.account);
}

/// A set begins to serve: what it observes counts from here on.
pub(crate) fn begin(state: &mut State, set: &ValidatorSet) {
    observing::declare(state, set, |state, account| {
        let candidate = state.get(&CANDIDATES, &account);
        candidate.map_or_else(Vec::new, |candidate| candidate.observes)
    });
}

/// All that is delegated to a validator, in the order of the accounts.
fn delegations(state: &State, to: NodeId, asset: &AssetId) -> Vec<(NodeId, Amount)> {
    let prefix = delegated_to(to);
    let all = state.scan(&BALANCES, &prefix);
    all.filter_map(|((purse, of), amount)| {
        let Purse::Delegated(_, from) = purse else {
            return None;
        };
        (of == *asset).then_some((from, amount))
    })
    .collect()
}

/// As the purses of what is delegated to a validator begin.
fn delegated_to(validator: NodeId) -> (u8, NodeId) {
    (4, validator)
}

/// What an account has delegated to all validators.
pub(crate) fn delegated_by(state: &State, account: NodeId, asset: &AssetId) -> Amount {
    let candidates = state.scan(&CANDIDATES, &());
    let parts = candidates.map(|(to, _)| state.balance(Purse::Delegated(to, account), asset));
    sum(parts)
}

fn sum(parts: impl IntoIterator<Item = Amount>) -> Amount {
    let mut all = parts.into_iter();
    all.try_fold(Amount::ZERO, Amount::checked_add)
        .expect("purses of one asset add up to at most what is outside")
}

/// An epoch ends: who changes what from the next on, and what is not needed any more.
pub(crate) fn turn(step: &mut Step<'_>) {
    let now = step.time_ms;
    let gone: Vec<_> = step
        .state
        .scan(&LEAVING, &())
        .filter_map(|(key, _)| (key.1.0 <= now).then_some(key))
        .collect();
    for key in &gone {
        step.state.remove(&LEAVING, key);
    }
    evidence::turn(step);
    let candidates: Vec<_> = step.state.scan(&CANDIDATES, &()).collect();
    for (account, candidate) in candidates {
        turn_one(step, account, candidate);
    }
}

fn turn_one(step: &mut Step<'_>, account: NodeId, mut candidate: Candidate) {
    let before = candidate.clone();
    candidate.commission_bps = candidate.next_commission_bps;
    if let Some((key, until)) = candidate.retired
        && until <= step.time_ms
    {
        step.state.remove(&KEYS, &key);
        candidate.retired = None;
    }
    let asset = &step.genesis.params.stake;
    let left = step.state.balance(Purse::Stake(account), asset) == Amount::ZERO
        && delegations(step.state, account, asset).is_empty()
        && step.state.scan(&LEAVING, &account).next().is_none()
        && candidate.retired.is_none()
        && candidate
            .jailed_until_ms
            .is_none_or(|until| until <= step.time_ms);
    if left {
        step.state.remove(&KEYS, &candidate.key);
        step.state.remove(&CANDIDATES, &account);
        evidence::forget(step.state, account);
    } else if candidate != before {
        step.state.put(&CANDIDATES, &account, &candidate);
    }
}

#[cfg(test)]
mod tests;

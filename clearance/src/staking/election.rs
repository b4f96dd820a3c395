//! Who validates from the next height on.

use super::{CANDIDATES, Candidate, delegations, power, sum};
use crate::accounts;
use crate::book::{Book, Purse};
use crate::genesis::Params;
use crate::state::State;
use kofo_primitives::{Amount, NodeId, Validator, ValidatorSet};
use std::cmp::Reverse;

/// The candidates with the most stake, their own and what is delegated to them, ties by account; each with its power.
/// Who is jailed, staked too little itself, or has listed no pair lately where that counts, is out. `None` if nobody is
/// in: then the validators before stay, for a chain without validators never goes on.
pub(crate) fn elect(state: &State, params: &Params, epoch: u64, now_ms: u64) -> Option<ValidatorSet> {
    let mut elected: Vec<_> = state
        .scan(&CANDIDATES, &())
        .filter(|(_, candidate)| candidate.jailed_until_ms.is_none())
        .filter_map(|(account, candidate)| {
            let stake = backing(state, params, account, now_ms)?;
            Some((Reverse(stake), account, candidate))
        })
        .collect();
    elected.sort_by_key(|(stake, account, _)| (*stake, *account));
    elected.truncate(params.seats.into());
    let stakes: Vec<_> = elected.iter().map(|(stake, ..)| stake.0.units()).collect();
    let powers = power::powers(&stakes, params.power_cap_bps);
    let member = |((_, account, candidate), power): ((_, NodeId, Candidate), u64)| Validator {
        key: candidate.key,
        account,
        power,
    };
    let members: Vec<_> = elected.into_iter().zip(powers).map(member).collect();
    if members.is_empty() {
        return None;
    }
    let set = ValidatorSet::new(epoch, members);
    Some(set.expect("keys and accounts are of one candidate each, there are few, and powers are bounded"))
}

/// What a candidate has behind it; `None` if it cannot be elected.
fn backing(state: &State, params: &Params, account: NodeId, now_ms: u64) -> Option<Amount> {
    let own = state.balance(Purse::Stake(account), &params.stake);
    if own < params.min_stake || !accounts::lists(state, params, account, now_ms) {
        return None;
    }
    let delegated = delegations(state, account, &params.stake);
    Some(sum(delegated.into_iter().map(|(_, amount)| amount).chain([own])))
}

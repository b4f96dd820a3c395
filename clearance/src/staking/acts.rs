//! What candidates and those who back them may do.

use super::{CANDIDATES, Candidate, KEYS, LEAVING, Leaving};
use crate::accounts::{ActRefused, ask_back, at_least};
use crate::book::{Book, Purse};
use crate::epochs;
use crate::ledger::Step;
use crate::op::MAX_LISTED;
use crate::proportion::ALL_BPS;
use crate::state::{Sorted, State};
use kofo_primitives::{Amount, ChainId, NodeId, ValidatorKey};

/// Stands for election or changes how: with more stake, another commission, another key.
///
/// A new key counts from the next election on. The old one stays the account's as long as there may be evidence against
/// it, and only then may the key change again: a validator is never known by more than two.
pub(crate) fn stake(
    step: &mut Step<'_>,
    account: NodeId,
    (key, commission_bps): (ValidatorKey, u16),
    amount: Amount,
) -> Result<(), ActRefused> {
    if commission_bps > ALL_BPS {
        return Err(ActRefused::Commission { have: commission_bps });
    }
    let candidate = match step.state.get(&CANDIDATES, &account) {
        Some(mut candidate) => {
            if key != candidate.key {
                change_key(step, &mut candidate, key)?;
            }
            candidate.next_commission_bps = commission_bps;
            candidate
        }
        None => {
            check_key(step.state, key)?;
            Candidate {
                key,
                retired: None,
                commission_bps,
                next_commission_bps: commission_bps,
                observes: Vec::new(),
                jailed_until_ms: None,
            }
        }
    };
    let (asset, own) = (&step.genesis.params.stake, Purse::Stake(account));
    step.state.pay(Purse::Free(account), own, asset, amount)?;
    let (have, least) = (step.state.balance(own, asset), step.params().min_stake);
    if have < least {
        let asset = asset.clone();
        return Err(ActRefused::Least { asset, have, least });
    }
    step.state.put(&KEYS, &key, &account);
    step.state.put(&CANDIDATES, &account, &candidate);
    Ok(())
}

fn check_key(state: &State, key: ValidatorKey) -> Result<(), ActRefused> {
    if !key.is_point() {
        return Err(ActRefused::NotAKey(key));
    }
    if state.get(&KEYS, &key).is_some() {
        return Err(ActRefused::KeyTaken(key));
    }
    Ok(())
}

fn change_key(step: &Step<'_>, candidate: &mut Candidate, key: ValidatorKey) -> Result<(), ActRefused> {
    if let Some((_, until_ms)) = candidate.retired {
        return Err(ActRefused::KeySoon { until_ms });
    }
    check_key(step.state, key)?;
    let ends = epochs::now(step.state).ends_ms.max(step.time_ms);
    let until = ends.saturating_add(step.params().unstake_ms);
    candidate.retired = Some((candidate.key, until));
    candidate.key = key;
    Ok(())
}

/// Asks for its own stake back, all or so that enough is left.
pub(crate) fn unstake(step: &mut Step<'_>, account: NodeId, amount: Amount) -> Result<(), ActRefused> {
    let params = &step.genesis.params;
    let own = Purse::Stake(account);
    leave(step, (account, account), own, (amount, params.unstake_ms))?;
    at_least(step.state, (own, &params.stake), params.min_stake)
}

/// Backs a candidate, with at least a bond's least in all.
pub(crate) fn delegate(
    step: &mut Step<'_>,
    account: NodeId,
    to: NodeId,
    amount: Amount,
) -> Result<(), ActRefused> {
    if step.state.get(&CANDIDATES, &to).is_none() {
        return Err(ActRefused::NoCandidate(to));
    }
    let (asset, backing) = (&step.genesis.params.stake, Purse::Delegated(to, account));
    step.state.pay(Purse::Free(account), backing, asset, amount)?;
    at_least(step.state, (backing, asset), least(step))
}

/// Takes backing back, all or so that enough is left.
pub(crate) fn undelegate(
    step: &mut Step<'_>,
    account: NodeId,
    from: NodeId,
    amount: Amount,
) -> Result<(), ActRefused> {
    let params = &step.genesis.params;
    let backing = Purse::Delegated(from, account);
    leave(step, (from, account), backing, (amount, params.unbond_ms))?;
    at_least(step.state, (backing, &params.stake), least(step))
}

/// The least that is delegated to one validator: as much as a bond, so that no crowd of crumbs is divided among.
fn least(step: &Step<'_>) -> Amount {
    let params = step.params();
    let asset = params.asset(&params.stake);
    asset.map_or(Amount::ZERO, |asset| asset.min_bond)
}

/// Stake leaves: it can be slashed until it is at its owner's disposal.
fn leave(
    step: &mut Step<'_>,
    (validator, owner): (NodeId, NodeId),
    from: Purse,
    (amount, delay_ms): (Amount, u64),
) -> Result<(), ActRefused> {
    let asset = &step.genesis.params.stake;
    let (until, number) = ask_back(step, (owner, asset), from, (amount, delay_ms))?;
    let leaving = Leaving {
        owner,
        amount,
        since_ms: step.time_ms,
    };
    let key = (validator, Sorted(until), Sorted(number));
    step.state.put(&LEAVING, &key, &leaving);
    Ok(())
}

/// Says which chains it observes from the next epoch on.
pub(crate) fn observe(step: &mut Step<'_>, account: NodeId, chains: &[ChainId]) -> Result<(), ActRefused> {
    let none = ActRefused::NoCandidate(account);
    let mut candidate = step.state.get(&CANDIDATES, &account).ok_or(none)?;
    if chains.len() > MAX_LISTED {
        return Err(ActRefused::TooMany {
            what: "chains",
            have: chains.len(),
            most: MAX_LISTED,
        });
    }
    candidate.observes = chains.to_vec();
    candidate.observes.sort();
    candidate.observes.dedup();
    if candidate.observes.len() != chains.len() {
        return Err(ActRefused::Repeated("a chain"));
    }
    step.state.put(&CANDIDATES, &account, &candidate);
    Ok(())
}

/// Wants to be elected again.
pub(crate) fn unjail(step: &mut Step<'_>, account: NodeId) -> Result<(), ActRefused> {
    let none = ActRefused::NoCandidate(account);
    let mut candidate = step.state.get(&CANDIDATES, &account).ok_or(none)?;
    let until_ms = candidate.jailed_until_ms.ok_or(ActRefused::NotJailed)?;
    if step.time_ms < until_ms {
        let now_ms = step.time_ms;
        return Err(ActRefused::Jailed { until_ms, now_ms });
    }
    candidate.jailed_until_ms = None;
    step.state.put(&CANDIDATES, &account, &candidate);
    Ok(())
}

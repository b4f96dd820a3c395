//! What is known of a validator's faults: heights it missed, votes it cast twice, proposals that others complain of.

use super::slashing::slash;
use super::{CANDIDATES, KEYS, StakingRefused};
use crate::epochs::{self, Served};
use crate::ledger::Step;
use crate::marks;
use crate::op::SignedComplaint;
use crate::state::{Sorted, State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, Certificate, DoubleVote, NodeId, ValidatorKey, ValidatorSet, encode, tagged_hash,
};

/// A validator complains at most so often in one epoch: complaints are kept.
const MAX_COMPLAINTS: u32 = 64;

/// Heights that a validator missed in a row.
const MISSED: Table<NodeId, u32> = Table::new(35);
/// By height, round and proposer.
const COMPLAINTS: Table<(Sorted, u32, ValidatorKey), Complaints> = Table::new(37);
/// How often a validator complained in this epoch.
const COMPLAINED: Table<ValidatorKey, u32> = Table::new(38);

#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Complaints {
    by: Vec<ValidatorKey>,
    done: bool,
}

/// Counts who did not sign the last header. Whoever missed too many in a row forfeits, is jailed, and is not counted any
/// more until it is elected again.
pub(crate) fn missed(step: &mut Step<'_>, set: &ValidatorSet, last: &Certificate) {
    for (place, member) in set.members().iter().enumerate() {
        let account = member.account;
        let before = step.state.get(&MISSED, &account).unwrap_or(0);
        if last.signed(place) {
            if before > 0 {
                step.state.remove(&MISSED, &account);
            }
            continue;
        }
        let candidate = step.state.get(&CANDIDATES, &account);
        if candidate.is_none_or(|one| one.jailed_until_ms.is_some()) {
            continue;
        }
        let now = before.saturating_add(1);
        if now >= step.params().missed_heights {
            let (bps, since) = (step.params().missed_bps, epochs::now(step.state).begins_ms);
            slash(step, account, bps, since);
        } else {
            step.state.put(&MISSED, &account, &now);
        }
    }
}

/// Nothing is missed yet, or nothing is counted any more.
pub(super) fn forget(state: &mut State, account: NodeId) {
    state.remove(&MISSED, &account);
}

/// Who served at a height, as far as what is said of it can still be punished.
fn served(step: &Step<'_>, height: u64) -> Result<Served, StakingRefused> {
    if height > step.height {
        let now = step.height;
        return Err(StakingRefused::Future { height, now });
    }
    epochs::served(step.state, height)
        .filter(|served| step.time_ms < fresh_until(step, served))
        .ok_or(StakingRefused::Stale { height })
}

/// As long as the stake of an epoch may be asked back and not be there yet: what happened in it can be punished.
fn fresh_until(step: &Step<'_>, served: &Served) -> u64 {
    served.epoch.ends_ms.saturating_add(step.params().unstake_ms)
}

fn serving(served: &Served, key: ValidatorKey, height: u64) -> Result<(u64, NodeId), StakingRefused> {
    let found = served.set.find(&key);
    let member = found.ok_or(StakingRefused::NotServing { key, height })?;
    Ok((member.power, member.account))
}

/// A validator voted twice: it forfeits once for each height and round, whatever else it signed there.
pub(crate) fn double_vote(step: &mut Step<'_>, double: &DoubleVote) -> Result<(), StakingRefused> {
    let (key, vote) = (double.first.key, double.first.vote);
    let (height, round) = (vote.height, vote.round);
    step.state.get(&KEYS, &key).ok_or(StakingRefused::Unknown(key))?;
    let served = served(step, height)?;
    let (_, account) = serving(&served, key, height)?;
    let mark = tagged_hash("kofo/mark/double-vote/v1", &[&encode(&(key, height, round))]);
    if marks::used(step.state, &mark).is_some() {
        return Err(StakingRefused::Punished { key, height, round });
    }
    let until = fresh_until(step, &served);
    marks::mark(step.state, &mark, Amount::ZERO, until);
    let bps = step.params().double_vote_bps;
    slash(step, account, bps, served.epoch.begins_ms);
    Ok(())
}

/// A validator found a proposal invalid. When more than two thirds of the power of that height say so, the proposer
/// forfeits, once. Complaints are of this epoch or the one before.
pub(crate) fn complaint(step: &mut Step<'_>, said: &SignedComplaint) -> Result<(), StakingRefused> {
    let (by, of) = (said.key, said.complaint);
    let (height, round, key) = (of.height, of.round, of.proposer);
    let served = served(step, height)?;
    if served.epoch.number.saturating_add(1) < epochs::now(step.state).number {
        return Err(StakingRefused::Stale { height });
    }
    serving(&served, by, height)?;
    let (_, account) = serving(&served, key, height)?;
    let row = (Sorted(height), round, key);
    let mut complaints = step.state.get(&COMPLAINTS, &row).unwrap_or_default();
    if complaints.done {
        return Err(StakingRefused::Punished { key, height, round });
    }
    if complaints.by.contains(&by) {
        return Err(StakingRefused::Twice(by));
    }
    let often = step.state.get(&COMPLAINED, &by).unwrap_or(0);
    if often >= MAX_COMPLAINTS {
        let (key, most) = (by, MAX_COMPLAINTS);
        return Err(StakingRefused::TooMany { key, most });
    }
    step.state.put(&COMPLAINED, &by, &often.saturating_add(1));
    complaints.by.push(by);
    let powers = complaints.by.iter().filter_map(|by| served.set.find(by));
    let power = powers.fold(0u64, |sum, member| sum.saturating_add(member.power));
    complaints.done = power >= served.set.quorum();
    step.state.put(&COMPLAINTS, &row, &complaints);
    if complaints.done {
        let bps = step.params().double_vote_bps;
        slash(step, account, bps, served.epoch.begins_ms);
    }
    Ok(())
}

/// An epoch ends: complaints of the one before it are not taken any more, and everybody may complain again.
pub(super) fn turn(step: &mut Step<'_>) {
    let first = epochs::now(step.state).first_height;
    let rows = step.state.scan(&COMPLAINTS, &());
    let old: Vec<_> = rows
        .filter_map(|(row, _)| (row.0.0 < first).then_some(row))
        .collect();
    for row in &old {
        step.state.remove(&COMPLAINTS, row);
    }
    let keys: Vec<_> = step.state.scan(&COMPLAINED, &()).map(|(key, _)| key).collect();
    for key in &keys {
        step.state.remove(&COMPLAINED, key);
    }
}

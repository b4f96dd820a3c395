//! What a validator forfeits, and who with it.

use super::{CANDIDATES, KEYS, LEAVING, delegations, evidence, sum};
use crate::book::{Book, Purse};
use crate::epochs;
use crate::ledger::Step;
use crate::proportion::{bps_of, shares};
use crate::state::Sorted;
use crate::timers::reduce;
use kofo_primitives::{Amount, NodeId, ValidatorKey};

enum Part {
    Here(Purse),
    Leaving((NodeId, Sorted, Sorted)),
}

/// Burns so many basis points of what backs a validator, and jails it. How much that was.
///
/// What backs it is its own stake, what is delegated to it, and what of both was asked back at or after `since_ms` and is
/// still on its way: it counted when the power was given by which the validator did wrong. All lose in proportion, the
/// sum being exact to the unit. Who delegated later loses as well: the ledger does not know which unit was there first.
pub(super) fn slash(step: &mut Step<'_>, account: NodeId, bps: u16, since_ms: u64) -> Amount {
    let asset = &step.genesis.params.stake;
    let mut parts = vec![(
        Part::Here(Purse::Stake(account)),
        step.state.balance(Purse::Stake(account), asset),
    )];
    let backers = delegations(step.state, account, asset).into_iter();
    parts.extend(backers.map(|(who, amount)| (Part::Here(Purse::Delegated(account, who)), amount)));
    let leaving = step.state.scan(&LEAVING, &account);
    let fresh = leaving.filter(|(key, row)| key.1.0 > step.time_ms && row.since_ms >= since_ms);
    parts.extend(fresh.map(|(key, row)| (Part::Leaving(key), row.amount)));
    let total = sum(parts.iter().map(|(_, amount)| *amount));
    let cut = bps_of(total, bps);
    if total > Amount::ZERO {
        let weights: Vec<_> = parts.iter().map(|(_, amount)| amount.units()).collect();
        let losses = shares(cut.units(), &weights, total.units());
        for ((part, _), loss) in parts.into_iter().zip(losses) {
            burn(step, &part, Amount::new(loss));
        }
    }
    jail(step, account);
    cut
}

fn burn(step: &mut Step<'_>, part: &Part, loss: Amount) {
    let asset = &step.genesis.params.stake;
    let from = match part {
        Part::Here(purse) => *purse,
        Part::Leaving(key) => {
            let Some(mut row) = step.state.get(&LEAVING, key) else {
                return;
            };
            let left = row.amount.checked_sub(loss);
            row.amount = left.expect("a loss is at most what is there");
            step.state.put(&LEAVING, key, &row);
            reduce(step.state, (key.1.0, key.2.0), loss);
            Purse::Unbonding(row.owner)
        }
    };
    let burnt = step.state.pay(from, Purse::Burnt, asset, loss);
    burnt.expect("a loss is at most what is there");
}

fn jail(step: &mut Step<'_>, account: NodeId) {
    if let Some(mut candidate) = step.state.get(&CANDIDATES, &account) {
        let until = step.time_ms.saturating_add(step.params().jail_ms);
        candidate.jailed_until_ms = candidate.jailed_until_ms.max(Some(until));
        step.state.put(&CANDIDATES, &account, &candidate);
        evidence::forget(step.state, account);
    }
}

/// An observer said what is proven wrong, or two final things that contradict each other. A key that nobody has any more
/// has nothing left to lose.
pub(crate) fn slash_observer(step: &mut Step<'_>, key: &ValidatorKey) {
    if let Some(account) = step.state.get(&KEYS, key) {
        let (bps, since) = (step.params().double_vote_bps, epochs::now(step.state).begins_ms);
        slash(step, account, bps, since);
    }
}

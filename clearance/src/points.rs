//! Points: who had part in the first settled trades has some. They cannot be given away.
//!
//! A trade among the first gives as many points as the foundation's share of its fee has units: what is really paid, to
//! somebody who is none of those who get points, is the one thing that cannot be had for nothing. Each party of the trade
//! gets so many, and the validators together once as many, divided by power when the epoch ends. Developers get points by
//! the foundation's word alone.

use crate::ledger::Step;
use crate::proportion::shares;
use crate::staking;
use crate::state::{State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, NodeId, ValidatorSet};

/// What was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Trades {
    settled: u64,
    /// Points of the validators, until the epoch ends.
    pot: u128,
}

const TRADES: Table<(), Trades> = Table::new(41);
const POINTS: Table<NodeId, u128> = Table::new(42);

/// An account's points.
pub(crate) fn points(state: &State, account: NodeId) -> u128 {
    state.get(&POINTS, &account).unwrap_or(0)
}

/// A trade was settled: by whom, and what the foundation got of the fee by the doing of each.
pub(crate) fn settled(step: &mut Step<'_>, who: &[(NodeId, Amount)]) {
    let mut trades = step.state.get(&TRADES, &()).unwrap_or_default();
    trades.settled = trades.settled.saturating_add(1);
    if trades.settled <= step.params().points_trades {
        let share = who.iter().map(|(_, share)| share.units()).max();
        trades.pot = trades.pot.saturating_add(share.unwrap_or(0));
        for (account, share) in who {
            add(step.state, *account, share.units());
        }
    }
    step.state.put(&TRADES, &(), &trades);
}

/// An epoch ends: the validators that served get their points, who is jailed none.
pub(crate) fn divide(step: &mut Step<'_>, served: &ValidatorSet) {
    let mut trades = step.state.get(&TRADES, &()).unwrap_or_default();
    if trades.pot == 0 {
        return;
    }
    let members = served.members().iter();
    let powers: Vec<_> = members.clone().map(|member| member.power.into()).collect();
    let parts = shares(trades.pot, &powers, served.total().into());
    for (member, part) in members.zip(parts) {
        if staking::jailed_until(step.state, member.account).is_none() {
            add(step.state, member.account, part);
        }
    }
    trades.pot = 0;
    step.state.put(&TRADES, &(), &trades);
}

/// Gives points.
pub(crate) fn add(state: &mut State, account: NodeId, points: u128) {
    if points > 0 {
        let sum = self::points(state, account).saturating_add(points);
        state.put(&POINTS, &account, &sum);
    }
}

/// So many trades were settled before.
#[cfg(test)]
pub(crate) fn start_at(state: &mut State, settled: u64) {
    let pot = 0;
    state.put(&TRADES, &(), &Trades { settled, pot });
}

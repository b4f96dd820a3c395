//! Points: who had part in the first settled trades has some. They cannot be given away.

use crate::ledger::Step;
use crate::state::{State, Table};
use kofo_primitives::{Amount, NodeId};

/// How many trades were settled.
const TRADES: Table<(), u64> = Table::new(41);
const POINTS: Table<NodeId, u128> = Table::new(42);

/// An account's points.
pub(crate) fn points(state: &State, account: NodeId) -> u128 {
    state.get(&POINTS, &account).unwrap_or(0)
}

/// A trade was settled. Among the first ones it gives to each of `who` a point for each unit of the foundation's share
/// of the fee that is its doing: what is really paid, to somebody who is none of them, is the one thing that cannot be
/// had for nothing.
pub(crate) fn settled(step: &mut Step<'_>, who: &[(NodeId, Amount)]) {
    let trade = step.state.get(&TRADES, &()).unwrap_or(0).saturating_add(1);
    step.state.put(&TRADES, &(), &trade);
    if trade <= step.params().points_trades {
        for (account, share) in who {
            add(step.state, *account, share.units());
        }
    }
}

/// Gives points.
pub(crate) fn add(state: &mut State, account: NodeId, points: u128) {
    let sum = self::points(state, account).saturating_add(points);
    state.put(&POINTS, &account, &sum);
}

/// So many trades were settled before.
#[cfg(test)]
pub(crate) fn start_at(state: &mut State, trades: u64) {
    state.put(&TRADES, &(), &trades);
}

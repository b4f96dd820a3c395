//! What time brings: each thing that is due at a time is written down, and done in the first batch at or after it.

use crate::book::BondKind;
use crate::state::{Sorted, State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, Digest, NodeId, SwapId};

/// What is due. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Timer {
    /// What an account asked back is at its disposal.
    Unbonded {
        account: NodeId,
        asset: AssetId,
        amount: Amount,
    },
    /// An order is to be looked at: a deadline passed.
    Order(SwapId),
    /// A mark against a second use is needed no more.
    Forget(Digest),
}

/// By time, then by when they were written down.
const TIMERS: Table<(Sorted, Sorted), Timer> = Table::new(2);
/// How many were ever written down.
const COUNT: Table<(), u64> = Table::new(3);
/// Which of them give something back to an account.
const BACK: Table<(NodeId, Sorted, Sorted), ()> = Table::new(46);

/// Writes down what is due at a time. Gives its number, by which [`reduce`] finds it.
pub(crate) fn remind(state: &mut State, time_ms: u64, timer: &Timer) -> u64 {
    let count = state.get(&COUNT, &()).unwrap_or(0);
    let key = (Sorted(time_ms), Sorted(count));
    state.put(&TIMERS, &key, timer);
    if let Timer::Unbonded { account, .. } = timer {
        state.put(&BACK, &(*account, key.0, key.1), &());
    }
    state.put(&COUNT, &(), &count.saturating_add(1));
    count
}

/// What an account would have got back is less by so much. It must not be due yet.
pub(crate) fn reduce(state: &mut State, (time_ms, number): (u64, u64), by: Amount) {
    let key = (Sorted(time_ms), Sorted(number));
    if let Some(Timer::Unbonded {
        account,
        asset,
        amount,
    }) = state.get(&TIMERS, &key)
    {
        let amount = amount
            .checked_sub(by)
            .expect("nobody loses more than is on its way back");
        let timer = Timer::Unbonded {
            account,
            asset,
            amount,
        };
        state.put(&TIMERS, &key, &timer);
    }
}

/// Which are due, the earliest first, at most so many.
pub(crate) fn due(state: &State, time_ms: u64, most: usize) -> Vec<(Sorted, Sorted)> {
    let all = state.scan(&TIMERS, &()).map(|(key, _)| key).take(most);
    all.take_while(|(at, _)| at.0 <= time_ms).collect()
}

/// Takes one, if it is there still.
pub(crate) fn take(state: &mut State, key: (Sorted, Sorted)) -> Option<Timer> {
    let timer = state.get(&TIMERS, &key)?;
    state.remove(&TIMERS, &key);
    if let Timer::Unbonded { account, .. } = &timer {
        state.remove(&BACK, &(*account, key.0, key.1));
    }
    Some(timer)
}

/// What an account has in unbonding: when, of what, how much.
pub(crate) fn unbonding(state: &State, of: NodeId) -> Vec<(u64, AssetId, Amount)> {
    let all = state.scan(&BACK, &of);
    all.filter_map(|((_, at, number), ())| match state.get(&TIMERS, &(at, number))? {
        Timer::Unbonded { asset, amount, .. } => Some((at.0, asset, amount)),
        Timer::Order(_) | Timer::Forget(_) => None,
    })
    .collect()
}

/// The kinds of bonds, in the order in which views name them.
pub(crate) const BONDS: [BondKind; 2] = [BondKind::Provider, BondKind::Relay];

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due is taken.
    fn taken(state: &mut State, time_ms: u64, most: usize) -> Vec<Timer> {
        let keys = due(state, time_ms, most);
        keys.into_iter().filter_map(|key| take(state, key)).collect()
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_its_time_and_once() {
        let mut state = State::default();
        for (at, n) in [(300, 1), (20, 2), (20, 3), (70_000, 4)] {
            remind(&mut state, at, &Timer::Forget([n; 32]));
        }
        let forget = |n| Timer::Forget([n; 32]);
        assert_eq!(taken(&mut state, 300, 2), [2, 3].map(forget));
        let first = due(&state, 300, 2);
        assert_eq!(taken(&mut state, 300, 2), [1].map(forget));
        assert_eq!(take(&mut state, first[0]), None);
        assert_eq!(taken(&mut state, 69_999, 9), []);
        assert_eq!(taken(&mut state, 70_000, 9), [4].map(forget));
    }

    #[test]
    fn what_is_on_its_way_back_is_found_by_its_owner_and_is_less_after_a_loss() {
        let mut state = State::default();
        let asset = AssetId::new("kofo:test/fee:x").unwrap();
        let (owner, other) = (NodeId::new([1; 32]), NodeId::new([2; 32]));
        let back = |account, units| Timer::Unbonded {
            account,
            asset: asset.clone(),
            amount: Amount::new(units),
        };
        remind(&mut state, 300, &back(owner, 5));
        let number = remind(&mut state, 200, &back(owner, 7));
        remind(&mut state, 100, &back(other, 9));
        reduce(&mut state, (200, number), Amount::new(3));
        let row = |at, units| (at, asset.clone(), Amount::new(units));
        assert_eq!(unbonding(&state, owner), [row(200, 4), row(300, 5)]);
        assert_eq!(taken(&mut state, 200, 9), [back(other, 9), back(owner, 4)]);
        assert_eq!(unbonding(&state, owner), [row(300, 5)]);
        assert_eq!(unbonding(&state, other), []);
    }
}

//! How often the orders on an account's reservations were settled, and how often it failed them. Only what the provider
//! itself did counts: an initiator that walks away says nothing about it.

use crate::state::{State, Table};
use kofo_primitives::NodeId;

/// Settled and failed, by the account of the bond.
const RELIABILITY: Table<NodeId, (u64, u64)> = Table::new(13);

/// Orders on an account's reservations that were settled, and that it failed.
pub(crate) fn reliability(state: &State, account: NodeId) -> (u64, u64) {
    state.get(&RELIABILITY, &account).unwrap_or_default()
}

pub(super) fn settled(state: &mut State, account: NodeId) {
    let (settled, failed) = reliability(state, account);
    state.put(&RELIABILITY, &account, &(settled.saturating_add(1), failed));
}

pub(super) fn failed(state: &mut State, account: NodeId) {
    let (settled, failed) = reliability(state, account);
    state.put(&RELIABILITY, &account, &(settled, failed.saturating_add(1)));
}

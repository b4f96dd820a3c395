//! How reliable providers are by the clearance layer's own count, for claims that it clears: it is everybody's, and no
//! provider has another one under a new name without a new bond.

use super::Market;
use crate::clock::now_ms;
use futures::future::join_all;
use kofo_clearance::AccountView;
use kofo_exchange::Reliability;
use kofo_primitives::{ClaimId, Mode, NodeId};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of a provider is good for so long (ms).
const FRESH_MS: u64 = 60_000;
/// A choice waits for it so long at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many providers are remembered; then it begins anew.
const MAX_BONDS: usize = 1_024;

/// What is known of whom, and since when (unix ms).
#[derive(Default)]
pub(super) struct Counted(BTreeMap<NodeId, (Reliability, u64)>);

impl Counted {
    /// Nothing is known of who is new, or of whom nobody says anything.
    pub(super) fn of(&self, bond: &NodeId) -> Reliability {
        self.0.get(bond).map(|(known, _)| *known).unwrap_or_default()
    }

    fn is_fresh(&self, bond: &NodeId, now_ms: u64) -> bool {
        let since = self.0.get(bond).map(|(_, since)| *since);
        since.is_some_and(|since| now_ms.saturating_sub(since) < FRESH_MS)
    }

    pub(super) fn note(&mut self, view: &AccountView, now_ms: u64) {
        if self.0.len() >= MAX_BONDS {
            self.0.clear();
        }
        let count = |many: u64| u32::try_from(many).unwrap_or(u32::MAX);
        let known = Reliability {
            settled: count(view.settled),
            failed: count(view.failed),
        };
        self.0.insert(view.account, (known, now_ms));
    }
}

impl Market {
    /// Asks the validators about the providers that quoted for a cleared claim. Who is not known in time is chosen as a
    /// stranger.
    pub(super) async fn count_providers(&self, id: &ClaimId) {
        let Ok(clearing) = self.clearing() else {
            return;
        };
        let now_ms = now_ms();
        let asked: Vec<_> = {
            let state = self.state();
            let Some(entry) = state
                .claims
                .get(id)
                .filter(|entry| entry.claim().mode == Mode::Cleared)
            else {
                return;
            };
            let bonds = entry.own.quotes().map(|quote| quote.terms.reservation.bond);
            let mut bonds: Vec<_> = bonds
                .filter(|bond| !state.counted.is_fresh(bond, now_ms))
                .collect();
            bonds.sort_unstable();
            bonds.dedup();
            bonds
        };
        let asked = asked.into_iter().map(|bond| async move {
            let known = tokio::time::timeout(PATIENCE, clearing.account(bond)).await;
            if let Ok(Ok(view)) = known {
                self.state().counted.note(&view, now_ms);
            }
        });
        join_all(asked).await;
    }
}

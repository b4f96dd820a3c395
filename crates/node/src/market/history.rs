//! How swaps with each provider ended, as far as we know ourselves: until there is clearance, nobody else is believed.

use super::ledger::Change;
use super::{Market, MarketError};
use kofo_exchange::Reliability;
use kofo_primitives::{ClaimId, FulfilId, NodeId, SwapId, decode, encode};
use kofo_settlement::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names in the journal's side table begin so.
pub(super) const PLACE: &str = "market/bond/";
/// So many providers are remembered; of more, those with the shortest histories are forgotten.
const MAX_BONDS: usize = 10_000;

/// The history of all providers, by their bonds.
#[derive(Default)]
pub(super) struct History(BTreeMap<NodeId, Reliability>);

impl History {
    /// What the journal has.
    pub(super) fn read(values: Vec<(String, kofo_journal::Value)>) -> Result<Self, MarketError> {
        let mut bonds = BTreeMap::new();
        for (name, value) in values {
            let broken = || MarketError::Stored(name.clone());
            let (bond, known): (NodeId, Reliability) = decode(&value).map_err(|_| broken())?;
            bonds.insert(bond, known);
        }
        Ok(Self(bonds))
    }

    /// Nothing is known of who is new.
    pub(super) fn of(&self, bond: &NodeId) -> Reliability {
        self.0.get(bond).copied().unwrap_or_default()
    }

    /// One more swap or selection ended.
    pub(super) fn count(&mut self, bond: NodeId, settled: bool) {
        if self.0.len() >= MAX_BONDS && !self.0.contains_key(&bond) {
            let length = |known: &Reliability| u64::from(known.settled).saturating_add(known.failed.into());
            let shortest = self.0.iter().min_by_key(|(_, known)| length(known));
            let shortest = shortest.map(|(bond, _)| *bond);
            shortest.and_then(|bond| self.0.remove(&bond));
        }
        self.0.entry(bond).or_default().count(settled);
    }

    /// A provider's history as it is to be kept.
    pub(super) fn change(&self, bond: &NodeId) -> Change {
        Change::Put(format!("{PLACE}{bond}"), encode(&(*bond, self.of(bond))))
    }
}

/// A swap whose outcome is awaited.
enum Awaited {
    /// As claimant.
    Ours(ClaimId, FulfilId, NodeId),
    /// As provider.
    Theirs(FulfilId),
}

impl Market {
    /// Looks which swaps have ended.
    pub(super) async fn look_at_outcomes(self: Arc<Self>) {
        for (swap, awaited) in self.awaited() {
            match self.parts.settles.outcome(swap).await {
                Ok(Some(outcome)) => {
                    self.ended(&awaited, outcome);
                    self.forget_certificate(swap).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "how swaps ended is not known now");
                    break;
                }
            }
        }
        self.state().looking = false;
    }

    fn awaited(&self) -> Vec<(SwapId, Awaited)> {
        let state = self.state();
        let mut awaited = Vec::new();
        for (claim, entry) in state.claims.iter() {
            let open = entry.begun.iter().filter(|(id, _)| !entry.counted.contains(*id));
            for (fulfil, swap) in open {
                let bond = entry.seen.get(fulfil).map(|seen| seen.bond);
                let bond = bond.unwrap_or(entry.claim().key);
                awaited.push((*swap, Awaited::Ours(*claim, *fulfil, bond)));
            }
        }
        if let Some(dealing) = &state.dealing {
            let open = dealing.awaited().map(|(id, swap)| (swap, Awaited::Theirs(id)));
            awaited.extend(open);
        }
        awaited
    }

    fn ended(&self, awaited: &Awaited, outcome: Outcome) {
        let mut state = self.state();
        match awaited {
            Awaited::Ours(claim, fulfil, bond) => {
                let Some(entry) = state.claims.get_mut(claim) else {
                    return;
                };
                entry.counted.insert(*fulfil);
                entry.changed();
                let mut changes = vec![entry.change()];
                // That nothing of ours was locked, or that we were away, is not the provider's doing.
                let settled = match outcome {
                    Outcome::Redeemed => Some(true),
                    Outcome::Refunded => Some(false),
                    Outcome::Aborted | Outcome::Lost => None,
                };
                if let Some(settled) = settled {
                    state.history.count(*bond, settled);
                    changes.push(state.history.change(bond));
                }
                self.keep_behind(changes);
            }
            Awaited::Theirs(fulfil) => {
                let settled = outcome == Outcome::Redeemed;
                let changes = state
                    .dealing
                    .as_mut()
                    .map(|dealing| dealing.over(fulfil, settled));
                self.keep_behind(changes.unwrap_or_default());
            }
        }
        drop(state);
        self.tell_change();
    }
}

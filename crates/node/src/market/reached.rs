//! How far claims have come, for those who tell of it.

use super::Market;
use super::claims::Entry;
use crate::clock::now_ms;
use crate::events::ClaimFacts;
use crate::rpc::types::{ClaimState, Id};

impl Market {
    /// The claims of ours that are remembered, and what each has come to; the oldest first.
    #[must_use]
    pub fn claims_reached(&self) -> Vec<(Id, ClaimFacts)> {
        let (state, now_ms) = (self.state(), now_ms());
        let mut all: Vec<_> = state.claims.iter().collect();
        all.sort_by_key(|(_, entry)| entry.claim().created_ms);
        let reached =
            |(id, entry): (&kofo_primitives::ClaimId, &Entry)| (Id(*id.as_bytes()), entry.reached(now_ms));
        all.into_iter().map(reached).collect()
    }
}

impl Entry {
    fn reached(&self, now_ms: u64) -> ClaimFacts {
        let state = self.state(now_ms);
        let selected = !self.begun.is_empty() || self.own.selections().next().is_some();
        ClaimFacts {
            quoted: !self.seen.is_empty(),
            selected: selected || matches!(state, ClaimState::Selected | ClaimState::Filled),
            came_to_nothing: matches!(state, ClaimState::Expired | ClaimState::Cancelled)
                && self.begun.is_empty(),
        }
    }
}

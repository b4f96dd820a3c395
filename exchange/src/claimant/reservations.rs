//! A provider that promises one part of its inventory to two claims of ours.

use super::{OwnClaim, QuoteRefused};
use kofo_primitives::{ClaimId, NodeId};
use std::collections::BTreeMap;

/// So many reservations are remembered; of more, the ones that expire first are forgotten.
const MAX_SEEN_RESERVATIONS: usize = 4_096;

/// For which claim of ours each reservation was named: by bond and number, until the claim expires. Several quotes for
/// one claim may share a reservation (it came to the provider over several paths); two claims may not. Not kept over a
/// restart, but made again from the claims that live on: [`SeenReservations::of`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenReservations(BTreeMap<(NodeId, u64), (ClaimId, u64)>);

impl SeenReservations {
    /// What our live claims know.
    #[must_use]
    pub fn of<'a>(claims: impl IntoIterator<Item = &'a OwnClaim>, now_ms: u64) -> Self {
        let mut seen = Self::default();
        for own in claims {
            let claim = (own.id(), own.claim().body.expires_ms);
            for quote in own.quotes() {
                // Two claims with one number were refused when the second came.
                let _first = seen.note(quote.reservation(), claim, now_ms);
            }
        }
        seen
    }

    /// Notes that the reservation was named for that claim, which expires then; refused if it was for another.
    pub(super) fn note(
        &mut self,
        reservation: (NodeId, u64),
        (claim, expires_ms): (ClaimId, u64),
        now_ms: u64,
    ) -> Result<(), QuoteRefused> {
        match self.0.get(&reservation) {
            Some((other, until)) if *other != claim && *until > now_ms => {
                let ((bond, seq), other) = (reservation, *other);
                return Err(QuoteRefused::Doubled { bond, seq, other });
            }
            Some(_) | None => {}
        }
        if self.0.len() >= MAX_SEEN_RESERVATIONS {
            self.0.retain(|_, (_, until)| *until > now_ms);
        }
        if self.0.len() >= MAX_SEEN_RESERVATIONS {
            let first = self.0.iter().min_by_key(|(_, (_, until))| *until);
            let first = first.map(|(reservation, _)| *reservation);
            first.and_then(|reservation| self.0.remove(&reservation));
        }
        self.0.insert(reservation, (claim, expires_ms));
        Ok(())
    }
}

//! What an order uses up: so much of its claim, its hashlock, its reservation.
//!
//! A use is remembered exactly as long as a second one could pass the other checks:
//!
//! * the **fill** of a claim until the claim is too old to be committed (V3);
//! * **hashlock** and **reservation**, which another claim could name, until any claim that was made while this one or its
//!   quote lived is too old too. A claim made later was not made for the same quote or preimage: a provider counts its
//!   numbers up, and a claimant's key is of one claim; whoever repeats them harms itself alone.
//!
//! An order's id commits to its hashlock and to its claim's key, so that the same order again is found by its hashlock.

use super::refused::OrderRefused;
use crate::ledger::Step;
use crate::marks::{self, used};
use crate::state::State;
use kofo_primitives::{
    Amount, ClaimId, Digest, Hashlock, MAX_CLAIM_LIFE_MS, MatchedParts, NodeId, SwapId, tagged_hash,
};

/// What an order uses, and for how long that is remembered.
pub(super) struct Uses<'a> {
    id: SwapId,
    parts: &'a MatchedParts,
    claim: Digest,
    hashlock: Digest,
    reservation: Digest,
}

fn claim_mark(claim: &ClaimId) -> Digest {
    tagged_hash("kofo/mark/claim/v1", &[claim.as_bytes()])
}

/// V10: with the claim's key, or anybody could block an order by copying its hashlock.
fn hashlock_mark(hashlock: &Hashlock, claimant: &NodeId) -> Digest {
    tagged_hash("kofo/hl/v1", &[hashlock.as_bytes(), claimant.as_bytes()])
}

fn reservation_mark(bond: &NodeId, seq: u64) -> Digest {
    let seq = seq.to_le_bytes();
    tagged_hash("kofo/mark/reservation/v1", &[bond.as_bytes(), &seq])
}

/// Which order used a hashlock: half of its id, which is enough to tell the same order from another.
fn whose(id: &SwapId) -> Amount {
    let (half, _) = id.as_bytes().split_first_chunk().expect("an id has 32 bytes");
    Amount::new(u128::from_le_bytes(*half))
}

impl<'a> Uses<'a> {
    pub(super) fn of(id: SwapId, parts: &'a MatchedParts) -> Self {
        let reservation = &parts.terms.reservation;
        Self {
            id,
            parts,
            claim: claim_mark(&parts.fulfil.body.claim),
            hashlock: hashlock_mark(&parts.select.body.hashlock, &parts.claim.body.key),
            reservation: reservation_mark(&reservation.bond, reservation.seq),
        }
    }

    /// V10, and that it is not the same order again.
    pub(super) fn check_hashlock(&self, state: &State) -> Result<(), OrderRefused> {
        match used(state, &self.hashlock) {
            Some(by) if by == whose(&self.id) => Err(OrderRefused::AlreadyCommitted(self.id)),
            Some(_) => Err(OrderRefused::HashReuse),
            None => Ok(()),
        }
    }

    /// V9.
    pub(super) fn check_reservation(&self, state: &State) -> Result<(), OrderRefused> {
        let reservation = &self.parts.terms.reservation;
        if used(state, &self.reservation).is_some() {
            let (bond, seq) = (reservation.bond, reservation.seq);
            return Err(OrderRefused::ReservationUsed { bond, seq });
        }
        Ok(())
    }

    /// V4: how much of the claim is filled with this order.
    pub(super) fn filled(&self, state: &State) -> Result<Amount, OrderRefused> {
        let fill = self.parts.terms.give;
        let before = used(state, &self.claim).unwrap_or(Amount::ZERO);
        let all = self.parts.claim.body.give_amount;
        let left = all.checked_sub(before).unwrap_or(Amount::ZERO);
        let refused = OrderRefused::ClaimFilled { left, fill };
        if fill > left {
            return Err(refused);
        }
        before.checked_add(fill).ok_or(refused)
    }

    /// Marks it as used, once all is checked.
    pub(super) fn mark(&self, step: &mut Step<'_>, filled: Amount) {
        let (claim, quote) = (&self.parts.claim.body, &self.parts.fulfil.body);
        let slack = step.params().clock_ms;
        // The first time at which V3 refuses a claim.
        let too_old = |expires_ms: u64| expires_ms.saturating_add(slack).saturating_add(1);
        // A claim may say that it was made by as much later as clocks may differ.
        let made_by = claim.expires_ms.max(quote.expires_ms).saturating_add(slack);
        let others = too_old(made_by.saturating_add(MAX_CLAIM_LIFE_MS));
        marks::mark(step.state, &self.claim, filled, too_old(claim.expires_ms));
        let firsts = [(self.hashlock, whose(&self.id)), (self.reservation, Amount::ZERO)];
        for (mark, amount) in firsts {
            marks::mark_first(step.state, &mark, amount, others);
        }
    }
}

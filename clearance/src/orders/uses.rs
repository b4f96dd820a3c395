//! What an order uses up: itself, so much of its claim, its hashlock, its reservation.
//!
//! A use is remembered exactly as long as a second one could pass the other checks:
//!
//! * the **order** and the **fill** of its claim until the claim is too old to be committed (V3);
//! * **hashlock** and **reservation**, which another claim could name, until any claim that was made while this one or its
//!   quote lived is too old too. A claim made later was not made for the same quote or preimage: a provider counts its
//!   numbers up, and a claimant's key is of one claim; whoever repeats them harms itself alone.

use super::refused::OrderRefused;
use crate::ledger::Step;
use crate::marks::{self, used};
use crate::state::State;
use kofo_primitives::{
    Amount, Digest, Hashlock, MAX_CLAIM_LIFE_MS, MatchedOrder, NodeId, Reservation, SwapId, tagged_hash,
};

fn order_mark(id: &SwapId) -> Digest {
    tagged_hash("kofo/mark/order/v1", &[id.as_bytes()])
}

fn claim_mark(order: &MatchedOrder) -> Digest {
    tagged_hash("kofo/mark/claim/v1", &[order.claim_id().as_bytes()])
}

/// V10: with the claim's key, or anybody could block an order by copying its hashlock.
fn hashlock_mark(hashlock: &Hashlock, claimant: &NodeId) -> Digest {
    tagged_hash("kofo/hl/v1", &[hashlock.as_bytes(), claimant.as_bytes()])
}

fn reservation_mark(reservation: &Reservation) -> Digest {
    let seq = reservation.seq.to_le_bytes();
    tagged_hash("kofo/mark/reservation/v1", &[reservation.bond.as_bytes(), &seq])
}

/// Whether the order was committed.
pub(super) fn order_used(state: &State, id: &SwapId) -> bool {
    used(state, &order_mark(id)).is_some()
}

/// How much of an order's claim is filled with it: V4.
fn filled(state: &State, order: &MatchedOrder) -> Result<Amount, OrderRefused> {
    let parts = order.parts();
    let fill = parts.terms.give;
    let before = used(state, &claim_mark(order)).unwrap_or(Amount::ZERO);
    let all = parts.claim.body.give_amount;
    let left = all.checked_sub(before).unwrap_or(Amount::ZERO);
    let refused = OrderRefused::ClaimFilled { left, fill };
    if fill > left {
        return Err(refused);
    }
    before.checked_add(fill).ok_or(refused)
}

/// Whether what the order uses is there to be used: V4, V9 and V10.
pub(super) fn check(state: &State, order: &MatchedOrder) -> Result<(), OrderRefused> {
    let parts = order.parts();
    let hashlock = hashlock_mark(&parts.select.body.hashlock, &parts.claim.body.key);
    if used(state, &hashlock).is_some() {
        return Err(OrderRefused::HashReuse);
    }
    let reservation = &parts.terms.reservation;
    if used(state, &reservation_mark(reservation)).is_some() {
        let (bond, seq) = (reservation.bond, reservation.seq);
        return Err(OrderRefused::ReservationUsed { bond, seq });
    }
    filled(state, order).map(|_| ())
}

/// Marks it as used. Only after [`check`].
pub(super) fn mark(step: &mut Step<'_>, order: &MatchedOrder) {
    let parts = order.parts();
    let claim = &parts.claim.body;
    let too_old = |claim_expires_ms: u64| {
        let last = claim_expires_ms.saturating_add(step.params().clock_ms);
        last.saturating_add(1)
    };
    let own = too_old(claim.expires_ms);
    // A claim may say that it was made by as much later as clocks may differ.
    let lived = claim.expires_ms.max(parts.fulfil.body.expires_ms);
    let others = too_old(
        lived
            .saturating_add(step.params().clock_ms)
            .saturating_add(MAX_CLAIM_LIFE_MS),
    );
    let filled = filled(step.state, order).expect("checked before");
    let hashlock = hashlock_mark(&parts.select.body.hashlock, &claim.key);
    let marks = [
        (order_mark(&order.id()), Amount::ZERO, own),
        (claim_mark(order), filled, own),
        (hashlock, Amount::ZERO, others),
        (reservation_mark(&parts.terms.reservation), Amount::ZERO, others),
    ];
    for (mark, amount, until_ms) in marks {
        marks::mark(step.state, &mark, amount, until_ms);
    }
}

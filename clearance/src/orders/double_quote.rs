//! What a provider forfeits that sold one reservation twice. The evidence was checked with its signatures.

use super::refused::OrderRefused;
use crate::book::{BondKind, Book, Purse};
use crate::ledger::Step;
use crate::marks;
use crate::op::DoubleQuote;
use kofo_primitives::{Amount, tagged_hash};

/// A fixed small sum is burnt, once for each number: nobody was harmed, for one of the two at most is committed.
pub(crate) fn double_quote(step: &mut Step<'_>, double: &DoubleQuote) -> Result<(), OrderRefused> {
    let (first, second) = (&double.first, &double.second);
    let reservation = &first.2.reservation;
    let (bond, seq) = (reservation.bond, reservation.seq);
    // As long as bonds stay after they were asked back: later the evidence would be against new money.
    let expires_ms = first.1.body.expires_ms.max(second.1.body.expires_ms);
    let until_ms = expires_ms.saturating_add(step.params().unbond_ms);
    if until_ms < step.time_ms {
        let oldest_ms = step.time_ms.saturating_sub(step.params().unbond_ms);
        return Err(OrderRefused::OldEvidence { oldest_ms });
    }
    let seq_bytes = seq.to_le_bytes();
    let mark = tagged_hash("kofo/mark/double/v1", &[bond.as_bytes(), &seq_bytes]);
    if marks::used(step.state, &mark).is_some() {
        return Err(OrderRefused::Punished { bond, seq });
    }
    let named = |quote: &kofo_primitives::FulfilTerms| quote.reservation.reserve.clone();
    let (asset, _) = named(&first.2)
        .or_else(|| named(&second.2))
        .ok_or(OrderRefused::NoReserve)?;
    let Some(listed) = step.params().asset(&asset) else {
        return Err(OrderRefused::ReserveAsset(asset));
    };
    let purse = Purse::Bond(bond, BondKind::Provider);
    let sum = listed.double_quote.min(step.state.balance(purse, &asset));
    if sum == Amount::ZERO {
        return Err(OrderRefused::NoBond(bond));
    }
    step.state.pay(purse, Purse::Burnt, &asset, sum)?;
    marks::mark(step.state, &mark, sum, until_ms.saturating_add(1));
    Ok(())
}

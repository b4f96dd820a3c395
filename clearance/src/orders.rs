//! Orders: from commit to receipt.

use crate::ledger::Step;
use crate::op::{Amendment, ClearedOrder, DoubleQuote, Proven, SignedObservation};
use kofo_primitives::SwapId;

/// Why an order, or what concerns one, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// Not one that goes on.
    #[error("no order {0} goes on here")]
    Unknown(SwapId),
}

pub(crate) fn commit(_: &mut Step<'_>, cleared: &ClearedOrder) -> Result<(), OrderRefused> {
    Err(OrderRefused::Unknown(cleared.order.id()))
}

pub(crate) fn observed(_: &mut Step<'_>, seen: &SignedObservation) -> Result<(), OrderRefused> {
    Err(OrderRefused::Unknown(seen.observation.order))
}

pub(crate) fn proven(_: &mut Step<'_>, proven: &Proven) -> Result<(), OrderRefused> {
    Err(OrderRefused::Unknown(proven.order))
}

pub(crate) fn double_quote(_: &mut Step<'_>, double: &DoubleQuote) -> Result<(), OrderRefused> {
    Err(OrderRefused::Unknown(SwapId::new(double.first.2.digest())))
}

pub(crate) fn amend(_: &mut Step<'_>, amendment: &Amendment) -> Result<(), OrderRefused> {
    Err(OrderRefused::Unknown(amendment.order))
}

pub(crate) fn due(_: &mut Step<'_>, _: SwapId) {}

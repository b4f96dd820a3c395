//! After giving up: both roles.

use super::{Cause, Phase, Rejected, Swap};
use crate::terms::Terms;

pub(super) fn refunding(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // I9, P7: the preimage shows up all the same. There is nothing left to keep; a redeem stays open until a refund
        // is final, and so does our eye for the preimage.
        Cause::Tips(_) | Cause::Fact if swap.public => Ok(Phase::Redeeming),
        // I8, P7: ours is ours again for good.
        Cause::Tips(_) | Cause::Fact if swap.all_out_over(terms) => Ok(Phase::Done(swap.outcome(terms))),
        Cause::Tips(_) | Cause::Fact | Cause::GiveUp => Ok(Phase::Refunding),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock may be out)",
            phase: swap.phase,
        }),
    }
}

//! After giving up: both roles.

use super::{Input, Phase, Rejected, Swap};
use crate::terms::Terms;

pub(super) fn refunding(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // I9, P7: the preimage shows up all the same. There is nothing left to keep; a redeem stays open until a refund
        // is final, and so does our eye for the preimage.
        Input::Tips(_) | Input::Leg(..) if swap.public => Ok(Phase::Redeeming),
        // I8, P7: ours is ours again for good.
        Input::Tips(_) | Input::Leg(..) if swap.all_out_over(terms) => Ok(Phase::Done(swap.outcome(terms))),
        Input::Tips(_) | Input::Leg(..) | Input::GiveUp => Ok(Phase::Refunding),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (a lock may be out)",
            phase: swap.phase,
        }),
    }
}

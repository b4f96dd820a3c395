//! The initiator: knows the preimage, locks alpha first, and shows the preimage only when all of beta is final and
//! there is time for its own redeem.

use super::{Cause, Outcome, Phase, Rejected, Swap, Window, lock_window, reveal_window};
use crate::terms::Terms;

pub(super) fn step(terms: &Terms, swap: &mut Swap, cause: Cause<'_>) -> Result<(), Rejected> {
    swap.phase = match swap.phase {
        Phase::Agreed => super::before_lock::agreed(terms, swap, cause)?,
        Phase::LockBuilt => super::before_lock::lock_built(terms, swap, cause)?,
        Phase::LockSent => lock_sent(terms, swap, cause)?,
        Phase::BothLocked => both_locked(terms, swap, cause)?,
        Phase::RedeemBuilt => redeem_built(terms, swap, cause)?,
        Phase::Redeeming => redeeming(terms, swap, cause)?,
        Phase::Refunding => super::refunding::refunding(terms, swap, cause)?,
        Phase::Restored => super::restored::restored(terms, swap, cause)?,
        Phase::Done(outcome) => Phase::Done(outcome),
    };
    Ok(())
}

fn lock_sent(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // I3: both sides are final.
        Cause::Tips(tips) if reveal_window(terms, tips) == Window::Over => Ok(Phase::Refunding),
        Cause::Tips(tips) if lock_window(terms, tips) == Window::Over && !swap.all_out_in_block(terms) => {
            Ok(Phase::Refunding)
        }
        Cause::Tips(_) if swap.all_final(terms) => Ok(Phase::BothLocked),
        // I4: our lock can never be: nothing to wait for.
        Cause::Tips(_) | Cause::Fact if swap.some_out_over(terms) => Ok(Phase::Refunding),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::LockSent),
        Cause::GiveUp => Ok(Phase::Refunding),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock may be out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn both_locked(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        Cause::Tips(tips) if reveal_window(terms, tips) == Window::Over => Ok(Phase::Refunding),
        // I5: every redeem is signed; none is sent.
        Cause::Tips(_) | Cause::Fact if swap.all_in_built(terms) => Ok(Phase::RedeemBuilt),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::BothLocked),
        Cause::GiveUp => Ok(Phase::Refunding),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeem_built(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        Cause::Tips(tips) => match reveal_window(terms, tips) {
            Window::Over => Ok(Phase::Refunding),
            // I6, the reveal: from here the preimage may be public.
            Window::Open if swap.all_in_final(terms) => Ok(Phase::Redeeming),
            Window::Open | Window::Unknown => Ok(Phase::RedeemBuilt),
        },
        Cause::Fact if !swap.all_in_built(terms) => Ok(Phase::BothLocked),
        Cause::Fact => Ok(Phase::RedeemBuilt),
        Cause::GiveUp => Ok(Phase::Refunding),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeeming(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // I7: theirs is ours for good.
        Cause::Tips(_) | Cause::Fact if swap.all_in_redeemed(terms) => Ok(Phase::Done(Outcome::Redeemed)),
        // Nobody saw the preimage, and ours is ours again for good: there is nothing left to show it for.
        Cause::Tips(_) | Cause::Fact if !swap.public && swap.all_out_over(terms) => {
            Ok(Phase::Done(swap.outcome(terms)))
        }
        // Nothing can happen any more: somebody's refund came before our redeem.
        Cause::Tips(tips) if swap.all_settled(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::Redeeming),
        Cause::GiveUp => Err(Rejected::NotNow {
            what: "refund (the preimage may be public)",
            phase: swap.phase,
        }),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (the preimage may be public)",
            phase: swap.phase,
        }),
    }
}

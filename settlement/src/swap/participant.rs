//! The participant: locks beta only when all of alpha is final, and redeems alpha as soon as a preimage shows up
//! anywhere.

use super::{Cause, Outcome, Phase, Rejected, Swap, Window, expired, lock_window};
use crate::terms::Terms;
use crate::tips::Tips;

pub(super) fn step(terms: &Terms, swap: &mut Swap, cause: Cause<'_>) -> Result<(), Rejected> {
    swap.phase = match swap.phase {
        Phase::Agreed => super::before_lock::agreed(terms, swap, cause)?,
        Phase::LockBuilt => super::before_lock::lock_built(terms, swap, cause)?,
        Phase::LockSent => lock_sent(terms, swap, cause)?,
        Phase::BothLocked => both_locked(terms, swap, cause)?,
        Phase::Redeeming => redeeming(terms, swap, cause)?,
        Phase::Refunding => super::refunding::refunding(terms, swap, cause)?,
        Phase::RedeemBuilt => {
            unreachable!("only the initiator builds a redeem before the preimage is public")
        }
        Phase::Restored => super::restored::restored(terms, swap, cause)?,
        Phase::Done(outcome) => Phase::Done(outcome),
    };
    Ok(())
}

fn lock_sent(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // P4: the preimage is out: take alpha, wherever our own lock is.
        Cause::Tips(_) | Cause::Fact if swap.public => Ok(Phase::Redeeming),
        Cause::Tips(tips) if some_expired(terms, tips) => Ok(Phase::Refunding),
        // P3: too late for a lock that is in no block yet.
        Cause::Tips(tips) if lock_window(terms, tips) == Window::Over && !swap.all_out_in_block(terms) => {
            Ok(Phase::Refunding)
        }
        Cause::Tips(_) if swap.all_final(terms) => Ok(Phase::BothLocked),
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
        Cause::Tips(_) | Cause::Fact if swap.public => Ok(Phase::Redeeming),
        // P5: beta's timelock has passed: take it back.
        Cause::Tips(tips) if some_expired(terms, tips) => Ok(Phase::Refunding),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::BothLocked),
        Cause::GiveUp => Ok(Phase::Refunding),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeeming(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // P6: alpha is ours for good, and nothing of beta is left to take back.
        Cause::Tips(_) | Cause::Fact if swap.all_in_redeemed(terms) && swap.all_out_over(terms) => {
            Ok(Phase::Done(Outcome::Redeemed))
        }
        Cause::Tips(tips) if swap.all_settled(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::Redeeming),
        Cause::GiveUp => Err(Rejected::NotNow {
            what: "refund (the preimage is public)",
            phase: swap.phase,
        }),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (the preimage is public)",
            phase: swap.phase,
        }),
    }
}

fn some_expired(terms: &Terms, tips: &Tips) -> bool {
    terms.outgoing().any(|(_, leg)| expired(leg, tips))
}

//! Before anything of ours is sent: both roles.

use super::{Cause, Outcome, Phase, Rejected, Swap, Window, lock_window};
use crate::terms::Terms;
use kofo_primitives::Role;

pub(super) fn agreed(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // A1: too late to begin.
        Cause::Tips(tips) if lock_window(terms, tips) == Window::Over => Ok(Phase::Done(Outcome::Aborted)),
        // A2: our lock cannot be built.
        Cause::Tips(_) | Cause::Fact if swap.failure.is_some() => Ok(Phase::Done(Outcome::Aborted)),
        // A3: all our locks are signed.
        Cause::Tips(_) | Cause::Fact if swap.all_out_built(terms) => Ok(Phase::LockBuilt),
        Cause::Tips(_) | Cause::Fact => Ok(Phase::Agreed),
        Cause::Abort | Cause::GiveUp => Ok(Phase::Done(Outcome::Aborted)),
    }
}

pub(super) fn lock_built(terms: &Terms, swap: &Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        Cause::Tips(tips) => match lock_window(terms, tips) {
            // A4: nobody knows of our lock yet, and nobody will.
            Window::Over => Ok(Phase::Done(Outcome::Aborted)),
            // A5, the point of no return: every chain has spoken since the lock was signed, and there is time.
            Window::Open if may_lock(terms, swap) => Ok(Phase::LockSent),
            Window::Open | Window::Unknown => Ok(Phase::LockBuilt),
        },
        Cause::Fact if swap.failure.is_some() => Ok(Phase::Done(Outcome::Aborted)),
        Cause::Fact => Ok(Phase::LockBuilt),
        Cause::Abort | Cause::GiveUp => Ok(Phase::Done(Outcome::Aborted)),
    }
}

/// The initiator goes first; the participant only when all of alpha is final at this very tip.
pub(super) fn may_lock(terms: &Terms, swap: &Swap) -> bool {
    match terms.role() {
        Role::Initiator => true,
        Role::Participant => swap.all_in_final(terms),
    }
}

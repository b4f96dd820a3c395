//! Before anything of ours is sent: both roles.

use super::{Input, Outcome, Phase, Rejected, Swap, Window, lock_window};
use crate::terms::Terms;
use kofo_primitives::Role;

pub(super) fn agreed(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // A1: too late to begin.
        Input::Tips(tips) if lock_window(terms, tips) == Window::Over => Ok(Phase::Done(Outcome::Aborted)),
        // A2: our lock cannot be built.
        Input::Tips(_) | Input::Leg(..) if swap.failure.is_some() => Ok(Phase::Done(Outcome::Aborted)),
        // A3: all our locks are signed.
        Input::Tips(_) | Input::Leg(..) if swap.all_out_built(terms) => Ok(Phase::LockBuilt),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::Agreed),
        Input::Abort | Input::GiveUp => Ok(Phase::Done(Outcome::Aborted)),
    }
}

pub(super) fn lock_built(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        Input::Tips(tips) => match lock_window(terms, tips) {
            // A4: nobody knows of our lock yet, and nobody will.
            Window::Over => Ok(Phase::Done(Outcome::Aborted)),
            // A5, the point of no return: every chain has spoken since the lock was signed, and there is time.
            Window::Open if may_lock(terms, swap) => Ok(Phase::LockSent),
            Window::Open | Window::Unknown => Ok(Phase::LockBuilt),
        },
        Input::Leg(..) if swap.failure.is_some() => Ok(Phase::Done(Outcome::Aborted)),
        Input::Leg(..) => Ok(Phase::LockBuilt),
        Input::Abort | Input::GiveUp => Ok(Phase::Done(Outcome::Aborted)),
    }
}

/// The initiator goes first; the participant only when all of alpha is final at this very tip.
pub(super) fn may_lock(terms: &Terms, swap: &Swap) -> bool {
    match terms.role() {
        Role::Initiator => true,
        Role::Participant => swap.all_in_final(terms),
    }
}

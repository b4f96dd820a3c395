//! The initiator: knows the preimage, locks alpha first, and shows the preimage only when all of beta is final and
//! there is time for its own redeem.

use super::{Input, Outcome, Phase, Rejected, Swap, Window, lock_window, reveal_window};
use crate::terms::Terms;

pub(super) fn step(terms: &Terms, swap: &mut Swap, input: &Input) -> Result<(), Rejected> {
    swap.phase = match swap.phase {
        Phase::Agreed => super::before_lock::agreed(terms, swap, input)?,
        Phase::LockBuilt => super::before_lock::lock_built(terms, swap, input)?,
        Phase::LockSent => lock_sent(terms, swap, input)?,
        Phase::BothLocked => both_locked(terms, swap, input)?,
        Phase::RedeemBuilt => redeem_built(terms, swap, input)?,
        Phase::Redeeming => redeeming(terms, swap, input)?,
        Phase::Refunding => super::refunding::refunding(terms, swap, input)?,
        Phase::Done(outcome) => Phase::Done(outcome),
    };
    Ok(())
}

fn lock_sent(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // I3: both sides are final.
        Input::Tips(tips) if reveal_window(terms, tips) == Window::Over => Ok(Phase::Refunding),
        Input::Tips(tips) if lock_window(terms, tips) == Window::Over && !swap.all_out_in_block(terms) => {
            Ok(Phase::Refunding)
        }
        Input::Tips(_) if swap.all_final(terms) => Ok(Phase::BothLocked),
        // I4: our lock can never be: nothing to wait for.
        Input::Tips(_) | Input::Leg(..) if swap.some_out_over(terms) => Ok(Phase::Refunding),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::LockSent),
        Input::GiveUp => Ok(Phase::Refunding),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (a lock may be out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn both_locked(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        Input::Tips(tips) if reveal_window(terms, tips) == Window::Over => Ok(Phase::Refunding),
        // I5: every redeem is signed; none is sent.
        Input::Tips(_) | Input::Leg(..) if swap.all_in_built(terms) => Ok(Phase::RedeemBuilt),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::BothLocked),
        Input::GiveUp => Ok(Phase::Refunding),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeem_built(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        Input::Tips(tips) => match reveal_window(terms, tips) {
            Window::Over => Ok(Phase::Refunding),
            // I6, the reveal: from here the preimage may be public.
            Window::Open if swap.all_in_final(terms) => Ok(Phase::Redeeming),
            Window::Open | Window::Unknown => Ok(Phase::RedeemBuilt),
        },
        Input::Leg(..) if !swap.all_in_built(terms) => Ok(Phase::BothLocked),
        Input::Leg(..) => Ok(Phase::RedeemBuilt),
        Input::GiveUp => Ok(Phase::Refunding),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeeming(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // I7: theirs is ours for good.
        Input::Tips(_) | Input::Leg(..) if swap.all_in_redeemed(terms) => Ok(Phase::Done(Outcome::Redeemed)),
        // Nobody saw the preimage, and ours is ours again for good: there is nothing left to show it for.
        Input::Tips(_) | Input::Leg(..) if !swap.public && swap.all_out_over(terms) => {
            Ok(Phase::Done(swap.outcome(terms)))
        }
        // Nothing can happen any more: somebody's refund came before our redeem.
        Input::Tips(tips) if swap.all_settled(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::Redeeming),
        Input::GiveUp => Err(Rejected::NotNow {
            what: "refund (the preimage may be public)",
            phase: swap.phase,
        }),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (the preimage may be public)",
            phase: swap.phase,
        }),
    }
}

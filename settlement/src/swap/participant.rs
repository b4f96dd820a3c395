//! The participant: locks beta only when all of alpha is final, and redeems alpha as soon as a preimage shows up
//! anywhere.

use super::{Input, Outcome, Phase, Rejected, Swap, Window, expired, lock_window};
use crate::terms::Terms;
use crate::tips::Tips;

pub(super) fn step(terms: &Terms, swap: &mut Swap, input: &Input) -> Result<(), Rejected> {
    swap.phase = match swap.phase {
        Phase::Agreed => super::before_lock::agreed(terms, swap, input)?,
        Phase::LockBuilt => super::before_lock::lock_built(terms, swap, input)?,
        Phase::LockSent => lock_sent(terms, swap, input)?,
        Phase::BothLocked => both_locked(terms, swap, input)?,
        Phase::Redeeming => redeeming(terms, swap, input)?,
        Phase::Refunding => super::refunding::refunding(terms, swap, input)?,
        Phase::RedeemBuilt => {
            unreachable!("only the initiator builds a redeem before the preimage is public")
        }
        Phase::Done(outcome) => Phase::Done(outcome),
    };
    Ok(())
}

fn lock_sent(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // P4: the preimage is out: take alpha, wherever our own lock is.
        Input::Tips(_) | Input::Leg(..) if swap.public => Ok(Phase::Redeeming),
        Input::Tips(tips) if some_expired(terms, tips) => Ok(Phase::Refunding),
        // P3: too late for a lock that is in no block yet.
        Input::Tips(tips) if lock_window(terms, tips) == Window::Over && !swap.all_out_in_block(terms) => {
            Ok(Phase::Refunding)
        }
        Input::Tips(_) if swap.all_final(terms) => Ok(Phase::BothLocked),
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
        Input::Tips(_) | Input::Leg(..) if swap.public => Ok(Phase::Redeeming),
        // P5: beta's timelock has passed: take it back.
        Input::Tips(tips) if some_expired(terms, tips) => Ok(Phase::Refunding),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::BothLocked),
        Input::GiveUp => Ok(Phase::Refunding),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (a lock is out: use refund)",
            phase: swap.phase,
        }),
    }
}

fn redeeming(terms: &Terms, swap: &Swap, input: &Input) -> Result<Phase, Rejected> {
    match input {
        // P6: alpha is ours for good, and nothing of beta is left to take back.
        Input::Tips(_) | Input::Leg(..) if swap.all_in_redeemed(terms) && swap.all_out_over(terms) => {
            Ok(Phase::Done(Outcome::Redeemed))
        }
        Input::Tips(tips) if swap.all_settled(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        Input::Tips(_) | Input::Leg(..) => Ok(Phase::Redeeming),
        Input::GiveUp => Err(Rejected::NotNow {
            what: "refund (the preimage is public)",
            phase: swap.phase,
        }),
        Input::Abort => Err(Rejected::NotNow {
            what: "abort (the preimage is public)",
            phase: swap.phase,
        }),
    }
}

fn some_expired(terms: &Terms, tips: &Tips) -> bool {
    terms.outgoing().any(|(_, leg)| expired(leg, tips))
}

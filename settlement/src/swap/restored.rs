//! After a loss: a swap of which only a copy of the order is left. Both roles.
//!
//! What was said and signed before the loss is not known, so nothing is risked on it: no lock is built, nothing is signed
//! for the other party, and no preimage is shown first. The initiator may have signed beta's return: who shows the
//! preimage then loses both. Or it may have told the preimage: who signs beta's return then loses both.

use super::{Cause, Ended, LegState, Phase, Rejected, Swap, expired_for};
use crate::terms::Terms;
use crate::tips::Tips;
use kofo_primitives::{LegId, Preimage, Role, Seconds};
use std::collections::BTreeMap;

/// A lock that may have been sent before the loss, and that no block took in so long after its timelock, is given up:
/// the time after which Bitcoin's nodes forget a transaction.
const FORGOTTEN: Seconds = Seconds(14 * 24 * 3600);

impl Swap {
    /// A swap that is known by a copy of its order and nothing else. The initiator brings its preimage, which stays
    /// secret until somebody else shows it; a participant brings it if the initiator had shown it before the loss.
    pub fn restored(terms: &Terms, preimage: Option<Preimage>) -> Result<Self, Rejected> {
        let right = match (&preimage, terms.role()) {
            (Some(preimage), _) => preimage.hashlock() == *terms.hashlock(),
            (None, role) => role == Role::Participant,
        };
        if !right {
            return Err(Rejected::PreimageAtBegin);
        }
        let public = terms.role() == Role::Participant && preimage.is_some();
        let legs: BTreeMap<LegId, _> = terms.legs().keys().map(|id| (*id, LegState::default())).collect();
        Ok(Self {
            phase: Phase::Restored,
            legs,
            preimage,
            public,
            told: false,
            failure: None,
        })
    }

    /// The other party has taken what we locked: it had the preimage, or our signature, which we give to nobody else.
    pub(super) fn some_out_taken(&self, terms: &Terms) -> bool {
        let taken = |id| matches!(self.leg(id).ended, Some(Ended::Redeemed(_)));
        terms.outgoing().any(|(id, _)| taken(id))
    }

    /// R6: nothing of ours is on chain and, so long after all timelocks, nothing will be.
    fn forget_what_never_came(&mut self, terms: &Terms, tips: &Tips) -> bool {
        let long_ago = terms.legs().values().all(|leg| expired_for(leg, tips, FORGOTTEN));
        let settled = self.legs.values().all(|leg| leg.is_over() || leg.never_came());
        if !long_ago || !settled {
            return false;
        }
        for (id, leg) in &mut self.legs {
            if id.side == terms.role().locks() && leg.never_came() {
                leg.ended = Some(Ended::Dead);
            }
        }
        true
    }
}

impl LegState {
    fn never_came(&self) -> bool {
        self.ended.is_none() && self.locked.is_none() && self.wrong.is_none()
    }
}

pub(super) fn restored(terms: &Terms, swap: &mut Swap, cause: Cause<'_>) -> Result<Phase, Rejected> {
    match cause {
        // R4: as I7 and P6.
        Cause::Tips(_) | Cause::Fact if all_redeemed(terms, swap) => Ok(Phase::Done(swap.outcome(terms))),
        // R4: ours is ours again, or never was out, for good; nobody has seen the preimage.
        Cause::Tips(_) | Cause::Fact
            if !swap.public && swap.all_out_over(terms) && !swap.some_out_taken(terms) =>
        {
            Ok(Phase::Done(swap.outcome(terms)))
        }
        // R4: somebody's refund came before our redeem.
        Cause::Tips(tips) if swap.all_settled(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        Cause::Tips(tips) if swap.forget_what_never_came(terms, tips) => Ok(Phase::Done(swap.outcome(terms))),
        // It is given up already, as far as that is in our power.
        Cause::Tips(_) | Cause::Fact | Cause::GiveUp => Ok(Phase::Restored),
        Cause::Abort => Err(Rejected::NotNow {
            what: "abort (a lock may have been sent before the loss)",
            phase: swap.phase,
        }),
    }
}

fn all_redeemed(terms: &Terms, swap: &Swap) -> bool {
    let ours_is_settled = match terms.role() {
        Role::Initiator => true,
        Role::Participant => swap.all_out_over(terms),
    };
    swap.all_in_redeemed(terms) && ours_is_settled
}

//! Questions about all legs of a side.

use super::{LegState, Outcome, Swap, expired};
use crate::terms::Terms;
use crate::tips::Tips;
use kofo_primitives::ActKind;

impl Swap {
    pub(super) fn all_final(&self, terms: &Terms) -> bool {
        terms.legs().keys().all(|id| self.leg(*id).locked_finally())
    }

    pub(super) fn all_in_final(&self, terms: &Terms) -> bool {
        terms.incoming().all(|(id, _)| self.leg(id).locked_finally())
    }

    pub(super) fn all_in_redeemed(&self, terms: &Terms) -> bool {
        terms.incoming().all(|(id, _)| self.leg(id).redeemed_finally())
    }

    pub(super) fn all_in_built(&self, terms: &Terms) -> bool {
        terms
            .incoming()
            .all(|(id, _)| self.leg(id).built.contains_key(&ActKind::Redeem))
    }

    pub(super) fn all_out_built(&self, terms: &Terms) -> bool {
        terms
            .outgoing()
            .all(|(id, _)| self.leg(id).built.contains_key(&ActKind::Lock))
    }

    pub(super) fn all_out_in_block(&self, terms: &Terms) -> bool {
        terms.outgoing().all(|(id, _)| self.leg(id).in_block())
    }

    pub(super) fn all_out_over(&self, terms: &Terms) -> bool {
        terms.outgoing().all(|(id, _)| self.leg(id).is_over())
    }

    pub(super) fn some_out_over(&self, terms: &Terms) -> bool {
        terms.outgoing().any(|(id, _)| self.leg(id).is_over())
    }

    /// Our locks are over, and no lock of theirs is there to redeem or can still come.
    pub(super) fn all_settled(&self, terms: &Terms, tips: &Tips) -> bool {
        let gone = |leg: &LegState| leg.is_over() || (leg.ended.is_none() && !leg.in_block());
        self.all_out_over(terms)
            && terms
                .incoming()
                .all(|(id, leg)| gone(self.leg(id)) && (self.leg(id).is_over() || expired(leg, tips)))
    }

    /// What it came to, once nothing more can happen to our locks.
    pub(super) fn outcome(&self, terms: &Terms) -> Outcome {
        let out = |is: fn(&LegState) -> bool| terms.outgoing().any(|(id, _)| is(self.leg(id)));
        if self.all_in_redeemed(terms) {
            Outcome::Redeemed
        } else if out(LegState::redeemed_finally) {
            Outcome::Lost
        } else if out(LegState::refunded_finally) {
            Outcome::Refunded
        } else {
            Outcome::Aborted
        }
    }
}

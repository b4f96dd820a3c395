//! Which acts of a swap a tower may be given now.

use crate::driver::Live;
use kofo_primitives::{ActKind, LegId, Preimage, Role};
use kofo_settlement::{Ended, LegState, Phase};

/// W8: a refund when our locks are final; a redeem when theirs are too, of an initiator only after the reveal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The refund of every outgoing leg.
    pub refund: bool,
    /// The redeem of every incoming leg.
    pub redeem: bool,
}

impl Due {
    /// What may be given of a swap now.
    #[must_use]
    pub fn of(live: &Live) -> Self {
        if !live.goes_on() {
            return Self::default();
        }
        let (terms, swap) = (live.terms(), live.swap());
        let state = |id: LegId| swap.legs().get(&id);
        let ready = |legs: Vec<LegId>| {
            let all = legs
                .iter()
                .all(|id| state(*id).is_some_and(|leg| is_open(leg) || is_ended(leg)));
            all && legs.iter().any(|id| state(*id).is_some_and(is_open))
        };
        let refund = ready(terms.outgoing().map(|(id, _)| id).collect());
        let revealed = match terms.role() {
            Role::Initiator => {
                matches!(swap.phase(), Phase::Redeeming | Phase::Restored)
                    && (swap.preimage_is_public() || swap.preimage_was_told())
            }
            Role::Participant => swap.phase() >= Phase::BothLocked,
        };
        let redeem = revealed && ready(terms.incoming().map(|(id, _)| id).collect());
        Self { refund, redeem }
    }

    /// W4: what a participant may pass on to its towers: the initiator told it, and has nothing left to keep. An
    /// initiator's own preimage is never passed on: its towers hear of it when a chain does.
    #[must_use]
    pub fn told(live: &Live) -> Option<&Preimage> {
        let told = live.goes_on() && live.terms().role() == Role::Participant;
        live.swap().preimage().filter(|_| told)
    }

    /// Nothing.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        !self.refund && !self.redeem
    }

    /// Whether all of it was given with `other`.
    #[must_use]
    pub const fn is_part_of(self, other: Self) -> bool {
        (!self.refund || other.refund) && (!self.redeem || other.redeem)
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            refund: self.refund || other.refund,
            redeem: self.redeem || other.redeem,
        }
    }

    /// The act that is given for a leg, if any.
    pub(super) fn act(self, leg: LegId, role: Role, state: &LegState) -> Option<ActKind> {
        let (due, act) = if leg.side == role.locks() {
            (self.refund, ActKind::Refund)
        } else {
            (self.redeem, ActKind::Redeem)
        };
        (due && is_open(state)).then_some(act)
    }
}

/// Locked for good, and not ended: what waits in a mempool may be evicted.
fn is_open(leg: &LegState) -> bool {
    leg.wrong.is_none() && !is_ended(leg) && leg.locked.is_some_and(|lock| lock.is_final)
}

fn is_ended(leg: &LegState) -> bool {
    leg.ended
        .is_some_and(|ended| ended == Ended::Dead || ended.in_block())
}

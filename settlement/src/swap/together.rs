//! What two parties do together: signatures that make an act cheaper, or possible at once. Whoever gets no answer acts
//! alone; safety never depends on any of it.
//!
//! Order and conditions are rules G1–G7 of `docs/protocol/settlement.md`.

use super::{Outcome, Phase, Rejected, Swap, Window, expired, time_left};
use crate::terms::{Leg, Terms};
use crate::tips::Tips;
use kofo_primitives::{ActKind, End, LegId, Preimage, Role, Seconds, Side, Together};

/// So long may a round take before we act alone.
pub const ROUND_WAIT: Seconds = Seconds(10);

impl Swap {
    /// The legs that we would like to take together with the other party, now: what it would sign for us.
    #[must_use]
    pub fn asks(&self, terms: &Terms, tips: &Tips) -> Vec<(LegId, Together)> {
        let (legs, what): (Vec<(LegId, &Leg)>, _) = match self.phase {
            Phase::Refunding => (terms.outgoing().collect(), Together::Refund),
            Phase::Redeeming => (terms.incoming().collect(), Together::Redeem),
            // R5: they have taken ours by a signature, and the preimage that they gave us for it went with the loss.
            Phase::Restored if !self.public && self.some_out_taken(terms) => {
                (terms.incoming().collect(), Together::Redeem)
            }
            Phase::Restored => return Vec::new(),
            Phase::Agreed | Phase::LockBuilt | Phase::LockSent | Phase::BothLocked | Phase::RedeemBuilt => {
                return Vec::new();
            }
            Phase::Done(_) => return Vec::new(),
        };
        let wanted = |(id, leg): &(LegId, &Leg)| {
            let state = self.leg(*id);
            state.locked_finally()
                && !state.built.contains_key(&what.kind())
                && match what {
                    // After the timelock it needs nobody.
                    Together::Refund => !expired(leg, tips),
                    Together::Redeem => self.has_time_to_ask(terms, tips, *id, leg),
                }
        };
        legs.into_iter()
            .filter(wanted)
            .map(|(id, _)| (id, what))
            .collect()
    }

    /// G2: while the round takes its time, nothing is lost that we could still do alone.
    fn has_time_to_ask(&self, terms: &Terms, tips: &Tips, id: LegId, leg: &Leg) -> bool {
        let need = alone_window(terms, id, leg).plus(ROUND_WAIT);
        let enough = time_left(leg, tips).is_some_and(|left| left >= need);
        let may_show = self.public || self.told || super::reveal_window(terms, tips) == Window::Open;
        enough && may_show
    }

    /// Whether we sign what the other party asks for on this leg: we want nothing of it any more.
    pub fn may_sign(&self, terms: &Terms, tips: &Tips, id: LegId, what: Together) -> Result<(), Rejected> {
        let leg = terms.legs().get(&id).ok_or(Rejected::NoSuchLeg(id))?;
        let ours = id.end_of(terms.role());
        let (right, request) = match what {
            Together::Redeem => (
                ours == End::Refunder && self.may_give(leg, id, tips),
                "a signature for their redeem",
            ),
            Together::Refund => (
                ours == End::Redeemer && self.may_return(terms),
                "a signature for their refund",
            ),
        };
        right.then_some(()).ok_or(Rejected::NotNow {
            what: request,
            phase: self.phase,
        })
    }

    /// G3: they know the preimage, so the leaf is open to them as it is; and we are not taking the lock back.
    fn may_give(&self, leg: &Leg, id: LegId, tips: &Tips) -> bool {
        let state = self.leg(id);
        let taken_back = |kind| state.built.contains_key(&kind);
        let phase = matches!(self.phase, Phase::Redeeming | Phase::Done(Outcome::Redeemed));
        phase
            && self.public
            && !expired(leg, tips)
            && !taken_back(ActKind::Refund)
            && !taken_back(ActKind::RefundTogether)
    }

    /// G4: the initiator when it shows the preimage no more; the participant when nothing of its own can be redeemed.
    fn may_return(&self, terms: &Terms) -> bool {
        match (terms.role(), self.phase) {
            (_, Phase::Done(Outcome::Aborted | Outcome::Refunded)) => true,
            (Role::Initiator, Phase::Refunding) => !self.public,
            _ => false,
        }
    }

    /// G5: a preimage is taken from the other party as from a chain, once there is something to redeem with it.
    pub(super) fn learn(&mut self, terms: &Terms, preimage: &Preimage) -> Result<(), Rejected> {
        if preimage.hashlock() != *terms.hashlock() {
            return Err(Rejected::WrongPreimage(LegId::first(terms.role().locks())));
        }
        match (terms.role(), self.phase) {
            (_, Phase::Redeeming | Phase::Refunding | Phase::Restored)
            | (Role::Participant, Phase::LockSent | Phase::BothLocked) => {
                self.preimage = Some(preimage.clone());
                self.public = true;
                Ok(())
            }
            _ => Err(self.not_now("a preimage from the other party")),
        }
    }

    /// G2: durable before the preimage leaves by a message. From here somebody may know it.
    pub(super) fn tell(&mut self, terms: &Terms) -> Result<(), Rejected> {
        if self.phase == Phase::Redeeming && self.preimage.is_some() {
            self.told |= terms.role() == Role::Initiator;
            Ok(())
        } else if self.phase == Phase::Restored && terms.role() == Role::Participant {
            // R5: it is asked for without one.
            Ok(())
        } else {
            Err(self.not_now("telling the preimage"))
        }
    }

    /// G1: they will not go on. We do not either, unless we are about to redeem or they may be.
    pub(super) fn let_go(&self, terms: &Terms) -> Result<(), Rejected> {
        match (terms.role(), self.phase) {
            (_, Phase::Agreed | Phase::LockBuilt | Phase::LockSent | Phase::Refunding)
            | (Role::Participant, Phase::BothLocked) => Ok(()),
            _ => Err(self.not_now("giving up because they did")),
        }
    }

    fn not_now(&self, what: &'static str) -> Rejected {
        Rejected::NotNow {
            what,
            phase: self.phase,
        }
    }
}

/// So much time must be left on a leg for our own redeem, alone, to become final.
pub(super) fn alone_window(terms: &Terms, id: LegId, leg: &Leg) -> Seconds {
    match id.side {
        Side::Beta => leg.reveal_window,
        // What lies between the timelocks: the time that the participant has after beta's.
        Side::Alpha => {
            let beta = terms.legs().iter().filter(|(id, _)| id.side == Side::Beta);
            let least = beta.map(|(_, leg)| leg.lock_window.0).min().unwrap_or(0);
            Seconds(leg.lock_window.0.saturating_sub(least))
        }
    }
}

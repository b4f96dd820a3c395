//! What adapters tell, entered into the state. The same for both roles: facts are facts.

use super::{Ended, LegState, Phase, Rejected, Sighting, Swap};
use crate::terms::Terms;
use crate::tips::Tips;
use kofo_primitives::{Act, ActKind, At, End, FailClass, LegEvent, LegId, Role, TxId};

impl Swap {
    pub(super) fn absorb(&mut self, terms: &Terms, id: LegId, event: &LegEvent) -> Result<(), Rejected> {
        if !terms.legs().contains_key(&id) {
            return Err(Rejected::NoSuchLeg(id));
        }
        match event {
            LegEvent::Built(act, prepared) => {
                self.may_be_built(terms, id, *act)?;
                self.leg_mut(id).built.insert(*act, prepared.clone());
            }
            LegEvent::Seen {
                act: Act::Redeem(preimage),
                at,
                tx,
            } => {
                if preimage.hashlock() != *terms.hashlock() {
                    return Err(Rejected::WrongPreimage(id));
                }
                self.preimage = Some(preimage.clone());
                self.public = true;
                self.leg_mut(id).end(Ended::Redeemed, *at, *tx);
            }
            LegEvent::Seen {
                act: Act::Lock,
                at,
                tx,
            } => {
                let leg = self.leg_mut(id);
                leg.locked = Some(sighting(leg.locked, *at, *tx));
                leg.wrong = None;
            }
            LegEvent::Seen {
                act: Act::Refund,
                at,
                tx,
            } => self.leg_mut(id).end(Ended::Refunded, *at, *tx),
            LegEvent::Seen {
                act: Act::Cancel,
                at,
                tx,
            } => self.leg_mut(id).end(Ended::Cancelled, *at, *tx),
            LegEvent::Unseen(act) => self.leg_mut(id).unsee(*act),
            // No proof of the preimage, as a redeem alone is: it makes nothing public.
            LegEvent::RedeemedTogether { at, tx } => {
                self.leg_mut(id).end(Ended::Redeemed, *at, *tx);
                // R3: but we signed it for nobody who did not know our preimage.
                let ours = id.end_of(terms.role()) == End::Refunder && terms.role() == Role::Initiator;
                self.public |= ours && self.phase == Phase::Restored;
            }
            // What the tip says comes as `Input::Tips`.
            LegEvent::Watched(_) => {}
            LegEvent::Failed(act, class) => self.fail(terms, id, *act, class),
        }
        Ok(())
    }

    /// A transaction is accepted only where the machine may have asked for it; a late one frees what it holds when
    /// the leg is unwatched.
    fn may_be_built(&self, terms: &Terms, id: LegId, act: ActKind) -> Result<(), Rejected> {
        let end = id.end_of(terms.role());
        let asked = match (act, end) {
            (ActKind::Lock, End::Refunder) => !matches!(self.phase, Phase::Refunding | Phase::Restored),
            (ActKind::Refund | ActKind::Cancel, End::Refunder) => {
                matches!(self.phase, Phase::Refunding | Phase::Redeeming | Phase::Restored)
            }
            (ActKind::RefundTogether, End::Refunder) => self.phase == Phase::Refunding,
            (ActKind::RedeemTogether, End::Redeemer) => {
                matches!(self.phase, Phase::Redeeming | Phase::Restored)
            }
            (ActKind::Redeem, End::Redeemer) if self.phase == Phase::Restored => self.public,
            (ActKind::Redeem, End::Redeemer) => match terms.role() {
                Role::Initiator => matches!(
                    self.phase,
                    Phase::BothLocked | Phase::RedeemBuilt | Phase::Redeeming
                ),
                Role::Participant => self.phase == Phase::Redeeming,
            },
            (ActKind::Redeem | ActKind::RedeemTogether, End::Refunder)
            | (ActKind::Lock | ActKind::Refund | ActKind::Cancel | ActKind::RefundTogether, End::Redeemer) => {
                false
            }
        };
        let what = match act {
            ActKind::Lock => "a built lock",
            ActKind::Redeem => "a built redeem",
            ActKind::Refund => "a built refund",
            ActKind::Cancel => "a built cancel",
            ActKind::RedeemTogether => "a redeem that both signed",
            ActKind::RefundTogether => "a refund that both signed",
        };
        if asked {
            Ok(())
        } else {
            Err(Rejected::NotNow {
                what,
                phase: self.phase,
            })
        }
    }

    fn fail(&mut self, terms: &Terms, id: LegId, act: ActKind, class: &FailClass) {
        let ours = id.end_of(terms.role()) == End::Refunder;
        let nothing_sent = self.phase < Phase::LockSent;
        let leg = self.leg_mut(id);
        match (act, class) {
            (ActKind::Lock, FailClass::WrongAmount { .. }) => {
                leg.locked = None;
                leg.wrong = Some(class.clone());
            }
            (ActKind::Lock, FailClass::Dead) if ours && !nothing_sent && !leg.in_block() => {
                leg.ended = Some(Ended::Dead);
            }
            // Nothing was sent: the role's step ends the swap.
            (ActKind::Lock, _) if ours && nothing_sent => self.failure = Some(class.clone()),
            // A lock that may be out is never built again, whatever a chain says.
            (ActKind::Lock, _) => {}
            // A redeem, refund or cancel is never given up: what can no longer confirm is built anew.
            (ActKind::Redeem | ActKind::Refund | ActKind::Cancel, FailClass::Dead)
            // What both signed cannot be mended: we act alone.
            | (ActKind::RedeemTogether | ActKind::RefundTogether, _) => {
                leg.built.remove(&act);
            }
            (ActKind::Redeem | ActKind::Refund | ActKind::Cancel, _) => {}
        }
    }

    /// A new tip: what is as deep as agreed is final, and what no longer is, is not.
    pub(super) fn settle_depths(&mut self, terms: &Terms, tips: &Tips) {
        for (id, leg) in &mut self.legs {
            let spec = &terms
                .legs()
                .get(id)
                .expect("the terms' legs are the state's legs")
                .spec;
            let Some(tip) = tips.of(&spec.chain()) else {
                continue;
            };
            let is_final = |at: At| match at {
                At::Mempool => false,
                At::Block(height) => {
                    tip.height.saturating_add(1).saturating_sub(height) >= u64::from(spec.depth.max(1))
                }
            };
            if let Some(sighting) = &mut leg.locked {
                sighting.is_final = is_final(sighting.at);
            }
            match &mut leg.ended {
                Some(Ended::Redeemed(s) | Ended::Refunded(s) | Ended::Cancelled(s)) => {
                    s.is_final = is_final(s.at);
                }
                Some(Ended::Dead) | None => {}
            }
        }
    }

    fn leg_mut(&mut self, id: LegId) -> &mut LegState {
        self.legs.get_mut(&id).expect("checked against the terms")
    }
}

impl LegState {
    fn end(&mut self, how: fn(Sighting) -> Ended, at: At, tx: Option<TxId>) {
        let before = match self.ended {
            Some(Ended::Redeemed(s) | Ended::Refunded(s) | Ended::Cancelled(s)) => Some(s),
            Some(Ended::Dead) | None => None,
        };
        let ended = how(sighting(before, at, tx));
        // A mempool can hold a redeem and a refund at once; what is in a block stays.
        let in_block = before.is_some_and(|s| s.at != At::Mempool);
        let same_kind = self
            .ended
            .is_none_or(|e| std::mem::discriminant(&e) == std::mem::discriminant(&ended));
        if same_kind || !in_block || at != At::Mempool {
            self.ended = Some(ended);
        }
    }

    fn unsee(&mut self, act: ActKind) {
        let gone = match (act, self.ended) {
            (ActKind::Lock, _) => {
                self.locked = None;
                self.wrong = None;
                false
            }
            (ActKind::Redeem | ActKind::RedeemTogether, Some(Ended::Redeemed(_)))
            | (ActKind::Refund | ActKind::RefundTogether, Some(Ended::Refunded(_)))
            | (ActKind::Cancel, Some(Ended::Cancelled(_))) => true,
            (
                ActKind::Redeem
                | ActKind::Refund
                | ActKind::Cancel
                | ActKind::RedeemTogether
                | ActKind::RefundTogether,
                _,
            ) => false,
        };
        if gone {
            self.ended = None;
        }
    }
}

/// What was final stays so at the same place; at a new place the next tip decides.
fn sighting(before: Option<Sighting>, at: At, tx: Option<TxId>) -> Sighting {
    let is_final = before.is_some_and(|s| s.at == at && s.is_final);
    Sighting {
        at,
        tx: tx.or(before.and_then(|s| s.tx)),
        is_final,
    }
}

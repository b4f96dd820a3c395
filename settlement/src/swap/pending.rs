//! What a state owes the world. Derived from the state and fresh tips alone, and repeated without harm.

use super::before_lock::may_lock;
use super::together::alone_window;
use super::{Ended, LegState, Phase, Swap, Window, expired, lock_window, reveal_window, time_left};
use crate::terms::{Leg, Terms};
use crate::tips::Tips;
use kofo_primitives::{Act, ActKind, At, ChainAction, LegId, Role, Seconds, UnixTime};

impl Swap {
    /// All that this state owes, leg by leg. A chain without a fresh tip is asked for one by `Watch`; what depends on
    /// time waits for it. Without any tips only watches come, and redeems and refunds that show no secret.
    #[must_use]
    pub fn pending(&self, terms: &Terms, tips: &Tips) -> Vec<(LegId, ChainAction)> {
        let mut owed = Vec::new();
        for (id, leg) in terms.legs() {
            if let Phase::Done(_) = self.phase {
                owed.push((*id, ChainAction::Unwatch));
                continue;
            }
            if tips.of(&leg.spec.chain()).is_none() {
                let held = self.leg(*id).built.values().cloned().collect();
                owed.push((
                    *id,
                    ChainAction::Watch {
                        spec: leg.spec.clone(),
                        held,
                    },
                ));
            }
            let acts = if id.side == terms.role().locks() {
                self.outgoing_owes(terms, leg, self.leg(*id), tips)
            } else {
                self.incoming_owes(terms, *id, leg, tips)
            };
            owed.extend(acts.into_iter().map(|action| (*id, action)));
        }
        owed
    }

    fn outgoing_owes(&self, terms: &Terms, leg: &Leg, state: &LegState, tips: &Tips) -> Option<ChainAction> {
        match self.phase {
            Phase::Agreed => {
                let now = lock_window(terms, tips) == Window::Open && may_lock(terms, self);
                (now && !state.built.contains_key(&ActKind::Lock)).then_some(ChainAction::Build(Act::Lock))
            }
            Phase::LockBuilt | Phase::Done(_) => None,
            Phase::LockSent => {
                let now = lock_window(terms, tips) == Window::Open;
                let send = (now && !state.in_block()).then(|| state.broadcast(ActKind::Lock));
                send.flatten().map(|action| until(action, leg, leg.lock_window))
            }
            // The other side relies on it: keep it alive.
            Phase::BothLocked | Phase::RedeemBuilt => (!state.in_block() && state.ended.is_none())
                .then(|| state.broadcast(ActKind::Lock))
                .flatten(),
            Phase::Redeeming | Phase::Refunding | Phase::Restored => self.take_back(leg, state, tips),
        }
    }

    /// Refund what is locked when the timelock has passed by the chain's own tip; make impossible what is not locked.
    fn take_back(&self, leg: &Leg, state: &LegState, tips: &Tips) -> Option<ChainAction> {
        if state.is_over() {
            return None;
        }
        let expired = expired(leg, tips);
        match state.ended {
            // Theirs, as long as the block stands.
            Some(Ended::Redeemed(s)) if s.at != At::Mempool => None,
            Some(Ended::Cancelled(_)) => Some(state.broadcast_or_build(Act::Cancel)),
            _ if state.in_block() && expired => Some(state.broadcast_or_build(Act::Refund)),
            // G6: the other party has signed.
            _ if state.in_block() => state.broadcast(ActKind::RefundTogether),
            _ if !state.built.contains_key(&ActKind::Lock) => None,
            // The preimage is out, so they may count on this lock.
            _ if self.phase == Phase::Redeeming && !expired => state.broadcast(ActKind::Lock),
            _ => Some(state.broadcast_or_build(Act::Cancel)),
        }
    }

    fn incoming_owes(&self, terms: &Terms, id: LegId, leg: &Leg, tips: &Tips) -> Option<ChainAction> {
        let state = self.leg(id);
        if state.is_over() || !state.in_block() {
            return None;
        }
        if self.phase == Phase::Restored && !self.public {
            // R5: what the other party has signed for us.
            return state.broadcast(ActKind::RedeemTogether);
        }
        let preimage = self.preimage.clone()?;
        let in_time = time_left(leg, tips).is_none_or(|left| left >= alone_window(terms, id, leg));
        match self.phase {
            Phase::BothLocked => {
                let initiator = terms.role() == Role::Initiator;
                let build =
                    initiator && state.locked_finally() && !state.built.contains_key(&ActKind::Redeem);
                build.then_some(ChainAction::Build(Act::Redeem(preimage)))
            }
            // G6: signed by both; there is time to do it alone if it does not come into a block.
            Phase::Redeeming if in_time && state.built.contains_key(&ActKind::RedeemTogether) => {
                state.broadcast(ActKind::RedeemTogether)
            }
            // Also where something was paid on top of the lock: that must not keep us from what is ours.
            Phase::Redeeming => {
                // A secret that nobody has seen yet is not shown too late, not even a second time.
                let may_show = self.public || self.told || reveal_window(terms, tips) == Window::Open;
                let action = may_show.then(|| state.broadcast_or_build(Act::Redeem(preimage)));
                if self.public {
                    action
                } else if self.told {
                    // They may know it already: later than planned is better than never, while only we can take it.
                    action.map(|action| until(action, leg, Seconds(0)))
                } else {
                    action.map(|action| until(action, leg, leg.reveal_window))
                }
            }
            Phase::Restored => Some(state.broadcast_or_build(Act::Redeem(preimage))),
            Phase::Agreed | Phase::LockBuilt | Phase::LockSent | Phase::RedeemBuilt | Phase::Refunding => {
                None
            }
            Phase::Done(_) => None,
        }
    }
}

/// Limits a broadcast to the time while so much is left on the leg.
fn until(action: ChainAction, leg: &Leg, window: Seconds) -> ChainAction {
    match action {
        ChainAction::Broadcast {
            act,
            tx,
            not_after: _,
        } => {
            let last = UnixTime(leg.spec.timelock.0.saturating_sub(window.0));
            ChainAction::Broadcast {
                act,
                tx,
                not_after: Some(last),
            }
        }
        other @ (ChainAction::Build(_) | ChainAction::Watch { .. } | ChainAction::Unwatch) => other,
    }
}

impl LegState {
    fn broadcast(&self, act: ActKind) -> Option<ChainAction> {
        let built = self.built.get(&act);
        built.map(|tx| ChainAction::Broadcast {
            act,
            tx: tx.clone(),
            not_after: None,
        })
    }

    fn broadcast_or_build(&self, act: Act) -> ChainAction {
        self.broadcast(act.kind()).unwrap_or(ChainAction::Build(act))
    }
}

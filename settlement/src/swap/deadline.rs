//! The timeout monitor's whole input: the next moment at which a state cannot stay as it is.

use super::{Phase, Swap};
use crate::terms::{Leg, Terms};
use kofo_primitives::{ChainId, LegId, Role, Seconds, UnixTime};

/// What happens at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing was sent: the swap is aborted.
    Abort,
    /// The swap is given up, and our lock is taken back after its timelock.
    GiveUp,
    /// Our timelock passes: our lock is taken back.
    Refund,
    /// Our redeem must be final, or the other party may take its lock back.
    RedeemFinal,
}

/// The next deadline of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The leg.
    pub leg: LegId,
    /// The chain by whose own time it counts.
    pub chain: ChainId,
    /// When.
    pub at: UnixTime,
    /// What happens then.
    pub due: Due,
}

impl Swap {
    /// The next deadline; `None` only when the swap is over.
    #[must_use]
    pub fn deadline(&self, terms: &Terms) -> Option<Deadline> {
        match (self.phase, terms.role()) {
            (Phase::Done(_), _) => None,
            (Phase::Agreed | Phase::LockBuilt, _) => earliest(
                terms.legs().iter().map(|(id, leg)| (*id, leg)),
                |leg| leg.lock_window,
                Due::Abort,
            ),
            (Phase::LockSent | Phase::BothLocked | Phase::RedeemBuilt, Role::Initiator) => {
                earliest(terms.incoming(), |leg| leg.reveal_window, Due::GiveUp)
            }
            (Phase::Redeeming, _) => earliest(terms.incoming(), |_| Seconds(0), Due::RedeemFinal),
            (Phase::Restored, _) if self.public => {
                earliest(terms.incoming(), |_| Seconds(0), Due::RedeemFinal)
            }
            (Phase::LockSent | Phase::BothLocked | Phase::RedeemBuilt, Role::Participant)
            | (Phase::Refunding | Phase::Restored, _) => {
                earliest(terms.outgoing(), |_| Seconds(0), Due::Refund)
            }
        }
    }
}

fn earliest<'a>(
    legs: impl Iterator<Item = (LegId, &'a Leg)>,
    window: fn(&Leg) -> Seconds,
    due: Due,
) -> Option<Deadline> {
    let deadline = |(id, leg): (LegId, &Leg)| {
        let at = UnixTime(leg.spec.timelock.0.saturating_sub(window(leg).0));
        Deadline {
            leg: id,
            chain: leg.spec.chain(),
            at,
            due,
        }
    };
    legs.map(deadline).min_by_key(|deadline| deadline.at)
}

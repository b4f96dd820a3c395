//! What the driver does for and with the other party of a swap: whom we would ask for a signature, and what we sign.
//!
//! Rounds are never journaled: a restarted process asks again. What *is* journaled, before anything of it leaves, is
//! the reveal that goes with asking ([`Input::Tell`]) and what the other party told us.

use super::live::{Live, Progress};
use super::{Driver, DriverError};
use kofo_journal::Journal;
use kofo_primitives::{
    Contact, HtlcSpec, LegEvent, LegId, LegRef, NodeId, Preimage, Prepared, SwapId, Together,
};
use kofo_settlement::{Input, Rejected};

/// A signature that we would like of the other party. Whoever takes it must come back with
/// [`Driver::round_over`]: until then the act alone waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// The swap.
    pub swap: SwapId,
    /// The leg.
    pub leg: LegId,
    /// What we would do with it.
    pub what: Together,
}

impl<J: Journal> Driver<J> {
    fn live(&self, swap: SwapId) -> Result<&Live, DriverError> {
        self.swaps.get(&swap).ok_or(DriverError::NoSuchSwap(swap))
    }

    /// From now on [`Driver::flush`] says whom to ask for signatures. Without this every act is done alone.
    pub fn cooperate(&mut self) {
        self.cooperates = true;
    }

    /// Where the other party can be reached: it told us with its acceptance.
    pub fn contacts(&mut self, swap: SwapId, contacts: Vec<Contact>) -> Result<(), DriverError> {
        let known = self.live(swap)?;
        if known.contacts() == contacts || !known.goes_on() {
            return Ok(());
        }
        let stored = super::Stored::Contacts(swap, contacts);
        self.append(&stored)?;
        self.restore(stored)
    }

    /// The leg of an ask, as its adapter sees it.
    pub fn leg_of(&self, ask: &Ask) -> Result<(LegRef, HtlcSpec), DriverError> {
        let terms = self.live(ask.swap)?.terms();
        let leg = terms.legs().get(&ask.leg).ok_or(Rejected::NoSuchLeg(ask.leg))?;
        Ok((terms.leg_ref(ask.leg), leg.spec.clone()))
    }

    /// What goes to the other party with the request: the preimage, where it is to redeem. Refused when the time for
    /// asking is over. May leave the process only after the next [`Driver::flush`].
    pub fn tell(&mut self, ask: &Ask) -> Result<Option<Preimage>, DriverError> {
        let live = self.live(ask.swap)?;
        if !live.asks().contains(&(ask.leg, ask.what)) {
            let phase = live.swap().phase();
            let what = "asking for a signature";
            return Err(Rejected::NotNow { what, phase }.into());
        }
        match ask.what {
            Together::Refund => Ok(None),
            Together::Redeem => {
                self.input(ask.swap, Input::Tell)?;
                Ok(self.live(ask.swap)?.swap().preimage().cloned())
            }
        }
    }

    /// A round has ended: with what both signed, or with nothing; then we act alone (a redeem), or ask again at the next
    /// tip (a refund, for which there is nothing else to do yet).
    pub fn round_over(&mut self, ask: &Ask, signed: Option<Prepared>) -> Result<(), DriverError> {
        let Some(live) = self.swaps.get_mut(&ask.swap) else {
            return Err(DriverError::NoSuchSwap(ask.swap));
        };
        let Some(prepared) = signed else {
            live.round_over(ask.leg, Some(Progress::after_failure(ask.what)));
            self.touched.insert(ask.swap);
            return Ok(());
        };
        live.round_over(ask.leg, None);
        if ask.what == Together::Redeem
            && let Some(preimage) = live.swap().preimage().cloned()
        {
            // Its signature says that it has the preimage.
            self.input(ask.swap, Input::PeerKnows(preimage))?;
        }
        self.input(
            ask.swap,
            Input::Leg(ask.leg, LegEvent::Built(ask.what.kind(), prepared)),
        )
    }

    /// The other party asks for our signature. What it tells with that is taken in, and durable after the next
    /// [`Driver::flush`]; only then may the leg be signed, and only if this gave it.
    pub fn asked(
        &mut self,
        by: &NodeId,
        ask: &Ask,
        preimage: Option<Preimage>,
    ) -> Result<(LegRef, HtlcSpec), DriverError> {
        let live = self
            .swaps
            .get(&ask.swap)
            .filter(|live| live.other_party() == *by)
            .ok_or(DriverError::NoSuchSwap(ask.swap))?;
        let over = !live.goes_on();
        let told = match (ask.what, preimage) {
            (Together::Redeem, Some(preimage)) => Some(Input::PeerKnows(preimage)),
            (Together::Redeem, None) => None,
            (Together::Refund, _) => Some(Input::PeerGaveUp),
        };
        if let Some(told) = told.filter(|_| !over) {
            match self.input(ask.swap, told) {
                // It may be true and change nothing for us: what we sign is decided below.
                Ok(()) | Err(DriverError::Rejected(Rejected::NotNow { .. })) => {}
                Err(wrong) => return Err(wrong),
            }
        }
        let live = self.live(ask.swap)?;
        live.swap()
            .may_sign(live.terms(), live.tips(), ask.leg, ask.what)?;
        self.leg_of(ask)
    }
}

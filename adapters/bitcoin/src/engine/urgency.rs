//! What each act may cost, and how much of its time is left.

use kofo_primitives::{ActKind, LegRef};

use super::Engine;
use crate::fee::SatPerVb;
use crate::fee::schedule::{Pressure, RESERVE, cap};
use crate::leg::Leg;
use crate::prepared::Signed;
use crate::rpc::Best;

/// A redeem or refund may pay this part of what it takes: what is not taken in time may be lost whole.
const SHARE_OF_SPEND: u64 = 2;
/// A lock, and what cancels it, may pay this part of the leg's amount: without them only time is lost.
const SHARE_OF_LOCK: u64 = 10;
/// A refund races the redeem from the timelock on: so many blocks later it pays its cap.
const REFUND_BLOCKS: u64 = 6;
/// An act that has no deadline pays its cap after so many blocks.
const LEISURE_BLOCKS: u64 = 12;

impl Engine {
    /// The rate that what is being sent should pay at this tip, and the most that it may pay.
    pub(super) fn target(&self, leg: LegRef, kind: ActKind, best: &Best) -> Option<(SatPerVb, SatPerVb)> {
        let watched = self.legs.get(&leg)?;
        let sending = watched.sending.get(&kind)?;
        let cap = self.cap(watched, &sending.signed);
        let waited = best.height.saturating_sub(sending.since);
        let pressure = Pressure {
            start: sending.start,
            now: self.rate,
            cap,
            waited,
            left: self.blocks_left(watched, kind, waited, best.median_time),
        };
        let refused = sending.signed.paid().rate().doubled().min(cap);
        let rate = pressure.rate();
        Some((
            if sending.too_cheap {
                rate.max(refused)
            } else {
                rate
            },
            cap,
        ))
    }

    /// The most that this transaction may pay.
    fn cap(&self, watched: &Leg, signed: &Signed) -> SatPerVb {
        let vsize = signed.paid().vsize;
        match signed.kind {
            ActKind::Lock | ActKind::Cancel => {
                cap(self.parts.most, watched.terms.amount, SHARE_OF_LOCK, vsize)
            }
            ActKind::Redeem | ActKind::Refund | ActKind::RedeemTogether | ActKind::RefundTogether => {
                self.spend_cap(signed.value(), vsize)
            }
        }
    }

    /// The most that a redeem or refund of `value` may pay.
    pub(super) fn spend_cap(&self, value: bitcoin::Amount, vsize: u64) -> SatPerVb {
        cap(self.parts.most, value, SHARE_OF_SPEND, vsize)
    }

    /// The blocks that can be expected before the act must be in one.
    fn blocks_left(&self, watched: &Leg, kind: ActKind, waited: u64, now: u64) -> u64 {
        let pays_cap_after = |blocks: u64| blocks.saturating_add(RESERVE).saturating_sub(waited);
        let last = match (watched.not_after.get(&kind).copied().flatten(), kind) {
            (Some(last), _) => last,
            (None, ActKind::Redeem | ActKind::RedeemTogether) => watched.spec.timelock,
            (None, ActKind::Refund | ActKind::RefundTogether) => return pays_cap_after(REFUND_BLOCKS),
            (None, ActKind::Lock | ActKind::Cancel) => return pays_cap_after(LEISURE_BLOCKS),
        };
        let seconds = last.0.saturating_sub(now);
        seconds / self.parts.block_time.as_secs().max(1)
    }
}

//! How much a transaction that protects money pays while it waits: a pure function of the price, the time that is
//! left and what may be spent at most.
//!
//! A transaction starts at today's price, follows that price up, and climbs from there to its cap: slowly at first,
//! because most transactions need no more, and all the way before the deadline, because a fee that was saved is worth
//! nothing when the money is lost. One that waits without a deadline in sight climbs too: the price was wrong.

use bitcoin::Amount;

use super::{FLOOR, SatPerVb, replacement};

/// So many blocks before its deadline a transaction pays its cap.
pub(crate) const RESERVE: u64 = 3;
/// So many blocks without one of ours in them double the price, whatever else is known.
const PATIENCE: u64 = 6;

/// What a transaction's fee depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pressure {
    /// What its first version paid.
    pub(crate) start: SatPerVb,
    /// What bitcoind thinks is right now.
    pub(crate) now: SatPerVb,
    /// The most that it may ever pay.
    pub(crate) cap: SatPerVb,
    /// Blocks since it was sent first.
    pub(crate) waited: u64,
    /// Blocks that can be expected before its deadline.
    pub(crate) left: u64,
}

impl Pressure {
    /// The rate to pay: never above the cap, never less where time is shorter, and the cap itself from [`RESERVE`]
    /// blocks before the deadline.
    pub(crate) fn rate(self) -> SatPerVb {
        if self.left <= RESERVE {
            return self.cap;
        }
        let base = u128::from(self.start.max(self.now).min(self.cap).0);
        let cap = u128::from(self.cap.0);
        let waited = u128::from(self.waited);
        let span = waited.saturating_add(u128::from(self.left.saturating_sub(RESERVE)));
        // The square of the share of time that is over, of what there is to climb.
        let climb = (cap.saturating_sub(base))
            .saturating_mul(waited)
            .checked_div(span)
            .unwrap_or(cap)
            .saturating_mul(waited)
            .checked_div(span)
            .unwrap_or(cap);
        let patience = base.saturating_mul(waited) / u128::from(PATIENCE);
        let rate = base.saturating_add(climb.max(patience)).min(cap);
        SatPerVb(u64::try_from(rate).unwrap_or(self.cap.0))
    }
}

/// The most that a spend of this size may pay: a stated share of what is at stake, and no more than `most`; never
/// below what nodes relay.
pub(crate) fn cap(most: SatPerVb, at_stake: Amount, share: u64, vsize: u64) -> SatPerVb {
    let worth = at_stake.to_sat().checked_div(share).unwrap_or(0);
    let worth = SatPerVb(worth.checked_div(vsize).unwrap_or(0));
    worth.min(most).max(FLOOR)
}

/// What was paid by the version that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) fee: Amount,
    pub(crate) vsize: u64,
}

impl Paid {
    /// Whether a version at `target` is worth the replacement: it must be one that nodes accept (BIP-125), within the
    /// cap, and a quarter dearer or at the cap, so that a climb takes few steps.
    pub(crate) fn worth_replacing(self, target: SatPerVb, cap: SatPerVb) -> bool {
        let most = cap.fee(self.vsize);
        let step = self.fee.to_sat().saturating_add(self.fee.to_sat() / 4);
        let dearer = target.fee(self.vsize) >= Amount::from_sat(step) || target >= cap;
        dearer && target.fee(self.vsize) > self.fee && replacement(self.fee, target, self.vsize) <= most
    }

    /// What it paid per vbyte, rounded down.
    pub(crate) fn rate(self) -> SatPerVb {
        SatPerVb(self.fee.to_sat().checked_div(self.vsize).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests;

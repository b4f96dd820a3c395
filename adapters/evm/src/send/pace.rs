//! By when an act must pay the most, and what replaces it until then.
//!
//! * Told not to send it after a time: an eighth of the time before that.
//! * A redeem whose preimage is public: a reserve before the leg's timelock, so that it is mined before a refund can be.
//! * Everything else (a refund, a lock that may be late, a cancel): a number of blocks after it was first sent, because
//!   from then on the other end, or the wallet, waits for it.

use super::Round;
use crate::facts::Leg;
use crate::fees::schedule::Span;
use crate::fees::{END_SHARE, Fee, LOCK_SHARE};
use crate::node::Head;
use kofo_primitives::ActKind;

/// A redeem pays the most so many seconds before its timelock, or a quarter of the time before it where that is less.
const RESERVE: u64 = 600;

/// A place in the chain's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    height: u64,
    time: u64,
}

impl From<Head> for Moment {
    fn from(head: Head) -> Self {
        Self {
            height: head.height,
            time: head.time,
        }
    }
}

/// Since when something is being sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The act itself.
    pub(super) first: Moment,
    /// It, or its newest version.
    pub(super) since: Moment,
}

impl Pace {
    pub(super) fn new(head: Head) -> Self {
        let (first, since) = (head.into(), head.into());
        Self { first, since }
    }

    fn span(self, (kind, it): (ActKind, &Leg), patience: u64, tip: Head) -> Span {
        // The last eighth of the time is kept for what comes between: blocks are steps, and the core journals first.
        let by_time = |deadline: u64| Span {
            since: self.since.time,
            now: tip.time,
            deadline: deadline.saturating_sub(deadline.saturating_sub(self.first.time) / 8),
        };
        match (it.not_after.get(&kind).copied().flatten(), kind) {
            (Some(last), _) => by_time(last.0),
            (None, ActKind::Redeem) => {
                let left = it.htlc.timelock.saturating_sub(self.first.time);
                by_time(it.htlc.timelock.saturating_sub(RESERVE.min(left / 4)))
            }
            (None, _) => Span {
                since: self.since.height,
                now: tip.height,
                deadline: self.first.height.saturating_add(patience),
            },
        }
    }
}

impl Round<'_> {
    /// The most that one gas may cost for this act.
    pub(super) fn most(&self, (kind, it): (ActKind, &Leg), gas: u64) -> u128 {
        let coins = it.htlc.is_coin().then(|| it.htlc.amount.units());
        let share = match kind {
            ActKind::Lock | ActKind::Cancel => LOCK_SHARE,
            ActKind::Redeem | ActKind::Refund | ActKind::RedeemTogether | ActKind::RefundTogether => {
                END_SHARE
            }
        };
        self.purse.config.fees.most(coins, share, gas)
    }

    /// What should replace `old` by now.
    pub(super) fn replacement(&self, act: (ActKind, &Leg), pace: Pace, old: Fee, gas: u64) -> Option<Fee> {
        let policy = &self.purse.config.fees;
        let span = pace.span(act, policy.patience, self.tip);
        policy.replace(old, self.price, self.most(act, gas), span)
    }
}

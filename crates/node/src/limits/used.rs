//! What was given away so far.

use crate::driver::{Driver, Live};
use kofo_journal::Journal;
use kofo_primitives::{Amount, AssetId};
use kofo_settlement::{Outcome, Phase};

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// Of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Used {
    /// By swaps that began within the last hour.
    pub(super) hour: Amount,
    /// By swaps that go on.
    pub(super) in_flight: Amount,
}

/// More than there can be is as much as there can be: a limit errs on the side of asking.
pub(super) fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::new(u128::MAX))
}

/// What of an asset went or may go with swaps that began. What waits to be approved, and what ended with nothing locked, is
/// none of it.
pub(super) fn used<J: Journal>(driver: &Driver<J>, asset: &AssetId, now_ms: u64) -> Used {
    let mut used = Used {
        hour: Amount::ZERO,
        in_flight: Amount::ZERO,
    };
    let counts = |live: &&Live| !live.waits() && live.swap().phase() != Phase::Done(Outcome::Aborted);
    for live in driver.swaps().values().filter(counts) {
        let young = live.committed_ms().saturating_add(HOUR_MS) > now_ms;
        if !young && !live.goes_on() {
            continue;
        }
        let legs = live
            .terms()
            .outgoing()
            .filter(|(_, leg)| leg.spec.asset == *asset);
        let give = legs.fold(Amount::ZERO, |sum, (_, leg)| plus(sum, leg.spec.amount));
        if young {
            used.hour = plus(used.hour, give);
        }
        if live.goes_on() {
            used.in_flight = plus(used.in_flight, give);
        }
    }
    used
}

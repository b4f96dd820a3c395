//! What an account earned of fees lately: each whole day takes a tenth of it.
//!
//! A day is one of 86,400,000 ms from the beginning of unix time, and nothing fades within it. At the end of each, an
//! amount becomes nine tenths of itself, rounded down. Since every day is rounded by itself, it does not matter when or
//! how often anybody looks.

use crate::ledger::Step;
use crate::state::Table;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, NodeId};

const DAY_MS: u64 = 86_400_000;

/// An amount that fades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Fading {
    day: u64,
    amount: u128,
}

const EARNED: Table<(NodeId, AssetId), Fading> = Table::new(45);

impl Fading {
    /// An amount of a time (unix ms).
    pub(crate) const fn new(amount: Amount, time_ms: u64) -> Self {
        Self {
            day: time_ms / DAY_MS,
            amount: amount.units(),
        }
    }

    /// What is left of it.
    pub(crate) fn at(self, time_ms: u64) -> Amount {
        let (mut left, mut days) = (self.amount, (time_ms / DAY_MS).saturating_sub(self.day));
        // 128 bits are gone after at most 861 days.
        while left > 0 && days > 0 {
            left = nine_tenths(left);
            days = days.saturating_sub(1);
        }
        Amount::new(left)
    }

    /// With so much more.
    pub(crate) fn plus(self, more: Amount, time_ms: u64) -> Self {
        let sum = self.at(time_ms).units().saturating_add(more.units());
        Self::new(Amount::new(sum), time_ms)
    }
}

/// Rounded down, without a product that could overflow: what is lost is a tenth rounded up.
const fn nine_tenths(amount: u128) -> u128 {
    amount.saturating_sub(amount.div_ceil(10))
}

/// What an account earned of orders' fees in an asset, as it has faded by now.
pub(crate) fn earned(step: &Step<'_>, account: NodeId, asset: &AssetId) -> Amount {
    let fading = step.state.get(&EARNED, &(account, asset.clone()));
    fading.map_or(Amount::ZERO, |fading| fading.at(step.time_ms))
}

/// An account was paid a share of a settled order's fee.
pub(crate) fn add_earning(step: &mut Step<'_>, account: NodeId, asset: &AssetId, amount: Amount) {
    let key = (account, asset.clone());
    let now = step.time_ms;
    let before = step.state.get(&EARNED, &key);
    let fading = before.map_or(Fading::new(amount, now), |fading| fading.plus(amount, now));
    step.state.put(&EARNED, &key, &fading);
}

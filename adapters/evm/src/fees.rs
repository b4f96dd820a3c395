//! What a transaction may pay for gas. All prices are wei per gas.

use borsh::{BorshDeserialize, BorshSerialize};

/// The gas of a plain payment, of a cancelling payment to ourselves, and of a gas account's top-up.
pub(crate) const PAYMENT_GAS: u64 = 21_000;
/// `approve`, with room for tokens behind proxies.
pub(crate) const APPROVE_GAS: u64 = 100_000;
/// Locking coins: 44,200 measured on a fresh lane.
pub(crate) const LOCK_COIN_GAS: u64 = 80_000;
/// Locking a token: 64,100 measured for a plain one; proxies and blocklists cost more.
pub(crate) const LOCK_TOKEN_GAS: u64 = 200_000;
/// Redeem or refund of coins to an account without code: 39,600 measured.
pub(crate) const END_COIN_GAS: u64 = 80_000;
/// Redeem or refund of a token: 45,600 measured for a plain one. Fixed, like all of these: an estimate of a redeem
/// would show the preimage to the node before we mean to.
pub(crate) const END_TOKEN_GAS: u64 = 200_000;

/// What we are ready to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// Legacy transactions with one gas price.
    pub legacy: bool,
    /// Never more than this. Also what is kept in reserve for redeem and refund.
    pub cap: u128,
    /// Never less than this (legacy).
    pub floor: u128,
    /// For whoever makes the block (EIP-1559).
    pub tip: u128,
    /// A transaction that waited so many blocks is replaced by one that pays more.
    pub bump_after: u64,
}

const GWEI: u128 = 1_000_000_000;

impl FeePolicy {
    /// Ethereum: up to 200 gwei, a tip of 1 gwei, replaced after 3 blocks.
    pub const ETHEREUM: Self = Self {
        legacy: false,
        cap: 200 * GWEI,
        floor: 0,
        tip: GWEI,
        bump_after: 3,
    };
    /// Echoin: between 2 and 100 gwei, replaced after 3 blocks.
    pub const ECHOIN: Self = Self {
        legacy: true,
        cap: 100 * GWEI,
        floor: 2 * GWEI,
        tip: 0,
        bump_after: 3,
    };

    /// The fee for today. `price` is the latest block's base fee, or the node's gas price on a legacy chain. It leaves
    /// room for a base fee that doubles (6 full blocks), within the cap.
    #[must_use]
    pub fn today(&self, price: u128) -> Fee {
        if self.legacy {
            let max = price.max(self.floor).min(self.cap);
            return Fee { max, tip: max };
        }
        let max = price.saturating_mul(2).saturating_add(self.tip).min(self.cap);
        Fee {
            max,
            tip: self.tip.min(max),
        }
    }

    /// A fee that replaces `old`: at least an eighth more in both parts (nodes want a tenth), and today's if that is
    /// more. `None` if that is above the cap.
    #[must_use]
    pub fn bump(&self, old: Fee, price: u128) -> Option<Fee> {
        let today = self.today(price);
        let eighth_more = |x: u128| x.checked_add(x.div_ceil(8).max(1));
        let max = eighth_more(old.max)?.max(today.max);
        let tip = eighth_more(old.tip)?.max(today.tip).min(max);
        (max <= self.cap).then_some(Fee { max, tip })
    }
}

/// What one transaction pays. On a legacy chain both are the gas price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fee {
    /// At most, base fee included.
    pub max: u128,
    /// Of it, for whoever makes the block.
    pub tip: u128,
}

impl Fee {
    /// Nothing: the least that a fee can be.
    pub const NONE: Self = Self { max: 0, tip: 0 };

    /// The dearer of both, part by part.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            max: self.max.max(other.max),
            tip: self.tip.max(other.tip),
        }
    }

    /// What so much gas costs at most. Saturates: a price that large is refused by every balance.
    #[must_use]
    pub fn of(self, gas: u64) -> u128 {
        self.max.saturating_mul(u128::from(gas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_legacy_price_is_kept_between_floor_and_cap() {
        let policy = FeePolicy::ECHOIN;
        assert_eq!(
            policy.today(1),
            Fee {
                max: 2 * GWEI,
                tip: 2 * GWEI
            }
        );
        assert_eq!(policy.today(500 * GWEI).max, 100 * GWEI);
    }

    #[test]
    fn a_1559_fee_leaves_room_for_a_doubled_base_fee_within_the_cap() {
        let policy = FeePolicy::ETHEREUM;
        assert_eq!(
            policy.today(10 * GWEI),
            Fee {
                max: 21 * GWEI,
                tip: GWEI
            }
        );
        assert_eq!(policy.today(150 * GWEI).max, 200 * GWEI);
    }

    #[test]
    fn at_the_cap_nothing_is_bumped() {
        let at_cap = Fee {
            max: 200 * GWEI,
            tip: GWEI,
        };
        assert_eq!(FeePolicy::ETHEREUM.bump(at_cap, 1), None);
    }

    proptest! {
        #[test]
        fn a_bump_is_an_eighth_more_in_both_parts_or_nothing(price in 0u128..1 << 50, now in 0u128..1 << 50, legacy: bool) {
            let policy = if legacy { FeePolicy::ECHOIN } else { FeePolicy::ETHEREUM };
            let old = policy.today(price);
            if let Some(new) = policy.bump(old, now) {
                prop_assert!(new.max * 8 >= old.max * 9 && new.max <= policy.cap);
                prop_assert!(new.tip * 8 >= old.tip * 9 && new.tip <= new.max);
            }
        }
    }
}

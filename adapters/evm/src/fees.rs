//! What a transaction may pay for gas. All prices are wei per gas.

pub(crate) mod schedule;

use borsh::{BorshDeserialize, BorshSerialize};
use schedule::{Span, eighth_more};

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

/// Left for the code of somebody else that is paid coins by a redeem; a redeem has twice as much to spare.
pub(crate) const PAYEE_GAS: u64 = 20_000;
/// Left for a token's transfer by a redeem, as a call by itself.
pub(crate) const PAYEE_TOKEN_GAS: u64 = 150_000;

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
    /// An errand that waited so many blocks is replaced by one that pays more; and what is offered to the core in a
    /// better-paying version is offered again after so many.
    pub bump_after: u64,
    /// What has no deadline of its own (a refund, a lock that is late already, a cancel) pays the most after so many
    /// blocks.
    pub patience: u64,
}

/// One part in so many of a leg's amount is the most that the gas of its redeem or refund may cost, where both are in the
/// same coin: without it the amount is lost.
pub(crate) const END_SHARE: u128 = 2;
/// The same for a lock and what cancels it: without them nothing is lost but the swap.
pub(crate) const LOCK_SHARE: u128 = 10;
/// A leg is worth its fees if its redeem or refund could be paid also when gas costs so many times more.
const JUMP: u128 = 10;

const GWEI: u128 = 1_000_000_000;

impl FeePolicy {
    /// Ethereum: up to 200 gwei, a tip of 1 gwei, the most after 5 minutes.
    pub const ETHEREUM: Self = Self {
        legacy: false,
        cap: 200 * GWEI,
        floor: 0,
        tip: GWEI,
        bump_after: 3,
        patience: 25,
    };
    /// Echoin: between 2 and 100 gwei, the most after 25 blocks.
    pub const ECHOIN: Self = Self {
        legacy: true,
        cap: 100 * GWEI,
        floor: 2 * GWEI,
        tip: 0,
        bump_after: 3,
        patience: 25,
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

    /// The most that one gas may cost for an act: the cap, and no more than the value at risk justifies. `coins` is the
    /// leg's amount if it is of the coin that gas is paid in; what a token is worth in coins nobody here knows.
    pub(crate) fn most(&self, coins: Option<u128>, share: u128, gas: u64) -> u128 {
        let parts = share.saturating_mul(u128::from(gas));
        let justified = coins.and_then(|amount| amount.checked_div(parts));
        justified.map_or(self.cap, |justified| justified.min(self.cap))
    }

    /// The least amount of coins that is worth its fees at this price: when gas costs ten times as much, its share of the
    /// amount still pays for this gas, as far as the cap allows at all.
    pub(crate) fn least_amount(&self, price: u128, gas: u64) -> u128 {
        let jump = price
            .max(self.floor)
            .saturating_mul(JUMP)
            .saturating_add(self.tip);
        jump.min(self.cap)
            .saturating_mul(END_SHARE)
            .saturating_mul(u128::from(gas))
    }

    /// A fee that replaces `old`: at least an eighth more in both parts (nodes want a tenth), and today's if that is
    /// more. `None` if that is above the cap.
    #[must_use]
    pub fn bump(&self, old: Fee, price: u128) -> Option<Fee> {
        old.replaced_by(self.today(price), self.cap)
    }

    /// What is to replace `old` now, given the most that this act may pay: what the schedule says, and today's fee at
    /// once if the next block would not take `old`.
    pub(crate) fn replace(&self, old: Fee, price: u128, most: u128, span: Span) -> Option<Fee> {
        let stuck = if self.legacy {
            price > old.max
        } else {
            price.saturating_add(old.tip.min(self.tip)) > old.max
        };
        let today = stuck.then(|| self.today_with_room(price, most));
        let wanted = match (schedule::due(old, most, span), today) {
            (Some(due), Some(today)) => due.max(today),
            (due, today) => due.or(today)?,
        };
        old.replaced_by(wanted, most)
    }

    /// Today's fee, but a rung below the most as long as that is enough: what pays the most in one part can be replaced
    /// no more, and its tip would be stuck.
    fn today_with_room(&self, price: u128, most: u128) -> Fee {
        let today = self.today(price).at_most(most);
        let room = most.saturating_sub(most.div_ceil(9));
        let least = price.saturating_add(self.tip);
        if least > room && least <= most {
            today
        } else {
            today.at_most(room)
        }
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

    /// No part of it above this.
    #[must_use]
    pub fn at_most(self, most: u128) -> Self {
        Self {
            max: self.max.min(most),
            tip: self.tip.min(most),
        }
    }

    /// `wanted`, and at least an eighth more than this in both parts. `None` if that is above the most.
    pub(crate) fn replaced_by(self, wanted: Self, most: u128) -> Option<Self> {
        let max = eighth_more(self.max).max(wanted.max);
        let tip = eighth_more(self.tip).max(wanted.tip).min(max);
        (max <= most).then_some(Self { max, tip })
    }

    /// Whether nodes let this take the other's place.
    pub(crate) fn replaces(self, other: Self) -> bool {
        self.max >= eighth_more(other.max) && self.tip >= eighth_more(other.tip)
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

    const NOT_DUE: Span = Span {
        since: 0,
        now: 0,
        deadline: 1_000,
    };

    #[test]
    fn what_the_next_block_would_not_take_is_replaced_at_once_with_a_rung_left_for_the_tip() {
        let policy = FeePolicy::ETHEREUM;
        let old = policy.today(GWEI);
        let replace = |price: u128| policy.replace(old, price * GWEI, policy.cap, NOT_DUE);
        assert_eq!(replace(2), None, "it still pays enough");
        assert_eq!(
            replace(10),
            Some(Fee {
                max: 21 * GWEI,
                tip: GWEI + GWEI / 8
            })
        );
        let dear = replace(150).unwrap();
        assert!(
            dear.max > 151 * GWEI && eighth_more(dear.max) <= policy.cap,
            "{dear:?}"
        );
        assert_eq!(
            replace(190).unwrap().max,
            policy.cap,
            "nothing less would be taken"
        );
        let above = replace(500).unwrap();
        assert!(eighth_more(above.max) <= policy.cap, "{above:?}");
    }

    #[test]
    fn the_most_is_what_the_amount_justifies_and_never_above_the_cap() {
        let policy = FeePolicy::ETHEREUM;
        let gas = END_COIN_GAS;
        assert_eq!(policy.most(None, END_SHARE, gas), policy.cap);
        assert_eq!(policy.most(Some(u128::MAX), END_SHARE, gas), policy.cap);
        let small = 16 * GWEI * u128::from(gas);
        assert_eq!(policy.most(Some(small), END_SHARE, gas), 8 * GWEI);
        assert_eq!(policy.most(Some(small), LOCK_SHARE, gas), 8 * GWEI / 5);
        assert_eq!(policy.most(Some(0), END_SHARE, gas), 0);
    }

    proptest! {
        #[test]
        fn the_least_amount_pays_for_its_end_when_gas_costs_ten_times_more(price in 0u128..1 << 50, legacy: bool) {
            let policy = if legacy { FeePolicy::ECHOIN } else { FeePolicy::ETHEREUM };
            let most = policy.most(Some(policy.least_amount(price, END_COIN_GAS)), END_SHARE, END_COIN_GAS);
            let next_block_takes = (10 * price).saturating_add(policy.tip);
            prop_assert!(most >= next_block_takes.min(policy.cap), "{most} for {price}");
        }

        #[test]
        fn a_replacement_is_an_eighth_more_and_within_what_the_value_justifies(
            price in 0u128..1 << 50, now in 0u128..1 << 50, amount in 0u128..1 << 80, gone in 0u64..1_200, legacy: bool
        ) {
            let policy = if legacy { FeePolicy::ECHOIN } else { FeePolicy::ETHEREUM };
            let most = policy.most(Some(amount), END_SHARE, END_COIN_GAS);
            let old = policy.today(price).at_most(most);
            let span = Span { now: gone, ..NOT_DUE };
            if let Some(new) = policy.replace(old, now, most, span) {
                prop_assert!(new.max * 8 >= old.max * 9 && new.max <= most);
                prop_assert!(new.tip * 8 >= old.tip * 9 && new.tip <= new.max);
                prop_assert!(new.of(END_COIN_GAS) <= amount / 2);
            } else {
                prop_assert!(eighth_more(old.max) > most || gone < 1_000);
            }
        }

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

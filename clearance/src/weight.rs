//! What a hop weighs when a fee is divided.

use kofo_primitives::Amount;

/// A hop's weight, in quarter units of bond so that 1.25 times an amount is an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u128);

impl Weight {
    /// No claim to a share.
    pub const ZERO: Self = Self(0);

    /// A weight of so many quarter units.
    #[must_use]
    pub const fn new(quarters: u128) -> Self {
        Self(quarters)
    }

    /// In quarter units.
    #[must_use]
    pub const fn quarters(self) -> u128 {
        self.0
    }

    /// `b + 1.25 · min(earned, b)` with `b = min(bond, most)`.
    ///
    /// * `bond`: what the hop has at stake as a relay. Neither a provider's margin nor a validator's stake counts: they
    ///   are large and secure something else.
    /// * `earned`: its decayed fees from settled orders, in the same asset.
    /// * `most`: no bond counts for more in one order, so that one rented whale does not take every path's fee.
    ///
    /// It is linear in both until `most`, so that to divide bond and earnings among identities can only lose: the sum of
    /// `min(earned, b)` over the parts is at most that of the whole.
    #[must_use]
    pub fn of(bond: Amount, earned: Amount, most: Amount) -> Self {
        let bond = bond.min(most).units();
        let counted = earned.units().min(bond);
        Self(bond.saturating_mul(4).saturating_add(counted.saturating_mul(5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bond: u128, earned: u128) -> u128 {
        Weight::of(Amount::new(bond), Amount::new(earned), Amount::new(u128::MAX)).quarters()
    }

    #[test]
    fn earnings_count_up_to_the_bond() {
        assert_eq!(of(10, 0), 40);
        assert_eq!(of(10, 30), 90); // 22.5
        assert_eq!(of(5, 30) + of(5, 0), 65); // 16.25: split in two it weighs less
        assert_eq!(of(5, 15) + of(5, 15), 90); // and at best the same
    }

    #[test]
    fn a_bond_counts_no_more_than_the_most() {
        let capped = Weight::of(Amount::new(1_000), Amount::new(1_000), Amount::new(10));
        assert_eq!(capped.quarters(), 90);
    }

    proptest! {
        #[test]
        fn two_identities_never_weigh_more_than_one(b1: u64, b2: u64, q1: u64, q2: u64) {
            let [b1, b2, q1, q2] = [b1, b2, q1, q2].map(u128::from);
            prop_assert!(of(b1, q1) + of(b2, q2) <= of(b1 + b2, q1 + q2));
        }

        #[test]
        fn more_bond_and_more_earnings_never_weigh_less(b: u128, q: u128, more: u128) {
            prop_assert!(of(b.saturating_add(more), q) >= of(b, q));
            prop_assert!(of(b, q.saturating_add(more)) >= of(b, q));
        }
    }
}

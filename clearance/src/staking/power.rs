//! Power from stake, in integers, with a cap.
//!
//! With stakes `s_i` and a cap of `c` of 10⁴, powers are `p_i = min(s_i, L)` for the largest level `L` with
//! `10⁴·L ≤ c·Σ min(s_i, L)`: nobody has more than the cap of all power, and nobody under the level loses anything to
//! whom is above it.
//!
//! * The level is there: `f(L) = c·Σ min(s_i, L) − 10⁴·L` is concave with `f(0) = 0`, so that what satisfies it is an
//!   interval from 0, and halving finds its end. This holds for integers: it is a subset of the reals' interval.
//! * Nobody has power 0: for `n` validators with `n·c ≥ 10⁴`, `f(min s_i) = (n·c − 10⁴)·min s_i ≥ 0`, so that the level is
//!   at least the smallest stake.
//! * Where `n·c < 10⁴` no powers are within the cap: `n` parts of at most `c` are less than all. Then there is no cap.
//!
//! Stakes that add up to more than 2⁵⁸ are divided by the same power of two first, and are 1 where nothing would be left.

use crate::proportion::ALL_BPS;

const MOST_BITS: u32 = 58;

/// The power of each stake, in their order. Stakes are above 0 and add up in 128 bits.
pub(super) fn powers(stakes: &[u128], cap_bps: u16) -> Vec<u64> {
    let total = stakes.iter().fold(0u128, |sum, stake| sum.saturating_add(*stake));
    let bits = u128::BITS.saturating_sub(total.leading_zeros());
    let shift = bits.saturating_sub(MOST_BITS);
    let scaled: Vec<_> = stakes
        .iter()
        .map(|stake| stake.wrapping_shr(shift).max(1))
        .collect();
    let level = level(&scaled, cap_bps.into());
    let capped = scaled.iter().map(|stake| *stake.min(&level));
    capped
        .map(|power| u64::try_from(power).expect("scaled to less than 64 bits"))
        .collect()
}

/// The largest level that is within the cap, or the largest stake if there are too few for one.
fn level(stakes: &[u128], cap: u128) -> u128 {
    let most = stakes.iter().copied().max().unwrap_or(0);
    let within = |level: u128| {
        let sum = stakes
            .iter()
            .fold(0u128, |sum, stake| sum.saturating_add(*stake.min(&level)));
        level.saturating_mul(ALL_BPS.into()) <= sum.saturating_mul(cap)
    };
    let count = u128::try_from(stakes.len()).unwrap_or(u128::MAX);
    if count.saturating_mul(cap) < ALL_BPS.into() || within(most) {
        return most;
    }
    // Below is within, above is not.
    let (mut below, mut above) = (0u128, most);
    while above.saturating_sub(below) > 1 {
        let middle = below.midpoint(above);
        if within(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(powers: &[u64]) -> u128 {
        powers.iter().copied().map(u128::from).sum()
    }

    #[test]
    fn a_candidate_with_40_percent_of_the_stake_has_12_percent_of_the_power_of_25() {
        // 400,000 of 1,000,000; 24 others of 25,000.
        let stakes = [vec![400_000], vec![25_000; 24]].concat();
        let powers = powers(&stakes, 1_200);
        // L = 12 % of (L + 600,000) = 81,818.18…
        assert_eq!(powers[0], 81_818);
        assert!(powers[1..].iter().all(|power| *power == 25_000));
        let total = sum(&powers);
        assert!(81_818 * 10_000 <= total * 1_200);
        assert!(81_819 * 10_000 > (total + 1) * 1_200);
    }

    #[test]
    fn too_few_validators_for_the_cap_have_their_stake() {
        assert_eq!(powers(&[5, 3, 2, 1], 1_200), [5, 3, 2, 1]);
        assert_eq!(powers(&[7], 1_200), [7]);
        assert_eq!(powers(&[5, 3, 2, 1], 2_500), [1, 1, 1, 1]);
        assert!(powers(&[], 1_200).is_empty());
    }

    #[test]
    fn stakes_of_128_bits_have_powers_that_can_be_counted() {
        let powers = powers(&[u128::MAX / 2, u128::MAX / 4, u128::MAX / 8, 1], 10_000);
        assert_eq!(powers[0] / powers[1], 2);
        assert_eq!(powers[3], 1);
        assert!(sum(&powers) <= kofo_primitives::MAX_POWER.into());
    }

    proptest! {
        #[test]
        fn nobody_has_more_than_the_cap_and_nobody_has_nothing(
            stakes in proptest::collection::vec(prop_oneof![1u128..1_000_000, 1u128..(1 << 100)], 1..32),
            cap in 1u16..=10_000,
        ) {
            let powers = powers(&stakes, cap);
            let total = sum(&powers);
            prop_assert!(total <= kofo_primitives::MAX_POWER.into());
            prop_assert!(powers.iter().all(|power| *power > 0));
            if stakes.len() * usize::from(cap) >= 10_000 {
                let most = u128::from(*powers.iter().max().unwrap());
                prop_assert!(most * 10_000 <= total * u128::from(cap));
                // And no more is taken than must be: one unit more of the level would be over it.
                let before = super::powers(&stakes, 10_000);
                let over = before.iter().filter(|power| u128::from(**power) > most).count() as u128;
                if over > 0 {
                    prop_assert!((most + 1) * 10_000 > (total + over) * u128::from(cap));
                }
            }
            for (one, stake) in powers.iter().zip(&stakes) {
                for (other, more) in powers.iter().zip(&stakes) {
                    prop_assert!(stake > more || one <= other, "more stake never has less power");
                }
            }
        }
    }
}

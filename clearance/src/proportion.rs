//! `whole · part / total` in integers, exact for all 128-bit numbers, and the division of a whole among weights.

use kofo_primitives::Amount;

/// All of something, in basis points.
pub(crate) const ALL_BPS: u16 = 10_000;

/// Quotient and remainder of `whole · part / total`, where `part ≤ total` and `total > 0`.
///
/// Where the product does not fit: long multiplication from the highest bit of `whole` with the remainder kept below `total`, so that no step holds a
/// number that does not fit: no 256-bit type is needed and nothing can overflow.
pub(crate) fn proportion(whole: u128, part: u128, total: u128) -> (u128, u128) {
    assert!(part <= total && total > 0, "a part is at most its total");
    if let Some(product) = whole.checked_mul(part)
        && let (Some(quotient), Some(rest)) = (product.checked_div(total), product.checked_rem(total))
    {
        return (quotient, rest);
    }
    let (mut quotient, mut rest) = (0u128, 0u128);
    for bit in (0..u128::BITS).rev() {
        let (carry, doubled) = add_below(rest, rest, total);
        (quotient, rest) = (quotient.wrapping_shl(1) | u128::from(carry), doubled);
        if whole.wrapping_shr(bit) & 1 == 1 {
            let (carry, sum) = add_below(rest, part, total);
            (quotient, rest) = (quotient.wrapping_add(u128::from(carry)), sum);
        }
    }
    (quotient, rest)
}

/// Divides a whole by weights: shares rounded down, and the units left over one each to the largest remainders, ties to
/// the earlier. No share is more than its exact part rounded up. `total` is the sum of the weights and above 0.
pub(crate) fn shares(whole: u128, weights: &[u128], total: u128) -> Vec<u128> {
    let exact = weights.iter().map(|weight| proportion(whole, *weight, total));
    let mut exact: Vec<_> = exact.enumerate().collect();
    let given = exact
        .iter()
        .fold(0u128, |sum, (_, (share, _))| sum.saturating_add(*share));
    let left =
        usize::try_from(whole.saturating_sub(given)).expect("fewer units are left than there are weights");
    exact.sort_by(|(i, (_, rest)), (j, (_, other))| other.cmp(rest).then(i.cmp(j)));
    for (_, (share, _)) in exact.iter_mut().take(left) {
        *share = share.saturating_add(1);
    }
    exact.sort_unstable_by_key(|(i, _)| *i);
    exact.into_iter().map(|(_, (share, _))| share).collect()
}

/// So many basis points of an amount, rounded down. At most 10,000.
pub(crate) fn bps_of(amount: Amount, bps: u16) -> Amount {
    Amount::new(proportion(amount.units(), bps.into(), ALL_BPS.into()).0)
}

/// `rest + part`, less `total` if that is reached (then true). `rest < total` and `part ≤ total`.
const fn add_below(rest: u128, part: u128, total: u128) -> (bool, u128) {
    let room = total.wrapping_sub(rest);
    if part >= room {
        (true, part.wrapping_sub(room))
    } else {
        (false, rest.wrapping_add(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_numbers_divide_exactly() {
        let max = u128::MAX;
        assert_eq!(proportion(max, max, max), (max, 0));
        assert_eq!(proportion(max, max - 1, max), (max - 1, 0));
        assert_eq!(proportion(max, 1, max), (1, 0));
        assert_eq!(proportion(max, 0, 1), (0, 0));
        assert_eq!(proportion(0, max, max), (0, 0));
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders_and_then_to_the_earlier() {
        assert_eq!(shares(70_001, &[3, 2, 1], 6), [35_000, 23_334, 11_667]);
        assert_eq!(shares(2, &[1, 1, 1], 3), [1, 1, 0]);
        assert_eq!(shares(5, &[0, 7, 0], 7), [0, 5, 0]);
        assert_eq!(bps_of(Amount::new(1_000_000), 120), Amount::new(12_000));
    }

    proptest! {
        #[test]
        fn shares_add_up_and_none_is_more_than_its_part_rounded_up(
            whole: u64,
            weights in proptest::collection::vec(0u128..1_000_000, 1..40),
        ) {
            let (whole, total) = (u128::from(whole), weights.iter().sum::<u128>());
            prop_assume!(total > 0);
            let shares = shares(whole, &weights, total);
            prop_assert_eq!(shares.iter().sum::<u128>(), whole);
            for (share, weight) in shares.iter().zip(weights) {
                prop_assert!(*share <= (whole * weight).div_ceil(total));
            }
        }

        #[test]
        fn it_is_plain_division_where_that_fits(whole: u64, part: u64, more: u64) {
            let (part, total) = (u128::from(part), u128::from(part) + u128::from(more) + 1);
            let product = u128::from(whole) * part;
            prop_assert_eq!(proportion(whole.into(), part, total), (product / total, product % total));
        }

        #[test]
        fn quotient_and_remainder_make_up_the_product(whole: u128, part: u128, total in 1u128..) {
            let part = part.min(total);
            let (quotient, rest) = proportion(whole, part, total);
            prop_assert!(rest < total && quotient <= whole);
            prop_assert_eq!(quotient.carrying_mul(total, rest), whole.carrying_mul(part, 0));
        }
    }
}

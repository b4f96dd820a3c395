//! `whole · part / total` in integers, exact for all 128-bit numbers.

/// Quotient and remainder of `whole · part / total`, where `part ≤ total` and `total > 0`.
///
/// Long multiplication from the highest bit of `whole` with the remainder kept below `total`, so that no step holds a
/// number that does not fit: no 256-bit type is needed and nothing can overflow.
pub(crate) fn proportion(whole: u128, part: u128, total: u128) -> (u128, u128) {
    assert!(part <= total && total > 0, "a part is at most its total");
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

    proptest! {
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

//! Exact ratios of two amounts.

use crate::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::Ordering;
use std::io::{Error, ErrorKind, Read};

/// So many smallest units of one asset for so many of another: a fraction above 0 in lowest terms, so that equal ratios
/// are equal values and have one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize)]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

impl Ratio {
    /// `numerator / denominator`, reduced; `None` if either is 0.
    #[must_use]
    pub fn new(numerator: u128, denominator: u128) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let common = common_divisor(numerator, denominator);
        Some(Self {
            numerator: numerator.checked_div(common)?,
            denominator: denominator.checked_div(common)?,
        })
    }

    /// What is got.
    #[must_use]
    pub const fn numerator(&self) -> u128 {
        self.numerator
    }

    /// What is given for it.
    #[must_use]
    pub const fn denominator(&self) -> u128 {
        self.denominator
    }

    /// The ratio seen from the other side.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self {
            numerator: self.denominator,
            denominator: self.numerator,
        }
    }

    /// What `given` gets at this ratio, rounded down; `None` beyond 128 bits.
    #[must_use]
    pub fn of(self, given: Amount) -> Option<Amount> {
        wide_divided(wide(given.units(), self.numerator), self.denominator)
            .map(|(quotient, _)| Amount::new(quotient))
    }

    /// What `given` gets at this ratio, rounded up; `None` beyond 128 bits.
    #[must_use]
    pub fn of_rounded_up(self, given: Amount) -> Option<Amount> {
        let (quotient, rest) = wide_divided(wide(given.units(), self.numerator), self.denominator)?;
        quotient.checked_add(u128::from(rest != 0)).map(Amount::new)
    }

    /// Whether `got` for `given` is at least this ratio: exact, by cross multiplication in 256 bits.
    #[must_use]
    pub fn met_by(self, given: Amount, got: Amount) -> bool {
        wide(got.units(), self.denominator) >= wide(given.units(), self.numerator)
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = wide(self.numerator, other.denominator);
        left.cmp(&wide(other.numerator, self.denominator))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl std::fmt::Debug for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ratio({self})")
    }
}

impl BorshDeserialize for Ratio {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let (numerator, denominator) = BorshDeserialize::deserialize_reader(reader)?;
        Self::new(numerator, denominator)
            .filter(|ratio| ratio.numerator == numerator)
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "expected a ratio above 0 in lowest terms"))
    }
}

fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a
}

/// High and low half of a product: compares as the 256-bit number that it is.
fn wide(a: u128, b: u128) -> (u128, u128) {
    let (low, high) = a.carrying_mul(b, 0);
    (high, low)
}

/// Quotient and rest of a 256-bit number by a number above 0; `None` if the quotient has more than 128 bits.
fn wide_divided((high, low): (u128, u128), by: u128) -> Option<(u128, u128)> {
    if high == 0 {
        return Some((low.checked_div(by)?, low.checked_rem(by)?));
    }
    if high >= by {
        return None;
    }
    // Long division, a bit at a time; the rest is always below the divisor.
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..u128::BITS).rev() {
        let carry = rest >> 127 == 1;
        rest = rest.wrapping_shl(1) | (low.wrapping_shr(bit) & 1);
        quotient = quotient.wrapping_shl(1);
        if carry || rest >= by {
            rest = rest.wrapping_sub(by);
            quotient |= 1;
        }
    }
    Some((quotient, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ratio_is_in_lowest_terms_and_above_0() {
        assert_eq!(Ratio::new(4, 6), Ratio::new(2, 3));
        assert_eq!((Ratio::new(0, 1), Ratio::new(1, 0)), (None, None));
        let unreduced = borsh::to_vec(&(4u128, 6u128)).unwrap();
        assert!(borsh::from_slice::<Ratio>(&unreduced).is_err());
    }

    #[test]
    fn amounts_beyond_128_bits_are_none_and_never_wrap() {
        let double = Ratio::new(2, 1).unwrap();
        assert_eq!(double.of(Amount::new(u128::MAX)), None);
        let half = double.inverse();
        assert_eq!(half.of(Amount::new(u128::MAX)), Some(Amount::new(u128::MAX / 2)));
        assert_eq!(
            Ratio::new(u128::MAX, 1).unwrap().of_rounded_up(Amount::new(1)),
            Some(Amount::new(u128::MAX))
        );
    }

    proptest! {
        #[test]
        fn what_is_got_rounded_up_meets_the_ratio_and_one_unit_less_than_rounded_down_does_not(
            n in 1u128.., d in 1u128.., given in 1u128..
        ) {
            let (ratio, given) = (Ratio::new(n, d).unwrap(), Amount::new(given));
            if let Some(up) = ratio.of_rounded_up(given) {
                prop_assert!(ratio.met_by(given, up));
                let down = ratio.of(given).unwrap();
                prop_assert!(up.units() - down.units() <= 1);
                if down.units() > 0 {
                    prop_assert!(!ratio.met_by(given, Amount::new(down.units() - 1)));
                }
            }
        }

        #[test]
        fn ratios_compare_as_their_amounts_do(a in 1u128..1 << 60, b in 1u128..1 << 60, c in 1u128..1 << 60, d in 1u128..1 << 60) {
            let (x, y) = (Ratio::new(a, b).unwrap(), Ratio::new(c, d).unwrap());
            prop_assert_eq!(x.cmp(&y), (a * d).cmp(&(c * b)));
        }
    }
}

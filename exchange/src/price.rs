//! Exact prices: so much of one asset for so much of another, as a fraction of integers.

use kofo_primitives::{Amount, AssetId, Offer, Ratio};
use std::cmp::Ordering;

/// What one unit of an asset costs in units of another, both in smallest units, as a fraction in lowest terms: equal
/// prices are equal values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    give: AssetId,
    want: AssetId,
    /// Of what is wanted to what is given.
    ratio: Ratio,
}

/// Why two amounts make no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Nothing has no price and buys nothing.
    #[error("expected amounts above 0, got {give} for {want}")]
    Nothing {
        /// What is given.
        give: Amount,
        /// What is wanted for it.
        want: Amount,
    },
    /// An asset has no price in itself.
    #[error("{0} is on both sides: a price needs two assets")]
    SameAsset(AssetId),
}

impl Price {
    /// The price at which `give` is exchanged for `want`.
    pub fn new(give: (&AssetId, Amount), want: (&AssetId, Amount)) -> Result<Self, PriceError> {
        let nothing = PriceError::Nothing {
            give: give.1,
            want: want.1,
        };
        let ratio = Ratio::new(want.1.units(), give.1.units()).ok_or(nothing)?;
        if give.0 == want.0 {
            return Err(PriceError::SameAsset(give.0.clone()));
        }
        Ok(Self {
            give: give.0.clone(),
            want: want.0.clone(),
            ratio,
        })
    }

    /// The price of an offer of one asset for one other. An offer of several has none: nothing says how their values
    /// divide.
    #[must_use]
    pub fn of(offer: &Offer) -> Option<Self> {
        let ([give], [want]) = (offer.give.as_slice(), offer.want.as_slice()) else {
            return None;
        };
        Self::new((&give.asset, give.amount), (&want.asset, want.amount)).ok()
    }

    /// The asset that is given.
    #[must_use]
    pub const fn give(&self) -> &AssetId {
        &self.give
    }

    /// The asset that is wanted for it.
    #[must_use]
    pub const fn want(&self) -> &AssetId {
        &self.want
    }

    /// The same price seen from the other side: what is wanted is given.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            give: self.want.clone(),
            want: self.give.clone(),
            ratio: self.ratio.inverse(),
        }
    }

    /// How much of the wanted asset one *whole* unit of the given asset costs, as a decimal number of whole units.
    /// Exact if it has at most 12 digits that count; else the digits after these are cut off, so that it is never
    /// printed higher than it is.
    #[must_use]
    pub fn display_units(&self, give_decimals: u8, want_decimals: u8) -> String {
        let (numerator, denominator) = (self.ratio.numerator(), self.ratio.denominator());
        let mut digits = numerator.checked_div(denominator).unwrap_or(0).to_string();
        // One whole unit of what is given is 10^give_decimals smallest ones: the point stands so far to the right.
        let point = digits.len().saturating_add(usize::from(give_decimals));
        let mut rest = numerator.checked_rem(denominator).unwrap_or(0);
        while rest != 0 && digits.len() < MOST_DIGITS && significant(&digits) < SIGNIFICANT {
            let (digit, left) = next_digit(rest, denominator);
            digits.push(
                char::from_digit(digit, 10).expect("ten times a rest holds its divisor less than ten times"),
            );
            rest = left;
        }
        // And of what is wanted: so far back to the left.
        let digits = format!("{digits:0<point$}");
        let behind = digits
            .len()
            .saturating_sub(point)
            .saturating_add(usize::from(want_decimals));
        let digits = format!("{digits:0>width$}", width = behind.saturating_add(1));
        let (whole, part) = digits.split_at(digits.len().saturating_sub(behind));
        let whole = whole.trim_start_matches('0');
        let (whole, part) = (
            if whole.is_empty() { "0" } else { whole },
            part.trim_end_matches('0'),
        );
        if part.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{part}")
        }
    }
}

/// So many digits are enough for 12 that count of the smallest price there is, 2^-128.
const MOST_DIGITS: usize = 60;
/// Digits that count, from the first one that is not 0.
const SIGNIFICANT: usize = 12;

fn significant(digits: &str) -> usize {
    digits.trim_start_matches('0').len()
}

/// The next decimal digit of `rest / by`, and what is left, without ever making a number larger than `by`.
fn next_digit(rest: u128, by: u128) -> (u32, u128) {
    let (mut digit, mut sum) = (0u32, 0u128);
    for _ in 0..10 {
        let room = by.saturating_sub(rest);
        if sum >= room {
            sum = sum.saturating_sub(room);
            digit = digit.saturating_add(1);
        } else {
            sum = sum.saturating_add(rest);
        }
    }
    (digit, sum)
}

/// Prices of one pair compare as their ratios do, exactly; prices of different pairs do not compare.
impl PartialOrd for Price {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if (&self.give, &self.want) != (&other.give, &other.want) {
            return None;
        }
        Some(self.ratio.cmp(&other.ratio))
    }
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { give, want, ratio } = self;
        let (numerator, denominator) = (ratio.numerator(), ratio.denominator());
        write!(
            f,
            "{numerator} of {want} for {denominator} of {give}, in smallest units"
        )
    }
}

#[cfg(test)]
mod tests;

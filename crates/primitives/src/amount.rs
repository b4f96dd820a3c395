//! Amounts of one asset, in its smallest unit.

use borsh::{BorshDeserialize, BorshSerialize};

/// An amount in the smallest unit of its asset (satoshi, wei, token unit). Which asset is said beside it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Amount(u128);

/// Why a text is no amount of an asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Not digits with at most one point.
    #[error("expected a decimal number such as 0.25, got {got:?}")]
    NotANumber {
        /// What came.
        got: String,
    },
    /// More digits behind the point than the asset has.
    #[error("{got:?} has {have} digits behind the point; this asset has {most}: round it yourself")]
    TooPrecise {
        /// What came.
        got: String,
        /// Digits behind the point in the text.
        have: usize,
        /// Digits behind the point that the asset has.
        most: u8,
    },
    /// More than 2^128 − 1 units.
    #[error("{got:?} is larger than any amount that can be represented")]
    TooLarge {
        /// What came.
        got: String,
    },
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of so many smallest units.
    #[must_use]
    pub const fn new(units: u128) -> Self {
        Self(units)
    }

    /// The number of smallest units.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// The sum, or `None` beyond 2^128 − 1.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// Reads an amount in whole units, such as `0.1` with 8 decimals. Refuses to round.
    pub fn parse_units(text: &str, decimals: u8) -> Result<Self, ParseAmountError> {
        let not_a_number = || ParseAmountError::NotANumber { got: text.into() };
        let too_large = || ParseAmountError::TooLarge { got: text.into() };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) || text.ends_with('.') {
            return Err(not_a_number());
        }
        let part = part.trim_end_matches('0');
        if part.len() > usize::from(decimals) {
            return Err(ParseAmountError::TooPrecise {
                got: text.into(),
                have: part.len(),
                most: decimals,
            });
        }
        let padded = format!("{whole}{part:0<width$}", width = usize::from(decimals));
        if padded.is_empty() {
            Ok(Self::ZERO)
        } else {
            padded.parse().map(Self).map_err(|_| too_large())
        }
    }

    /// Prints the amount in whole units: the shortest text that [`Amount::parse_units`] reads back.
    #[must_use]
    pub fn display_units(self, decimals: u8) -> String {
        let width = usize::from(decimals);
        let digits = format!("{:0>width$}", self.0, width = width.saturating_add(1));
        let (whole, part) = digits.split_at(digits.len().saturating_sub(width));
        let part = part.trim_end_matches('0');
        if part.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{part}")
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_the_units_of_their_asset_and_never_rounded() {
        assert_eq!(Amount::parse_units("0.1", 8), Ok(Amount::new(10_000_000)));
        assert_eq!(
            Amount::parse_units("2", 18),
            Ok(Amount::new(2_000_000_000_000_000_000))
        );
        assert_eq!(Amount::parse_units(".5", 1), Ok(Amount::new(5)));
        assert_eq!(Amount::parse_units("1.50", 1), Ok(Amount::new(15)));
        assert!(matches!(
            Amount::parse_units("0.123456789", 8),
            Err(ParseAmountError::TooPrecise { have: 9, most: 8, .. })
        ));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "", ".", "1.", "-1", "+1", "1e3", "1,5", "0x10", " 1", "1.2.3", "١",
        ] {
            assert!(
                matches!(
                    Amount::parse_units(text, 8),
                    Err(ParseAmountError::NotANumber { .. })
                ),
                "{text:?}"
            );
        }
        let huge = "9".repeat(60);
        assert!(matches!(
            Amount::parse_units(&huge, 0),
            Err(ParseAmountError::TooLarge { .. })
        ));
    }

    proptest::proptest! {
        #[test]
        fn every_amount_survives_printing_and_parsing(units: u128, decimals in 0u8..30) {
            let amount = Amount::new(units);
            proptest::prop_assert_eq!(Amount::parse_units(&amount.display_units(decimals), decimals), Ok(amount));
        }
    }
}

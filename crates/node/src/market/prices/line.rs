//! One price, as the configuration, a file or a feed says it.

use crate::assets::{Asset, AssetError, Assets};
use kofo_exchange::decimal_price;
use kofo_primitives::{Amount, AssetId, ParseAmountError, Ratio};
use serde::{Deserialize, Serialize};

/// Nobody deals at a spread of half the price.
const MAX_SPREAD_BPS: u16 = 5_000;

/// A price as text. In JSON lines: one object a line, such as
/// `{"pair":"BTC/ETH","price":"16.2","spread_bps":30,"least":"0.001","most":"1","as_of_ms":1700000000000}`. Amounts are
/// decimal text in whole units; numbers with a point are refused, because they would be rounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceLine {
    /// The two assets by their symbols, such as `BTC/ETH`.
    pub pair: String,
    /// Whole units of the second asset for one of the first: between the two prices that are quoted.
    pub price: String,
    /// How much worse than that is quoted, to either side, in hundredths of a percent: 0 to 5,000.
    #[serde(default)]
    pub spread_bps: u16,
    /// The least of the first asset in one quote.
    pub least: String,
    /// The most of the first asset in one quote.
    pub most: String,
    /// When this was the price (unix ms); left out: when the file was written, or the feed was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<u64>,
}

/// A price that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The first asset.
    pub base: AssetId,
    /// The second asset.
    pub quote: AssetId,
    /// Smallest units of the second for smallest units of the first.
    pub price: Ratio,
    /// To either side, in hundredths of a percent.
    pub spread_bps: u16,
    /// The least of the first asset in one quote.
    pub least: Amount,
    /// The most of the first asset in one quote.
    pub most: Amount,
    /// When this was the price (unix ms), if the line says.
    pub as_of_ms: Option<u64>,
}

/// Why a line is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not the JSON object that is expected.
    #[error("expected one JSON object such as {example}: {why}")]
    Json {
        /// What is expected.
        example: &'static str,
        /// What the reader said.
        why: String,
    },
    /// Longer than a line may be.
    #[error("expected at most {most} bytes, got {got}")]
    TooLong {
        /// The bound.
        most: usize,
        /// The length.
        got: usize,
    },
    /// The pair.
    #[error("pair: {0}")]
    Pair(#[from] AssetError),
    /// The price.
    #[error(
        "price: expected a decimal number above 0 with at most 18 digits behind the point, as text, got {got:?}"
    )]
    Price {
        /// What came.
        got: String,
    },
    /// An amount.
    #[error("{field}: {why}")]
    Amount {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        why: ParseAmountError,
    },
    /// An amount of 0, or bounds that leave nothing.
    #[error("{field}: expected {expected}, got {got}")]
    Range {
        /// Which.
        field: &'static str,
        /// What is expected.
        expected: String,
        /// What came.
        got: String,
    },
}

impl PriceLine {
    /// The price in the units of the assets that we know.
    pub fn read(&self, assets: &Assets) -> Result<PriceRow, LineError> {
        let (base, quote) = assets.pair_assets(&self.pair)?;
        let price = price(&self.price, base, quote)?;
        let (least, most) = (
            amount("least", &self.least, base.decimals)?,
            amount("most", &self.most, base.decimals)?,
        );
        if least > most {
            return Err(range("least", format!("at most {}", self.most), &self.least));
        }
        if self.spread_bps > MAX_SPREAD_BPS {
            return Err(range(
                "spread_bps",
                format!("0 to {MAX_SPREAD_BPS}"),
                self.spread_bps,
            ));
        }
        Ok(PriceRow {
            base: base.id.clone(),
            quote: quote.id.clone(),
            price,
            spread_bps: self.spread_bps,
            least,
            most,
            as_of_ms: self.as_of_ms,
        })
    }
}

/// So many whole units of `quote` for one of `base`, in smallest units.
pub(in crate::market) fn price(text: &str, base: &Asset, quote: &Asset) -> Result<Ratio, LineError> {
    decimal_price(text, base.decimals, quote.decimals).map_err(|_| LineError::Price { got: short(text) })
}

/// An amount above 0 in whole units.
pub(in crate::market) fn amount(field: &'static str, text: &str, decimals: u8) -> Result<Amount, LineError> {
    let amount = Amount::parse_units(text, decimals).map_err(|why| LineError::Amount { field, why })?;
    if amount == Amount::ZERO {
        return Err(range(field, "more than 0".to_owned(), text));
    }
    Ok(amount)
}

pub(in crate::market) fn range(
    field: &'static str,
    expected: String,
    got: impl std::fmt::Display,
) -> LineError {
    LineError::Range {
        field,
        expected,
        got: short(&got.to_string()),
    }
}

/// As much of a foreign text as belongs into a message.
pub(in crate::market) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

//! Where a provider's prices come from: its configuration, a file that is watched, or an HTTP feed.

mod line;
mod table;

pub use line::{LineError, PriceLine, PriceRow};
pub(in crate::market) use line::{amount, price, range};
pub(super) use table::table;

use super::lines::{Lines, read_lines};
use crate::assets::Assets;
use crate::clock::now_ms;
use std::collections::BTreeSet;

/// A file or feed of prices has at most so many bytes.
pub const MAX_PRICE_BYTES: usize = 256 * 1024;
/// A file or feed has at most so many prices.
pub const MAX_FED_PRICES: usize = 1_024;

const EXAMPLE: &str = r#"{"pair":"BTC/ETH","price":"16.2","spread_bps":30,"least":"0.001","most":"1"}"#;

/// Reads a file or a feed that was right at `as_of_ms` (unix ms), unless a line says another time. A price from the
/// future is as old as the text: clocks differ, and a price must not outlive its feed by that.
pub(super) fn read_prices(bytes: &[u8], as_of_ms: u64, assets: &Assets) -> Lines<PriceRow> {
    let mut pairs = BTreeSet::new();
    let now_ms = now_ms();
    read_lines(bytes, (EXAMPLE, MAX_FED_PRICES), |line: PriceLine| {
        let mut row = line.read(assets)?;
        let (base, quote) = (row.base.clone(), row.quote.clone());
        let pair = if base < quote {
            (base, quote)
        } else {
            (quote, base)
        };
        if !pairs.insert(pair) {
            return Err(range("pair", "each pair once".to_owned(), &line.pair));
        }
        row.as_of_ms = Some(row.as_of_ms.filter(|at| *at <= now_ms).unwrap_or(as_of_ms));
        Ok(row)
    })
}

#[cfg(test)]
mod tests;

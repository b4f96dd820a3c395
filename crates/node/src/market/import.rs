//! Order books of elsewhere that a provider quotes from: JSON lines of a file or a server.

use super::lines::{Lines, read_lines};
use super::prices::{LineError, amount, price, range};
use crate::assets::Assets;
use crate::config::Source;
use kofo_exchange::Order;
use kofo_primitives::{Digest, Ratio, tagged_hash};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A book has at most so many bytes.
pub const MAX_BOOK_BYTES: usize = 8 * 1024 * 1024;
/// A book has at most so many orders.
pub const MAX_BOOK_ORDERS: usize = 20_000;
/// An order's id has at most so many bytes.
const MAX_ID: usize = 128;

const EXAMPLE: &str =
    r#"{"id":"7","pair":"BTC/ETH","side":"sell","price":"16.3","size":"0.5","least":"0.01"}"#;

/// What an order does with the first asset of its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookSide {
    /// Takes it and gives the second.
    Buy,
    /// Gives it and takes the second.
    Sell,
}

/// One order as text: one JSON object a line, such as
/// `{"id":"7","pair":"BTC/ETH","side":"sell","price":"16.3","size":"0.5","least":"0.01","expires_ms":1700000000000}`.
/// Amounts are decimal text in whole units of the first asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// Its name in its book: 1 to 128 bytes.
    pub id: String,
    /// The two assets by their symbols, such as `BTC/ETH`.
    pub pair: String,
    /// What it does with the first asset.
    pub side: BookSide,
    /// Whole units of the second asset for one of the first.
    pub price: String,
    /// How much of the first asset.
    pub size: String,
    /// The least of it in one fill; left out: the whole order or nothing.
    #[serde(default)]
    pub least: Option<String>,
    /// Not to be filled from then on (unix ms); left out: until it is gone from its book.
    #[serde(default)]
    pub expires_ms: Option<u64>,
}

/// The name of a book among a provider's sources.
pub(super) fn source_name(source: &Source) -> Digest {
    let (kind, place) = match source {
        Source::File(file) => (b"file", file.to_string_lossy().into_owned()),
        Source::Url(url) => (b"url ", url.as_str().to_owned()),
    };
    tagged_hash("kofo/book-source/v1", &[kind, place.as_bytes()])
}

/// Reads a book. An order that changed in any way is another one, with another id.
pub(super) fn read_book(bytes: &[u8], source: &Digest, assets: &Assets) -> Lines<Order> {
    let mut names = BTreeSet::new();
    read_lines(bytes, (EXAMPLE, MAX_BOOK_ORDERS), |line: OrderLine| {
        let order = line.read(source, assets)?;
        if !names.insert(line.id.clone()) {
            return Err(range("id", "each id once".to_owned(), &line.id));
        }
        Ok(order)
    })
}

impl OrderLine {
    fn read(&self, source: &Digest, assets: &Assets) -> Result<Order, LineError> {
        if !(1..=MAX_ID).contains(&self.id.len()) {
            return Err(range("id", format!("1 to {MAX_ID} bytes"), &self.id));
        }
        let (base, quote) = assets.pair_assets(&self.pair)?;
        let price = price(&self.price, base, quote)?;
        let size = amount("size", &self.size, base.decimals)?;
        let least = self.least.as_deref();
        let least = least
            .map(|text| amount("least", text, base.decimals))
            .transpose()?;
        if let Some(text) = self.least.as_deref().filter(|_| least > Some(size)) {
            return Err(range("least", format!("at most {}", self.size), text));
        }
        let over = || {
            range(
                "size",
                "an amount that is worth something at this price".to_owned(),
                &self.size,
            )
        };
        let (takes, gives, price, size, least) = match self.side {
            BookSide::Buy => (base, quote, price, size, least),
            BookSide::Sell => {
                // So much of the second asset is taken; rounded down, the owner never gives more than its size.
                let worth = |amount| price.of(amount);
                let least = least.map(|least| price.of_rounded_up(least));
                let size = worth(size).ok_or_else(over)?;
                let least = least
                    .map(|l| l.ok_or_else(over))
                    .transpose()?
                    .map(|l| l.min(size));
                (quote, base, Ratio::inverse(price), size, least)
            }
        };
        if size == kofo_primitives::Amount::ZERO || price.of(size).is_none_or(|gives| gives.units() == 0) {
            return Err(over());
        }
        Ok(Order {
            id: self.digest(source),
            source: *source,
            takes: takes.id.clone(),
            gives: gives.id.clone(),
            price,
            size,
            least,
            expires_ms: self.expires_ms.unwrap_or(u64::MAX),
        })
    }

    fn digest(&self, source: &Digest) -> Digest {
        let side = match self.side {
            BookSide::Buy => "buy",
            BookSide::Sell => "sell",
        };
        let expires = self.expires_ms.map_or_else(String::new, |at| at.to_string());
        let parts = [
            self.id.as_str(),
            &self.pair,
            side,
            &self.price,
            &self.size,
            self.least.as_deref().unwrap_or_default(),
            &expires,
        ];
        // Lengths tell the parts apart.
        let lengths = parts.map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        let joined = parts.concat();
        tagged_hash(
            "kofo/imported-order/v1",
            &[source, lengths.as_flattened(), joined.as_bytes()],
        )
    }
}

#[cfg(test)]
mod tests;

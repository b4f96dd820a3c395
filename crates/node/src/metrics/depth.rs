//! How deep the books are that this node knows, of the pairs it deals in.

use crate::rpc::types::{BookShown, LevelShown};

/// One side of a book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Depth {
    /// How many prices.
    pub levels: u64,
    /// All that is offered at them, in whole units of the pair's first asset, rounded.
    pub size: f64,
}

/// The book of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairDepth {
    /// Such as `BTC/ETH`.
    pub pair: String,
    /// Sellers of the first asset.
    pub asks: Depth,
    /// Buyers of it.
    pub bids: Depth,
}

impl From<&BookShown> for PairDepth {
    fn from(book: &BookShown) -> Self {
        Self {
            pair: book.pair.clone(),
            asks: side(&book.asks),
            bids: side(&book.bids),
        }
    }
}

fn side(levels: &[LevelShown]) -> Depth {
    Depth {
        levels: u64::try_from(levels.len()).unwrap_or(u64::MAX),
        size: levels.iter().map(|level| rounded(&level.size.amount)).sum(),
    }
}

/// Decimal text as a figure: for graphs, never for money.
pub(super) fn rounded(decimal: &str) -> f64 {
    decimal.parse().unwrap_or_default()
}

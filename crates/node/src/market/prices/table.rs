//! From rows to what a provider quotes by: each row is a price to either side.

use super::PriceRow;
use kofo_exchange::{Freshness, PriceEntry, PriceRefused, PriceTable, Sizes};
use kofo_primitives::{Amount, AssetId};
use std::collections::BTreeMap;

/// The table of fixed and fed rows; a fed price stands before a fixed one of its pair. What makes no price is told.
pub(in crate::market) fn table(
    fixed: &[PriceRow],
    fed: &[PriceRow],
    stale_after_ms: u64,
) -> (PriceTable, Vec<PriceRefused>) {
    let mut entries: BTreeMap<(AssetId, AssetId), PriceEntry> = BTreeMap::new();
    let mut refused = Vec::new();
    for row in fixed.iter().chain(fed) {
        let fresh = Freshness {
            as_of_ms: row.as_of_ms.unwrap_or(0),
            stale_after_ms: if row.as_of_ms.is_some() {
                stale_after_ms
            } else {
                u64::MAX
            },
        };
        for side in sides(row, fresh) {
            match side {
                Ok(entry) => drop(entries.insert((entry.takes().clone(), entry.gives().clone()), entry)),
                Err(why) => refused.push(why),
            }
        }
    }
    match PriceTable::new(entries.into_values().collect()) {
        Ok(table) => (table, refused),
        Err(why) => {
            refused.push(why);
            (PriceTable::default(), refused)
        }
    }
}

/// Who gives the first asset, and who gives the second.
fn sides(row: &PriceRow, fresh: Freshness) -> [Result<PriceEntry, PriceRefused>; 2] {
    let (base, quote) = (row.base.clone(), row.quote.clone());
    let sizes = Sizes {
        least: row.least,
        most: row.most,
    };
    let back = Sizes {
        least: row.price.of_rounded_up(row.least).unwrap_or(Amount::ZERO),
        most: row.price.of(row.most).unwrap_or(Amount::ZERO),
    };
    let entry = |pair, price, sizes| PriceEntry::new(pair, price, row.spread_bps, sizes, fresh);
    [
        entry((base.clone(), quote.clone()), row.price, sizes),
        entry((quote, base), row.price.inverse(), back),
    ]
}

//! What the board shows: one book of a pair out of everybody's beacons, and the pairs there are.

use super::Board;
use crate::beacon::{Level, base_and_quote};
use kofo_primitives::{Amount, AssetId, Ratio};
use std::collections::{BTreeMap, BTreeSet};

/// Levels on each side of a view, at most.
pub const MAX_VIEW_LEVELS: usize = 64;

/// One level of everybody's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewLevel {
    /// So much of the quote asset for so much of the base asset, in smallest units.
    pub price: Ratio,
    /// Of the base asset, in smallest units, of all makers together.
    pub size: Amount,
    /// How many makers are at this price.
    pub makers: u32,
}

/// Everybody's book of one pair, the best level of each side first. The best ask may be below the best bid: it is hearsay
/// of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookView {
    /// At which base is sold: rising prices.
    pub asks: Vec<ViewLevel>,
    /// At which base is bought: falling prices.
    pub bids: Vec<ViewLevel>,
}

#[derive(Default)]
struct Merged(BTreeMap<Ratio, (Amount, u32)>);

impl Merged {
    fn add(&mut self, level: Level) {
        let (size, makers) = self.0.entry(level.price).or_default();
        *size = size.checked_add(level.size).unwrap_or(Amount::new(u128::MAX));
        *makers = makers.saturating_add(1);
    }

    fn rising(&self) -> impl DoubleEndedIterator<Item = ViewLevel> {
        self.0.iter().map(|(price, (size, makers))| ViewLevel {
            price: *price,
            size: *size,
            makers: *makers,
        })
    }
}

impl Board {
    /// Everybody's book of a pair, whichever way round it is asked for.
    #[must_use]
    pub fn book(&self, base: &AssetId, quote: &AssetId, now_ms: u64) -> BookView {
        let turned = base > quote;
        let (first, second) = base_and_quote(base, quote);
        let (mut asks, mut bids) = (Merged::default(), Merged::default());
        let makers = self.beacons.get(&(first.clone(), second.clone()));
        let good = makers.into_iter().flat_map(BTreeMap::values);
        for kept in good.filter(|kept| kept.expires_ms > now_ms) {
            let sides = &kept.message.body.sides;
            if turned {
                // Who sells the one buys the other.
                sides
                    .bids
                    .iter()
                    .filter_map(|level| level.flipped())
                    .for_each(|level| asks.add(level));
                sides
                    .asks
                    .iter()
                    .filter_map(|level| level.flipped())
                    .for_each(|level| bids.add(level));
            } else {
                sides.asks.iter().for_each(|level| asks.add(*level));
                sides.bids.iter().for_each(|level| bids.add(*level));
            }
        }
        BookView {
            asks: asks.rising().take(MAX_VIEW_LEVELS).collect(),
            bids: bids.rising().rev().take(MAX_VIEW_LEVELS).collect(),
        }
    }

    /// All pairs: the default ones first, then what is listed or quoted, each once whichever way round.
    #[must_use]
    pub fn pairs(&self, anchors: &[AssetId], assets: &[AssetId], now_ms: u64) -> Vec<(AssetId, AssetId)> {
        let mut pairs = default_pairs(anchors, assets);
        let mut known: BTreeSet<_> = pairs.iter().map(|(a, b)| sorted(a, b)).collect();
        let listed = self.listings(now_ms).flat_map(|listing| {
            let against = listing.pairs.iter().map(|pair| pair.against.clone());
            against.map(|against| (listing.asset.clone(), against))
        });
        let quoted = self.beacons.iter().filter(|(_, makers)| {
            let mut makers = makers.values();
            makers.any(|kept| kept.expires_ms > now_ms)
        });
        let heard: Vec<_> = listed.chain(quoted.map(|(pair, _)| pair.clone())).collect();
        pairs.extend(heard.into_iter().filter(|(a, b)| known.insert(sorted(a, b))));
        pairs
    }
}

fn sorted(a: &AssetId, b: &AssetId) -> (AssetId, AssetId) {
    let (first, second) = base_and_quote(a, b);
    (first.clone(), second.clone())
}

/// The pairs that are always there, though nobody lists them: each anchor (EC first of all) against every other asset
/// that the node is set up with.
#[must_use]
pub fn default_pairs(anchors: &[AssetId], assets: &[AssetId]) -> Vec<(AssetId, AssetId)> {
    let mut known = BTreeSet::new();
    let all = anchors
        .iter()
        .flat_map(|anchor| anchors.iter().chain(assets).map(move |other| (anchor, other)));
    all.filter(|(anchor, other)| anchor != other && known.insert(sorted(anchor, other)))
        .map(|(anchor, other)| (anchor.clone(), other.clone()))
        .collect()
}

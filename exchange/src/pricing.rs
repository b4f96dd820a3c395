//! Prices that a provider quotes at: fixed, from a file or from a feed. The shell reads them; here they are integers.

use crate::beacon::Level;
use crate::book::Wanted;
use kofo_primitives::{Amount, AssetId, Ratio};
use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// No table has more prices.
pub const MAX_PRICES: usize = 4_096;

/// The whole, in hundredths of a percent.
const WHOLE_BPS: u16 = 10_000;

/// The smallest and the largest fill at a price, in smallest units of what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Not less: 1 or more.
    pub least: Amount,
    /// Not more.
    pub most: Amount,
}

/// How long a price holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When it was right (unix ms), as its source says.
    pub as_of_ms: u64,
    /// Nothing is quoted at it when it is this old (ms); a fixed price says `u64::MAX`.
    pub stale_after_ms: u64,
}

impl Freshness {
    /// From then on nothing is quoted (unix ms).
    #[must_use]
    pub const fn until_ms(&self) -> u64 {
        self.as_of_ms.saturating_add(self.stale_after_ms)
    }
}

/// One price of one ordered pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceEntry {
    takes: AssetId,
    gives: AssetId,
    price: Ratio,
    spread_bps: u16,
    sizes: Sizes,
    fresh: Freshness,
}

/// Why a price is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceRefused {
    /// An asset has no price in itself.
    #[error("{0} is priced in itself: expected two assets")]
    SameAsset(AssetId),
    /// A spread that leaves nothing.
    #[error("the spread is {0} bps: expected at most 9,999")]
    Spread(u16),
    /// The least is 0, or more than the most.
    #[error("sizes from {least} to {most}: expected 1 or more, and the least not above the most")]
    Sizes {
        /// The least.
        least: Amount,
        /// The most.
        most: Amount,
    },
    /// It would never be quoted at.
    #[error("the price is stale after 0 ms: expected more")]
    Freshness,
    /// Not a decimal number above 0, or not one that fits.
    #[error("expected a price such as 16.25, above 0 and with at most 18 digits behind the point, got {0:?}")]
    NoDecimal(String),
    /// A pair that is priced twice.
    #[error("{takes} for {gives} is priced twice: expected one price a pair")]
    Twice {
        /// What is taken.
        takes: AssetId,
        /// What is given.
        gives: AssetId,
    },
    /// Too many.
    #[error("expected at most {MAX_PRICES} prices, got {0}")]
    TooMany(usize),
}

impl PriceEntry {
    /// A price: so much of `gives` for so much of `takes` in smallest units ([`decimal_price`] makes it from a text),
    /// the middle from which the spread is taken.
    pub fn new(
        (takes, gives): (AssetId, AssetId),
        price: Ratio,
        spread_bps: u16,
        sizes: Sizes,
        fresh: Freshness,
    ) -> Result<Self, PriceRefused> {
        if takes == gives {
            return Err(PriceRefused::SameAsset(takes));
        }
        if spread_bps >= WHOLE_BPS {
            return Err(PriceRefused::Spread(spread_bps));
        }
        let Sizes { least, most } = sizes;
        if least == Amount::ZERO || least > most {
            return Err(PriceRefused::Sizes { least, most });
        }
        if fresh.stale_after_ms == 0 {
            return Err(PriceRefused::Freshness);
        }
        Ok(Self {
            takes,
            gives,
            price,
            spread_bps,
            sizes,
            fresh,
        })
    }

    /// What is taken.
    #[must_use]
    pub const fn takes(&self) -> &AssetId {
        &self.takes
    }

    /// What is given.
    #[must_use]
    pub const fn gives(&self) -> &AssetId {
        &self.gives
    }

    /// The smallest and the largest fill.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// How long it holds.
    #[must_use]
    pub const fn fresh(&self) -> Freshness {
        self.fresh
    }

    /// What the provider gives for so much, the spread taken; both roundings are against the taker. `None` if that is
    /// nothing or beyond 128 bits.
    #[must_use]
    pub fn gives_for(&self, give: Amount) -> Option<Amount> {
        let left = WHOLE_BPS.checked_sub(self.spread_bps)?;
        let kept = Ratio::new(left.into(), WHOLE_BPS.into())?;
        kept.of(self.price.of(give)?).filter(|want| *want != Amount::ZERO)
    }

    /// What it shows of itself: its most, and what that gets, spread taken; `None` if it is stale.
    #[must_use]
    pub fn level(&self, now_ms: u64) -> Option<Level> {
        if now_ms >= self.fresh.until_ms() {
            return None;
        }
        let size = self.sizes.most;
        let price = Ratio::new(self.gives_for(size)?.units(), size.units())?;
        Some(Level { price, size })
    }

    /// The most that can be taken so that not more than `most` is given; `None` if that is beyond 128 bits.
    fn takes_for(&self, most: Amount) -> Option<Amount> {
        let left = WHOLE_BPS.checked_sub(self.spread_bps)?;
        let before = Ratio::new(WHOLE_BPS.into(), left.into())?;
        self.price.inverse().of(before.of(most)?)
    }
}

/// The price of whole units (`16.25` of `gives` for one of `takes`) in smallest units, exact.
pub fn decimal_price(text: &str, takes_decimals: u8, gives_decimals: u8) -> Result<Ratio, PriceRefused> {
    const DIGITS: u8 = 18;
    let wrong = || PriceRefused::NoDecimal(text.chars().take(80).collect());
    let price = || {
        let scaled = Amount::parse_units(text, DIGITS).ok()?;
        let whole = Ratio::new(scaled.units(), 10u128.checked_pow(DIGITS.into())?)?;
        let up = u32::from(gives_decimals.saturating_sub(takes_decimals));
        let down = u32::from(takes_decimals.saturating_sub(gives_decimals));
        let numerator = whole.numerator().checked_mul(10u128.checked_pow(up)?)?;
        Ratio::new(
            numerator,
            whole.denominator().checked_mul(10u128.checked_pow(down)?)?,
        )
    };
    price().ok_or_else(wrong)
}

/// What a price table offers on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotation {
    /// So much of what the claimant gives.
    pub give: Amount,
    /// For so much of what it wants.
    pub want: Amount,
}

/// At most one price for each ordered pair. A new table replaces the old one as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable(BTreeMap<AssetId, BTreeMap<AssetId, PriceEntry>>);

impl PriceTable {
    /// A table of these prices, or none at all: a table that is half right is not used.
    pub fn new(prices: Vec<PriceEntry>) -> Result<Self, PriceRefused> {
        if prices.len() > MAX_PRICES {
            return Err(PriceRefused::TooMany(prices.len()));
        }
        let mut table: BTreeMap<AssetId, BTreeMap<AssetId, PriceEntry>> = BTreeMap::new();
        for price in prices {
            let of = table.entry(price.takes.clone()).or_default();
            if let Some(twice) = of.insert(price.gives.clone(), price) {
                let PriceEntry { takes, gives, .. } = twice;
                return Err(PriceRefused::Twice { takes, gives });
            }
        }
        Ok(Self(table))
    }

    /// The price of a pair, stale or not.
    #[must_use]
    pub fn get(&self, takes: &AssetId, gives: &AssetId) -> Option<&PriceEntry> {
        self.0.get(takes)?.get(gives)
    }

    /// All prices.
    pub fn prices(&self) -> impl Iterator<Item = &PriceEntry> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// What is offered on a claim; `None` if there is no fresh price, or it does not reach the limit, or the sizes do
    /// not meet.
    #[must_use]
    pub fn quote(&self, wanted: &Wanted<'_>, now_ms: u64) -> Option<Quotation> {
        let price = self.get(wanted.give, wanted.want)?;
        if now_ms >= price.fresh.until_ms() {
            return None;
        }
        let affordable = wanted.most.and_then(|most| price.takes_for(most));
        let bounds = [wanted.amount, price.sizes.most];
        let give = bounds.into_iter().chain(affordable).min()?;
        let least = wanted.least.unwrap_or(wanted.amount).max(price.sizes.least);
        if give < least {
            return None;
        }
        let want = price.gives_for(give)?;
        let meets = wanted.limit.is_none_or(|limit| limit.met_by(give, want));
        meets.then_some(Quotation { give, want })
    }
}

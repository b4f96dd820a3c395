//! Pairs and prices as people write them: `BTC/ETH`, and so many whole ETH for one BTC.

use crate::assets::{Asset, AssetError, Assets};
use kofo_primitives::{Amount, AssetId, Ratio};

/// Digits behind the point of a price.
pub const PRICE_DECIMALS: u8 = 18;

impl Assets {
    /// Reads a pair such as `btc/eth`: two different assets.
    pub fn pair(&self, text: &str) -> Result<(AssetId, AssetId), AssetError> {
        self.pair_assets(text)
            .map(|(base, quote)| (base.id.clone(), quote.id.clone()))
    }

    pub(crate) fn pair_assets(&self, text: &str) -> Result<(&Asset, &Asset), AssetError> {
        let form = || AssetError::Pair {
            got: text.chars().take(80).collect(),
        };
        let (base, quote) = text.trim().split_once('/').ok_or_else(form)?;
        let (base, quote) = (self.by_symbol(base)?, self.by_symbol(quote)?);
        if base.id == quote.id {
            return Err(form());
        }
        Ok((base, quote))
    }

    /// A pair as people read it, such as `BTC/ETH`.
    #[must_use]
    pub fn show_pair(&self, base: &AssetId, quote: &AssetId) -> String {
        let symbol = |id: &AssetId| match self.by_id(id) {
            Ok(asset) => asset.symbol.clone(),
            Err(_) => id.to_string(),
        };
        format!("{}/{}", symbol(base), symbol(quote))
    }

    /// A price as people read it: whole units of `quote` for one of `base`, to 8 significant digits behind the point at
    /// most, rounded down. `None` for an asset that is not configured, or a price beyond all bounds.
    #[must_use]
    pub fn show_price(&self, base: &AssetId, quote: &AssetId, ratio: Ratio) -> Option<String> {
        const SHOWN: u8 = 8;
        let (base, quote) = (self.by_id(base).ok()?, self.by_id(quote).ok()?);
        let one = 10u128.checked_pow(u32::from(base.decimals))?;
        let units = ratio.of(Amount::new(one))?;
        let cut = quote.decimals.saturating_sub(SHOWN);
        let unit = 10u128.checked_pow(u32::from(cut))?;
        let kept = units.units().checked_div(unit)?;
        if kept < 1_000_000 {
            // So little that rounding would hide it.
            return Some(units.display_units(quote.decimals));
        }
        Some(Amount::new(kept).display_units(quote.decimals.min(SHOWN)))
    }
}

/// A price as an exact ratio of smallest units: `text` whole units of `quote` for one of `base`. `None` if it is no
/// decimal number above 0 with at most [`PRICE_DECIMALS`] digits behind the point, or beyond 128 bits.
#[must_use]
pub fn price_ratio(text: &str, base: &Asset, quote: &Asset) -> Option<Ratio> {
    // No more digits than are needed keeps both numbers small.
    let trimmed = match text.split_once('.') {
        Some((whole, part)) if !part.is_empty() => {
            let part = part.trim_end_matches('0');
            let part = if part.is_empty() { "0" } else { part };
            format!("{whole}.{part}")
        }
        _ => text.to_owned(),
    };
    let digits = trimmed.split_once('.').map_or(0, |(_, part)| part.len());
    let digits = u8::try_from(digits)
        .ok()
        .filter(|digits| *digits <= PRICE_DECIMALS)?;
    let number = Amount::parse_units(&trimmed, digits).ok()?.units();
    let (up, down) = (quote.decimals, base.decimals.checked_add(digits)?);
    let power = |n: u8| 10u128.checked_pow(u32::from(n));
    let numerator = number.checked_mul(power(up.saturating_sub(down))?)?;
    Ratio::new(numerator, power(down.saturating_sub(up))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(symbol: &str, decimals: u8) -> Asset {
        Asset {
            symbol: symbol.into(),
            id: AssetId::new(&format!("sim:{0}/coin:{0}", symbol.to_lowercase())).unwrap(),
            decimals,
            freezable: false,
        }
    }

    #[test]
    fn a_price_in_whole_units_is_an_exact_ratio_of_smallest_ones() {
        let (btc, eth) = (asset("BTC", 8), asset("ETH", 18));
        let ratio = price_ratio("16.25", &btc, &eth).unwrap();
        let got = ratio.of(Amount::new(10_000_000)).unwrap();
        assert_eq!(got, Amount::new(1_625_000_000_000_000_000));
        let back = price_ratio("0.0625", &eth, &btc).unwrap();
        assert_eq!(
            back.of(Amount::new(16_000_000_000_000_000_000)),
            Some(Amount::new(100_000_000))
        );
        for text in ["", "0", "0.0", "-1", "1e3", "1.", "1,5", "0.0000000000000000001"] {
            assert_eq!(price_ratio(text, &btc, &eth), None, "{text:?}");
        }
        assert_eq!(price_ratio("1.50", &btc, &eth), price_ratio("1.5", &btc, &eth));
    }

    #[test]
    fn a_price_is_shown_in_whole_units() {
        let assets = Assets::new(vec![asset("BTC", 8), asset("ETH", 18)]).unwrap();
        let (btc, eth) = assets.pair("btc/ETH").unwrap();
        let ratio = price_ratio("16.25", &asset("BTC", 8), &asset("ETH", 18)).unwrap();
        assert_eq!(assets.show_price(&btc, &eth, ratio).unwrap(), "16.25");
        assert_eq!(
            assets.show_price(&eth, &btc, ratio.inverse()).unwrap(),
            "0.06153846"
        );
        assert_eq!(assets.show_pair(&btc, &eth), "BTC/ETH");
        for text in ["btc", "btc/btc", "btc/doge", "btc/eth/x", "/"] {
            assert!(assets.pair(text).is_err(), "{text:?}");
        }
    }
}

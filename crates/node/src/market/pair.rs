//! Pairs and prices as people write them: `BTC/ETH`, and so many whole ETH for one BTC.

use crate::assets::{Asset, AssetError, Assets};
use kofo_primitives::{Amount, AssetId, Ratio};

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

    /// A price as people read it: whole units of `quote` for one of `base`, rounded down to 8 digits behind the
    /// point; below 0.01 all digits are shown. `None` for an asset that is not configured, or a price beyond all bounds.
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
            return Some(units.display_units(quote.decimals));
        }
        Some(Amount::new(kept).display_units(quote.decimals.min(SHOWN)))
    }
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
    fn a_price_is_shown_in_whole_units() {
        let assets = Assets::new(vec![asset("BTC", 8), asset("ETH", 18)]).unwrap();
        let (btc, eth) = assets.pair("btc/ETH").unwrap();
        let ratio = kofo_exchange::decimal_price("16.25", 8, 18).unwrap();
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

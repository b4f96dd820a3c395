//! The assets that a node knows, by the symbols that people use: reads `0.1btc` and prints `0.1 BTC`.

use crate::rpc::types::AssetAmount;
use kofo_primitives::{Amount, AssetId, ParseAmountError};

/// A symbol has at most so many characters.
pub const MAX_SYMBOL: usize = 12;
/// No asset has more decimals: 10^36 whole units would still fit an amount.
pub const MAX_DECIMALS: u8 = 36;
/// A node knows at most so many assets.
pub const MAX_ASSETS: usize = 64;
/// The longest text of an amount that is looked at, in bytes.
const MAX_TEXT: usize = 96;

/// One asset as its owner calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// What people call it, in capitals: `BTC`, `ETH`, `USDX`.
    pub symbol: String,
    /// What the protocol calls it.
    pub id: AssetId,
    /// Digits behind the point: 8 for BTC, 18 for ETH.
    pub decimals: u8,
    /// Its issuer can stop it or shut out an account: a lock of it can be stuck past its timelock.
    pub freezable: bool,
}

/// All assets of one node: symbols and ids are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets(Vec<Asset>);

/// Why there is no such asset or amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// No asset of this name.
    #[error(
        "unknown asset {got:?}: this node knows {known}; add it to the configuration or check the spelling"
    )]
    Unknown {
        /// What came.
        got: String,
        /// The symbols there are.
        known: String,
    },
    /// Not a number followed by a symbol.
    #[error("expected an amount and its asset such as 0.1btc or \"12.5 USDX\", got {got:?}")]
    Form {
        /// What came.
        got: String,
    },
    /// Not two different assets.
    #[error("expected two different assets such as btc/eth, got {got:?}")]
    Pair {
        /// What came.
        got: String,
    },
    /// The number is none, or too precise, or too large.
    #[error("{symbol}: {why}")]
    Amount {
        /// The asset.
        symbol: String,
        /// What is wrong with the number.
        why: ParseAmountError,
    },
    /// An amount of nothing cannot be swapped.
    #[error("expected more than 0 {symbol}")]
    Zero {
        /// The asset.
        symbol: String,
    },
    /// A symbol that nobody could type behind a number.
    #[error("{got:?} is no symbol: expected a letter and then at most {most} letters or digits", most = MAX_SYMBOL - 1)]
    Symbol {
        /// What came.
        got: String,
    },
    /// More decimals than anything has.
    #[error("{symbol}: expected at most {MAX_DECIMALS} decimals, got {got}")]
    Decimals {
        /// The asset.
        symbol: String,
        /// What came.
        got: u8,
    },
    /// Two assets of one name, or one asset twice.
    #[error("{what} stands for two assets: give each symbol and each id once")]
    Twice {
        /// The symbol or the id.
        what: String,
    },
    /// Too many assets.
    #[error("expected at most {MAX_ASSETS} assets, got {0}")]
    TooMany(usize),
}

impl Assets {
    /// The registry of these assets. Symbols are kept in capitals.
    pub fn new(list: Vec<Asset>) -> Result<Self, AssetError> {
        if list.len() > MAX_ASSETS {
            return Err(AssetError::TooMany(list.len()));
        }
        let mut known: Vec<Asset> = Vec::with_capacity(list.len());
        for mut asset in list {
            if !is_symbol(&asset.symbol) {
                return Err(AssetError::Symbol {
                    got: short(&asset.symbol),
                });
            }
            asset.symbol.make_ascii_uppercase();
            if asset.decimals > MAX_DECIMALS {
                return Err(AssetError::Decimals {
                    symbol: asset.symbol,
                    got: asset.decimals,
                });
            }
            if known.iter().any(|a| a.symbol == asset.symbol) {
                return Err(AssetError::Twice { what: asset.symbol });
            }
            if known.iter().any(|a| a.id == asset.id) {
                return Err(AssetError::Twice {
                    what: asset.id.to_string(),
                });
            }
            known.push(asset);
        }
        Ok(Self(known))
    }

    /// All assets, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.0.iter()
    }

    /// The asset of this symbol, in capitals or not.
    pub fn by_symbol(&self, symbol: &str) -> Result<&Asset, AssetError> {
        let found = self.0.iter().find(|a| a.symbol.eq_ignore_ascii_case(symbol));
        found.ok_or_else(|| self.unknown(symbol))
    }

    /// The asset of this id.
    pub fn by_id(&self, id: &AssetId) -> Result<&Asset, AssetError> {
        let found = self.0.iter().find(|a| a.id == *id);
        found.ok_or_else(|| self.unknown(id.as_str()))
    }

    /// Reads an amount in whole units and its symbol: `0.1btc`, `2eth`, `12.5 USDX`. Never rounds; nothing is refused.
    pub fn parse(&self, text: &str) -> Result<(AssetId, Amount), AssetError> {
        let form = || AssetError::Form { got: short(text) };
        let trimmed = text.trim();
        if trimmed.len() > MAX_TEXT {
            return Err(form());
        }
        let at = trimmed.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(form)?;
        let (number, symbol) = trimmed.split_at(at);
        let number = number.trim_end();
        if number.is_empty() {
            return Err(form());
        }
        // What can be no symbol is a slip of the form, not an unknown asset.
        if !is_symbol(symbol) {
            return Err(form());
        }
        let asset = self.by_symbol(symbol)?;
        let amount = Amount::parse_units(number, asset.decimals).map_err(|why| AssetError::Amount {
            symbol: asset.symbol.clone(),
            why,
        })?;
        if amount == Amount::ZERO {
            return Err(AssetError::Zero {
                symbol: asset.symbol.clone(),
            });
        }
        Ok((asset.id.clone(), amount))
    }

    /// The amount as it goes over the RPC. An asset that is configured no more is named by its id, its amount given in
    /// smallest units.
    #[must_use]
    pub fn money(&self, id: &AssetId, amount: Amount) -> AssetAmount {
        match self.by_id(id) {
            Ok(asset) => AssetAmount {
                amount: amount.display_units(asset.decimals),
                symbol: asset.symbol.clone(),
            },
            Err(_) => AssetAmount {
                amount: amount.to_string(),
                symbol: format!("units of {id}"),
            },
        }
    }

    /// The amount as people read it, such as `0.1 BTC`.
    #[must_use]
    pub fn show(&self, id: &AssetId, amount: Amount) -> String {
        self.money(id, amount).to_string()
    }

    fn unknown(&self, got: &str) -> AssetError {
        let known: Vec<_> = self.0.iter().map(|a| a.symbol.as_str()).collect();
        AssetError::Unknown {
            got: short(got),
            known: if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            },
        }
    }
}

/// Whether a text can stand behind a number as a symbol.
fn is_symbol(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MAX_SYMBOL
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric())
}

/// As much of a foreign text as belongs into a message.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(symbol: &str, id: &str, decimals: u8) -> Asset {
        Asset {
            symbol: symbol.into(),
            id: AssetId::new(id).unwrap(),
            decimals,
            freezable: false,
        }
    }

    fn assets() -> Assets {
        Assets::new(vec![
            asset("BTC", "bip122:a/slip44:0", 8),
            asset("eth", "eip155:31337/slip44:60", 18),
            asset("USDX", "eip155:31337/erc20:0x01", 6),
        ])
        .unwrap()
    }

    #[test]
    fn amounts_are_read_and_printed_in_the_units_of_their_asset() {
        for (text, units, printed) in [
            ("0.1btc", 10_000_000, "0.1 BTC"),
            ("2eth", 2_000_000_000_000_000_000, "2 ETH"),
            ("12.5 USDX", 12_500_000, "12.5 USDX"),
            ("  .5 uSdX ", 500_000, "0.5 USDX"),
        ] {
            let (id, amount) = assets().parse(text).unwrap();
            assert_eq!(amount, Amount::new(units), "{text:?}");
            assert_eq!(assets().show(&id, amount), printed);
            assert_eq!(assets().parse(printed), Ok((id, amount)));
        }
    }

    #[test]
    fn an_unknown_asset_is_named_beside_those_that_are_known() {
        let error = assets().parse("1doge").unwrap_err();
        let expected = AssetError::Unknown {
            got: "doge".into(),
            known: "BTC, ETH, USDX".into(),
        };
        assert_eq!(error, expected);
    }

    #[test]
    fn what_is_no_amount_of_an_asset_is_refused() {
        for text in [
            "",
            "btc",
            "1",
            "-1btc?",
            "1e3 btc",
            "1 btc eth",
            "btc1",
            "1\u{a0}b tc",
        ] {
            let error = assets().parse(text).unwrap_err();
            assert!(matches!(error, AssetError::Form { .. }), "{text:?}: {error:?}");
        }
        let long = format!("{}btc", "1".repeat(200));
        assert!(matches!(assets().parse(&long), Err(AssetError::Form { .. })));
        for text in ["-1btc", "1,5btc", "0.123456789btc", "1..2btc"] {
            let error = assets().parse(text).unwrap_err();
            assert!(matches!(error, AssetError::Amount { .. }), "{text:?}: {error:?}");
        }
        assert_eq!(
            assets().parse("0.0btc"),
            Err(AssetError::Zero { symbol: "BTC".into() })
        );
    }

    #[test]
    fn no_symbol_and_no_id_stands_for_two_assets() {
        let twice = vec![
            asset("BTC", "bip122:a/slip44:0", 8),
            asset("btc", "bip122:b/slip44:0", 8),
        ];
        assert_eq!(Assets::new(twice), Err(AssetError::Twice { what: "BTC".into() }));
        let same = vec![
            asset("BTC", "bip122:a/slip44:0", 8),
            asset("XBT", "bip122:a/slip44:0", 8),
        ];
        let what = "bip122:a/slip44:0".into();
        assert_eq!(Assets::new(same), Err(AssetError::Twice { what }));
        assert!(matches!(
            Assets::new(vec![asset("1INCH", "eip155:1/erc20:0x02", 18)]),
            Err(AssetError::Symbol { .. })
        ));
    }

    #[test]
    fn an_asset_that_is_configured_no_more_is_still_printed() {
        let gone = AssetId::new("eip155:1/erc20:0x09").unwrap();
        assert_eq!(
            assets().show(&gone, Amount::new(5)),
            "5 units of eip155:1/erc20:0x09"
        );
    }
}

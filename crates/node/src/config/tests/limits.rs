//! Limits in the configuration.

use super::*;
use crate::limits::{AssetLimit, Limits};
use kofo_primitives::Amount;

fn limited() -> Config {
    let mut config = whole();
    config.limits = LimitConfig::usual(&config.assets());
    config.limits.push(LimitConfig {
        symbol: "USDX".into(),
        per_swap: None,
        per_hour: Some("0".into()),
        in_flight: None,
    });
    config
}

#[test]
fn limits_are_written_and_read_back_whole() {
    let config = limited();
    let symbols: Vec<_> = config.limits.iter().map(|limit| limit.symbol.as_str()).collect();
    assert_eq!(symbols, ["BTC", "EC", "ETH", "USDX"]);
    assert_eq!(parse(&config.to_toml()).unwrap(), config);
    // Whoever wrote no limits before there were any has none.
    assert_eq!(parse(&whole().to_toml()).unwrap().limits, []);
    let any_case = config.to_toml().replace("[limits.BTC]", "[limits.btc]");
    assert_eq!(parse(&any_case).unwrap().limits.len(), 4);
}

#[test]
fn the_example_of_limits_is_right() {
    let bare = |line: &str| {
        let keys = ["[limits.BTC]", "per_swap", "per_hour", "in_flight"];
        let bare = line
            .strip_prefix("# ")
            .filter(|bare| keys.iter().any(|key| bare.starts_with(key)));
        format!("{}\n", bare.unwrap_or(line))
    };
    let text: String = whole().to_toml().lines().map(bare).collect();
    assert_eq!(parse(&text).unwrap().limits[0].per_swap.as_deref(), Some("1"));
}

#[test]
fn a_limit_of_no_amount_or_no_asset_is_refused_by_its_name() {
    for (from, to, expected) in [
        ("[limits.BTC]", "[limits.DOGE]", "limits.DOGE"),
        ("per_swap = \"1\"", "per_swap = \"-1\"", "limits.BTC"),
        ("per_swap = \"1\"", "per_swap = 1", "expected a string"),
        ("per_swap = \"1\"", "per_day = \"1\"", "per_day"),
        ("[limits.ETH]", "[limits.btc]", "each asset once"),
    ] {
        let text = limited().to_toml();
        assert!(text.contains(from), "{from:?} is in the text");
        let refusal = parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{to:?}: {refusal}");
    }
}

#[test]
fn limits_are_in_the_units_that_people_write() {
    let config = limited();
    let limits = Limits::new(&config.limits, &config.assets()).unwrap();
    let btc = limits.of(&AssetId::new(&format!("{BITCOIN}/slip44:0")).unwrap());
    let most = |btc: u128| Some(Amount::new(btc * 100_000_000));
    let expected = AssetLimit {
        per_swap: most(1),
        per_hour: most(5),
        in_flight: most(5),
    };
    assert_eq!(btc, Some(expected));
}

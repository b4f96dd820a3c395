//! Prices as text.

use super::*;
use crate::assets::Asset;
use kofo_exchange::Wanted;
use kofo_primitives::{Amount, AssetId};

fn assets() -> Assets {
    let asset = |symbol: &str, decimals| Asset {
        symbol: symbol.into(),
        id: AssetId::new(&format!("sim:{0}/coin:{0}", symbol.to_lowercase())).unwrap(),
        decimals,
        freezable: false,
    };
    Assets::new(vec![asset("BTC", 8), asset("ETH", 18), asset("EC", 18)]).unwrap()
}

const GOOD: &str = r#"{"pair":"BTC/ETH","price":"16","spread_bps":100,"least":"0.001","most":"1"}"#;

#[test]
fn a_bad_line_is_told_with_its_number_and_stops_no_good_one() {
    let long = format!(r#"{{"pair":"{}"}}"#, "x".repeat(2_000));
    let text = [
        r#"{"pair":"BTC/EC","price":16.2,"least":"1","most":"1"}"#,
        GOOD,
        "",
        r#"{"pair":"ETH/EC","price":"1","least":"1","most":"2","spread":1}"#,
        r#"{"pair":"ETH/DOGE","price":"1","least":"1","most":"2"}"#,
        r#"{"pair":"ETH/EC","price":"x","least":"1","most":"2"}"#,
        r#"{"pair":"ETH/EC","price":"1","least":"0","most":"2"}"#,
        r#"{"pair":"eth/btc","price":"1","least":"1","most":"2"}"#,
        long.as_str(),
        "{",
        r#"{"pair":"ETH/EC","price":"2","least":"1","most":"2"}"#,
    ]
    .join("\n");
    let lines = read_prices(text.as_bytes(), 5, &assets());
    let pairs: Vec<_> = lines.good.iter().map(|row| row.quote.to_string()).collect();
    assert_eq!(pairs, ["sim:eth/coin:eth", "sim:ec/coin:ec"]);
    let told: Vec<_> = lines.bad.iter().map(ToString::to_string).collect();
    let expected = [
        (
            "line 1: ",
            "expected one JSON object such as {\"pair\":\"BTC/ETH\"",
        ),
        ("line 4: ", "spread"),
        ("line 5: ", "unknown asset"),
        ("line 6: ", "above 0"),
        ("line 7: ", "more than 0"),
        ("line 8: ", "each pair once"),
        ("line 9: ", "at most 1024 bytes"),
        ("line 10: ", "expected one JSON object"),
    ];
    assert_eq!(
        (told.len(), lines.bad_count),
        (expected.len(), expected.len()),
        "{told:?}"
    );
    for ((line, why), told) in expected.iter().zip(&told) {
        assert!(told.starts_with(line) && told.contains(why), "{told}");
    }
}

#[test]
fn a_price_is_as_old_as_its_line_says_and_never_younger_than_its_text() {
    let at = |as_of: &str| {
        let line = GOOD.replace('}', &format!("{as_of}}}"));
        read_prices(line.as_bytes(), 1_000, &assets()).good[0].as_of_ms
    };
    assert_eq!(at(""), Some(1_000));
    assert_eq!(at(",\"as_of_ms\":7"), Some(7));
    assert_eq!(at(",\"as_of_ms\":99999999999999"), Some(1_000));
}

#[test]
fn each_row_quotes_to_either_side_and_both_pay_the_spread() {
    let row = read_prices(GOOD.as_bytes(), 1_000, &assets()).good;
    let (table, refused) = table(&[], &row, 500);
    assert_eq!(refused, []);
    let (btc, eth) = assets().pair("btc/eth").unwrap();
    let quote = |give: &AssetId, want: &AssetId, amount, now_ms| {
        let wanted = Wanted {
            give,
            want,
            amount: Amount::new(amount),
            limit: None,
            least: None,
            most: None,
        };
        table
            .quote(&wanted, now_ms)
            .map(|quotation| quotation.want.units())
    };
    assert_eq!(
        quote(&btc, &eth, 100_000_000, 1_200),
        Some(15_840_000_000_000_000_000)
    );
    assert_eq!(
        quote(&eth, &btc, 16_000_000_000_000_000_000, 1_200),
        Some(99_000_000)
    );
    assert_eq!(quote(&btc, &eth, 200_000_000, 1_200), None, "more than the most");
    assert_eq!(quote(&btc, &eth, 1, 1_200), None, "less than the least");
    assert_eq!(quote(&btc, &eth, 100_000_000, 1_500), None, "stale");
}

#[test]
fn a_fed_price_stands_before_a_fixed_one_which_is_never_stale() {
    let fixed: PriceLine = serde_json::from_str(&GOOD.replace("\"16\"", "\"10\"")).unwrap();
    let fixed = fixed.read(&assets()).unwrap();
    let (btc, eth) = assets().pair("btc/eth").unwrap();
    let (alone, _) = table(std::slice::from_ref(&fixed), &[], 500);
    assert_eq!(alone.get(&btc, &eth).unwrap().fresh().until_ms(), u64::MAX);
    let fed = read_prices(GOOD.as_bytes(), 1_000, &assets()).good;
    let (both, _) = table(&[fixed], &fed, 500);
    assert_eq!(both.get(&btc, &eth).unwrap().fresh().until_ms(), 1_500);
}

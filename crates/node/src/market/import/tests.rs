//! Books as text.

use super::*;
use crate::assets::Asset;
use kofo_primitives::{Amount, AssetId};

fn assets() -> Assets {
    let asset = |symbol: &str, decimals| Asset {
        symbol: symbol.into(),
        id: AssetId::new(&format!("sim:{0}/coin:{0}", symbol.to_lowercase())).unwrap(),
        decimals,
        freezable: false,
    };
    Assets::new(vec![asset("BTC", 8), asset("ETH", 18)]).unwrap()
}

const SELL: &str = r#"{"id":"7","pair":"BTC/ETH","side":"sell","price":"16","size":"0.5","least":"0.01"}"#;

fn read(text: &str) -> Lines<Order> {
    read_book(text.as_bytes(), &[1; 32], &assets())
}

#[test]
fn who_sells_takes_the_second_asset_and_who_buys_the_first() {
    let sell = read(SELL).good.remove(0);
    let (btc, eth) = assets().pair("btc/eth").unwrap();
    assert_eq!((&sell.takes, &sell.gives), (&eth, &btc));
    assert_eq!(sell.size, Amount::new(8_000_000_000_000_000_000));
    assert_eq!(sell.least, Some(Amount::new(160_000_000_000_000_000)));
    assert_eq!(sell.price.of(sell.size), Some(Amount::new(50_000_000)));

    let buy = read(&SELL.replace("sell", "buy")).good.remove(0);
    assert_eq!((&buy.takes, &buy.gives), (&btc, &eth));
    assert_eq!(
        (buy.size, buy.least),
        (Amount::new(50_000_000), Some(Amount::new(1_000_000)))
    );
    assert_eq!(buy.price.of(buy.size), Some(sell.size));
    assert_ne!(buy.id, sell.id);
}

#[test]
fn an_order_that_changed_is_another_one() {
    let id = |text: &str| read(text).good[0].id;
    for (from, to) in [("0.5", "0.4"), ("16", "17"), ("0.01", "0.02"), ("\"7\"", "\"8\"")] {
        assert_ne!(id(SELL), id(&SELL.replacen(from, to, 1)), "{to}");
    }
    let elsewhere = read_book(SELL.as_bytes(), &[2; 32], &assets()).good[0].id;
    assert_ne!(id(SELL), elsewhere);
    assert_eq!(id(SELL), id(&format!("\n  {SELL}\r\n")));
}

#[test]
fn a_bad_order_is_told_with_its_line_and_stops_no_good_one() {
    let wrong = [
        ("\"sell\"", "\"short\"", "expected one JSON object"),
        ("\"7\"", "\"\"", "id: expected 1 to 128 bytes"),
        ("0.01", "0.6", "least: expected at most 0.5"),
        ("\"0.5\"", "0.5", "expected one JSON object"),
        ("\"0.5\"", "\"0\"", "size: expected more than 0"),
        ("\"16\"", "\"-1\"", "price: expected a decimal number"),
        ("BTC/ETH", "BTC/BTC", "such as btc/eth"),
        ("\"side\"", "\"sided\"", "expected one JSON object"),
    ];
    let bad: Vec<_> = wrong
        .iter()
        .map(|(from, to, _)| SELL.replacen(from, to, 1))
        .collect();
    let text = format!("{}\n{SELL}\n{SELL}", bad.join("\n"));
    let lines = read(&text);
    assert_eq!(lines.good.len(), 1);
    assert_eq!(lines.bad_count, wrong.len() + 1);
    for (at, (_, to, why)) in wrong.iter().enumerate() {
        let told = lines.bad[at].to_string();
        assert!(
            told.starts_with(&format!("line {}: ", at + 1)) && told.contains(why),
            "{to}: {told}"
        );
    }
    assert!(lines.bad[wrong.len()].to_string().contains("each id once"));
}

#[test]
fn a_book_is_bounded_and_only_the_first_bad_lines_are_shown() {
    let many: Vec<_> = (0..MAX_BOOK_ORDERS + 30)
        .map(|n| SELL.replacen("\"7\"", &format!("\"{n}\""), 1))
        .collect();
    let lines = read(&many.join("\n"));
    assert_eq!(
        (lines.good.len(), lines.bad_count, lines.bad.len()),
        (MAX_BOOK_ORDERS, 30, 20)
    );
}

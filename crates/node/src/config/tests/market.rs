//! The market's part of the configuration.

use super::*;
use kofo_primitives::Seconds;

const PEER: &str = "/ip4/1.2.3.4/tcp/9000/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf";

fn dealing() -> Config {
    let line = |price: &str, as_of_ms| crate::market::PriceLine {
        pair: "BTC/ETH".into(),
        price: price.into(),
        spread_bps: 30,
        least: "0.001".into(),
        most: "1".into(),
        as_of_ms,
    };
    let limit = |symbol: &str, most: &str| InventoryLimit {
        symbol: symbol.into(),
        most: most.into(),
    };
    Config {
        role: NodeRole::Provider,
        peers: vec![PEER.into()],
        neighbours: 0,
        behind_nat: true,
        clearing: Some(ClearingConfig {
            genesis: "net/genesis.toml".into(),
            services: vec![PEER.into(), format!("{}@{PEER}", "ab".repeat(32))],
            paid: false,
        }),
        provider: ProviderConfig {
            reserve: Some(ReserveConfig {
                asset: "KOFO".into(),
                premium_bps: 25,
                most_fee: "0.5".into(),
                worth: vec![InventoryLimit {
                    symbol: "ETH".into(),
                    most: "1500".into(),
                }],
            }),
            quote_life: Seconds(20),
            stale_after: Seconds(7),
            price_source: Some(Source::File("my \"prices\".jsonl".into())),
            books: vec![
                Source::Url(Endpoint::new("http://127.0.0.1:1/book").unwrap()),
                Source::File("book.jsonl".into()),
            ],
            inventory: vec![limit("BTC", "2.5"), limit("ETH", "10")],
            prices: vec![line("16.2", None), line("16.3", Some(1))],
        },
        ..whole()
    }
}

#[test]
fn what_a_provider_deals_in_is_written_and_read_back_whole() {
    assert_eq!(parse(&dealing().to_toml()).unwrap(), dealing());
    let mut feed = dealing();
    feed.provider.price_source = Some(Source::Url(Endpoint::new("https://host/v1").unwrap()));
    feed.provider.books.clear();
    assert_eq!(parse(&feed.to_toml()).unwrap(), feed);
}

#[test]
fn the_examples_of_what_a_provider_may_add_are_right() {
    let text = whole().to_toml();
    let uncommented: String = text
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or_default();
            let example = ["[[provider.", "[provider.reserve", "[clearing]"]
                .iter()
                .any(|table| bare.starts_with(table))
                || [
                    "pair = ",
                    "price = ",
                    "spread_bps = ",
                    "least = ",
                    "most = ",
                    "file = \"book",
                    "ETH = ",
                    "asset = ",
                    "premium_bps = ",
                    "most_fee = ",
                    "genesis = ",
                    "services = ",
                    "paid = ",
                ]
                .iter()
                .any(|key| bare.starts_with(key));
            format!("{}\n", if example { bare } else { line })
        })
        .collect();
    let config = parse(&uncommented).unwrap();
    assert_eq!(config.provider.prices.len(), 1);
    assert_eq!(config.provider.books.len(), 1);
    assert_eq!(config.provider.inventory.len(), 1);
    assert_eq!(config.provider.reserve.unwrap().worth.len(), 1);
    assert!(config.clearing.unwrap().paid);
}

/// What stands in the valid text, what is put there, the key that is then named, and what is said of it.
#[rustfmt::skip]
const WRONG: [(&str, &str, &str, &str); 17] = [
    ("role = \"provider\"", "role = \"maker\"", "role", "\"wallet\", \"relay\" or \"provider\""),
    ("neighbours = 0", "neighbours = 33", "neighbours", "0 to 32"),
    ("services = [\"/ip4/1.2.3.4/tcp/9000/p2p/12D3", "services = [\"/ip4/1.2.3.4/tcp/9000/tcp/12D3", "clearing.services", "ends in a peer id"),
    ("premium_bps = 25", "premium_bps = 10001", "provider.reserve.premium_bps", "0 to 10000"),
    ("ETH = \"1500\"", "XYZ = \"1500\"", "provider.reserve.worth.XYZ", "XYZ"),
    ("peers = [\"/ip4/1.2.3.4/tcp/9000/p2p/12D3", "peers = [\"/ip4/1.2.3.4/tcp/9000/tcp/12D3", "peers", "ends in a peer id"),
    ("quote_life = 20", "quote_life = 61", "provider.quote_life", "1 to 60"),
    ("quote_life = 20", "quote_life = 0", "provider.quote_life", "1 to 60"),
    ("stale_after = 7", "stale_after = 0", "provider.stale_after", "1 to"),
    ("price_file = ", "price_url = \"http://a\"\nprice_file = ", "provider.price_file", "\"both\""),
    ("BTC = \"2.5\"", "DOGE = \"2.5\"", "provider.inventory.DOGE", "unknown asset"),
    ("BTC = \"2.5\"", "BTC = \"-1\"", "provider.inventory.BTC", "expected"),
    ("price = \"16.2\"", "price = \"0\"", "provider.price[0]", "above 0"),
    ("pair = \"BTC/ETH\"\nprice = \"16.3\"", "pair = \"BTC\"\nprice = \"16.3\"", "provider.price[1]", "such as btc/eth"),
    ("least = \"0.001\"", "least = \"2\"", "provider.price[0]", "at most 1"),
    ("spread_bps = 30", "spread_bps = 5001", "provider.price[0]", "0 to 5000"),
    ("file = \"book.jsonl\"", "", "provider.book[1]", "\"neither\""),
];

#[test]
fn a_wrong_value_of_the_market_is_refused_by_the_name_of_its_key() {
    let text = dealing().to_toml();
    for (from, to, key, expected) in WRONG {
        assert!(text.contains(from), "{from:?} is in the text");
        let said = parse(&text.replacen(from, to, 1));
        let said = said.expect_err(&format!("{to:?} is refused")).to_string();
        assert!(
            said.contains(&format!(" {key}: ")) && said.contains(expected),
            "{to}: {said}"
        );
    }
    let unknown = text.replacen("spread_bps = 30", "spread = 30", 1);
    assert!(parse(&unknown).unwrap_err().to_string().contains("spread"));
    let rounded = text.replacen("price = \"16.2\"", "price = 16.2", 1);
    assert!(parse(&rounded).is_err());
}

//! `kofo book`.

use crate::args::{BookArgs, Scope};
use crate::failure::Refused;
use crate::node::Node;
use crate::out::Out;
use kofo_cli::text::claim::{left, short};
use kofo_cli::text::table;
use kofo_node::config::{CONFIG_FILE, Config};
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{BookShown, LevelShown};
use kofo_primitives::Seconds;
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(scope: &Scope, out: &Out, args: BookArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    if let Some(pair) = args.pair {
        let book = node.answer(node.client.book_show(pair).await)?;
        return out.result(&book, text);
    }
    let book = node.answer(node.client.book_show(some_pair(&scope.data())?).await)?;
    out.result(&json!({ "pairs": book.pairs }), |_| pairs_text(&book.pairs))
}

/// Any pair of the node's assets: every book names all pairs too.
fn some_pair(data: &Path) -> anyhow::Result<String> {
    let assets = Config::load(data)?.assets();
    let symbols: Vec<_> = assets.iter().map(|asset| asset.symbol.as_str()).collect();
    let [one, other, ..] = symbols.as_slice() else {
        let message = format!(
            "expected a node of two assets or more, {} has {}: name them in it",
            CONFIG_FILE,
            symbols.len()
        );
        return Err(Refused { message, data: None }.into());
    };
    Ok(format!("{one}/{other}"))
}

fn pairs_text(pairs: &[String]) -> String {
    if pairs.is_empty() {
        return "no pairs: this node knows no two assets that are traded".to_owned();
    }
    format!(
        "{}\nsee one with `kofo book {}`",
        pairs.join("\n"),
        pairs[0].to_lowercase()
    )
}

fn text(book: &BookShown) -> String {
    let (first, second) = book.pair.split_once('/').unwrap_or((&book.pair, ""));
    let mut text = format!("{}: {second} for one {first}\n", book.pair);
    if book.asks.is_empty() && book.bids.is_empty() {
        text.push_str("nobody says that it trades this now; a claim asks all the same\n");
    } else {
        // The dearest ask on top, the best prices of both sides in the middle.
        let asks = book.asks.iter().rev().map(|level| row("sells", level));
        let bids = book.bids.iter().map(|level| row("buys", level));
        let rows: Vec<_> = asks.chain(bids).collect();
        let head = ["providers", "price", "size"];
        text.push_str(&format!("{}\n", table(&head, &[1, 2], &rows)));
    }
    if !book.listings.is_empty() {
        let mut makers: Vec<_> = book.listings.iter().map(|listing| listing.by.as_str()).collect();
        makers.sort_unstable();
        makers.dedup();
        text.push_str(&format!("\nproviders that list it: {}\n", makers.len()));
        let rows = book.listings.iter().map(|listing| {
            vec![
                listing.symbol.clone(),
                listing.asset.clone(),
                short(&listing.by),
                left(listing.expires_ms).unwrap_or(Seconds(0)).to_string(),
            ]
        });
        let head = ["symbol", "asset", "by", "holds for"];
        text.push_str(&format!("{}\n", table(&head, &[], &rows.collect::<Vec<_>>())));
    }
    text
}

fn row(side: &str, level: &LevelShown) -> Vec<String> {
    vec![side.to_owned(), level.price.clone(), level.size.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_node::rpc::types::{AssetAmount, ListingShown};

    fn level(price: &str, amount: &str) -> LevelShown {
        LevelShown {
            price: price.into(),
            size: AssetAmount {
                amount: amount.into(),
                symbol: "BTC".into(),
            },
        }
    }

    #[test]
    fn the_best_prices_of_both_sides_are_in_the_middle() {
        let listing = ListingShown {
            asset: "bip122:a/slip44:0".into(),
            symbol: "BTC".into(),
            decimals: 8,
            by: "ab".repeat(32),
            expires_ms: 0,
        };
        let book = BookShown {
            pair: "BTC/ETH".into(),
            asks: vec![level("16.3", "1"), level("16.5", "2")],
            bids: vec![level("16.1", "0.5"), level("16", "3")],
            listings: vec![listing.clone(), listing],
            pairs: vec![],
        };
        let shown = text(&book);
        let prices: Vec<_> = shown
            .lines()
            .skip(2)
            .take(4)
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            prices,
            [
                "sells 16.5 2 BTC",
                "sells 16.3 1 BTC",
                "buys 16.1 0.5 BTC",
                "buys 16 3 BTC"
            ]
        );
        assert!(shown.starts_with("BTC/ETH: ETH for one BTC\n"), "{shown}");
        assert!(shown.contains("providers that list it: 1\n"), "{shown}");
        let empty = BookShown {
            asks: vec![],
            bids: vec![],
            listings: vec![],
            ..book
        };
        assert!(text(&empty).contains("a claim asks all the same"));
    }

    #[test]
    fn pairs_say_how_to_see_one() {
        let text = pairs_text(&["BTC/ETH".into(), "BTC/EC".into()]);
        assert_eq!(text, "BTC/ETH\nBTC/EC\nsee one with `kofo book btc/eth`");
    }
}

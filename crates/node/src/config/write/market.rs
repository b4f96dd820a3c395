//! The market's part of the configuration, as text.

use super::super::Config;
use super::super::market::{
    ClearingConfig, MAX_NEIGHBOURS, MAX_QUOTE_LIFE, ProviderConfig, ReserveConfig, Source,
};
use super::super::page::{Page, quoted};
use super::path;

/// The keys that stand before all tables.
pub(super) fn part(out: &mut Page, config: &Config) {
    out.gap();
    out.note(
        "What this node does for others: wallet (nothing; it makes claims and direct offers), relay (passes",
    );
    out.note("claims and quotes on) or provider (passes them on, and quotes from its own funds).");
    out.note("`kofo node --role …` overrides it.");
    out.key("role", quoted(config.role.as_str()));
    out.gap();
    out.note("Peers to connect to first and always, each address with its peer id:");
    out.note("[\"/ip4/1.2.3.4/tcp/9000/p2p/12D3…\"]. Without any, and without one that finds you, no claim goes anywhere.");
    let peers: Vec<_> = config.peers.iter().map(|peer| quoted(peer)).collect();
    out.key("peers", format!("[{}]", peers.join(", ")));
    out.gap();
    out.note(&format!(
        "How many neighbours to look for, 0 to {MAX_NEIGHBOURS}. With 0: only the peers above, and whoever finds this node.",
    ));
    out.key("neighbours", config.neighbours);
    out.gap();
    out.note("true: nobody can connect to this node; it is then reached through those of its peers that are relays.");
    out.key("behind_nat", config.behind_nat);
}

pub(super) fn clearing(out: &mut Page, config: Option<&ClearingConfig>) {
    out.gap();
    out.note("The clearance layer: swaps with a fee, which validators make final. Without it, all swaps are free and between two.");
    let Some(config) = config else {
        for line in [
            "[clearing]",
            "genesis = \"genesis.toml\"",
            "services = []",
            "paid = true",
        ] {
            out.note(line);
        }
        return;
    };
    out.table(&["clearing"]);
    out.note("The network's genesis, relative to this folder. All of the network have this very file.");
    out.key("genesis", path(&config.genesis));
    out.note("Services of validators that the genesis does not name: \"<account>@/ip4/1.2.3.4/tcp/9000/p2p/12D3…\".");
    let services: Vec<_> = config.services.iter().map(|address| quoted(address)).collect();
    out.key("services", format!("[{}]", services.join(", ")));
    out.note(
        "true: where this node relays claims with a fee, its account is paid (if it has a relay's bond).",
    );
    out.key("paid", config.paid);
}

pub(super) fn provider(out: &mut Page, config: &ProviderConfig) {
    out.table(&["provider"]);
    out.note("What this node quotes if it is a provider; no other role reads it.");
    out.note(&format!(
        "How long a quote binds, in seconds, 1 to {}.",
        MAX_QUOTE_LIFE.0
    ));
    out.key("quote_life", config.quote_life.0);
    out.note(
        "Nothing is quoted from a price file, a price feed or an imported book that is older, in seconds.",
    );
    out.key("stale_after", config.stale_after.0);
    out.note("Prices from a file in this folder, which is read again when it changes, or from an HTTP server, which is");
    out.note(
        "asked twice a second. Each line is one JSON object, with \"as_of_ms\" if its age is not the file's:",
    );
    out.note(
        "{\"pair\":\"BTC/ETH\",\"price\":\"16.2\",\"spread_bps\":30,\"least\":\"0.001\",\"most\":\"1\"}",
    );
    match &config.price_source {
        Some(Source::File(file)) => out.key("price_file", path(file)),
        Some(Source::Url(url)) => out.key("price_url", quoted(url.as_str())),
        None => out.note("price_file = \"prices.jsonl\" or price_url = \"http://127.0.0.1:8080/prices\""),
    }
    out.table(&["provider", "inventory"]);
    out.note("How much of an asset may be promised at a time, in whole units. Without a limit: what the wallet has.");
    if config.inventory.is_empty() {
        out.note("ETH = \"10\"");
    }
    for limit in &config.inventory {
        out.key(&limit.symbol, quoted(&limit.most));
    }
    reserve(out, config.reserve.as_ref());
    prices(out, config);
    books(out, config);
}

fn reserve(out: &mut Page, config: Option<&ReserveConfig>) {
    out.gap();
    out.note("What stands behind quotes for claims with a fee: a part of this node's bond, in an asset of the ledger. The");
    out.note("premium (basis points of what an order is worth) is what a claimant pays that walks away. Worth: how much of");
    out.note("that asset one whole unit is worth of what is given; what has no line is not quoted for such claims. most_fee: the");
    out.note("most that this node pays of a fee whose claimant asks providers to share it.");
    let Some(config) = config else {
        for line in [
            "[provider.reserve]",
            "asset = \"KOFO\"",
            "premium_bps = 0",
            "most_fee = \"0\"",
            "[provider.reserve.worth]",
            "ETH = \"1500\"",
        ] {
            out.note(line);
        }
        return;
    };
    out.table(&["provider", "reserve"]);
    out.key("asset", quoted(&config.asset));
    out.key("premium_bps", config.premium_bps);
    out.key("most_fee", quoted(&config.most_fee));
    out.table(&["provider", "reserve", "worth"]);
    for one in &config.worth {
        out.key(&one.symbol, quoted(&one.most));
    }
}

fn prices(out: &mut Page, config: &ProviderConfig) {
    out.gap();
    out.note("Fixed prices, one table each: whole units of the second asset for one of the first. The spread is in");
    out.note("hundredths of a percent to either side; least and most are of the first asset, for one quote.");
    if config.prices.is_empty() {
        for line in [
            "[[provider.price]]",
            "pair = \"BTC/ETH\"",
            "price = \"16.2\"",
            "spread_bps = 30",
            "least = \"0.001\"",
            "most = \"1\"",
        ] {
            out.note(line);
        }
    }
    for price in &config.prices {
        out.tables(&["provider", "price"]);
        out.key("pair", quoted(&price.pair));
        out.key("price", quoted(&price.price));
        out.key("spread_bps", price.spread_bps);
        out.key("least", quoted(&price.least));
        out.key("most", quoted(&price.most));
        if let Some(as_of_ms) = price.as_of_ms {
            out.key("as_of_ms", as_of_ms);
        }
    }
}

fn books(out: &mut Page, config: &ProviderConfig) {
    out.gap();
    out.note("Order books to quote from, one table each, with a file or a url of JSON lines. What is no longer there");
    out.note(
        "is quoted no longer, within a second. A line (side: what the order does with the first asset):",
    );
    out.note("{\"id\":\"7\",\"pair\":\"BTC/ETH\",\"side\":\"sell\",\"price\":\"16.3\",\"size\":\"0.5\",\"least\":\"0.01\"}");
    if config.books.is_empty() {
        out.note("[[provider.book]]");
        out.note("file = \"book.jsonl\"");
    }
    for book in &config.books {
        out.tables(&["provider", "book"]);
        match book {
            Source::File(file) => out.key("file", path(file)),
            Source::Url(url) => out.key("url", quoted(url.as_str())),
        }
    }
}

//! A wallet and a provider on chains in memory: claims, quotes, books and neighbours.

use crate::daemon::{Daemon, new_node};
use crate::program::Home;
use serde_json::Value;
use std::time::{Duration, Instant};

const PRICES: &str = "
[[provider.price]]
pair = \"APPLE/PEAR\"
price = \"2\"
spread_bps = 100
least = \"0.1\"
most = \"5\"
";

/// What comes over the network comes within so long.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn edited(edit: impl Fn(&str) -> String) -> Home {
    let home = new_node();
    let path = home.data().join("kofo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, edit(&text)).unwrap();
    home
}

/// A provider that sells and buys apples for pears.
fn provider() -> Daemon {
    let home = edited(|text| {
        text.replace("role = \"wallet\"", "role = \"provider\"").replacen(
            "\n[chain.a]",
            &format!("{PRICES}\n[chain.a]"),
            1,
        )
    });
    Daemon::of(home)
}

/// A wallet that connects to a node.
fn wallet_beside(other: &Daemon) -> Daemon {
    let status = json(&other.home.run(&["status", "--json"]).done());
    let address = status["listen"][0].as_str().unwrap();
    Daemon::of(edited(|text| {
        text.replace("peers = []", &format!("peers = [\"{address}\"]"))
    }))
}

/// Asks again until it is so.
fn until(home: &Home, args: &[&str], holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = json(&home.run(args).done());
        if holds(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{args:?}: {now:#}");
        std::thread::sleep(POLL);
    }
}

/// Until the wallet knows that its neighbour is a provider.
fn met(home: &Home) -> Value {
    until(home, &["peers", "--json"], |peers| peers[0]["role"] == "provider")
}

#[test]
fn a_claim_is_quoted_shown_and_taken_back_by_commands() {
    let provider = provider();
    let wallet = wallet_beside(&provider);
    let home = &wallet.home;
    let peers = met(home);
    assert_eq!(peers[0]["direction"], "out");
    let shown = home.run(&["peers"]).done();
    assert!(
        shown.starts_with("peer ") && shown.contains("provider"),
        "{shown}"
    );
    assert_eq!(json(&home.run(&["status", "--json"]).done())["neighbours"], 1);
    assert_eq!(home.run(&["claim", "list"]).done(), "no claims\n");

    let claim = ["claim", "--give", "1apple", "--want", "1.9pear"];
    let made = home
        .run(&[&claim[..], &["--manual", "--no-wait"]].concat())
        .done();
    let id = made.trim();
    let quoted = until(home, &["quotes", id, "--json"], |claim| {
        !claim["quotes"][0].is_null()
    });
    let quote = &quoted["quotes"][0];
    assert_eq!(
        quote["give"],
        serde_json::json!({"amount": "1", "symbol": "APPLE"})
    );
    assert_eq!(
        quote["want"],
        serde_json::json!({"amount": "1.98", "symbol": "PEAR"})
    );
    let hops = quote["path"].as_array().unwrap().len();
    assert_eq!(
        (hops, &quote["state"]),
        (1, &"open".into()),
        "its provider is a neighbour"
    );
    let shown = home.run(&["quotes", id]).done();
    for part in ["1.98 PEAR", "1.98 PEAR per APPLE", "     1  ", "open"] {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    home.run(&["quotes", id, "--select", "zz"])
        .refused(1, "fits 0 of 1");
    let list = home.run(&["claim", "list"]).done();
    assert!(
        list.contains(id) && list.contains("1 APPLE for at least 1.9 PEAR"),
        "{list}"
    );
    assert!(home.run(&["claim", "cancel", id]).done().contains("cancelled"));
    assert_eq!(
        json(&home.run(&["quotes", id, "--json"]).done())["state"],
        "cancelled"
    );
    let watched = home.run(&["claim", "watch", id]);
    assert_eq!(watched.code, Some(1), "{watched:?}");
    assert!(
        watched
            .stderr
            .contains("was cancelled before anything was filled"),
        "{watched:?}"
    );
}

#[test]
fn a_claim_that_nobody_answers_ends_with_1_and_says_what_to_do() {
    let provider = provider();
    let wallet = wallet_beside(&provider);
    met(&wallet.home);
    let dear = ["claim", "--give", "1apple", "--want", "3pear", "--expires", "4s"];
    let ended = wallet.home.run(&dear);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.starts_with("claim     "), "{ended:?}");
    assert!(
        ended.stderr.contains("no quote came") && ended.stderr.contains("want less than 3 PEAR"),
        "{ended:?}"
    );
}

#[test]
fn a_book_shows_what_a_provider_trades_and_the_pairs_there_are() {
    let provider = provider();
    let wallet = wallet_beside(&provider);
    let home = &wallet.home;
    met(home);
    let book = until(home, &["book", "apple/pear", "--json"], |book| {
        !book["asks"][0].is_null() && !book["bids"][0].is_null()
    });
    assert_eq!(
        (&book["pair"], &book["asks"][0]["price"]),
        (&"APPLE/PEAR".into(), &"2.02020202".into())
    );
    assert_eq!(book["bids"][0]["price"], "1.98");
    let shown = home.run(&["book", "apple/pear"]).done();
    assert!(shown.contains("sells") && shown.contains("buys"), "{shown}");
    assert!(home.run(&["book"]).done().contains("APPLE/PEAR"));
    home.run(&["book", "apple"]).refused(1, "such as btc/eth");
    home.run(&["book", "apple/doge"])
        .refused(1, "unknown asset \"doge\"");
}

#[test]
fn a_claim_that_cannot_be_is_refused_and_leaves_none_behind() {
    let node = Daemon::start();
    let home = &node.home;
    assert!(home.run(&["peers"]).done().contains("no neighbours"));
    let give = ["claim", "--give", "1apple", "--want"];
    for (rest, said) in [
        (vec!["1apple"], "expected another asset than APPLE"),
        (vec!["1doge"], "unknown asset \"doge\""),
        (vec!["1pear", "--partial", "2apple"], "at most 1 APPLE"),
        (vec!["1pear", "--partial", "1pear"], "at most 1 APPLE"),
        (vec!["1pear", "--expires", "1h"], "expected 1 to 600 seconds"),
        (vec!["1pear", "--pay-to", "a b"], "expected an address"),
        (
            vec!["1pear", "--fee", "0.1pear"],
            "fees need the clearance layer, which this node does not run: ask with fee none",
        ),
        (vec!["1pear"], "neighbour"),
    ] {
        home.run(&[&give[..], &rest].concat()).refused(1, said);
    }
    assert_eq!(home.run(&["claim", "list"]).done(), "no claims\n");
    let unknown = "ab".repeat(32);
    for args in [
        ["quotes", &unknown].as_slice(),
        &["claim", "cancel", &unknown],
        &["claim", "watch", &unknown],
    ] {
        home.run(args)
            .refused(1, "of ours\n  to do: see `kofo claim list`");
    }
}

#[test]
fn a_role_on_the_command_line_ranks_above_the_configuration() {
    let provider = Daemon::running(
        edited(|text| text.replace("role = \"wallet\"", "role = \"provider\"")),
        &["node", "--role", "relay"],
        "ready: rpc http://127.0.0.1:",
    );
    assert_eq!(
        json(&provider.home.run(&["status", "--json"]).done())["role"],
        "relay"
    );
    assert!(
        provider
            .home
            .run(&["status"])
            .done()
            .contains("role    relay, neighbours: 0")
    );
}

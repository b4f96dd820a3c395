//! Payments out of the wallet by command, on chains in memory.

use crate::daemon::Daemon;
use serde_json::Value;
use std::time::{Duration, Instant};

const ID: &str = "0909090909090909090909090909090909090909090909090909090909090909";

/// What the wallet has, in smallest units.
fn apples(daemon: &Daemon) -> u64 {
    let balances = daemon.home.run(&["wallet", "balance", "--json"]).done();
    let balances: Value = serde_json::from_str(&balances).unwrap();
    let balances = balances.as_array().unwrap().iter();
    let mut amounts = balances.map(|balance| &balance["spendable"]);
    let apples = amounts.find(|spendable| spendable["symbol"] == "APPLE").unwrap();
    let text = apples["amount"].as_str().unwrap();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<8}").parse().unwrap()
}

fn send(daemon: &Daemon, more: &[&str]) -> crate::program::Ended {
    let args = ["wallet", "send", "--asset", "apple", "--to", "sim:a/account/7"];
    let args: Vec<_> = args.iter().chain(more).copied().collect();
    daemon.home.run(&args)
}

#[test]
fn a_payment_is_shown_agreed_to_and_paid_once() {
    let daemon = Daemon::start();
    let before = apples(&daemon);
    let tried = send(&daemon, &["--amount", "0.5", "--dry-run", "--json"]).done();
    let tried: Value = serde_json::from_str(&tried).unwrap();
    assert_eq!(tried["state"], "tried");
    assert_eq!(tried["amount"]["amount"], "0.5");
    send(&daemon, &["--amount", "0.5"]).refused(2, "say --yes");
    let paid = send(&daemon, &["--amount", "0.5", "--yes", "--id", ID]).done();
    assert!(paid.contains("pays 0.5 APPLE to sim:a/account/7"), "{paid}");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let again = send(&daemon, &["--amount", "0.5", "--yes", "--id", ID, "--json"]).done();
        let again: Value = serde_json::from_str(&again).unwrap();
        if again["state"] == "in_block" {
            break;
        }
        assert!(Instant::now() < deadline, "{again}");
    }
    let lost = before - apples(&daemon);
    assert!((50_000_000..51_000_000).contains(&lost), "{lost}");
    send(&daemon, &["--amount", "0.6", "--yes", "--id", ID]).refused(1, "names another payment");
    send(&daemon, &["--amount", "99999999999", "--yes"]).refused(1, "the wallet has");
    send(&daemon, &["--amount", "0", "--yes"]).refused(1, "more than 0");
    daemon
        .home
        .run(&[
            "wallet", "send", "--asset", "apple", "--to", "nobody", "--amount", "1", "--yes",
        ])
        .refused(1, "an address like sim:a/account/7");
    assert_eq!(before - apples(&daemon), lost);
}

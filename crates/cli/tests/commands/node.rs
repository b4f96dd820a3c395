//! With a node.

use crate::daemon::{Daemon, new_node};
use serde_json::Value;
use std::process::{Command, Stdio};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_node_is_asked_and_told_by_commands_and_stops_when_told() {
    let daemon = Daemon::start();
    let home = &daemon.home;
    let status = json(&home.run(&["status", "--json"]).done());
    assert_eq!(status["network"], "kofo-sim");
    assert_eq!(status["chains"].as_array().unwrap().len(), 2);
    let balance = home.run(&["wallet", "balance"]).done();
    assert!(
        balance.contains(" APPLE\n") && balance.contains(" PEAR"),
        "{balance}"
    );
    assert!(!home.run(&["wallet", "address", "apple"]).done().trim().is_empty());
    assert_eq!(home.run(&["swap", "list"]).done(), "no offers and no swaps\n");

    let file = home.path().join("offer.kofo");
    let made = home.run(&[
        "swap",
        "offer",
        "--give",
        "0.1apple",
        "--want",
        "2 PEAR",
        "--file",
        file.to_str().unwrap(),
        "--json",
    ]);
    let made = json(&made.done());
    let (id, uri) = (made["id"].as_str().unwrap(), made["uri"].as_str().unwrap());
    assert!(uri.starts_with("kofo:offer1"), "{uri}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{uri}\n"));
    assert!(
        home.run(&["swap", "list", "--live"])
            .done()
            .contains("0.1 APPLE for 2 PEAR")
    );
    home.run(&["swap", "accept", file.to_str().unwrap()])
        .refused(1, "error: ");
    home.run(&["swap", "refund", id])
        .refused(1, "nothing of ours is locked");
    assert!(home.run(&["swap", "abort", id]).done().contains("aborted"));
    assert_eq!(
        json(&home.run(&["swap", "show", id, "--json"]).done())["outcome"],
        "aborted"
    );
    let watched = home.run(&["swap", "watch", id, "--json"]).done();
    assert_eq!(json(watched.lines().last().unwrap())["outcome"], "aborted");

    home.run(&["stop"]).done();
    let (status, home) = daemon.ended();
    assert!(status.success(), "{status}");
    home.run(&["status"]).refused(3, "no node runs");
}

#[test]
fn what_is_malformed_altered_or_unknown_is_refused_and_changes_nothing() {
    let daemon = Daemon::start();
    let home = &daemon.home;
    let before = home.run(&["swap", "list", "--json"]).done();
    for (give, want, said) in [
        (
            "1doge",
            "1pear",
            "unknown asset \"doge\": this node knows APPLE, PEAR",
        ),
        ("1,5apple", "1pear", "expected a decimal number"),
        ("0.123456789apple", "1pear", "9 digits behind the point"),
        ("0apple", "1pear", "expected more than 0 APPLE"),
        ("apple", "1pear", "expected an amount and its asset"),
        ("99999999999apple", "1pear", "error: "),
    ] {
        home.run(&["swap", "offer", "--give", give, "--want", want])
            .refused(1, said);
    }
    let offer = [
        "swap",
        "offer",
        "--give",
        "1apple",
        "--want",
        "1pear",
        "--expires",
    ];
    home.run(&[&offer[..], &["30d"]].concat())
        .refused(1, "expires_in: expected 1 to 604800 seconds");
    for (offer, said) in [
        ("kofo:offer1", "error: "),
        ("kofo:offer1AAAA", "error: "),
        ("kofo:offer9AAAA", "error: "),
        ("no-such-file", "expected an offer (kofo:…) or a file with one"),
    ] {
        home.run(&["swap", "accept", offer]).refused(1, said);
    }
    let unknown = "ab".repeat(32);
    for verb in ["show", "watch", "abort", "refund"] {
        home.run(&["swap", verb, &unknown])
            .refused(1, "see `kofo swap list`");
    }
    home.run(&["wallet", "address", "doge"])
        .refused(1, "unknown asset");
    home.run(&["status", "--network", "kofo-main"])
        .refused(1, "expected a node of network kofo-main");
    assert_eq!(home.run(&["swap", "list", "--json"]).done(), before);
}

#[test]
fn a_second_node_a_wrong_passphrase_and_a_wrong_network_do_not_start() {
    let daemon = Daemon::start();
    daemon.home.run(&["node"]).refused(1, "a node runs already");
    daemon.home.run(&["status"]).done();
    let home = new_node();
    home.run(&["node", "--network", "kofo-main"])
        .refused(1, "expected a node of network kofo-main");
    std::fs::write(home.path().join("passphrase"), "wrong horse\n").unwrap();
    home.run(&["node"]).refused(1, "the passphrase does not open");
    let keystore = home.data().join("keystore.json");
    let text = std::fs::read_to_string(&keystore).unwrap();
    std::fs::write(&keystore, text.replace("kofo-sim", "kofo-sym")).unwrap();
    home.run(&["node"]).refused(1, "was altered or damaged");
    std::fs::remove_dir_all(home.data().join("journal")).unwrap();
    std::fs::write(&keystore, text).unwrap();
    std::fs::write(home.path().join("passphrase"), "correct horse\n").unwrap();
    home.run(&["node"]).refused(1, "cannot open the journal");
}

#[test]
fn a_node_that_is_terminated_ends_in_order_and_one_that_is_killed_starts_again() {
    let daemon = Daemon::start();
    signal(&daemon, "TERM");
    let (status, home) = daemon.ended();
    assert!(status.success(), "{status}");
    assert!(!home.data().join("node.json").exists());

    let daemon = Daemon::of(home);
    let made = daemon
        .home
        .run(&["swap", "offer", "--give", "1apple", "--want", "1pear", "--json"])
        .done();
    signal(&daemon, "KILL");
    let (status, home) = daemon.ended();
    assert!(!status.success(), "{status}");
    let daemon = Daemon::of(home);
    let shown = daemon
        .home
        .run(&["swap", "show", json(&made)["id"].as_str().unwrap(), "--json"])
        .done();
    assert_eq!(json(&shown)["state"], "offered");
}

#[test]
fn an_audit_says_that_all_is_as_written_or_that_it_is_not_and_wants_the_node_stopped() {
    let daemon = Daemon::start();
    let offer = ["swap", "offer", "--give", "1apple", "--want", "1pear"];
    daemon.home.run(&offer).done();
    daemon.home.run(&["audit"]).refused(1, "is in use");
    daemon.home.run(&["stop"]).done();
    let (_, home) = daemon.ended();
    let clean = json(&home.run(&["audit", "--json"]).done());
    assert_eq!(
        (&clean["finding"], &clean["records"]),
        (&Value::Null, &Value::from(1))
    );

    let files = std::fs::read_dir(home.data().join("journal")).unwrap();
    let file = files
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "redb"));
    let file = file.expect("the journal's file");
    let mut bytes = std::fs::read(&file).unwrap();
    // Past the database's own header, so that it opens and what is in it is judged.
    bytes
        .iter_mut()
        .skip(8192)
        .step_by(512)
        .for_each(|byte| *byte ^= 1);
    std::fs::write(&file, &bytes).unwrap();
    let altered = home.run(&["audit"]);
    let said = altered.stderr.contains("the journal is not as it was written")
        && !altered.stderr.contains("panicked");
    assert!(altered.code == Some(1) && said, "{altered:?}");
}

fn signal(daemon: &Daemon, name: &str) {
    // The shell's own kill: the program of that name is not on every machine.
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", daemon.pid())])
        .stderr(Stdio::null())
        .status();
    assert!(sent.unwrap().success());
}

//! Backup and restore by command, on chains in memory.

use crate::daemon::{Daemon, on_chains_in_memory};
use crate::program::{Ended, Home};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

fn with_words(home: &Home, args: &[&str], words: &str) -> Ended {
    let mut child = home
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended already, without reading.
    let _unread = child.stdin.take().unwrap().write_all(words.as_bytes());
    Ended::from(child.wait_with_output().unwrap())
}

fn restore(home: &Home, from: &Path, words: &str) -> Ended {
    let from = from.to_str().unwrap();
    with_words(home, &["wallet", "restore", "--from", from], words)
}

#[test]
fn a_wiped_node_is_made_anew_from_its_words_and_its_backup_with_the_same_key_and_configuration() {
    let home = Home::new();
    with_words(&home, &["init", "--restore", "--network", "kofo-sim"], WORDS).done();
    on_chains_in_memory(&home);
    let file = home.path().join("kofo.backup");
    let daemon = Daemon::of(home);
    let status = |home: &Home| {
        let status = home.run(&["status", "--json"]).done();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        (status["node"].clone(), status["network"].clone())
    };
    let before = status(&daemon.home);
    let name = file.to_str().unwrap();
    let printed = daemon.home.run(&["wallet", "backup", name, "--json"]).done();
    assert!(printed.contains("\"swaps\":0"), "{printed}");
    let data = daemon.home.data();
    let config = std::fs::read_to_string(data.join("kofo.toml")).unwrap();
    restore(&daemon.home, &file, WORDS).refused(1, "there is a node already");
    daemon.home.run(&["stop"]).done();
    let (_, home) = daemon.ended();
    std::fs::remove_dir_all(&data).unwrap();
    restore(&home, &file, &WORDS.replace("art", "zoo")).refused(1, "do not belong together");
    let other = format!("{}vote", "zoo ".repeat(23));
    restore(&home, &file, &other).refused(1, "these words do not open the backup");
    restore(&home, &home.path().join("passphrase"), WORDS).refused(1, "no backup of a kofo node");
    restore(&home, &home.path().join("nothing"), WORDS).refused(1, "cannot read the backup");
    assert!(!data.exists());
    assert_eq!(restore(&home, &file, WORDS).done().trim(), "0 swaps");
    let restored = std::fs::read_to_string(data.join("kofo.toml")).unwrap();
    for line in config.lines().filter(|line| !line.starts_with('#')) {
        assert!(restored.contains(line), "{line}");
    }
    let daemon = Daemon::of(home);
    assert_eq!(status(&daemon.home), before);
}

#[test]
fn a_wallet_is_new_once() {
    let home = Home::new();
    let words = home.run(&["wallet", "new"]).done();
    assert_eq!(words.split_whitespace().count(), 24);
    home.run(&["wallet", "new"]).refused(1, "there is a node already");
}

#[test]
fn a_running_node_asks_for_its_records_and_says_who_gave_none() {
    let home = Home::new();
    with_words(&home, &["init", "--restore", "--network", "kofo-sim"], WORDS).done();
    on_chains_in_memory(&home);
    let ask = |home: &Home, from: &[&str]| {
        let from = from.iter().flat_map(|from| ["--from", from]);
        home.run(&["wallet", "restore"].into_iter().chain(from).collect::<Vec<_>>())
    };
    let peer = "/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
    let nobody = format!("/ip4/127.0.0.1/tcp/9{peer}");
    ask(&home, &[&nobody]).refused(3, "no node runs");
    ask(&home, &["one.backup", "two.backup"]).refused(2, "expected one file, or addresses");
    ask(&home, &["one.backup", &nobody]).refused(2, "expected one file, or addresses");
    let daemon = Daemon::of(home);
    ask(&daemon.home, &[&nobody]).refused(1, "nobody gave a record");
    ask(&daemon.home, &[&nobody]).refused(1, "it cannot be asked");
    let wrong = format!("/nowhere{peer}");
    ask(&daemon.home, &[&wrong]).refused(1, "expected addresses such as");
}

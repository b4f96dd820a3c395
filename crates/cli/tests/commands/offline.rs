//! Without a node.

use crate::program::Home;
use std::io::Write;
use std::process::Stdio;

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

#[test]
fn help_is_a_result_and_has_an_example() {
    let home = Home::new();
    for args in [
        vec!["--help"],
        vec!["init", "--help"],
        vec!["node", "--help"],
        vec!["swap", "--help"],
        vec!["swap", "offer", "--help"],
        vec!["swap", "accept", "--help"],
        vec!["wallet", "address", "--help"],
        vec!["wallet", "new", "--help"],
        vec!["wallet", "backup", "--help"],
        vec!["wallet", "restore", "--help"],
        vec!["claim", "--help"],
        vec!["claim", "cancel", "--help"],
        vec!["quotes", "--help"],
        vec!["book", "--help"],
        vec!["peers", "--help"],
        vec!["genesis", "new", "--help"],
        vec!["validator", "init", "--help"],
        vec!["validator", "run", "--help"],
        vec!["bond", "--help"],
        vec!["reward", "collect", "--help"],
        vec!["ledger", "account", "--help"],
        vec!["order", "show", "--help"],
        vec!["order", "prove", "--help"],
    ] {
        let help = home.run(&args).done();
        assert!(
            help.contains("Usage: kofo") && help.contains("Example:\n"),
            "{args:?}: {help}"
        );
    }
    assert!(home.run(&["--version"]).done().starts_with("kofo 0."));
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_was_expected() {
    let home = Home::new();
    let id = "0".repeat(63);
    for (args, said) in [
        (vec![], "Usage"),
        (vec!["swop"], "unrecognized subcommand"),
        (vec!["swap", "show", &id], "expected 64 hexadecimal digits"),
        (vec!["swap", "offer", "--give", "1btc"], "--want"),
        (vec!["swap", "list", "--limit", "101"], "1..=100"),
        (
            vec![
                "swap",
                "offer",
                "--give",
                "1btc",
                "--want",
                "1eth",
                "--expires",
                "soon",
            ],
            "such as 30m",
        ),
        (vec!["claim"], "--give <AMOUNT>"),
        (vec!["claim", "--give", "1btc"], "--want <AMOUNT>"),
        (vec!["claim", "cancel", "3f0c"], "expected 64 hexadecimal digits"),
        (
            vec!["claim", "--give", "1btc", "--want", "1eth", "--expires", "60"],
            "such as 30m",
        ),
        (
            vec!["claim", "--give", "1btc", "--want", "1eth", "--max-hops", "9"],
            "1..=8",
        ),
        (
            vec!["claim", "--give", "1btc", "--want", "1eth", "--wait", "--no-wait"],
            "cannot be used with",
        ),
        (vec!["quotes"], "<ID>"),
        (vec!["bond", "5kofo"], "--as <provider|relay>"),
        (vec!["bond", "5kofo", "--as", "bank"], "provider, relay"),
        (vec!["delegate", "alice", "5kofo"], "64 hexadecimal digits"),
        (vec!["order", "prove"], "<ID>"),
        (
            vec![
                "claim",
                "--give",
                "1btc",
                "--want",
                "1eth",
                "--fee-payer",
                "split:0",
            ],
            "expected claimant, provider, or split:1 to split:9999",
        ),
        (vec!["genesis", "new"], "--validator <FILE>"),
        (
            vec!["genesis", "new", "--validator", "a", "--balance", "5kofo"],
            "expected KEY=AMOUNT",
        ),
        (
            vec!["node", "--role", "bank"],
            "expected \"wallet\", \"relay\" or \"provider\", got \"bank\"",
        ),
        (
            vec!["status", "--network", "kofo regtest"],
            "such as kofo-regtest",
        ),
        (vec!["status", "--log", "kofo=loud"], "expected a filter such as"),
    ] {
        home.run(&args).refused(2, said);
    }
}

#[test]
fn without_a_node_the_code_is_3_and_the_message_how_to_start_one() {
    let home = Home::new();
    for args in [
        vec!["status"],
        vec!["swap", "list"],
        vec!["wallet", "balance"],
        vec!["claim", "--give", "1btc", "--want", "1eth"],
        vec!["claim", "list"],
        vec!["quotes", &"0".repeat(64)],
        vec!["book"],
        vec!["book", "btc/eth"],
        vec!["peers"],
        vec!["bond", "5kofo", "--as", "relay"],
        vec!["reward"],
        vec!["ledger", "account"],
        vec!["order", "show", &"0".repeat(64)],
        vec!["order", "prove", &"0".repeat(64)],
        vec!["stop"],
    ] {
        home.run(&args).refused(3, "start it with `kofo node --data");
    }
    // A node that died left its files.
    std::fs::create_dir(home.data()).unwrap();
    let file = r#"{"rpc":"http://127.0.0.1:1","pid":1,"network":"kofo-regtest","peer_id":"x","listen":[]}"#;
    std::fs::write(home.data().join("node.json"), file).unwrap();
    std::fs::write(home.data().join("rpc.cookie"), "0".repeat(64)).unwrap();
    home.run(&["status"]).refused(3, "does not answer");
    std::fs::write(home.data().join("node.json"), "{").unwrap();
    home.run(&["status"]).refused(3, "is not what a node writes");
}

#[test]
fn init_shows_the_words_once_and_never_overwrites_a_node() {
    let home = Home::new();
    let words = home.run(&["init"]).done();
    assert_eq!(words.split_whitespace().count(), 24, "{words}");
    let config = std::fs::read_to_string(home.data().join("kofo.toml")).unwrap();
    assert!(
        config.contains("network = \"kofo-regtest\"\n") && config.contains("[chain.ethereum]"),
        "{config}"
    );
    let keystore = std::fs::read(home.data().join("keystore.json")).unwrap();
    home.run(&["init"]).refused(1, "there is a node already");
    assert_eq!(
        std::fs::read(home.data().join("keystore.json")).unwrap(),
        keystore
    );
}

#[test]
fn a_weak_or_missing_passphrase_makes_no_node() {
    let home = Home::new();
    std::fs::write(home.path().join("passphrase"), "short\n").unwrap();
    home.run(&["init"]).refused(1, "at least 8 characters, got 5");
    std::fs::remove_file(home.path().join("passphrase")).unwrap();
    home.run(&["init"]).refused(1, "KOFO_PASSPHRASE_FILE names it");
    assert!(!home.data().exists());
}

#[test]
fn words_restore_a_node_and_wrong_words_make_none() {
    let home = Home::new();
    let restore = |words: &str| {
        let mut child = home
            .command(&["init", "--restore"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
        crate::program::Ended::from(child.wait_with_output().unwrap())
    };
    restore("abandon art").refused(1, "expected 24 words, got 2");
    restore(&WORDS.replace("art", "artt")).refused(1, "word 24 is not in the English BIP-39 list");
    restore(&WORDS.replace("art", "zoo")).refused(1, "do not belong together");
    assert!(!home.data().exists());
    let printed = restore(WORDS).done();
    assert!(
        !printed.contains("abandon"),
        "the words are not shown again: {printed}"
    );
    assert!(home.data().join("keystore.json").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    for args in [vec!["init"], vec!["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = home
            .command(&args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(0), "{args:?}: {ended:?}");
    }
}

#[cfg(feature = "regtest")]
#[test]
fn a_regtest_that_is_not_up_is_a_plain_refusal() {
    let home = Home::new();
    let dir = home.path().join("regtest");
    let dir = dir.to_str().unwrap();
    for args in [
        vec!["regtest", "status"],
        vec!["regtest", "down"],
        vec!["regtest", "mine", "1"],
        vec!["regtest", "fund", "0x0000000000000000000000000000000000000001"],
    ] {
        let args: Vec<_> = args.into_iter().chain(["--dir", dir]).collect();
        home.run(&args).refused(1, "error: ");
    }
    home.run(&["init", "--regtest", "--regtest-dir", dir])
        .refused(1, "kofo regtest up");
    assert!(!home.data().exists());
    home.run(&["regtest", "mine", "0"]).refused(2, "1..=10000");
    home.run(&["regtest", "reorg", "1", "--chain", "dogecoin"])
        .refused(2, "expected bitcoin, ethereum or echoin");
}

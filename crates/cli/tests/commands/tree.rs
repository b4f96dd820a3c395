//! Every command there is: help with an example, JSON, exit codes, and no backtrace whatever it is told.

use crate::program::{Ended, Home};
use serde_json::Value;

const ID: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// What is asked of a node, a tower or a validator that does not run: each with arguments that are right.
const ASKS: &[&str] = &[
    "status",
    "stop",
    "top --once",
    "swap offer --give 1btc --want 1eth",
    "swap accept kofo:offer1AA",
    "swap list",
    "swap show ID",
    "swap watch ID",
    "swap abort ID",
    "swap approve ID",
    "swap decline ID",
    "swap refund ID",
    "claim --give 1btc --want 1eth",
    "claim list",
    "claim cancel ID",
    "claim watch ID",
    "quotes ID",
    "book",
    "peers",
    "wallet address btc",
    "wallet balance",
    "wallet send --asset btc --to x --amount 1 --yes",
    "wallet backup no-folder/file",
    "tower status",
    "tower add /ip4/1.2.3.4/tcp/1/p2p/x",
    "tower list",
    "tower remove x",
    "validator status",
    "bond 1kofo --as relay",
    "unbond 1kofo --as relay",
    "delegate ID 1kofo",
    "undelegate ID 1kofo",
    "stake add 1kofo --key 02a1",
    "stake remove 1kofo",
    "stake observe eip155:1",
    "stake list btc/eth",
    "stake unjail",
    "reward",
    "reward collect",
    "ledger status",
    "ledger account",
    "ledger transfer ID 1kofo",
    "ledger grant ID 1",
    "order show ID",
    "order prove ID",
];

/// What needs nobody that runs, and why it cannot be asked as the others are.
const LOCAL: &[(&str, &str)] = &[
    ("init", "makes a folder"),
    ("wallet new", "makes a folder"),
    ("wallet restore", "makes a folder"),
    ("validator init", "makes a folder"),
    ("signer init", "makes a folder"),
    ("signer run", "is the signer"),
    ("node", "is the node"),
    ("tower run", "is the tower"),
    ("validator run", "is the validator"),
    ("doctor", "looks at what does not run, too"),
    ("audit", "reads a folder that nobody uses"),
    ("genesis new", "writes a file"),
    ("regtest up", "starts daemons"),
    ("regtest down", "asks daemons"),
    ("regtest status", "asks daemons"),
    ("regtest mine", "asks daemons"),
    ("regtest advance", "asks daemons"),
    ("regtest reorg", "asks daemons"),
    ("regtest fund", "asks daemons"),
    ("regtest logs", "asks daemons"),
    ("demo", "starts daemons"),
];

fn words(line: &str) -> Vec<&str> {
    let word = |word| if word == "ID" { ID } else { word };
    line.split_whitespace().map(word).collect()
}

/// The commands below this one, as its help lists them.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let name = |line: &str| {
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
        Some(name.split_whitespace().next()?.to_owned())
    };
    listed.filter_map(name).filter(|name| name != "help").collect()
}

/// All commands, with their long help: those that do something by themselves are told by their usage.
fn commands(home: &Home, path: &[String], found: &mut Vec<(String, String)>) {
    let args: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = home.run(&args).done();
    let below = subcommands(&help);
    let usage = help
        .lines()
        .find(|line| line.starts_with("Usage:"))
        .unwrap_or_default();
    if below.is_empty() || !usage.contains("<COMMAND>") {
        found.push((path.join(" "), help));
    }
    for name in below {
        let path: Vec<_> = path.iter().cloned().chain([name]).collect();
        commands(home, &path, found);
    }
}

fn all(home: &Home) -> Vec<(String, String)> {
    let mut found = Vec::new();
    commands(home, &[], &mut found);
    assert!(found.len() > 40, "{found:?}");
    found
}

/// It ended with that code, and standard error is one JSON object that says why.
#[track_caller]
fn error(ended: Ended, code: i32) -> Value {
    let object: Value =
        serde_json::from_str(ended.stderr.trim()).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(object["error"]["code"], code, "{ended:?}");
    let message = object["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{ended:?}");
    ended.refused(code, "");
    object
}

#[test]
fn every_command_has_help_with_an_example_takes_json_and_says_no_in_json() {
    let home = Home::new();
    for (path, help) in all(&home) {
        assert!(help.contains("Example:\n"), "kofo {path}: {help}");
        assert!(help.contains("--json"), "kofo {path}: {help}");
        let wrong = |more: &[&str]| {
            let args: Vec<_> = path.split_whitespace().chain(more.iter().copied()).collect();
            home.run(&args)
        };
        let said = error(wrong(&["--no-such-flag", "--json"]), 2);
        assert!(said.to_string().contains("--no-such-flag"), "{said}");
    }
}

#[test]
fn every_command_that_asks_a_node_says_with_3_and_in_json_that_there_is_none() {
    let home = Home::new();
    for line in ASKS {
        let args: Vec<_> = words(line).into_iter().chain(["--json"]).collect();
        error(home.run(&args), 3);
    }
    let all = all(&home);
    let begins = |line: &str, path: &str| line == path || line.starts_with(&format!("{path} "));
    // Whose line it is: of the longest command that it begins with.
    let of = |line: &str| {
        let paths = all.iter().map(|(path, _)| path).filter(|path| begins(line, path));
        paths.max_by_key(|path| path.len())
    };
    for (path, _) in &all {
        let asked = ASKS.iter().any(|line| of(line) == Some(path));
        let local = LOCAL.iter().any(|(local, _)| local == path);
        assert!(
            asked != local,
            "kofo {path} is neither asked here nor local, or both"
        );
    }
}

#[test]
fn what_is_no_argument_at_all_ends_with_2_and_no_backtrace() {
    let home = Home::new();
    let long = "x".repeat(100_000);
    for junk in ["\u{7f}", "🦀", "-", "--=", "-1", "\\", "'", "$(x)", long.as_str()] {
        for path in [
            "swap show",
            "quotes",
            "delegate",
            "swap list --limit",
            "claim --expires",
        ] {
            let args: Vec<_> = path.split_whitespace().chain([junk]).collect();
            home.run(&args).refused(2, "error: ");
        }
    }
}

//! A node on chains in memory that logs all it can, and commands: none of it holds a secret.

use crate::daemon::on_chains_in_memory;
use crate::leaks::{Secret, in_bytes, in_files, in_process};
use crate::program::{Ended, Home};
use kofo_node::keystore::Words;
use kofo_primitives::NetworkId;
use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal \
                     winner thank year wave sausage worth title";

fn secrets() -> Vec<Secret> {
    let seed = Words::parse(WORDS).unwrap().seed();
    let network = NetworkId::new("kofo-sim").unwrap();
    let secret = |tag| *seed.node_secret(tag, &network).expose();
    vec![
        Secret::words("the words", WORDS),
        Secret::bytes("the seed", seed.expose()),
        Secret::bytes("half of the seed", &seed.expose()[..32]),
        Secret::bytes("the node's key", &secret("kofo/node/v1")),
        Secret::bytes("the peer's key", &secret("kofo/peer/v1")),
        Secret::bytes("the journal's key", &secret("kofo/journal/v1")),
        Secret::text("the passphrase", "correct horse"),
    ]
}

fn restored(home: &Home) -> Ended {
    let mut child = home
        .command(&["init", "--restore", "--network", "kofo-sim"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The second time it says no before it reads.
    let _unread = child.stdin.take().unwrap().write_all(WORDS.as_bytes());
    child.wait_with_output().unwrap().into()
}

#[test]
fn neither_logs_nor_files_nor_answers_nor_process_lists_hold_a_secret() {
    let home = Home::new();
    let mut said = vec![restored(&home), restored(&home)];
    on_chains_in_memory(&home);
    let log = File::create(home.path().join("node.log")).unwrap();
    let mut node = home
        .command(&["node", "--log", "trace"])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while home.run(&["status"]).code != Some(0) {
        assert!(Instant::now() < deadline, "the node does not answer");
    }
    let backup = home.path().join("kofo.backup");
    let backup = backup.to_str().unwrap();
    for line in [
        "status",
        "doctor",
        "top --once",
        "wallet balance",
        "wallet address apple",
        "wallet send --asset apple --to sim:a/account/7 --amount 0.5 --yes",
        "wallet send --asset apple --to nobody --amount 0.5 --yes",
        "swap offer --give 0.1apple --want 2pear",
        "swap accept kofo:offer1AA",
        "swap list --json",
        "claim --give 0.1apple --want 2pear --no-wait",
        "peers",
        "audit",
    ] {
        let args: Vec<_> = line.split_whitespace().collect();
        said.push(home.run(&args));
    }
    said.push(home.run(&["wallet", "backup", backup, "--log", "trace"]));
    let secrets = secrets();
    let mut found = in_process(node.id(), &secrets);
    home.run(&["stop"]).done();
    assert!(node.wait().unwrap().success());
    for ended in &said {
        let text = format!("{}{}", ended.stdout, ended.stderr);
        found.extend(in_bytes(&text, text.as_bytes(), &secrets));
    }
    found.extend(in_files(home.path(), &["keystore.json", "passphrase"], &secrets));
    assert!(found.is_empty(), "{found:#?}");
    // What was looked at is what was written: the log says what went on.
    let log = std::fs::read_to_string(home.path().join("node.log")).unwrap();
    assert!(log.contains("TRACE") && log.contains("ready: rpc"), "{log}");
    // And the keystore, which is left out, is what holds the seed, under the passphrase.
    assert!(home.data().join("keystore.json").exists());
}

//! Validators, the genesis that they begin with, and what a node without either says.

use crate::daemon::{Daemon, on_chains_in_memory};
use crate::program::Home;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A port that nobody listens at now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The folder of a validator that is alone in its network, with a genesis.
fn alone() -> Home {
    let home = Home::new();
    let address = || format!("/ip4/127.0.0.1/tcp/{}", free_port());
    let (engine, service) = (address(), address());
    let init = [
        "validator",
        "init",
        "--dev",
        "--network",
        "kofo-sim",
        "--engine",
        &engine,
        "--service",
        &service,
    ];
    let made = home.run(&init);
    assert!(made.stderr.contains("Write these 24 words on paper"), "{made:?}");
    let entry = home.path().join("entry.toml");
    std::fs::write(&entry, made.done()).unwrap();
    on_chains_in_memory(&home);
    let out = home.data().join("genesis.toml");
    let (entry, out) = (entry.to_str().unwrap(), out.to_str().unwrap());
    let genesis = [
        "genesis",
        "new",
        "--profile",
        "dev",
        "--validator",
        entry,
        "--out",
        out,
    ];
    home.run(&genesis).done();
    home
}

#[test]
fn a_validator_is_made_founds_a_network_alone_and_decides_height_after_height() {
    let home = alone();
    home.run(&["validator", "status"])
        .refused(3, "kofo validator run --data");
    home.run(&["validator", "init"])
        .refused(1, "there is a node already");
    let validator = Daemon::running(home, &["validator", "run"], "ready: rpc http://127.0.0.1:");
    let second = reaches(&validator.home, 2);
    assert_eq!(
        (&second["power"], &second["validators"]),
        (&second["total_power"], &Value::from(1))
    );
    let shown = validator.home.run(&["validator", "status"]).done();
    for part in [
        "validator on network kofo-sim",
        "epoch   0, validators: 1",
        "mempool 0",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    let twice = validator.home.run(&["validator", "run"]);
    twice.refused(1, "a validator runs already in");
}

/// Waits until the process in this folder has that height.
fn reaches(home: &Home, height: u64) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = json(&home.run(&["validator", "status", "--json"]).done());
        if now["height"].as_u64().unwrap() >= height {
            return now;
        }
        assert!(Instant::now() < deadline, "{now}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_follower_fetches_what_was_decided_before_it_came_and_votes_never() {
    let (founder, home) = (alone(), Home::new());
    // Validators give batches to whom they list.
    let peer = kofo_validator::engine_peer(&home.data()).unwrap();
    let settings = founder.data().join(kofo_validator::CONFIG_FILE);
    let text = std::fs::read_to_string(&settings).unwrap();
    let listed = text.replace("followers = []", &format!("followers = [{peer:?}]"));
    assert_ne!(text, listed);
    std::fs::write(&settings, listed).unwrap();
    let validator = Daemon::running(founder, &["validator", "run"], "ready: rpc http://127.0.0.1:");
    reaches(&validator.home, 3);
    let address = || format!("/ip4/127.0.0.1/tcp/{}", free_port());
    let (engine, service) = (address(), address());
    let init = [
        "validator",
        "init",
        "--follower",
        "--dev",
        "--network",
        "kofo-sim",
        "--engine",
        &engine,
        "--service",
        &service,
    ];
    home.run(&init).done();
    on_chains_in_memory(&home);
    let genesis = "genesis.toml";
    std::fs::copy(validator.home.data().join(genesis), home.data().join(genesis)).unwrap();
    let follower = Daemon::running(home, &["validator", "run"], "ready: rpc http://127.0.0.1:");
    let now = reaches(&follower.home, 3);
    assert_eq!(
        (&now["role"], &now["power"]),
        (&Value::from("follower"), &Value::from(0))
    );
    let shown = follower.home.run(&["validator", "status"]).done();
    assert!(shown.contains("power   none: it does not vote"), "{shown}");
}

#[test]
fn a_node_without_a_genesis_says_what_it_needs_for_one() {
    let node = Daemon::start();
    for args in [
        vec!["ledger", "status"],
        vec!["ledger", "account"],
        vec!["bond", "5kofo", "--as", "provider"],
        vec!["delegate", &"0".repeat(64), "5kofo"],
        vec!["stake", "unjail"],
        vec!["reward", "collect"],
        vec!["order", "show", &"0".repeat(64)],
        vec!["order", "prove", &"0".repeat(64)],
        vec!["claim", "--give", "1apple", "--want", "1pear", "--fee", "0.3kofo"],
    ] {
        node.home.run(&args).refused(1, "genesis");
    }
}

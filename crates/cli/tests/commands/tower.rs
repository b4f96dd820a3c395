//! A node and a tower.

use crate::daemon::{Daemon, new_node};
use crate::program::Home;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A tower that serves this node.
fn tower_of(node: &Daemon) -> Daemon {
    let status = json(&node.home.run(&["status", "--json"]).done());
    let guest = status["node"].as_str().unwrap();
    Daemon::running(
        new_node(),
        &["tower", "run", "--allow", guest],
        "ready: tower /ip4/",
    )
}

#[test]
fn a_tower_is_added_listed_and_removed_and_the_node_remembers_it() {
    let node = Daemon::start();
    let tower = tower_of(&node);
    let home = &node.home;
    assert!(home.run(&["tower", "list"]).done().contains("no towers"));
    let told = json(&tower.home.run(&["tower", "status", "--json"]).done());
    assert_eq!(told["swaps"], Value::Array(Vec::new()));
    let address = told["listen"][0].as_str().unwrap();
    assert!(
        home.run(&["tower", "add", address])
            .done()
            .contains("keeps 0 swaps")
    );
    let list = json(&home.run(&["tower", "list", "--json"]).done());
    assert_eq!(
        (&list[0]["address"], &list[0]["peer"]),
        (&told["listen"][0], &told["peer_id"])
    );

    home.run(&["stop"]).done();
    let (_, home) = node.ended();
    let node = Daemon::of(home);
    let home = &node.home;
    assert_eq!(json(&home.run(&["tower", "list", "--json"]).done()), list);
    let peer = told["peer_id"].as_str().unwrap();
    assert!(home.run(&["tower", "remove", peer]).done().contains(address));
    assert!(home.run(&["tower", "list"]).done().contains("no towers"));
    home.run(&["tower", "remove", peer])
        .refused(1, "see `kofo tower list`");
    assert!(
        tower
            .home
            .run(&["tower", "status"])
            .done()
            .contains("watches nothing")
    );
}

#[test]
fn a_tower_that_is_none_or_serves_somebody_else_is_not_added() {
    let node = Daemon::start();
    let other = Daemon::start();
    let tower = tower_of(&other);
    let address = |home: &Home, command: &[&str]| {
        let told = json(&home.run(command).done());
        told["listen"][0].as_str().unwrap().to_owned()
    };
    let home = &node.home;
    let strange = address(&tower.home, &["tower", "status", "--json"]);
    home.run(&["tower", "add", &strange])
        .refused(1, "run it with --allow");
    let no_tower = address(&other.home, &["status", "--json"]);
    home.run(&["tower", "add", &no_tower])
        .refused(1, "that is no tower of ours");
    home.run(&["tower", "add", "tower.example"])
        .refused(1, "expected an address such as");
    assert!(home.run(&["tower", "list"]).done().contains("no towers"));
}

#[test]
fn whom_a_tower_serves_must_be_said_and_without_a_tower_the_code_is_3() {
    let home = Home::new();
    home.run(&["tower", "run"]).refused(2, "--allow <NODE_ID>");
    home.run(&["tower", "run", "--allow", "alice"])
        .refused(2, "64 hexadecimal digits");
    home.run(&["tower", "status"]).refused(3, "kofo tower run --data");
    home.run(&["tower", "list"])
        .refused(3, "start it with `kofo node --data");
}

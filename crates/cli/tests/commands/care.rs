//! Looking after a node: doctor, top, variables above the file, logs, and folders of another version.

use crate::daemon::{Daemon, new_node};
use crate::program::Ended;
use serde_json::Value;

fn verdict(ended: &Ended, check: &str) -> String {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let found = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["check"] == check);
    found.unwrap_or_else(|| panic!("{check}: {ended:?}"))["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_doctor_looks_at_a_node_that_does_not_run_and_at_one_that_does() {
    let home = new_node();
    let before = home.run(&["doctor", "--json"]);
    assert_eq!(before.code, Some(0), "{before:?}");
    for check in [
        "format", "config", "node", "keystore", "disk", "journal", "ports", "chain.a",
    ] {
        assert_eq!(verdict(&before, check), "ok", "{check}: {before:?}");
    }
    let daemon = Daemon::of(home);
    let running = daemon.home.run(&["doctor", "--json"]);
    assert_eq!(
        (running.code, verdict(&running, "node").as_str()),
        (Some(0), "ok"),
        "{running:?}"
    );
    let text = daemon.home.run(&["doctor"]).done();
    assert!(
        text.contains("0 swaps go on") && text.contains("to do: name some in `peers`"),
        "{text}"
    );
}

#[test]
fn the_doctor_ends_with_1_and_says_what_to_do_when_something_fails() {
    let home = new_node();
    std::fs::remove_file(home.data().join("keystore.json")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = home
        .command(&["doctor"])
        .env("KOFO__RPC_PORT", &port)
        .output()
        .unwrap();
    let ended = Ended::from(ended);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in [
        "fail  keystore",
        "to do: restore it from the 24 words",
        "fail  ports",
        "choose another rpc_port",
    ] {
        assert!(ended.stdout.contains(said), "{said}: {ended:?}");
    }
    assert!(
        ended.stderr.contains("checks of") && !ended.stderr.contains("panicked"),
        "{ended:?}"
    );
    std::fs::remove_dir_all(home.data()).unwrap();
    let none = home.run(&["doctor"]);
    assert!(
        none.code == Some(1) && none.stdout.contains("write one with `kofo init`"),
        "{none:?}"
    );
}

#[test]
fn variables_stand_above_the_file_and_one_that_fits_no_key_is_refused() {
    let home = new_node();
    let run =
        |name: &str, value: &str| Ended::from(home.command(&["node"]).env(name, value).output().unwrap());
    run("KOFO__RPC_PROT", "1").refused(1, "environment variable KOFO__RPC_PROT: unknown field");
    run("KOFO__ROLE", "bank").refused(1, "role");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    run("KOFO__HEALTH_PORT", &port).refused(1, "choose another health_port");
}

#[test]
fn a_folder_of_a_later_version_is_refused_and_not_touched() {
    let home = new_node();
    let format = home.data().join("format");
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "1\n");
    std::fs::write(&format, "99\n").unwrap();
    home.run(&["node"])
        .refused(1, "is of format 99, this program knows 1");
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "99\n");
    // One from before there was a number goes on as it is.
    std::fs::remove_file(&format).unwrap();
    let daemon = Daemon::of(home);
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "1\n");
    daemon.home.run(&["stop"]).done();
}

#[test]
fn top_prints_one_frame_where_there_is_no_terminal() {
    let daemon = Daemon::start();
    let home = &daemon.home;
    let made = home
        .run(&["swap", "offer", "--give", "1apple", "--want", "1pear", "--json"])
        .done();
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made["id"].as_str().unwrap();
    for args in [&["top"][..], &["top", "--once"][..]] {
        let page = home.run(args).done();
        let row = page.lines().find(|line| line.contains(&id[..8]));
        assert!(
            row.is_some_and(|row| row.contains("offered") && row.contains("1 APPLE")),
            "{page}"
        );
        assert!(
            page.contains("on kofo-sim") && page.contains("alarms") && page.contains("no neighbours"),
            "{page}"
        );
    }
    let view: Value = serde_json::from_str(&home.run(&["top", "--json"]).done()).unwrap();
    assert_eq!(
        (&view["swaps"][0]["id"], &view["silent"]),
        (&made["id"], &Value::Null)
    );
    home.run(&["top", "--every", "0"]).refused(2, "1..=3600");
}

#[cfg(feature = "regtest")]
#[test]
fn a_log_in_json_has_one_object_a_line_and_the_swap_in_each_that_is_about_one() {
    let home = crate::program::Home::new();
    let ended = home.run(&[
        "demo",
        "direct",
        "--sim",
        "--json",
        "--log",
        "kofo=debug",
        "--log-format",
        "json",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let mut over = 0;
    for line in &lines {
        let message = line["message"].as_str().unwrap_or_default();
        let about = message.contains("a swap ") || !line["leg"].is_null();
        let named = line["swap"].as_str().is_some_and(|id| id.len() == 64);
        assert!(named || !about, "{line}");
        over += usize::from(message == "a swap is over");
    }
    assert!(
        over >= 2,
        "both nodes of each swap say that it is over: {}",
        ended.stderr
    );
}

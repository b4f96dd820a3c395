//! What those see who watch a node: figures, the doctor's words, the screen and the log.

use crate::cli::run;
use crate::shared::{STEP, Scene, outcomes};
use kofo_cli::demo::Who;
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::free_port;
use serde_json::Value;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Adds a line before all tables of a node's configuration, in place of the one with that key.
fn set(data: &Path, key: &str, value: impl std::fmt::Display) {
    let path = data.join("kofo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text
        .lines()
        .map(|line| match line.starts_with(&format!("{key} = ")) {
            true => format!("{key} = {value}"),
            false => line.to_owned(),
        });
    let changed: Vec<_> = lines.collect();
    assert_ne!(changed.join("\n"), text.trim_end(), "{key} is in\n{text}");
    std::fs::write(&path, changed.join("\n") + "\n").unwrap();
}

async fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[track_caller]
fn verdicts(answer: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(answer).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks
        .map(|one| (text(&one["check"]), text(&one["verdict"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_is_seen_by_all_who_watch_its_node_and_none_of_them_sees_a_secret() {
    let Some(mut scene) = Scene::shared("watched").await else {
        return;
    };
    let data = scene.stage.data(Who::Initiator);
    scene.stage.stop(Who::Initiator).await.unwrap();
    // The doctor finds all well while the node does not run,
    let answer = run(&data, &["doctor", "--json"]).await;
    let found = verdicts(answer.done());
    assert!(found.iter().all(|(_, verdict)| verdict != "fail"), "{found:?}");
    for chain in ["chain.bitcoin", "chain.ethereum", "chain.echoin"] {
        assert!(
            found.contains(&(chain.to_owned(), "ok".to_owned())),
            "{chain}: {found:?}"
        );
    }
    let port = free_port().unwrap();
    set(&data, "health_port", port);
    scene.stage.start(Who::Initiator).await.unwrap();
    let swap = scene.stage.agree("0.01btc", "0.2eth").await.unwrap();
    let both = scene.follow(swap.id, "watched").done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);

    assert!(get(port, "/health").await.ends_with("\r\n\r\nok\n"));
    assert!(get(port, "/ready").await.ends_with("\r\n\r\nok\n"));
    let metrics = get(port, "/metrics").await;
    for line in [
        "kofo_swaps_ended_total{outcome=\"redeemed\"} 1",
        "kofo_swaps_ended_total{outcome=\"lost\"} 0",
        "kofo_swap_state_seconds_count{state=\"lock_sent\"} 1",
        "kofo_ready 1",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}:\n{metrics}");
    }
    // and while it runs.
    let answer = run(&data, &["doctor", "--json"]).await;
    let found = verdicts(answer.done());
    assert!(found.contains(&("node".to_owned(), "ok".to_owned())), "{found:?}");
    let page = run(&data, &["top", "--once"]).await;
    let short = &swap.id.to_string()[..8];
    let row = page.done().lines().find(|line| line.contains(short));
    assert!(row.is_some_and(|row| row.contains("redeemed")), "{}", page.out);
    let log = std::fs::read_to_string(data.join("node.log")).unwrap();
    every_line_about_a_swap_has_its_id(&log, &swap.id.to_string());
    for (place, text) in [("metrics", &metrics), ("top", &page.out), ("log", &log)] {
        for file in ["rpc.cookie", "passphrase"] {
            let secret = std::fs::read_to_string(data.join(file)).unwrap();
            assert!(!text.contains(secret.trim()), "{file} is in the {place}");
        }
    }
    assert!(!metrics.contains(&swap.id.to_string()), "no id is a label");
}

/// A line that speaks of a swap, or of a leg, says of which.
fn every_line_about_a_swap_has_its_id(log: &str, id: &str) {
    let about = |line: &&str| line.contains("a swap ") || line.contains("leg=");
    let lines: Vec<_> = log.lines().filter(about).collect();
    assert!(
        lines.len() >= 4,
        "a swap goes through states, and acts are sent:\n{log}"
    );
    // In colours or without, a field is its name, `=` and its value.
    let named = |line: &&&str| line.contains(&format!("swap={id}"));
    assert_eq!(lines.iter().filter(named).count(), lines.len(), "{lines:#?}");
    assert!(log.contains("a swap is over"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_the_daemon_that_is_another_and_the_one_that_is_away() {
    let Some(mut scene) = Scene::shared("doctor").await else {
        return;
    };
    let data = scene.stage.data(Who::Participant);
    scene.stage.stop(Who::Participant).await.unwrap();
    let path = data.join("kofo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let endpoint = |chain: &str| {
        let behind = text.split_once(&format!("[chain.{chain}]")).unwrap().1;
        let line = behind
            .lines()
            .find(|line| line.starts_with("endpoint = "))
            .unwrap();
        line.to_owned()
    };
    let (bitcoin, ethereum, echoin) = (endpoint("bitcoin"), endpoint("ethereum"), endpoint("echoin"));
    // Ethereum's place has Echoin's daemon, and Bitcoin's nobody.
    let changed = text
        .replace(&ethereum, &echoin)
        .replace(&bitcoin, "endpoint = \"http://127.0.0.1:1\"");
    std::fs::write(&path, changed).unwrap();
    let answer = run(&data, &["doctor"]).await;
    assert_eq!(answer.code, Some(1), "{}{}", answer.out, answer.err);
    let fails = |check: &str, said: &str| {
        let mut lines = answer.out.lines();
        let found = lines.any(|line| line.starts_with("fail") && line.contains(check) && line.contains(said));
        assert!(found, "{check}: {said}:\n{}", answer.out);
        assert!(
            lines.next().is_some_and(|todo| todo.contains("to do: ")),
            "{}",
            answer.out
        );
    };
    fails("chain.bitcoin", "refused");
    fails("chain.ethereum", "another chain answers");
    assert!(
        answer
            .out
            .lines()
            .any(|line| line.starts_with("ok") && line.contains("chain.echoin"))
    );
    assert!(answer.err.contains("checks of"), "{}", answer.err);
}

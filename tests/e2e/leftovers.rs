//! `kofo demo` on real daemons, and what is left of it: nothing, however it ends.

use crate::shared::{daemons, kofo};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A process by number and birth.
type Process = (u32, String);

/// After the demo's death its daemons and nodes are gone within so long.
const GONE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

fn stat(pid: u32) -> Option<(u32, Process)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    (*fields.first()? != "Z").then_some((parent, (pid, (*fields.get(19)?).to_owned())))
}

/// All that descends from a process, itself not.
fn descendants(of: u32) -> BTreeSet<Process> {
    let numbers = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, Process)> = numbers.filter_map(stat).collect();
    let mut parents = BTreeSet::from([of]);
    let mut found = BTreeSet::new();
    loop {
        let next = all
            .iter()
            .filter(|(parent, process)| parents.contains(parent) && !found.contains(process));
        let next: Vec<Process> = next.map(|(_, process)| process.clone()).collect();
        if next.is_empty() {
            return found;
        }
        parents.extend(next.iter().map(|(pid, _)| *pid));
        found.extend(next);
    }
}

async fn all_gone(processes: &BTreeSet<Process>) {
    let deadline = Instant::now() + GONE;
    let runs = |process: &&Process| stat(process.0).is_some_and(|(_, now)| now == **process);
    while let Some(left) = processes.iter().find(runs) {
        let command = std::fs::read_to_string(format!("/proc/{}/cmdline", left.0)).unwrap_or_default();
        assert!(
            Instant::now() < deadline,
            "process {} still runs: {command:?}",
            left.0
        );
        tokio::time::sleep(POLL).await;
    }
}

fn no_files(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(left.is_empty(), "the demo left files: {left:?}");
}

/// A demo, of all stories or of one, whose files are in a folder of the test.
fn demo(files: &Path, story: Option<&str>) -> Child {
    let mut command = Command::new(kofo());
    command
        .arg("demo")
        .args(story)
        .arg("--json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env("TMPDIR", files).kill_on_drop(true).spawn().unwrap()
}

/// A demo of a story with so many nodes, which have begun to swap, and all its processes.
async fn in_the_middle(files: &Path, story: &str, nodes: usize) -> (Child, BTreeSet<Process>) {
    let mut demo = demo(files, Some(story));
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let mut told = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let begun = line.contains("lock_sent");
        told.push(line);
        if begun {
            let processes = descendants(demo.id().unwrap());
            assert!(
                processes.len() >= 3 + nodes,
                "three daemons and {nodes} nodes: {processes:?}"
            );
            // Somebody must read what it prints from now on.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (demo, processes);
        }
    }
    panic!("the demo ended too soon: {}", told.join("\n"));
}

/// Two claims, of which the first is quoted over relays alone, three picks, and one refusal of a fee.
fn exchange_events(rows: &[Value]) {
    let events = |name: &str| -> Vec<&Value> {
        let named = rows
            .iter()
            .filter(|row| row["story"] == "exchange" && row["event"] == name);
        named.collect()
    };
    let (claims, quotes) = (events("claim"), events("quote"));
    assert_eq!((claims.len(), events("picked").len()), (2, 3), "{rows:#?}");
    let first = quotes.iter().filter(|quote| quote["claim"] == claims[0]["claim"]);
    let hops: Vec<_> = first
        .map(|quote| quote["path"].as_array().unwrap().len())
        .collect();
    assert_eq!(hops, [3, 3], "two relays and a provider each: {quotes:#?}");
    let refused = events("refused");
    let message = refused[0]["message"].as_str().unwrap();
    assert!(
        refused.len() == 1 && message.contains("fees need the clearance layer"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_on_real_daemons_ends_as_announced_and_leaves_nothing_running() {
    if daemons("the demo").await.is_none() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let demo = demo(files.path(), None);
    let pid = demo.id().unwrap();
    let output = tokio::spawn(demo.wait_with_output());
    let mut processes = BTreeSet::new();
    while !output.is_finished() {
        processes.extend(descendants(pid));
        tokio::time::sleep(POLL).await;
    }
    let output = output.await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let out = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.last().unwrap()["demo"], "ok");
    let with = |story: &str, outcome: &str| {
        let of = |row: &&Value| row["story"] == story && row["outcome"] == outcome;
        let locked = |row: &&Value| row["alpha"]["lock_txid"].is_string();
        rows.iter().filter(of).filter(locked).count()
    };
    let direct = (with("direct", "redeemed"), with("direct", "refunded"));
    let exchange = (with("exchange", "redeemed"), with("exchange", "refunded"));
    assert_eq!((direct, exchange), ((5, 1), (3, 0)), "{out}");
    exchange_events(&rows);
    for part in ["vB", "gas", "balances", "before", "after"] {
        assert!(told.contains(part), "{part:?} is not in the table: {told}");
    }
    assert!(
        processes.len() >= 14,
        "three daemons and two nodes, and three and six, were seen: {processes:?}"
    );
    all_gone(&processes).await;
    no_files(files.path());
}

/// A demo in the middle is sent a signal that lets it clean up.
async fn ends_on(signal: &str, story: &str, nodes: usize) {
    let files = tempfile::tempdir().unwrap();
    let (mut demo, processes) = in_the_middle(files.path(), story, nodes).await;
    let pid = demo.id().unwrap().to_string();
    let kill = ["-c", "kill -s \"$1\" \"$2\"", "sh", signal, &pid];
    assert!(
        Command::new("/bin/sh")
            .args(kill)
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = tokio::time::timeout(GONE, demo.wait())
        .await
        .expect("it ends soon")
        .unwrap();
    assert_eq!(
        status.code(),
        Some(1),
        "a demo that was interrupted did not end as announced"
    );
    all_gone(&processes).await;
    no_files(files.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_or_term_in_the_middle_of_the_demo_leaves_nothing_running() {
    if daemons("ctrl-c").await.is_none() {
        return;
    }
    ends_on("INT", "direct", 2).await;
    ends_on("TERM", "direct", 2).await;
    ends_on("INT", "exchange", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_killed_leaves_nothing_running() {
    if daemons("kill").await.is_none() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let (mut demo, processes) = in_the_middle(files.path(), "exchange", 6).await;
    demo.kill().await.unwrap();
    all_gone(&processes).await;
}

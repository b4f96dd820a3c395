//! Daemons end when their owner does, however it ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use kofo_regtest::people::{self, Status};
use kofo_regtest::{Chain, Error, Options, ProcessId, Regtest};

use crate::{eventually, manual};

/// Tells the test below in which folder to play the owner; it does nothing without.
const OWNER_DIR: &str = "KOFO_TEST_OWNER_DIR";

fn daemons(status: &Status) -> Vec<ProcessId> {
    status
        .chains
        .iter()
        .map(|chain| chain.daemon.process.clone().unwrap())
        .collect()
}

async fn all_gone(processes: &[ProcessId]) {
    eventually("every daemon is gone", async || {
        processes.iter().all(|process| !process.runs())
    })
    .await;
}

#[tokio::test]
async fn nothing_runs_and_nothing_lies_about_after_drop() {
    let Some(regtest) = manual("nothing_runs_and_nothing_lies_about_after_drop").await else {
        return;
    };
    let dir = regtest.data_dir().to_owned();
    let processes = daemons(&people::status(&dir).await.unwrap());
    assert_eq!(processes.len(), 3);
    assert!(processes.iter().all(ProcessId::runs));
    drop(regtest);
    assert!(
        processes.iter().all(|process| !process.runs()),
        "drop returned before the daemons were gone"
    );
    assert!(!dir.exists());
}

#[tokio::test]
async fn nothing_runs_after_a_panic() {
    let Some(regtest) = manual("nothing_runs_after_a_panic").await else {
        return;
    };
    let processes = daemons(&people::status(regtest.data_dir()).await.unwrap());
    let thread = std::thread::spawn(move || {
        let _owned = regtest;
        panic!("on purpose");
    });
    assert!(thread.join().is_err());
    assert!(processes.iter().all(|process| !process.runs()));
}

/// Not a test of its own: the process that the tests below kill.
#[tokio::test]
#[ignore = "started by other tests"]
async fn an_owner_that_waits_to_be_told() {
    let Some(dir) = std::env::var_os(OWNER_DIR) else {
        return;
    };
    let options = Options {
        data_dir: Some(dir.into()),
        ..Options::default()
    };
    people::serve(Regtest::up(options).await.unwrap()).await.unwrap();
}

/// Starts an owner in `dir` and waits until all is up.
async fn owner(dir: &Path) -> (Child, Status) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "lifetime::an_owner_that_waits_to_be_told",
            "--ignored",
            "--nocapture",
        ])
        .env(OWNER_DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    eventually("the owner is up", async || people::status(dir).await.is_ok()).await;
    (child, people::status(dir).await.unwrap())
}

/// The owner cannot skip by itself: it is another process.
async fn can_run(test: &str) -> bool {
    Regtest::up_or_skip(
        test,
        Options {
            chains: vec![Chain::Ethereum, Chain::Bitcoin],
            ..Options::manual()
        },
    )
    .await
    .is_some()
}

#[tokio::test]
async fn an_owner_killed_on_the_spot_leaves_no_daemon() {
    if !can_run("an_owner_killed_on_the_spot_leaves_no_daemon").await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut child, status) = owner(dir.path()).await;
    let processes = daemons(&status);
    child.kill().unwrap();
    child.wait().unwrap();
    all_gone(&processes).await;
    assert!(matches!(
        people::status(dir.path()).await,
        Err(Error::NotUp { .. })
    ));
}

#[tokio::test]
async fn ctrl_c_ends_owner_and_daemons() {
    if !can_run("ctrl_c_ends_owner_and_daemons").await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut child, status) = owner(dir.path()).await;
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()
        .unwrap();
    assert!(sent.success());
    assert!(child.wait().unwrap().success(), "the owner did not end in order");
    all_gone(&daemons(&status)).await;
}

#[tokio::test]
async fn down_ends_what_up_started_and_up_finds_the_blocks_again() {
    if !can_run("down_ends_what_up_started_and_up_finds_the_blocks_again").await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut child, status) = owner(dir.path()).await;
    let client = Regtest::attach(dir.path()).unwrap();
    let time = client.advance(100_000).await.unwrap();
    let before = client.tip(Chain::Ethereum).await.unwrap();
    // Reaped on the side: until then the owner is a zombie, which does not count as running.
    let reaper = std::thread::spawn(move || child.wait().unwrap());
    let stopped = people::down(dir.path()).await.unwrap();
    assert!(reaper.join().unwrap().success());
    assert_eq!(stopped.len(), 4);
    all_gone(&daemons(&status)).await;
    assert!(matches!(people::down(dir.path()).await, Err(Error::NotUp { .. })));

    let options = Options {
        data_dir: Some(dir.path().to_owned()),
        ..Options::manual()
    };
    let again = Regtest::up(options.clone()).await.unwrap();
    for chain in Chain::ALL {
        let tip = again.tip(chain).await.unwrap();
        assert!(tip.time >= time, "{chain} went back in time: {tip:?}");
        assert!(
            tip.height
                >= if chain == Chain::Bitcoin {
                    120
                } else {
                    before.height.min(1)
                },
            "{chain}: {tip:?}"
        );
    }
    assert!(again.tip(Chain::Ethereum).await.unwrap().height >= before.height);
    assert!(matches!(Regtest::up(options).await, Err(Error::AlreadyUp { .. })));
    assert!(!people::logs(dir.path(), Chain::Bitcoin, 5).unwrap().is_empty());
}

#[tokio::test]
async fn a_daemon_that_was_killed_or_stopped_comes_back_at_its_address() {
    let Some(regtest) = manual("a_daemon_that_was_killed_or_stopped_comes_back_at_its_address").await else {
        return;
    };
    regtest.advance(50_000).await.unwrap();
    let bitcoin = regtest.tip(Chain::Bitcoin).await.unwrap();
    let ethereum = regtest.tip(Chain::Ethereum).await.unwrap();
    regtest.stop(Chain::Bitcoin).await.unwrap();
    regtest.stop(Chain::Ethereum).await.unwrap();
    assert!(regtest.tip(Chain::Bitcoin).await.is_err());
    assert!(regtest.tip(Chain::Ethereum).await.is_err());
    regtest.start(Chain::Bitcoin).await.unwrap();
    regtest.start(Chain::Ethereum).await.unwrap();
    assert_eq!(regtest.tip(Chain::Bitcoin).await.unwrap(), bitcoin);
    assert_eq!(regtest.tip(Chain::Ethereum).await.unwrap(), ethereum);
    assert_eq!(
        regtest.mine(Chain::Ethereum, 1).await.unwrap().height,
        ethereum.height + 1
    );

    regtest.kill(Chain::Bitcoin).await.unwrap();
    assert!(regtest.tip(Chain::Bitcoin).await.is_err());
    regtest.start(Chain::Bitcoin).await.unwrap();
    regtest.mine(Chain::Bitcoin, 1).await.unwrap();
}

#[test]
fn a_regtest_outlives_the_runtime_that_started_it() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let test = "a_regtest_outlives_the_runtime_that_started_it";
    // On a thread that ends too: the daemons' lives must not hang on it.
    let up = std::thread::spawn(move || runtime().block_on(Regtest::up_or_skip(test, Options::default())));
    let Some(regtest) = up.join().unwrap() else { return };
    for _ in 0..2 {
        runtime().block_on(async {
            for chain in Chain::ALL {
                let before = regtest.tip(chain).await.unwrap().height;
                eventually("the miner goes on", async || {
                    regtest.tip(chain).await.unwrap().height > before
                })
                .await;
            }
        });
    }
}

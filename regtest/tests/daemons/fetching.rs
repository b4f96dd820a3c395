//! Where the programs come from, and in which order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use kofo_regtest::fetch::{self, FetchError, Places, Program, Progress};

fn executable(path: PathBuf) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn cached(cache: &Path, package: &str, name: &str) -> PathBuf {
    executable(
        cache
            .join(format!("{package}-{}", std::env::consts::ARCH))
            .join(name),
    )
}

#[test]
fn the_variable_comes_before_the_path_and_the_path_before_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    for (program, package) in [
        (Program::Bitcoind, "bitcoin-knots-29"),
        (Program::Anvil, "anvil-1.7.1"),
    ] {
        let name = program.name();
        let by_variable = executable(dir.path().join("variable").join(name));
        let in_path = executable(dir.path().join("path").join(name));
        let in_cache = cached(&dir.path().join("cache"), package, name);
        let mut places = Places {
            bitcoind_exe: (program == Program::Bitcoind).then(|| by_variable.clone()),
            anvil_exe: (program == Program::Anvil).then(|| by_variable.clone()),
            path: Some(in_path.parent().unwrap().into()),
            cache: dir.path().join("cache"),
        };
        assert_eq!(fetch::find(program, &places).unwrap(), Some(by_variable));
        places.bitcoind_exe = None;
        places.anvil_exe = None;
        assert_eq!(fetch::find(program, &places).unwrap(), Some(in_path));
        places.path = Some(dir.path().join("empty").into());
        assert_eq!(fetch::find(program, &places).unwrap(), Some(in_cache));
        places.cache = dir.path().join("empty");
        assert_eq!(fetch::find(program, &places).unwrap(), None);
    }
}

#[test]
fn a_wrong_variable_is_an_error_that_names_it_and_nothing_else_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let in_path = executable(dir.path().join("path/bitcoind"));
    let plain = dir.path().join("plain");
    fs::write(&plain, "not a program").unwrap();
    for wrong in [dir.path().join("missing"), plain, dir.path().to_owned()] {
        let places = Places {
            bitcoind_exe: Some(wrong.clone()),
            path: Some(in_path.parent().unwrap().into()),
            ..Places::default()
        };
        let error = fetch::find(Program::Bitcoind, &places).unwrap_err();
        let words = error.to_string();
        assert!(matches!(error, FetchError::BadVariable { .. }), "{words}");
        assert!(
            words.contains("BITCOIND_EXE") && words.contains(wrong.to_str().unwrap()),
            "{words}"
        );
    }
}

#[test]
fn what_is_not_executable_in_the_path_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::write(dir.path().join("a/anvil"), "text").unwrap();
    let second = executable(dir.path().join("b/anvil"));
    let path = std::env::join_paths([dir.path().join("a"), dir.path().join("b")]).unwrap();
    let places = Places {
        path: Some(path),
        cache: dir.path().join("none"),
        ..Places::default()
    };
    assert_eq!(fetch::find(Program::Anvil, &places).unwrap(), Some(second));
}

#[test]
fn two_fetches_at_once_fetch_once() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places {
        path: None,
        cache: dir.path().join("cache"),
        ..Places::default()
    };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let fetches: Vec<_> = (0..2)
        .map(|_| {
            let (places, lines) = (places.clone(), lines.clone());
            std::thread::spawn(move || {
                let progress: Progress = Arc::new(move |line| lines.lock().unwrap().push(line.to_owned()));
                fetch::find_or_fetch(Program::Anvil, &places, &progress)
            })
        })
        .collect();
    let results: Vec<_> = fetches.into_iter().map(|fetch| fetch.join().unwrap()).collect();
    if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
        fetch::skip("two_fetches_at_once_fetch_once", error);
        return;
    }
    for result in &results {
        assert_eq!(result.as_ref().unwrap(), results[0].as_ref().unwrap());
    }
    let fetched = lines
        .lock()
        .unwrap()
        .iter()
        .filter(|line: &&String| line.starts_with("fetching"))
        .count();
    assert_eq!(fetched, 1, "one of them found what the other had fetched");
    let left: Vec<_> = fs::read_dir(&places.cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// Runs a test that needs daemons in a process with no PATH, a cold cache and these variables.
fn a_test_where_nothing_can_be_had(variables: &[(&str, &str)]) -> (Output, String) {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "money::anybody_can_be_funded_on_every_chain"]);
    for name in ["BITCOIND_EXE", "ANVIL_EXE", "KOFO_REQUIRE_NODES"] {
        command.env_remove(name);
    }
    command
        .env("PATH", empty.path())
        .env("XDG_CACHE_HOME", empty.path())
        .env("RUST_BACKTRACE", "0");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    (output, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_test_without_its_daemons_says_skipped_and_how_to_have_them() {
    let (output, said) = a_test_where_nothing_can_be_had(&[]);
    assert!(output.status.success(), "{said}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("SKIPPED anybody_can_be_funded_on_every_chain"),
        "{said}"
    );
    assert!(
        stderr.contains("BITCOIND_EXE") && stderr.contains("install Bitcoin Core or Knots"),
        "{said}"
    );
}

#[test]
fn a_test_without_its_daemons_fails_where_they_are_required() {
    let (output, said) = a_test_where_nothing_can_be_had(&[("KOFO_REQUIRE_NODES", "1")]);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("KOFO_REQUIRE_NODES=1"), "{said}");
}

#[test]
fn a_test_with_a_wrong_variable_fails_everywhere() {
    let (output, said) = a_test_where_nothing_can_be_had(&[("BITCOIND_EXE", "/nowhere/bitcoind")]);
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("/nowhere/bitcoind") && !said.contains("SKIPPED"),
        "{said}"
    );
}

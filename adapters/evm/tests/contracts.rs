//! The contract: its artifacts are what its source compiles to, and its own (forge) tests pass on both builds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// `npm ci` of the contract's tools into a cache folder, once per lock file, under a file lock. `None`: no npm here.
fn tools() -> Option<PathBuf> {
    let contracts = contracts();
    let npm = Command::new("npm").arg("--version").output();
    if !npm.is_ok_and(|out| out.status.success()) {
        assert!(
            std::env::var("KOFO_REQUIRE_NODES").as_deref() != Ok("1"),
            "KOFO_REQUIRE_NODES=1 but there is no npm in PATH: install Node.js with npm"
        );
        eprintln!("SKIPPED: no npm in PATH, so the contract is neither recompiled nor tested");
        return None;
    }
    let dir = cache().join("contract-tools");
    fs::create_dir_all(&dir).expect("the cache folder can be made");
    let guard = File::create(dir.join("lock")).expect("a lock file");
    guard.lock().expect("the file lock");
    let wanted = fs::read(contracts.join("package-lock.json")).expect("package-lock.json");
    if fs::read(dir.join("ready")).ok().as_deref() != Some(&wanted) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(contracts.join(file), dir.join(file)).expect("copied");
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&dir);
        run(&mut npm);
        fs::write(dir.join("ready"), wanted).expect("marked as ready");
    }
    Some(dir)
}

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts")
}

fn cache() -> PathBuf {
    match std::env::var_os("XDG_CACHE_HOME") {
        Some(home) => PathBuf::from(home).join("kofo"),
        None => PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kofo-cache"),
    }
}

fn run(command: &mut Command) {
    let out = command.output().expect("the program starts");
    assert!(
        out.status.success(),
        "{command:?} failed:\n{}\n{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

fn forge(tools: &Path, profile: &str) {
    let modules = tools.join("node_modules/@foundry-rs");
    let native = fs::read_dir(&modules)
        .expect("forge is installed")
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin/forge"))
        .find(|program| program.is_file())
        .expect("forge's native program for this platform: npm has none? then run the tests elsewhere");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("forge-{profile}"));
    let mut test = Command::new(native);
    test.args(["test", "--offline"])
        .current_dir(contracts())
        .env("FOUNDRY_PROFILE", profile)
        .env("FOUNDRY_OUT", scratch.join("out"))
        .env("FOUNDRY_CACHE_PATH", scratch.join("cache"))
        .env("KOFO_CONTRACT_TOOLS", tools);
    run(&mut test);
}

#[test]
fn the_artifacts_are_what_the_source_compiles_to() {
    let Some(tools) = tools() else { return };
    let mut check = Command::new("node");
    check
        .args(["build.mjs", "--check"])
        .current_dir(contracts())
        .env("KOFO_CONTRACT_TOOLS", tools);
    run(&mut check);
}

#[test]
fn the_contracts_own_tests_pass_on_the_ethereum_build() {
    let Some(tools) = tools() else { return };
    forge(&tools, "default");
}

#[test]
fn the_contracts_own_tests_pass_on_the_echoin_build() {
    let Some(tools) = tools() else { return };
    forge(&tools, "echoin");
}

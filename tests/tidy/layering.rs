//! Who may depend on whom, asked of cargo: normal and build dependencies of each crate alone, at any depth. Dev
//! dependencies do not count; features of other members do not either.

use crate::manifests::{dependencies, manifests, package};
use crate::tree::root;
use std::collections::BTreeSet;
use std::process::Command;

/// Depend on nothing that has a task, a socket, a disk or a clock.
const PURE: [&str; 4] = [
    "kofo-primitives",
    "kofo-exchange",
    "kofo-clearance",
    "kofo-settlement",
];

/// What a pure crate never reaches. A name stands for every crate that begins with it.
const IMPURE: [&str; 26] = [
    "arc-malachite",
    "aws-lc",
    "alloy",
    "anyhow",
    "argon2",
    "async-",
    "axum",
    "bdk_",
    "bitcoin ",
    "bitcoincore",
    "chrono",
    "clap",
    "corepc",
    "eyre",
    "futures",
    "hyper",
    "jsonrpsee",
    "libp2p",
    "mio",
    "redb",
    "reqwest",
    "rustls",
    "socket2",
    "tempfile",
    "tokio",
    "tracing",
];

const ADAPTERS: [&str; 3] = ["kofo-bitcoin", "kofo-evm", "kofo-sim"];

/// Everybody else speaks to chains through the port.
const MAY_NAME_AN_ADAPTER: [&str; 6] = [
    "kofo-bench",
    "kofo-examples",
    "kofo-fuzz",
    "kofo-node",
    "kofo-regtest",
    "kofo-tests",
];

/// The crates of a crate's tree: itself first. `name version` each.
fn tree(package: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let asked = [
        "tree",
        "--offline",
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "-p",
        package,
    ];
    let output = Command::new(cargo)
        .args(asked)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree -p {package}: {errors}");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let crates: Vec<_> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(
        crates
            .first()
            .is_some_and(|first| first.starts_with(&format!("{package} "))),
        "{package}: {text}"
    );
    crates
}

/// The members of this workspace that a crate reaches, without itself.
fn members(package: &str) -> BTreeSet<String> {
    let names = tree(package)
        .into_iter()
        .filter_map(|line| line.split(' ').next().map(str::to_owned));
    names
        .filter(|name| name.starts_with("kofo-") && name != package)
        .collect()
}

fn reaches_only(package: &str, allowed: &[&str]) {
    let reached = members(package);
    let wrong: Vec<_> = reached
        .iter()
        .filter(|name| !allowed.contains(&name.as_str()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{package} reaches {wrong:?}, expected at most {allowed:?}: see ARCHITECTURE.md"
    );
}

fn impure(crates: &[String]) -> Vec<&String> {
    crates
        .iter()
        .filter(|name| IMPURE.iter().any(|bad| name.starts_with(bad)))
        .collect()
}

#[test]
fn pure_crates_never_reach_a_runtime_a_network_a_chain_client_or_a_database() {
    // The rule finds what it looks for where it is allowed.
    for (package, uses) in [
        ("kofo-node", "tokio "),
        ("kofo-journal", "redb "),
        ("kofo-bitcoin", "bitcoin "),
    ] {
        assert!(
            impure(&tree(package)).iter().any(|name| name.starts_with(uses)),
            "{package} uses {uses}"
        );
    }
    for package in PURE {
        let crates = tree(package);
        let found = impure(&crates);
        assert!(
            found.is_empty(),
            "{package} is pure but reaches {found:?}: cargo tree -p {package} -i NAME says how"
        );
    }
}

#[test]
fn no_layer_depends_on_a_layer() {
    for layer in ["kofo-exchange", "kofo-clearance", "kofo-settlement"] {
        reaches_only(layer, &["kofo-primitives"]);
    }
    reaches_only("kofo-primitives", &[]);
}

#[test]
fn no_adapter_depends_on_an_adapter_or_a_layer() {
    for adapter in ADAPTERS {
        reaches_only(adapter, &["kofo-primitives", "kofo-adapter-api"]);
    }
    reaches_only("kofo-adapter-api", &["kofo-primitives"]);
}

#[test]
fn journal_and_network_know_nothing_of_swaps() {
    reaches_only("kofo-journal", &["kofo-primitives"]);
    reaches_only("kofo-network", &["kofo-primitives"]);
    reaches_only(
        "kofo-tower",
        &[
            "kofo-primitives",
            "kofo-adapter-api",
            "kofo-journal",
            "kofo-network",
        ],
    );
}

#[test]
fn only_those_who_wire_or_test_depend_on_a_concrete_adapter() {
    let mut wired = false;
    for manifest in manifests() {
        let package = package(&manifest);
        let direct = dependencies(&manifest);
        let named: Vec<_> = direct
            .iter()
            .filter(|name| ADAPTERS.contains(&name.as_str()))
            .collect();
        wired |= package == "kofo-node" && !named.is_empty();
        let allowed = MAY_NAME_AN_ADAPTER.contains(&package.as_str()) || named.is_empty();
        assert!(
            allowed,
            "{}: {package} depends on {named:?}: go through the port (adapters/api) or the node",
            manifest.path
        );
    }
    assert!(
        wired,
        "kofo-node wires the adapters; if it names none, this test reads manifests wrongly"
    );
}

/// The crates of this workspace that name the engine, or a crate, in their manifests.
fn who_names(dependency: &str) -> Vec<String> {
    let all = manifests();
    let naming = all.iter().filter(|manifest| {
        let named = dependencies(manifest);
        named.iter().any(|name| name.starts_with(dependency))
    });
    naming.map(package).collect()
}

#[test]
fn only_the_consensus_crate_depends_on_the_engine_and_only_validators_on_it() {
    assert_eq!(who_names("arc-malachitebft"), ["kofo-consensus"]);
    reaches_only("kofo-consensus", &["kofo-primitives"]);
    let may = ["kofo-bench", "kofo-tests", "kofo-validator"];
    for package in who_names("kofo-consensus") {
        assert!(
            may.contains(&package.as_str()),
            "{package} names kofo-consensus: go through kofo-validator"
        );
    }
}

#[test]
fn a_node_that_is_embedded_does_not_compile_the_engine() {
    for package in ["kofo-node", "kofo-clearance", "kofo-network", "kofo-tower"] {
        let engine: Vec<_> = tree(package)
            .into_iter()
            .filter(|name| name.starts_with("arc-malachite"))
            .collect();
        assert!(engine.is_empty(), "{package} reaches {engine:?}");
    }
}

#[test]
fn what_a_chain_proves_is_read_without_any_adapter() {
    reaches_only("kofo-bitcoin-proof", &["kofo-primitives", "kofo-clearance"]);
}

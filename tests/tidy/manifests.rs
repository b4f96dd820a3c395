//! One place for versions, features and lints.

use crate::tree::{File, Finding, files, none, read};

const PURE_FOLDERS: [&str; 4] = ["crates/primitives", "exchange", "clearance", "settlement"];
const PURE_LINTS: [&str; 5] = [
    "clippy::arithmetic_side_effects",
    "clippy::cast_possible_truncation",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::wildcard_enum_match_arm",
];

/// The manifests of all members.
pub(crate) fn manifests() -> Vec<File> {
    let members = files()
        .into_iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"));
    let members: Vec<_> = members.collect();
    assert!(members.len() > 10, "{} manifests", members.len());
    members
}

/// The name of a member's package.
pub(crate) fn package(manifest: &File) -> String {
    let name = manifest
        .text
        .lines()
        .find_map(|line| line.strip_prefix("name = "));
    name.unwrap_or_else(|| panic!("{}: no name", manifest.path))
        .trim_matches('"')
        .to_owned()
}

/// What a member's own code depends on: dev-dependencies are those of its tests.
pub(crate) fn dependencies(manifest: &File) -> Vec<String> {
    let mut counts = false;
    let mut found = Vec::new();
    for line in manifest.text.lines() {
        if line.starts_with('[') {
            counts = line.contains("dependencies]") && !line.contains("dev-");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| counts) {
            found.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    found
}

/// A version or feature beside the workspace's table: `cargo run` and `cargo test` would build that crate twice.
fn own_choices(manifest: &File) -> Vec<Finding> {
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for (i, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') {
            let taken = line.contains("workspace = true");
            if !taken
                || ["features", "version", "path"]
                    .iter()
                    .any(|own| line.contains(own))
            {
                found.push(manifest.at(
                    i + 1,
                    "expected `{ workspace = true }`: version and features stand in the root's table",
                ));
            }
        }
    }
    found
}

#[test]
fn versions_and_features_stand_in_the_workspace_table_only() {
    let own =
        "[dependencies]\na = { workspace = true }\nb = \"1\"\nc = { workspace = true, features = [\"x\"] }\n";
    let lines: Vec<_> = own_choices(&File::new("Cargo.toml", own))
        .iter()
        .map(|f| f.line)
        .collect();
    assert_eq!(lines, [3, 4]);
    none(manifests().iter().flat_map(own_choices));
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    let manifests = manifests();
    let without = manifests
        .iter()
        .filter(|file| !file.text.contains("[lints]\nworkspace = true"));
    none(without.map(|file| file.at(1, "expected [lints] workspace = true")));
}

#[test]
fn every_pure_crate_denies_what_makes_a_replay_inexact_or_a_sum_wrap() {
    let first = read("crates/primitives/clippy.toml");
    assert!(
        first.contains("HashMap") && first.contains("SystemTime::now"),
        "crates/primitives/clippy.toml"
    );
    for folder in PURE_FOLDERS {
        let source = read(&format!("{folder}/src/lib.rs"));
        for lint in PURE_LINTS {
            assert!(
                source.contains("deny(") && source.contains(lint),
                "{folder}/src/lib.rs: expected deny({lint})"
            );
        }
        let path = format!("{folder}/clippy.toml");
        assert_eq!(
            read(&path),
            first,
            "{path}: expected the same as crates/primitives/clippy.toml"
        );
    }
}

#[test]
fn the_toolchain_of_the_pin_is_the_one_of_the_manifest() {
    let pin = read("rust-toolchain.toml");
    let channel = pin
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .expect("a channel is pinned");
    let manifest = read("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .expect("a version is stated");
    let (channel, version) = (channel.trim_matches('"'), version.trim_matches('"'));
    assert_eq!(
        channel,
        format!("{version}.0"),
        "rust-toolchain.toml and rust-version of Cargo.toml differ"
    );
}

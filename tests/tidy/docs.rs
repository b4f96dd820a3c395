//! The documents agree with each other and with the tree.

use crate::tree::{File, Finding, files, none, read, root};

/// The command lines of a document's blocks of code.
fn commands(document: &str) -> Vec<&str> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.split(" #").next().unwrap_or(line).trim());
        }
    }
    found
}

/// Links `[…](target)` to files of this repository, with their line.
fn links(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains(':') {
                found.push((i + 1, path.to_owned()));
            }
        }
    }
    found
}

fn dead_links(file: &File) -> Vec<Finding> {
    let folder = root().join(&file.path);
    let folder = folder.parent().expect("a file is in a folder");
    let dead = links(file)
        .into_iter()
        .filter(|(_, path)| !folder.join(path).exists());
    dead.map(|(line, path)| file.at(line, format!("links to {path}, which is not there")))
        .collect()
}

#[test]
fn the_readmes_test_command_is_what_ci_runs_and_nothing_else() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    let tests: Vec<_> = commands(&readme)
        .into_iter()
        .filter(|line| line.starts_with("cargo test"))
        .collect();
    let [command] = tests.as_slice() else {
        panic!("README.md: expected one test command in its blocks of code, got {tests:?}");
    };
    let run: Vec<_> = ci
        .lines()
        .filter_map(|line| line.strip_prefix("step test "))
        .collect();
    assert_eq!(run, [*command], ".ci/run: expected the README's test command");
}

#[test]
fn every_decision_is_linked_from_the_architecture() {
    let architecture = read("ARCHITECTURE.md");
    let decisions: Vec<_> = files()
        .into_iter()
        .filter(|file| file.path.starts_with("docs/adr/"))
        .collect();
    assert!(decisions.len() >= 8, "docs/adr: {} decisions", decisions.len());
    let unlinked = decisions
        .iter()
        .filter(|file| !architecture.contains(&format!("]({})", file.path)));
    none(unlinked.map(|file| file.at(1, "not linked from ARCHITECTURE.md")));
}

#[test]
fn no_document_links_to_a_file_that_is_not_there() {
    let made_up = File::new(
        "docs/x.md",
        "see [a](../README.md#limits), [b](nowhere.md), [c](https://docs.rs)\n",
    );
    assert_eq!(dead_links(&made_up).len(), 1);
    let files = files();
    none(
        files
            .iter()
            .filter(|file| file.ends_with(&[".md"]))
            .flat_map(dead_links),
    );
}

#[test]
fn every_folder_with_a_crate_is_in_the_picture() {
    let (architecture, workspace) = (read("ARCHITECTURE.md"), read("Cargo.toml"));
    let members = workspace
        .split("members = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    let members: Vec<_> = members
        .expect("the workspace lists its members")
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(members.len() > 10, "{members:?}");
    for member in members {
        let folder = member.rsplit('/').next().expect("a path has a last part");
        assert!(
            architecture.contains(&format!("{folder}/")),
            "ARCHITECTURE.md: {member} is not in the tree"
        );
    }
}

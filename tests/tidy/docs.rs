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

/// The rules that a source names in its comments (`// I6, the reveal: …`), with their line.
fn rules_named(file: &File) -> Vec<(usize, String)> {
    let comments = file
        .text
        .lines()
        .enumerate()
        .filter_map(|(i, line)| Some((i + 1, line.trim().strip_prefix("// ")?)));
    let rule = |text: &str| {
        let word: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut chars = word.chars();
        let letter = chars.next().is_some_and(|c| c.is_ascii_uppercase());
        let number = chars.clone().count() > 0 && chars.all(|c| c.is_ascii_digit());
        (letter && number && text[word.len()..].starts_with([':', ','])).then_some(word)
    };
    comments
        .filter_map(|(line, text)| rule(text).map(|word| (line, word)))
        .collect()
}

#[test]
fn every_rule_that_the_machine_names_is_in_the_protocol() {
    let protocol = read("docs/protocol/settlement.md");
    let machine: Vec<_> = files()
        .into_iter()
        .filter(|file| file.path.starts_with("settlement/src/swap"))
        .collect();
    let named: usize = machine.iter().map(|file| rules_named(file).len()).sum();
    assert!(named > 10, "only {named} rules named in settlement/src/swap");
    none(machine.iter().flat_map(|file| {
        let missing = rules_named(file)
            .into_iter()
            .filter(|(_, rule)| !protocol.contains(&format!("**{rule}**")));
        missing
            .map(|(line, rule)| file.at(line, format!("rule {rule} is not in the protocol")))
            .collect::<Vec<_>>()
    }));
}

/// The tests that a document names: words in backticks with at least three underscores.
fn tests_named(file: &File) -> Vec<(usize, String)> {
    let quoted = |(i, line): (usize, &str)| {
        let words = line.split('`').skip(1).step_by(2).map(str::to_owned);
        words
            .filter(|word| word.matches('_').count() >= 3 && !word.contains(' '))
            .map(|word| (i + 1, word))
            .collect::<Vec<_>>()
    };
    file.text.lines().enumerate().flat_map(quoted).collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let files = files();
    let sources: Vec<_> = files
        .iter()
        .filter(|file| file.ends_with(&[".rs", ".sol"]))
        .collect();
    let documents: Vec<_> = files
        .iter()
        .filter(|file| file.path.starts_with("docs/protocol/") || file.path == "docs/reliability.md")
        .collect();
    assert!(
        documents.iter().any(|file| !tests_named(file).is_empty()),
        "docs/protocol names its vectors' tests"
    );
    let exists = |test: &str| {
        let (rust, solidity) = (format!("fn {test}("), format!("function {test}("));
        let mut texts = sources.iter().map(|file| &file.text);
        texts.any(|text| text.contains(&rust) || text.contains(&solidity))
    };
    none(documents.iter().flat_map(|file| {
        let missing = tests_named(file).into_iter().filter(|(_, test)| !exists(test));
        missing
            .map(|(line, test)| file.at(line, format!("no test {test}")))
            .collect::<Vec<_>>()
    }));
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

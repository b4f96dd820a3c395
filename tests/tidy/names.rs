//! Names that say nothing.

use crate::tree::{File, Finding, files, none};

const EMPTY_MODULES: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "misc", "mod"];
const EMPTY_ENDINGS: [&str; 3] = ["Manager", "Handler", "Info"];

fn module(file: &File) -> Option<Finding> {
    let stems = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
    let empty = stems
        .rev()
        .find(|stem| EMPTY_MODULES.contains(stem))
        .filter(|_| file.ends_with(&[".rs"]))?;
    let hint = if empty == "mod" {
        "foo.rs beside foo/ instead"
    } else {
        "name it after what is in it"
    };
    Some(file.at(1, format!("`{empty}` says nothing: {hint}")))
}

/// Types of our own; those that a macro or another crate names are not ours to choose.
fn types(file: &File) -> Vec<Finding> {
    file.lines(|line| {
        let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let named = words
            .windows(2)
            .find(|pair| ["struct", "enum", "trait", "type"].contains(&pair[0]))?[1];
        let empty = EMPTY_ENDINGS.iter().find(|ending| named.ends_with(*ending))?;
        // A `type` inside of something is another crate's trait being implemented: the name is theirs.
        let code = !line.trim_start().starts_with("//") && !line.starts_with("    type ");
        code.then(|| format!("`{named}`: {empty} says nothing, name what it does or holds"))
    })
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    for (path, bad) in [
        ("a/src/utils.rs", true),
        ("a/src/utils/b.rs", true),
        ("a/src/x/mod.rs", true),
        ("a/src/commonly.rs", false),
        ("docs/misc.md", false),
    ] {
        assert_eq!(module(&File::new(path, "")).is_some(), bad, "{path}");
    }
    none(files().iter().filter_map(module));
}

#[test]
fn no_type_has_a_name_that_says_nothing() {
    // In two halves, or this file would be found.
    let made_up = format!(
        "pub struct Swap{}er;\n// a struct LegInfo\nenum Information {{}}\n    type ErrorInfo = u8;",
        "Manag"
    );
    let found = types(&File::new("a.rs", &made_up));
    assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [1]);
    let rust: Vec<_> = files()
        .into_iter()
        .filter(|file| file.ends_with(&[".rs"]))
        .collect();
    none(rust.iter().flat_map(types));
}

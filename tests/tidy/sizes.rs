//! How long a file may be. How long a function may be is clippy's (`too_many_lines`).

use crate::tree::{File, Finding, files, none};

const MOST_LINES: usize = 600;
const SOURCES: [&str; 4] = [".rs", ".sol", ".mjs", ".md"];

fn too_long(file: &File) -> Option<Finding> {
    let have = file.text.lines().count();
    let split = "split it: one idea a file, long tests into a file beside it";
    (have > MOST_LINES && file.ends_with(&SOURCES)).then(|| {
        file.at(
            have,
            format!("{have} lines, expected at most {MOST_LINES}: {split}"),
        )
    })
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long = |lines| too_long(&File::new("a.rs", &"x\n".repeat(lines)));
    assert!(long(600).is_none() && long(601).is_some());
    none(
        files()
            .iter()
            .filter(|file| !file.is_generated())
            .filter_map(too_long),
    );
}

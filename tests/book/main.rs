//! Every shell block of the guide runs as it stands there, page by page, from the first line to the last.
//!
//! A page is one script, in an empty folder. A block that begins with `sh,until=WORDS` is a terminal of its own: it goes on
//! in the background as soon as it has printed the words, in which a `.` stands for a blank.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod page;
mod script;

use page::Page;
use std::path::Path;

/// The pages with shell blocks, each run by the test of its name.
macro_rules! pages {
    ($($test:ident: $page:literal;)*) => {
        const RUN: &[&str] = &[$($page),*];

        $(
            #[test]
            fn $test() {
                if kofo_regtest::fetch::all_or_skip(stringify!($test)) {
                    script::run(&Page::read(&guide().join($page)));
                }
            }
        )*
    };
}

pages! {
    the_ten_minute_start_works_as_written: "start.md";
    a_provider_works_as_written: "provider.md";
    a_validator_works_as_written: "validator.md";
    an_integration_test_works_as_written: "integration.md";
}

fn guide() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide")
}

#[test]
fn every_page_with_shell_blocks_is_run_and_every_page_is_in_the_summary() {
    let summary = std::fs::read_to_string(guide().join("../SUMMARY.md")).unwrap();
    for entry in std::fs::read_dir(guide()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            summary.contains(&format!("(guide/{name})")),
            "{name} is not in SUMMARY.md"
        );
        let page = Page::read(&path);
        assert_eq!(!page.blocks.is_empty(), RUN.contains(&name), "{name}");
    }
}

/// What a page takes in by `{{#include file:anchor}}`, all of it there.
fn included(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let includes = text.lines().filter_map(|line| line.strip_prefix("{{#include "));
    let check = |include: &str| {
        let what = include.strip_suffix("}}").unwrap();
        let (file, anchor) = match what.rsplit_once(':') {
            Some((file, anchor)) => (file, Some(anchor)),
            None => (what, None),
        };
        let path = page.parent().unwrap().join(file);
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{what}: {e}"));
        if let Some(anchor) = anchor {
            for mark in ["ANCHOR", "ANCHOR_END"] {
                let line = format!("{mark}: {anchor}");
                let marked = source
                    .lines()
                    .filter(|found| found.trim_end_matches(" -->").ends_with(&line));
                assert_eq!(marked.count(), 1, "{what}: {line}");
            }
        }
        what.to_owned()
    };
    includes.map(check).collect()
}

#[test]
fn what_pages_take_in_of_the_sources_is_there() {
    let pages = std::fs::read_dir(guide())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let all: Vec<_> = pages.flat_map(|page| included(&page)).collect();
    assert!(all.iter().any(|what| what.contains("fourth_chain")), "{all:?}");
}

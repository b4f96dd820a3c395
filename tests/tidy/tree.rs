//! The files of the workspace, and what is found in them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Not folders that hold what was built or fetched: by name, by what forge writes, by the tag that cargo leaves; nor the
/// inputs of the fuzz targets, which are bytes even where they happen to be text.
fn is_ours(folder: &Path) -> bool {
    let others = [
        ".git",
        "target",
        "node_modules",
        "contracts/out",
        "contracts/cache",
        "fuzz/corpus",
    ];
    !others.iter().any(|other| folder.ends_with(other)) && !folder.join("CACHEDIR.TAG").exists()
}

/// One text file, by its path from the root of the workspace.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A broken rule, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}

/// All text files of the workspace.
pub(crate) fn files() -> Vec<File> {
    let mut found = Vec::new();
    collect(&root(), &root(), &mut found);
    assert!(
        found.len() > 100,
        "only {} files found: is the root right?",
        found.len()
    );
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("folders of the workspace are readable") {
        let entry = entry.expect("folders of the workspace are readable");
        let (path, kind) = (entry.path(), entry.file_type().expect("an entry has a type"));
        if kind.is_dir() && is_ours(&path) {
            collect(root, &path, found);
        } else if kind.is_file()
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let path = path
                .strip_prefix(root)
                .expect("below the root")
                .to_string_lossy()
                .into_owned();
            found.push(File { path, text });
        }
    }
}

/// One file by its path; fails if there is none.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    pub(crate) fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// Generated, and compared with its source by another test.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/artifacts/") || self.ends_with(&["Cargo.lock", "package-lock.json"])
    }

    /// A finding for each line of which the rule has something to say.
    pub(crate) fn lines(&self, rule: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
        let numbered = self.text.lines().enumerate();
        numbered
            .filter_map(|(i, line)| rule(line).map(|what| self.at(i + 1, what)))
            .collect()
    }

    pub(crate) fn at(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

/// Fails with every finding, one a line.
pub(crate) fn none(findings: impl IntoIterator<Item = Finding>) {
    let mut report = String::new();
    for Finding { path, line, what } in findings {
        writeln!(report, "{path}:{line}: {what}").expect("a string takes everything");
    }
    assert!(report.is_empty(), "\n{report}");
}

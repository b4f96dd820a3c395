//! Finds bitcoind and anvil, or fetches them.
//!
//! In this order: the variable (`BITCOIND_EXE`, `ANVIL_EXE`), which must then be right; `PATH`; our cache
//! (`$XDG_CACHE_HOME/kofo`, else `$HOME/.cache/kofo`, else `target/kofo-cache`); the package client of this machine.
//! anvil comes from npm, pinned by a lock file with hashes. bitcoind comes on Debian and its kin from Debian's own
//! package, by apt, into a folder of ours: nothing of the system is changed.

mod anvil;
mod apt_sources;
mod cache;
mod knots;
mod tool;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Is told, a line at a time, what takes long.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Why a program could be neither found nor fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A variable names something that cannot be run. Nothing else is tried: whoever sets it means it.
    #[error("{variable} is `{}`, which is not an executable file: correct it, or unset it to have {} found or fetched", path.display(), program.name())]
    BadVariable {
        /// The variable.
        variable: &'static str,
        /// What it says.
        path: PathBuf,
        /// The program it is for.
        program: Program,
    },
    /// This machine has no way to fetch the program.
    #[error("{name} is neither in {variable} nor in PATH, and cannot be fetched here ({reason}): {remedy}, or set {variable} to an executable", name = program.name(), variable = program.variable())]
    NoWay {
        /// The program.
        program: Program,
        /// What is missing.
        reason: String,
        /// What to install.
        remedy: &'static str,
    },
    /// A package client failed.
    #[error("`{command}` {ended}; it said:\n{output}")]
    Tool {
        /// What was run.
        command: String,
        /// How it ended.
        ended: String,
        /// The end of what it printed.
        output: String,
    },
    /// What was fetched is not what was expected.
    #[error("fetched {what}: expected {expected}, got {got}; remove {} and try again", cache.display())]
    Wrong {
        /// What was fetched.
        what: &'static str,
        /// What should have come.
        expected: String,
        /// What came.
        got: String,
        /// The cache.
        cache: PathBuf,
    },
    /// A file or folder of the cache could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether the program just cannot be had here. A wrong variable or a wrong hash is a mistake that somebody has
    /// to see, and no reason to skip a test.
    pub fn is_absence(&self) -> bool {
        matches!(self, FetchError::NoWay { .. } | FetchError::Tool { .. })
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
        let path = path.to_owned();
        move |source| FetchError::Io { doing, path, source }
    }
}

/// A program that a regtest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// A Bitcoin node: Bitcoin Core or Knots.
    Bitcoind,
    /// Foundry's Ethereum node.
    Anvil,
}

impl Program {
    /// The name of its executable.
    pub fn name(self) -> &'static str {
        match self {
            Program::Bitcoind => "bitcoind",
            Program::Anvil => "anvil",
        }
    }

    /// The variable that names it.
    pub fn variable(self) -> &'static str {
        match self {
            Program::Bitcoind => "BITCOIND_EXE",
            Program::Anvil => "ANVIL_EXE",
        }
    }
}

/// Where to look: taken from the environment once, so that tests can look elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `BITCOIND_EXE`.
    pub bitcoind_exe: Option<PathBuf>,
    /// `ANVIL_EXE`.
    pub anvil_exe: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// The folder where fetched programs are kept.
    pub cache: PathBuf,
}

impl Places {
    /// As the environment says. An empty variable counts as unset.
    pub fn from_env() -> Places {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .map_or_else(|| PathBuf::from("target/kofo-cache"), |cache| cache.join("kofo"));
        Places {
            bitcoind_exe: set(Program::Bitcoind.variable()).map(PathBuf::from),
            anvil_exe: set(Program::Anvil.variable()).map(PathBuf::from),
            path: set("PATH"),
            // The daemons run in folders of their own, so a relative path would lead elsewhere.
            cache: std::path::absolute(&cache).unwrap_or(cache),
        }
    }

    fn variable(&self, program: Program) -> Option<&PathBuf> {
        match program {
            Program::Bitcoind => self.bitcoind_exe.as_ref(),
            Program::Anvil => self.anvil_exe.as_ref(),
        }
    }
}

/// Paths of the programs of a regtest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// bitcoind, if it was asked for.
    pub bitcoind: Option<PathBuf>,
    /// bitcoin-cli, if it lies beside bitcoind. Nothing here needs it; people like it.
    pub bitcoin_cli: Option<PathBuf>,
    /// anvil, if it was asked for.
    pub anvil: Option<PathBuf>,
}

/// Finds or fetches all of `wanted`. Blocks, for minutes if the network is slow.
pub fn programs(wanted: &[Program], places: &Places, progress: &Progress) -> Result<Programs, FetchError> {
    let mut found = Programs::default();
    for program in wanted {
        let path = find_or_fetch(*program, places, progress)?;
        match program {
            Program::Bitcoind => {
                found.bitcoin_cli = Some(path.with_file_name("bitcoin-cli")).filter(|cli| executable(cli));
                found.bitcoind = Some(path);
            }
            Program::Anvil => found.anvil = Some(path),
        }
    }
    Ok(found)
}

/// Finds `program`, or fetches it into the cache.
pub fn find_or_fetch(program: Program, places: &Places, progress: &Progress) -> Result<PathBuf, FetchError> {
    if let Some(found) = find(program, places)? {
        return Ok(found);
    }
    let cache = &places.cache;
    match program {
        Program::Bitcoind => cache::install(knots::PACKAGE, program, cache, progress, |dir| {
            knots::fetch(dir, cache, progress)
        }),
        Program::Anvil => cache::install(anvil::PACKAGE, program, cache, progress, |dir| {
            anvil::fetch(dir, cache, progress)
        }),
    }
}

/// Finds `program` without fetching it: the variable, `PATH`, the cache.
pub fn find(program: Program, places: &Places) -> Result<Option<PathBuf>, FetchError> {
    if let Some(path) = places.variable(program) {
        if executable(path) {
            // Relative to where we are, not to where the daemon will be.
            return Ok(Some(
                std::path::absolute(path).map_err(FetchError::io("find", path))?,
            ));
        }
        return Err(FetchError::BadVariable {
            variable: program.variable(),
            path: path.clone(),
            program,
        });
    }
    let path = places.path.as_deref().unwrap_or_default();
    if let Some(found) = std::env::split_paths(path)
        .map(|dir| dir.join(program.name()))
        .find(|p| executable(p))
    {
        return Ok(Some(
            std::path::absolute(&found).map_err(FetchError::io("find", &found))?,
        ));
    }
    let package = match program {
        Program::Bitcoind => knots::PACKAGE,
        Program::Anvil => anvil::PACKAGE,
    };
    Ok(cache::look_up(package, program, &places.cache))
}

/// Whether a test that cannot have its daemons must fail: `KOFO_REQUIRE_NODES=1`.
pub fn nodes_required() -> bool {
    std::env::var_os("KOFO_REQUIRE_NODES").is_some_and(|value| value == "1")
}

/// Ends a test that lacks something this machine cannot have: says so on stderr, past the test harness, which would
/// hide what a passing test prints.
///
/// # Panics
/// If `KOFO_REQUIRE_NODES=1`.
pub fn skip(test: &str, why: &dyn fmt::Display) {
    assert!(
        !nodes_required(),
        "KOFO_REQUIRE_NODES=1, and {test} cannot run: {why}"
    );
    let line = format!("\nSKIPPED {test}: {why}\n");
    // If stderr is closed there is nobody to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Whether a test can have all the daemons, here or fetched; if not, [`skip`] has said so. Progress goes to stderr.
///
/// # Panics
/// As [`skip`] does.
pub fn all_or_skip(test: &str) -> bool {
    let progress: Progress = Arc::new(|line| eprintln!("{line}"));
    let all = [Program::Bitcoind, Program::Anvil];
    match programs(&all, &Places::from_env(), &progress) {
        Ok(_) => true,
        Err(error) => {
            skip(test, &error);
            false
        }
    }
}

fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

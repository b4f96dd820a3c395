//! anvil from npm: `@foundry-rs/anvil` and its platform package, pinned in `npm/package-lock.json`.

use std::fs;
use std::path::Path;

use super::{FetchError, Program, Progress, tool};

/// Name in the cache; changes with the version in `npm/package.json`.
pub(super) const PACKAGE: &str = "anvil-1.7.1";
const VERSION: &str = "1.7.1";
const MANIFEST: &str = include_str!("../../npm/package.json");
/// Without addresses of a registry: npm takes its own, and checks the hashes here. Platforms other than linux-amd64
/// are pinned by version only; their packages could not be had to hash them.
const LOCK: &str = include_str!("../../npm/package-lock.json");
/// Puts anvil into `dir`.
pub(super) fn fetch(dir: &Path, cache: &Path, progress: &Progress) -> Result<(), FetchError> {
    if let Err(error) = tool::run("npm", &["--version"], dir) {
        return Err(FetchError::NoWay {
            program: Program::Anvil,
            reason: format!("npm does not run: {error}"),
            remedy: "install Node.js with npm, or Foundry",
        });
    }
    progress("fetching anvil 1.7.1 from npm (20 MB, once)");
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).map_err(FetchError::io("write", &path))
    };
    write("package.json", MANIFEST)?;
    write("package-lock.json", LOCK)?;
    let args = [
        "ci",
        "--ignore-scripts",
        "--include=optional",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    tool::run("npm", &args, dir)?;
    let platform = platform()?;
    let native = dir.join(format!("node_modules/@foundry-rs/anvil-{platform}/bin/anvil"));
    let anvil = dir.join("anvil");
    fs::rename(&native, &anvil).map_err(FetchError::io("take", &native))?;
    let modules = dir.join("node_modules");
    fs::remove_dir_all(&modules).map_err(FetchError::io("remove", &modules))?;
    let said = tool::run(&anvil.display().to_string(), &["--version"], dir)?;
    if said.contains(VERSION) {
        return Ok(());
    }
    Err(FetchError::Wrong {
        what: "anvil",
        expected: VERSION.to_owned(),
        got: said,
        cache: cache.to_owned(),
    })
}

/// This machine in the words of the platform packages.
fn platform() -> Result<String, FetchError> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => {
            return Err(FetchError::NoWay {
                program: Program::Anvil,
                reason: format!("npm has no anvil for {other}"),
                remedy: "build Foundry from source",
            });
        }
    };
    Ok(format!("linux-{arch}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_hashes_and_no_registry() {
        assert!(!LOCK.contains("http"), "an address in the lock file");
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        for package in ["@foundry-rs/anvil", "@foundry-rs/anvil-linux-amd64"] {
            let entry = &lock["packages"][format!("node_modules/{package}")];
            assert_eq!(entry["version"], VERSION, "{package}");
            assert!(
                entry["integrity"].as_str().unwrap().starts_with("sha512-"),
                "{package}"
            );
        }
    }

    #[test]
    fn the_name_in_the_cache_carries_the_version() {
        assert!(PACKAGE.ends_with(VERSION));
        assert!(MANIFEST.contains(VERSION));
    }
}

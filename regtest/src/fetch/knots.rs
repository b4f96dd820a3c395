//! bitcoind from Debian's package `bitcoin-knots`, by apt, into a folder of ours.
//!
//! What was tried is pinned by version and hash. Debian's mirrors keep one version per suite, so a newer one of the
//! same line is taken when ours has left them: apt has then checked it against Debian's keyring, and the progress
//! says so.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::apt_sources::{Mirror, mirrors};
use super::{FetchError, Program, Progress, tool};

/// Name in the cache: the line of versions that is accepted.
pub(super) const PACKAGE: &str = "bitcoin-knots-29";
const DEB: &str = "bitcoin-knots";
/// The version that was tried.
const PINNED: &str = "29.4.knots20260508.2-1";
/// The hash of its package for amd64.
const PINNED_SHA256: &str = "a74135bb3ed5dca86ac0c2381e7697a94b0c7735c07f0ce5bb72147f750452cc";
/// What else is accepted: from here to below the next line.
const FLOOR: &str = "29.4";
const CEILING: &str = "30~";
/// Debian suites that have the package, the steadier one first.
const SUITES: [&str; 2] = ["forky", "sid"];
/// Debian's keyring under its names, when the machine's own source names none.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];
/// A closure of shared libraries larger than this is no closure of bitcoind's.
const MAX_PACKAGES: usize = 64;
const REMEDY: &str = "install Bitcoin Core or Knots 29";

/// Puts bitcoind and bitcoin-cli into `dir`.
pub(super) fn fetch(dir: &Path, cache: &Path, progress: &Progress) -> Result<(), FetchError> {
    let no_way = |reason: String| FetchError::NoWay {
        program: Program::Bitcoind,
        reason,
        remedy: REMEDY,
    };
    for needed in ["apt-get", "dpkg"] {
        if tool::run(needed, &["--version"], dir).is_err() {
            return Err(no_way(format!(
                "there is no {needed}, so this is neither Debian nor its kin"
            )));
        }
    }
    let mirrors = mirrors(Path::new("/etc/apt"));
    if mirrors.is_empty() {
        return Err(no_way(
            "no Debian mirror among the apt sources of this machine".to_owned(),
        ));
    }
    let mut reason = String::new();
    for suite in SUITES {
        for mirror in &mirrors {
            progress(&format!(
                "reading the package list of Debian {suite} for bitcoin-knots (10 MB, once)"
            ));
            match Apt::open(dir, mirror, suite) {
                Ok(apt) => return apt.install(dir, cache, progress),
                Err(error) => reason = format!("{suite}: {error}"),
            }
        }
    }
    Err(no_way(reason))
}

/// apt with lists, cache and status in a folder of ours, and everything else (proxies, credentials) as the machine
/// has it.
struct Apt {
    root: PathBuf,
    config: String,
    version: String,
}

impl Apt {
    /// Reads the list of `suite` and checks that it offers what we accept.
    fn open(dir: &Path, mirror: &Mirror, suite: &str) -> Result<Apt, FetchError> {
        let root = dir.join("apt");
        if root.exists() {
            fs::remove_dir_all(&root).map_err(FetchError::io("remove", &root))?;
        }
        for folder in ["state", "lists/partial", "cache/archives/partial", "debs"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(FetchError::io("create", &folder))?;
        }
        let keyring = keyring(mirror)?;
        let arch = tool::run("dpkg", &["--print-architecture"], &root)?;
        let write = |name: &str, text: String| {
            let path = root.join(name);
            fs::write(&path, text).map_err(FetchError::io("write", &path))?;
            Ok(path.display().to_string())
        };
        write("status", String::new())?;
        let sources = write("kofo.sources", sources(mirror, suite, &keyring, arch.trim()))?;
        let config = write("apt.conf", configuration(&root, &sources))?;
        tool::run("apt-get", &["-c", &config, "update"], &root)?;
        let shown = tool::run(
            "apt-cache",
            &["-c", &config, "--no-all-versions", "show", DEB],
            &root,
        )?;
        let version = shown
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .unwrap_or("none")
            .trim();
        let within = |relation: &str, other: &str| {
            tool::run("dpkg", &["--compare-versions", version, relation, other], &root).is_ok()
        };
        if !within("ge", FLOOR) || !within("lt", CEILING) {
            return Err(FetchError::NoWay {
                program: Program::Bitcoind,
                reason: format!("{suite} offers {version}, not {FLOOR} or a later one of its line"),
                remedy: REMEDY,
            });
        }
        let version = version.to_owned();
        Ok(Apt {
            root,
            config,
            version,
        })
    }

    /// Downloads, unpacks, wraps and tries the programs.
    fn install(self, dir: &Path, cache: &Path, progress: &Progress) -> Result<(), FetchError> {
        let packages = self.closure()?;
        progress(&format!(
            "fetching {DEB} {} and {} libraries from Debian (20 MB, once)",
            self.version,
            packages.len() - 1
        ));
        let debs = self.root.join("debs");
        let mut args = vec!["-c", &self.config, "download"];
        args.extend(packages.iter().map(String::as_str));
        tool::run("apt-get", &args, &debs)?;
        self.check_pin(&debs, cache, progress)?;
        let unpacked = dir.join("root");
        for deb in list(&debs)? {
            let (deb, to) = (deb.display().to_string(), unpacked.display().to_string());
            tool::run("dpkg", &["-x", &deb, &to], &self.root)?;
        }
        for name in ["bitcoind", "bitcoin-cli"] {
            wrap(dir, name)?;
            // With a folder: without one it would make its default one in somebody's home.
            let folder = format!("-datadir={}", self.root.display());
            let said = tool::run(&dir.join(name).display().to_string(), &[&folder, "-version"], dir)?;
            if !said.contains("Bitcoin") {
                let expected = "its name and version".to_owned();
                return Err(FetchError::Wrong {
                    what: "bitcoind",
                    expected,
                    got: said,
                    cache: cache.to_owned(),
                });
            }
        }
        fs::remove_dir_all(&self.root).map_err(FetchError::io("remove", &self.root))
    }

    /// The package and the shared libraries it needs, directly or not; no other dependency: they serve its
    /// installation as a service.
    fn closure(&self) -> Result<BTreeSet<String>, FetchError> {
        let mut known = BTreeSet::from([DEB.to_owned()]);
        let mut fresh: Vec<String> = vec![DEB.to_owned()];
        while !fresh.is_empty() && known.len() <= MAX_PACKAGES {
            let mut args = vec!["-c", &self.config, "--important", "depends"];
            args.extend(fresh.iter().map(String::as_str));
            let shown = tool::run("apt-cache", &args, &self.root)?;
            fresh = libraries(&shown)
                .filter(|name| known.insert((*name).to_owned()))
                .map(str::to_owned)
                .collect();
        }
        Ok(known)
    }

    fn check_pin(&self, debs: &Path, cache: &Path, progress: &Progress) -> Result<(), FetchError> {
        if self.version != PINNED {
            progress(&format!(
                "{DEB} {PINNED} has left the mirror; taking {} on Debian's signature",
                self.version
            ));
            return Ok(());
        }
        let amd64 = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(&format!("{DEB}_")) && name.ends_with("_amd64.deb"))
        };
        let Some(deb) = list(debs)?.into_iter().find(amd64) else {
            return Ok(());
        };
        let bytes = fs::read(&deb).map_err(FetchError::io("read", &deb))?;
        let got = hex::encode(Sha256::digest(&bytes));
        if got == PINNED_SHA256 {
            return Ok(());
        }
        let expected = format!("SHA-256 {PINNED_SHA256}");
        Err(FetchError::Wrong {
            what: "bitcoin-knots",
            expected,
            got,
            cache: cache.to_owned(),
        })
    }
}

fn sources(mirror: &Mirror, suite: &str, keyring: &Path, arch: &str) -> String {
    format!(
        "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\nArchitectures: {arch}\nTargets: Packages\n\
         Languages: none\nSigned-By: {}\n",
        mirror.uri,
        keyring.display()
    )
}

/// Read after the machine's own configuration. The hooks that are cleared would clean the machine's folders.
fn configuration(root: &Path, sources: &str) -> String {
    let root = root.display();
    format!(
        "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n\
         Dir::State \"{root}/state/\";\nDir::State::lists \"{root}/lists/\";\nDir::State::status \"{root}/status\";\n\
         Dir::Cache \"{root}/cache/\";\nDir::Etc::sourcelist \"{sources}\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
         APT::Get::AllowUnauthenticated \"false\";\nAcquire::AllowInsecureRepositories \"false\";\n"
    )
}

fn keyring(mirror: &Mirror) -> Result<PathBuf, FetchError> {
    let known = KEYRINGS.iter().map(PathBuf::from);
    mirror
        .keyring
        .clone()
        .into_iter()
        .chain(known)
        .find(|path| path.is_file())
        .ok_or_else(|| FetchError::NoWay {
            program: Program::Bitcoind,
            reason: "Debian's keyring is not on this machine".to_owned(),
            remedy: "install debian-archive-keyring",
        })
}

/// The libraries in the output of `apt-cache depends`.
fn libraries(shown: &str) -> impl Iterator<Item = &str> {
    let depends = shown
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '|']).strip_prefix("Depends: "));
    let pre = shown
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '|']).strip_prefix("PreDepends: "));
    depends
        .chain(pre)
        .filter(|name| name.starts_with("lib") || name.starts_with("zlib"))
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let entries = fs::read_dir(dir).map_err(FetchError::io("list", dir))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// Writes `dir/name`, which becomes the unpacked program with the libraries it was built for. By a path relative to
/// itself, because the folder is renamed; by `exec`, so that a signal to it reaches the program.
fn wrap(dir: &Path, name: &str) -> Result<(), FetchError> {
    let loader = find_loader(&dir.join("root/usr/lib"))?;
    let relative = loader.strip_prefix(dir).unwrap_or(&loader);
    let libraries = relative.parent().unwrap_or(relative);
    let script = format!(
        "#!/bin/sh\nhere=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 1\n\
         exec \"$here/{}\" --library-path \"$here/{}\" \"$here/root/usr/bin/{name}\" \"$@\"\n",
        relative.display(),
        libraries.display()
    );
    let path = dir.join(name);
    fs::write(&path, script).map_err(FetchError::io("write", &path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .map_err(FetchError::io("make executable", &path))
}

/// The dynamic loader, beside the libraries of its architecture.
fn find_loader(lib: &Path) -> Result<PathBuf, FetchError> {
    for folder in list(lib)?.into_iter().filter(|path| path.is_dir()) {
        let loader = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("ld-linux"))
        };
        if let Some(found) = list(&folder)?.into_iter().find(loader) {
            return Ok(found);
        }
    }
    let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "no ld-linux in the unpacked libc6");
    Err(FetchError::Io {
        doing: "find the loader in",
        path: lib.to_owned(),
        source: missing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_libraries_count_as_dependencies() {
        let shown = "bitcoin-knots\n |Depends: debconf\n  Depends: <debconf-2.0>\n    cdebconf\n  Depends: libc6\n\
                     \x20 PreDepends: libzmq5\n  Recommends: libnot\n |Depends: systemd\n  Depends: zlib1g\n";
        let mut found: Vec<&str> = libraries(shown).collect();
        found.sort_unstable();
        assert_eq!(found, ["libc6", "libzmq5", "zlib1g"]);
    }

    #[test]
    fn our_apt_is_told_the_suite_the_keyring_and_never_to_trust_blindly() {
        let mirror = Mirror {
            uri: "http://mirror.example/debian".to_owned(),
            keyring: None,
        };
        let text = sources(&mirror, "forky", Path::new("/keys/debian.gpg"), "amd64");
        assert!(text.contains("Suites: forky\n"));
        assert!(text.contains("Signed-By: /keys/debian.gpg\n"));
        assert!(!text.to_lowercase().contains("trusted"));
    }
}

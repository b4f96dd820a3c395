//! The folder of one regtest, which only one process at a time may use.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::state::STATE_FILE;

const PREFIX: &str = "kofo-regtest-";
const LOCK_FILE: &str = "lock";

pub(crate) struct DataDir {
    path: PathBuf,
    temporary: bool,
    /// Held open: the lock ends with the process, however that ends.
    _lock: File,
}

impl DataDir {
    /// The folder `path`, made if need be, for us alone.
    pub(crate) fn open(path: &Path) -> Result<DataDir> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(Error::io("create", path))?;
        let path = path.canonicalize().map_err(Error::io("find", path))?;
        match lock(&path).map_err(Error::io("lock", &path))? {
            Some(lock) => Ok(DataDir {
                path,
                temporary: false,
                _lock: lock,
            }),
            None => Err(Error::AlreadyUp { dir: path }),
        }
    }

    /// A fresh folder that is removed with this; also removes those that killed processes left behind.
    pub(crate) fn temporary() -> Result<DataDir> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        loop {
            let fresh = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempdir_in(&parent)
                .map_err(Error::io("create a folder in", &parent))?;
            // If a sweep of another process was faster than our lock, it removes the folder and we take the next.
            if let Some(lock) = lock(fresh.path()).map_err(Error::io("lock", fresh.path()))? {
                return Ok(DataDir {
                    path: fresh.keep(),
                    temporary: true,
                    _lock: lock,
                });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let removed = if self.temporary {
            fs::remove_dir_all(&self.path)
        } else {
            fs::remove_file(self.path.join(STATE_FILE))
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "could not remove");
            }
            _ => {}
        }
    }
}

/// The folder's lock, or `None` if another process has it.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Removes temporary folders whose process is gone. Best effort: what cannot be opened or removed is not ours.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if !ours || !entry.path().join(LOCK_FILE).exists() {
            continue;
        }
        if let Ok(Some(_lock)) = lock(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_and_a_free_one_is_taken_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("net");
        let first = DataDir::open(&path).unwrap();
        assert!(matches!(DataDir::open(&path), Err(Error::AlreadyUp { .. })));
        drop(first);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn a_sweep_removes_the_folders_of_the_dead_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let dir = parent.path().join(name);
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join(LOCK_FILE), "").unwrap();
            dir
        };
        let dead = make("kofo-regtest-dead");
        let alive = make("kofo-regtest-alive");
        let foreign = make("somebody-else");
        let _held = lock(&alive).unwrap().unwrap();
        sweep(parent.path());
        assert!(!dead.exists());
        assert!(alive.exists());
        assert!(foreign.exists());
    }
}

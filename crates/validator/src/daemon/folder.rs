//! The validator's folder while it runs: two with one key would vote twice.

use super::RunError;
use kofo_node::files;
use kofo_node::rpc::{COOKIE_FILE, NODE_FILE};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A folder that no other process uses. What tells others of the validator is removed when this is dropped.
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder for this process; makes it if it is not there.
    pub(super) fn lock(path: &Path) -> Result<Self, RunError> {
        let unusable = |source| RunError::Folder {
            folder: path.to_owned(),
            source,
        };
        files::create_folder(path).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(RunError::InUse {
                folder: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for file in [NODE_FILE, COOKIE_FILE] {
            // It is not there unless there was an RPC.
            let _gone = std::fs::remove_file(self.path.join(file));
        }
        // The lock goes with the process in any case.
        let _unlocked = self.lock.unlock();
    }
}

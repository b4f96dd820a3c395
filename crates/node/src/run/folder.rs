//! The data folder while a node runs in it.

use super::RunError;
use crate::rpc::{COOKIE_FILE, NODE_FILE, NodeFile, READ_FILE};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";

/// A data folder that no other node uses. What tells others of the node is removed when this is dropped.
pub(crate) struct Folder {
    data: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder, which must be there, for this process.
    pub(crate) fn lock(data: &Path) -> Result<Self, RunError> {
        let unusable = |source| RunError::Folder {
            data: data.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(data.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                data: data.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(RunError::InUse {
                data: data.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Whether no process uses the folder; there may be none.
    pub(crate) fn is_free(data: &Path) -> bool {
        let lock = OpenOptions::new().write(true).open(data.join(LOCK_FILE));
        // The lock goes with the file when it is closed here.
        lock.is_ok_and(|lock| lock.try_lock().is_ok()) || !data.join(LOCK_FILE).exists()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Tells other processes where the node is.
    pub(crate) fn publish(&self, file: &NodeFile) -> Result<(), RunError> {
        file.save(&self.data).map_err(|source| RunError::Folder {
            data: self.data.clone(),
            source,
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for file in [NODE_FILE, COOKIE_FILE, READ_FILE] {
            match std::fs::remove_file(self.data.join(file)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(file, %error, "cannot remove what tells of the node");
                }
                _ => {}
            }
        }
        // The lock goes with the process in any case.
        let _unlocked = self.lock.unlock();
    }
}

//! The files of a journal, and who may open them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase};

use crate::error::storage;
use crate::{Error, Result};

const JOURNAL: &str = "journal.redb";
/// A journal that `create` has not finished; without its first commit it never has the real name.
const UNFINISHED: &str = "journal.redb.new";
const LOCK: &str = "journal.lock";

/// A data folder that is ours alone for as long as this value lives.
pub(crate) struct Files {
    folder: PathBuf,
    journal: PathBuf,
    lock: File,
}

/// A journal opened to be read.
pub(crate) type Opened = Box<dyn ReadableDatabase>;

impl Files {
    /// Locks a folder for a journal that is to be made.
    pub(crate) fn lock_new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(io("making", folder))?;
        let files = Self::lock(folder)?;
        if files.journal.exists() {
            return Err(Error::AlreadyExists {
                path: files.journal.clone(),
            });
        }
        Ok(files)
    }

    /// Locks a folder that has a journal.
    pub(crate) fn lock_existing(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        if !path.exists() {
            return Err(Error::Missing { path });
        }
        Self::lock(folder)
    }

    fn lock(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let lock = lock.map_err(io("opening", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                journal: folder.join(JOURNAL),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(Error::Io {
                doing: "locking",
                path,
                source,
            }),
        }
    }

    pub(crate) fn journal(&self) -> &Path {
        &self.journal
    }

    /// Lets `write` fill a new database and gives it the journal's name when that is durable.
    pub(crate) fn make(&self, write: impl FnOnce(&Database) -> Result<()>) -> Result<()> {
        let unfinished = self.folder.join(UNFINISHED);
        if unfinished.exists() {
            fs::remove_file(&unfinished).map_err(io("removing the unfinished", &unfinished))?;
        }
        let db = Database::create(&unfinished).map_err(storage("making the journal's file"))?;
        write(&db)?;
        drop(db);
        fs::rename(&unfinished, &self.journal).map_err(io("naming", &self.journal))?;
        self.sync_folder()
    }

    /// Makes the new name itself durable.
    fn sync_folder(&self) -> Result<()> {
        if cfg!(unix) {
            let folder = File::open(&self.folder).map_err(io("opening", &self.folder))?;
            folder.sync_all().map_err(io("syncing", &self.folder))?;
        }
        Ok(())
    }

    pub(crate) fn open(&self) -> Result<Database> {
        Database::open(&self.journal).map_err(|e| self.not_opened(e))
    }

    /// Opens without writing if it can be helped; after a crash the database has to be repaired first.
    pub(crate) fn open_to_read(&self) -> Result<Opened> {
        match ReadOnlyDatabase::open(&self.journal) {
            Ok(db) => Ok(Box::new(db)),
            Err(DatabaseError::RepairAborted) => Ok(Box::new(self.open()?)),
            Err(e) => Err(self.not_opened(e)),
        }
    }

    fn not_opened(&self, error: DatabaseError) -> Error {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Error::InUse {
                folder: self.folder.clone(),
            },
            error => storage("opening the journal's file")(error),
        }
    }
}

impl Drop for Files {
    /// Unlocks in so many words: closing would not do while a child process that is just being started still
    /// holds a copy of the handle. If it fails, the closing that follows is what is left.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

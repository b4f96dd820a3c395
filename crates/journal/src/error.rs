//! What can go wrong, and what a found alteration is called.

use std::fmt;
use std::path::PathBuf;

use crate::Seq;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What a journal refuses or cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another handle of this one, has the journal open.
    #[error("the journal in {} is in use: only one process may open it; stop the other node or give another data folder", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// `open` or `audit` of a folder without a journal.
    #[error("no journal at {}: give the data folder that `create` made, or create one", path.display())]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// `create` in a folder that has a journal.
    #[error("there is a journal at {} already: open it, or give an empty data folder", path.display())]
    AlreadyExists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The key does not fit this journal. Nothing was changed.
    #[error("the key does not open the journal at {}: wrong passphrase, or another node's file", path.display())]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// A database, but not one of ours, or one of a later version.
    #[error("expected a kofo journal of format {known} or older at {}, found {}: use a newer kofo, or another folder", path.display(), found.map_or("none".to_owned(), |f| f.to_string()))]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The format it names, if it names one.
        found: Option<u8>,
        /// The newest format this build reads.
        known: u8,
    },
    /// A record's body is over the limit. Fatal, like every failed write.
    #[error("a record's body has {have} bytes, at most {max} are allowed")]
    BodyTooLarge {
        /// Bytes that came.
        have: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A side table value is over the limit. Fatal.
    #[error("a side table value has {have} bytes, at most {max} are allowed")]
    ValueTooLarge {
        /// Bytes that came.
        have: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A side table name is empty or too long. Fatal.
    #[error("a side table name has {have} bytes, expected 1 to {max}")]
    BadName {
        /// Bytes that came.
        have: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More is buffered than one sync may carry. Fatal.
    #[error("{have} bytes would wait for a sync, at most {max} are allowed: sync more often")]
    TooMuchPending {
        /// Bytes that would wait.
        have: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// An earlier write on this handle failed.
    #[error("the journal failed before: stop the process and start it again")]
    Poisoned,
    /// The journal is not what was written.
    #[error("the journal is damaged: {0}; stop, keep a copy of the file, and restore a backup")]
    Broken(Finding),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(getrandom::Error),
    /// A file operation failed.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database failed.
    #[error("{doing}: {source}")]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// [`crate::faulty::Faulty`] did what it was told to.
    #[error("injected fault at sync {sync}")]
    Injected {
        /// Which sync, counted from 1.
        sync: u64,
    },
}

/// The first place where a journal is not what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// A record.
    Record {
        /// Its place.
        seq: Seq,
        /// What is wrong there.
        reason: Reason,
    },
    /// The stored head cannot be opened with the journal's key: it was altered.
    Head,
    /// The side table is not the one of the last sync: a value was altered, taken away, added or put back.
    SideTable,
    /// The file cannot be read any further as a database.
    Unreadable {
        /// The last record that was read and was right; 0 if none was.
        last_good: Seq,
    },
}

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Its bytes are not those that were written at this place.
    Altered,
    /// It is gone, and later ones are there.
    Missing,
    /// The record of this place stands elsewhere.
    Reordered {
        /// Where it stands.
        found_at: Seq,
    },
    /// It and everything after it, up to the head, is gone.
    Truncated {
        /// The head's place.
        head: Seq,
    },
    /// It stands after the head: no sync wrote it.
    BeyondHead {
        /// The head's place.
        head: Seq,
    },
    /// It is of a version that this build does not know.
    UnknownVersion {
        /// Its version byte.
        version: u8,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { seq, reason } => write!(f, "record {seq} {reason}"),
            Self::Head => f.write_str("the head was altered"),
            Self::SideTable => f.write_str("the side table was altered"),
            Self::Unreadable { last_good } => write!(f, "the file is unreadable after record {last_good}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("was altered"),
            Self::Missing => f.write_str("is missing"),
            Self::Reordered { found_at } => write!(f, "was moved to place {found_at}"),
            Self::Truncated { head } => write!(f, "and all after it up to {head} are missing"),
            Self::BeyondHead { head } => write!(f, "stands after the head, which is {head}"),
            Self::UnknownVersion { version } => {
                write!(f, "has version {version}, which this build does not know")
            }
        }
    }
}

/// Turns any database error into ours.
pub(crate) fn storage<E: Into<redb::Error>>(doing: &'static str) -> impl Fn(E) -> Error {
    move |source| Error::Storage {
        doing,
        source: Box::new(source.into()),
    }
}

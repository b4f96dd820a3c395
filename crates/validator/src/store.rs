//! What was decided, on disk: batches with their certificates, what became of orders, and beside them a snapshot of the
//! ledger.
//!
//! One database, one commit per height, durable before anybody hears of it. All that can be asked by an id is in an index,
//! so that an old order is found as quickly as a new one. An error here is fatal: whoever gets one stops the process.

mod read;
mod snapshot;
mod tables;
mod write;

pub use read::Handover;
pub use write::{Committing, OrderRow};

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, SwapId};
use redb::Database;
use std::path::{Path, PathBuf};

/// The file's name in the validator's folder.
pub const STORE_FILE: &str = "ledger.redb";

/// The file failed, or holds what it cannot hold. The process stops: what was not durable was told to nobody.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ledger's file {file} cannot be {doing}: {why}; see to the disk and start again, or remove the file: all of it is fetched from the other validators then", file = .file.display())]
pub struct StoreError {
    /// Which.
    pub file: PathBuf,
    /// What was tried.
    pub doing: &'static str,
    /// What the system or the file said.
    pub why: String,
}

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is of another network, or of another beginning of it.
    #[error("the ledger's file {file} began with genesis {have}, expected {want}: the genesis file was changed, or the folder is another validator's", file = .file.display())]
    OtherGenesis {
        /// The file.
        file: PathBuf,
        /// Its genesis.
        have: String,
        /// Ours.
        want: String,
    },
}

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Placed {
    /// Which order.
    pub order: SwapId,
    /// At which height it was committed.
    pub height: u64,
    /// Which operation of that batch it is.
    pub place: u32,
    /// The hash of what only validators see of it.
    pub hidden: Digest,
}

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Found {
    /// An order, by its own id, its claim's or its quote's.
    Order(SwapId),
    /// An operation, by its leaf: at which height, at which place of the batch.
    Op(u64, u32),
}

/// The file.
pub struct Store {
    disk: Database,
    file: PathBuf,
}

impl Store {
    /// Opens the file in this folder, or makes it for a genesis. No other process can have it open.
    pub fn open(folder: &Path, genesis: &Digest) -> Result<Self, OpenError> {
        let file = folder.join(STORE_FILE);
        let disk = Database::create(&file).map_err(|e| StoreError {
            file: file.clone(),
            doing: "opened",
            why: e.to_string(),
        })?;
        let store = Self { disk, file };
        match store.begin(genesis)? {
            have if have == *genesis => Ok(store),
            have => Err(OpenError::OtherGenesis {
                file: store.file,
                have: hex::encode(have),
                want: hex::encode(genesis),
            }),
        }
    }

    fn failed(&self, doing: &'static str) -> impl Fn(redb::Error) -> StoreError {
        let file = self.file.clone();
        move |e| StoreError {
            file: file.clone(),
            doing,
            why: e.to_string(),
        }
    }

    /// What must be there is not, or is not what was written.
    pub(crate) fn lost(&self, what: impl std::fmt::Display) -> StoreError {
        self.damaged(what)
    }

    fn damaged(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError {
            file: self.file.clone(),
            doing: "read",
            why: format!("{what} is damaged or missing"),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.file.display())
    }
}

#[cfg(test)]
mod tests;

//! Why a tower does not take something, or cannot go on.

use crate::package::PackageError;
use crate::shelf::{ShelfError, ShelfFull};
use kofo_primitives::{ChainId, NodeId};

/// Why a package or a question is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not right by itself.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Somebody whom the tower does not serve.
    #[error("this tower does not serve {0}: ask its operator to run it with --allow {0}")]
    NotAGuest(NodeId),
    /// A chain that the tower does not follow.
    #[error("this tower does not follow {0}: entrust the swap to one that does")]
    Chain(ChainId),
    /// A package of the same or a later sequence is there.
    #[error("expected a sequence above {have}, got {got}")]
    Older {
        /// The sequence that is there.
        have: u64,
        /// The sequence that came.
        got: u64,
    },
    /// A later package may change what is entrusted, never the swap itself.
    #[error("the legs are not those of the package before")]
    OtherLegs,
    /// A preimage of no swap that is watched for its owner, or one that does not open it.
    #[error("that opens no swap of yours that this tower watches: entrust it first")]
    OpensNothing,
    /// Too many owners.
    #[error("this tower serves {0} owners already: try another one")]
    TooManyOwners(usize),
    /// Too many swaps of one owner.
    #[error("this tower watches {0} swaps of yours already: wait until some are over")]
    TooManySwaps(usize),
    /// No room for a recovery record.
    #[error(transparent)]
    Shelf(#[from] ShelfFull),
    /// No room for all packages together.
    #[error("this tower has no room left: try another one")]
    Full,
}

/// Why a tower cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TowerError {
    /// The journal failed: the process must stop before anything else is sent.
    #[error("the journal failed, the tower stops: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// The records that it keeps.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// What was stored is not what a tower stores.
    #[error(
        "{name} in the journal is not what a tower keeps: {why}; use the version that wrote it, or report this"
    )]
    Stored {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

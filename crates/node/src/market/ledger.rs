//! What the market makes durable, before anything that depends on it leaves: several waiters share one sync.

use crate::journal::SharedJournal;
use kofo_journal::{Journal, Value};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, oneshot};

/// Commits that wait for a sync; more are refused.
const WAITING: usize = 1_024;
/// So many share one sync.
const TOGETHER: usize = 256;

/// One change of the journal's side table.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(String, Vec<u8>),
    Remove(String),
}

/// Why something is not durable. Nothing that depends on it may leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// Too much waits to be written.
    #[error("more waits to be written than the disk keeps up with: try again")]
    Busy,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

struct Commit {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<(), LedgerError>>,
}

/// The market's place in the journal.
pub(super) struct Ledger {
    journal: SharedJournal,
    commits: mpsc::Sender<Commit>,
}

/// A commit on its way.
#[must_use]
pub(super) struct Pending(oneshot::Receiver<Result<(), LedgerError>>);

impl Pending {
    /// Waits until it is durable.
    pub(super) async fn durable(self) -> Result<(), LedgerError> {
        self.0.await.unwrap_or(Err(LedgerError::Stopped))
    }
}

impl Ledger {
    /// A ledger, and what writes it.
    pub(super) fn new(journal: SharedJournal) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (commits, inbox) = mpsc::channel(WAITING);
        let writer = write(journal.clone(), inbox);
        (Self { journal, commits }, writer)
    }

    /// Queues changes. They are written in the order of these calls, so that whoever calls this while holding the state
    /// that they describe never overwrites something newer.
    pub(super) fn commit(&self, changes: Vec<Change>) -> Result<Pending, LedgerError> {
        let (done, pending) = oneshot::channel();
        self.commits
            .try_send(Commit { changes, done })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => LedgerError::Busy,
                mpsc::error::TrySendError::Closed(_) => LedgerError::Stopped,
            })?;
        Ok(Pending(pending))
    }

    pub(super) fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>, kofo_journal::Error> {
        self.journal.scan(prefix)
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Value>, kofo_journal::Error> {
        self.journal.get(name)
    }
}

async fn write(journal: SharedJournal, mut inbox: mpsc::Receiver<Commit>) {
    let mut batch = Vec::new();
    while inbox.recv_many(&mut batch, TOGETHER).await > 0 {
        let (changes, waiting): (Vec<_>, Vec<_>) = batch
            .drain(..)
            .map(|commit| (commit.changes, commit.done))
            .unzip();
        let mut journal = journal.clone();
        let synced = tokio::task::spawn_blocking(move || {
            // Of several values of one name only the last will be read.
            let mut last = BTreeMap::new();
            for change in changes.into_iter().flatten() {
                match change {
                    Change::Put(name, value) => last.insert(name, Some(value)),
                    Change::Remove(name) => last.insert(name, None),
                };
            }
            for (name, value) in last {
                match value {
                    Some(value) => journal.put(&name, &value)?,
                    None => journal.remove(&name)?,
                }
            }
            journal.sync()
        });
        let result = match synced.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(LedgerError::Failed(error.to_string())),
            Err(_) => Err(LedgerError::Stopped),
        };
        for done in waiting {
            // Whoever waited may have gone; what was written stays written.
            let _gone = done.send(result.clone());
        }
    }
}

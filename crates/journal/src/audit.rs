//! Walks a whole journal and points at the first place that is not what was written.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::ReadTransaction;

use crate::error::storage;
use crate::seal::Sealer;
use crate::store::{Files, Opened, Tail, Walk, find_moved, read_names, read_tail, unlock};
use crate::{Error, Finding, Head, JournalKey, Reason, Result, Seq};

/// What [`audit`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditReport {
    /// Records that are right, counted from the first.
    pub records: u64,
    /// Values in the side table, if that is right.
    pub values: Option<u64>,
    /// The head as it was stored, if it could be opened. Compare it with a copy kept elsewhere: a whole file that
    /// was put back to an earlier state is found by that alone.
    pub head: Option<Head>,
    /// The first thing that is wrong; a wrong record goes before a wrong side table. `None`: all is as written.
    pub finding: Option<Finding>,
}

/// Reads every record and value of the journal in `folder`, and changes nothing (after a crash the database
/// repairs its own bookkeeping first).
///
/// It judges what was written, not the database's lists of free pages: damage there shows as [`Error::Storage`]
/// when the journal is opened for writing.
///
/// # Errors
/// When there is nothing to audit: [`Error::Missing`], [`Error::InUse`] (stop the node first), [`Error::WrongKey`],
/// [`Error::UnknownFormat`], [`Error::Io`], [`Error::Storage`] if the file is no database any more. Damage behind
/// that is not an error but a [`Finding`].
pub fn audit(folder: &Path, key: &JournalKey) -> Result<AuditReport> {
    let files = Files::lock_existing(folder)?;
    let progress = Progress::default();
    // A damaged page may make the database panic; an auditor has to report that, too.
    let done = catch_unwind(AssertUnwindSafe(|| examine(&files, key, &progress)));
    let outcome = match done {
        Ok(Err(Error::Broken(finding))) => Some(finding),
        Ok(Err(Error::Storage { .. })) if progress.unlocked.get() => Some(progress.unreadable()),
        Err(_) => Some(progress.unreadable()),
        Ok(Ok(())) => None,
        Ok(Err(error)) => return Err(error),
    };
    Ok(AuditReport {
        records: progress.good.get().0,
        values: progress.values.get(),
        head: progress.head.get(),
        finding: outcome,
    })
}

/// How far the examination came, readable after a panic.
#[derive(Default)]
struct Progress {
    unlocked: Cell<bool>,
    head: Cell<Option<Head>>,
    good: Cell<Seq>,
    values: Cell<Option<u64>>,
}

impl Progress {
    fn unreadable(&self) -> Finding {
        Finding::Unreadable {
            last_good: self.good.get(),
        }
    }
}

fn examine(files: &Files, key: &JournalKey, progress: &Progress) -> Result<()> {
    let db: Opened = files.open_to_read()?;
    let txn = db.begin_read().map_err(storage("reading the journal"))?;
    let sealer = unlock(&txn, files, key)?;
    progress.unlocked.set(true);
    let tail = read_tail(&txn, &sealer)?;
    progress.head.set(Some(tail.head));
    examine_records(&txn, &sealer, &tail, progress)?;
    let names = read_names(&txn, &sealer, &tail)?;
    progress.values.set(u64::try_from(names.len()).ok());
    Ok(())
}

fn examine_records(txn: &ReadTransaction, sealer: &Sealer, tail: &Tail, progress: &Progress) -> Result<()> {
    let mut walk = Walk::new(txn, sealer, tail.head)?;
    while let Some(entry) = walk.next() {
        match entry {
            Ok(entry) => progress.good.set(entry.seq),
            Err(Error::Broken(finding)) => return Err(Error::Broken(refine(txn, sealer, &walk, finding)?)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Tells a record that was moved from one that was altered or is gone.
fn refine(txn: &ReadTransaction, sealer: &Sealer, walk: &Walk<'_>, finding: Finding) -> Result<Finding> {
    let Finding::Record {
        seq,
        reason: Reason::Altered | Reason::Missing,
    } = finding
    else {
        return Ok(finding);
    };
    let moved = find_moved(txn, sealer, walk.at())?;
    Ok(moved.map_or(finding, |found_at| Finding::Record {
        seq,
        reason: Reason::Reordered { found_at },
    }))
}

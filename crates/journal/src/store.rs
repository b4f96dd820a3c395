//! The journal on disk.

mod file;
mod schema;
mod side;
mod walk;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Database, ReadableDatabase};

use crate::error::storage;
use crate::journal::{Journal, Replay, Space, Value};
use crate::limits::{Pending, check_name, check_record, check_value};
use crate::poison::Poison;
use crate::seal::Sealer;
use crate::{Error, Finding, Head, JournalKey, Reason, Record, Result, Seq};
use schema::RECORDS;

pub(crate) use file::{Files, Opened};
pub(crate) use schema::{Tail, read_tail, unlock};
pub(crate) use side::read_names;
pub(crate) use walk::{Walk, find_moved};

/// A journal in a data folder: `journal.redb`, and `journal.lock` that keeps a second process out.
///
/// Records and the side table's names and values are encrypted. What the file tells without the key: how many
/// records and values there are, how long they are, and roughly when it was written.
pub struct Store {
    db: Database,
    sealer: Sealer,
    /// What the last commit wrote.
    durable: Tail,
    /// The head once the buffered records are in.
    tip: Head,
    records: Vec<Vec<u8>>,
    /// Buffered side table changes, sealed; `None` removes.
    changes: BTreeMap<String, Option<Vec<u8>>>,
    /// Durable names of the side table.
    names: BTreeSet<String>,
    pending: Pending,
    poison: Poison,
    /// Last, so that the lock is given up after the database is closed.
    files: Files,
}

impl Store {
    /// Makes an empty journal in `folder` (made too, if need be) and opens it.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::InUse`], [`Error::Random`], [`Error::Io`], [`Error::Storage`].
    pub fn create(folder: &Path, key: &JournalKey) -> Result<Self> {
        let files = Files::lock_new(folder)?;
        schema::write_new(&files, key)?;
        Self::start(files, key)
    }

    /// Opens the journal that [`Store::create`] made in `folder`. It does not make one: a wrong folder must not
    /// look like a node that owes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::InUse`], [`Error::WrongKey`], [`Error::UnknownFormat`], [`Error::Broken`] if the
    /// head or the side table was altered, [`Error::Io`], [`Error::Storage`].
    pub fn open(folder: &Path, key: &JournalKey) -> Result<Self> {
        Self::start(Files::lock_existing(folder)?, key)
    }

    fn start(files: Files, key: &JournalKey) -> Result<Self> {
        // A damaged page may make the database panic; at start that is an error like any other.
        let started = catch_unwind(AssertUnwindSafe(|| Self::try_start(files, key)));
        started.unwrap_or_else(|_| {
            Err(Error::Storage {
                doing: "opening the journal's file",
                source: "the database in it is damaged".into(),
            })
        })
    }

    fn try_start(files: Files, key: &JournalKey) -> Result<Self> {
        let db = files.open()?;
        let txn = db.begin_read().map_err(storage("reading the journal"))?;
        let sealer = unlock(&txn, &files, key)?;
        let durable = read_tail(&txn, &sealer)?;
        let names = read_names(&txn, &sealer, &durable)?;
        check_end(schema::last_seq(&txn)?, durable.head.seq)?;
        drop(txn);
        Ok(Self {
            db,
            sealer,
            tip: durable.head,
            durable,
            records: Vec::new(),
            changes: BTreeMap::new(),
            names,
            pending: Pending::default(),
            poison: Poison::default(),
            files,
        })
    }

    fn try_append(&mut self, record: &Record) -> Result<Seq> {
        check_record(record)?;
        let stored = self.sealer.seal_record(self.tip, record)?;
        self.pending.add(stored.len())?;
        self.tip = self.tip.extend(&stored);
        self.records.push(stored);
        Ok(self.tip.seq)
    }

    fn try_change(&mut self, name: &str, value: Option<&[u8]>) -> Result<()> {
        check_name(name)?;
        let sealed = match value {
            Some(value) => {
                check_value(value)?;
                Some(side::seal(&self.sealer, name, value)?)
            }
            None => None,
        };
        self.pending
            .add(name.len() + sealed.as_ref().map_or(0, Vec::len))?;
        self.changes.insert(name.to_owned(), sealed);
        Ok(())
    }

    fn try_sync(&mut self) -> Result<()> {
        if self.records.is_empty() && self.changes.is_empty() {
            return Ok(());
        }
        let tail = self.commit()?;
        self.durable = tail;
        self.records.clear();
        self.pending.clear();
        for (name, sealed) in std::mem::take(&mut self.changes) {
            if sealed.is_some() {
                self.names.insert(name);
            } else {
                self.names.remove(&name);
            }
        }
        Ok(())
    }

    fn commit(&self) -> Result<Tail> {
        let txn = schema::begin_write(&self.db)?;
        let mut tail = Tail {
            head: self.tip,
            side: self.durable.side,
        };
        {
            let mut table = txn.open_table(RECORDS).map_err(storage("opening the records"))?;
            let mut seq = self.durable.head.seq;
            for stored in &self.records {
                seq = seq.next();
                table
                    .insert(seq.0, stored.as_slice())
                    .map_err(storage("writing a record"))?;
            }
        }
        side::write(&txn, &self.sealer, &self.changes, &mut tail)?;
        schema::write_tail(&txn, &self.sealer, &tail)?;
        txn.commit().map_err(storage("committing"))?;
        Ok(tail)
    }

    fn read_value(&self, name: &str) -> Result<Option<Value>> {
        match self.changes.get(name) {
            Some(None) => Ok(None),
            Some(Some(sealed)) => side::open(&self.sealer, name, sealed).map(Some),
            None if !self.names.contains(name) => Ok(None),
            None => {
                let txn = self.db.begin_read().map_err(storage("reading the journal"))?;
                side::read(&txn, &self.sealer, name).map(Some)
            }
        }
    }
}

/// Refuses early what a replay would find: records cut off, or records that no sync wrote.
fn check_end(last: Seq, head: Seq) -> Result<()> {
    let (seq, reason) = match last.cmp(&head) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => (last.next(), Reason::Truncated { head }),
        Ordering::Greater => (head.next(), Reason::BeyondHead { head }),
    };
    Err(Error::Broken(Finding::Record { seq, reason }))
}

impl Journal for Store {
    fn append(&mut self, record: Record) -> Result<Seq> {
        self.poison.enter()?;
        let done = self.try_append(&record);
        self.poison.leave(done)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.poison.enter()?;
        let done = self.try_change(name, Some(value));
        self.poison.leave(done)
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.poison.enter()?;
        let done = self.try_change(name, None);
        self.poison.leave(done)
    }

    fn sync(&mut self) -> Result<()> {
        self.poison.enter()?;
        let done = self.try_sync();
        self.poison.leave(done)
    }

    fn replay(&self) -> Result<Replay<'_>> {
        self.poison.check()?;
        let txn = self.db.begin_read().map_err(storage("reading the journal"))?;
        Ok(Box::new(Walk::new(&txn, &self.sealer, self.durable.head)?))
    }

    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.poison.check()?;
        self.read_value(name)
    }

    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        self.poison.check()?;
        let names: BTreeSet<&String> = self.names.iter().chain(self.changes.keys()).collect();
        let mut found = Vec::new();
        for name in names.into_iter().filter(|name| name.starts_with(prefix)) {
            if let Some(value) = self.read_value(name)? {
                found.push((name.clone(), value));
            }
        }
        Ok(found)
    }

    fn head(&self) -> Result<Head> {
        self.poison.check()?;
        Ok(self.durable.head)
    }

    fn space(&self) -> Result<Space> {
        self.poison.check()?;
        let path = self.files.journal();
        let failed = |source| Error::Io {
            doing: "measuring",
            path: path.to_owned(),
            source,
        };
        let used = fs::metadata(path).map_err(failed)?.len();
        Ok(Space {
            used,
            free: fs4::available_space(path).map_err(failed)?,
        })
    }
}

//! A journal in memory that can crash: what was synced stays on its [`Disk`], the rest dies with the handle.
//!
//! ```
//! use kofo_journal::memory::{Disk, Memory};
//! use kofo_journal::{Journal, Record};
//!
//! # fn main() -> kofo_journal::Result<()> {
//! let disk = Disk::new();
//! let mut journal = Memory::open(&disk)?;
//! journal.append(Record::new([1; 32], 0, b"kept".to_vec()))?;
//! journal.sync()?;
//! journal.append(Record::new([1; 32], 0, b"lost".to_vec()))?;
//! drop(journal); // the crash
//! assert_eq!(Memory::open(&disk)?.replay()?.count(), 1);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::journal::{Entry, Journal, Replay, Space, Value};
use crate::limits::{OVERHEAD, Pending, check_name, check_record, check_value};
use crate::poison::Poison;
use crate::{Error, Head, Record, Result, Seq, record};

/// What survives a crash. Clones are the same disk.
#[derive(Clone, Default)]
pub struct Disk {
    content: Arc<Mutex<Content>>,
}

#[derive(Default)]
struct Content {
    entries: Vec<Entry>,
    values: BTreeMap<String, Value>,
    open: bool,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // A panic elsewhere leaves whole content: each sync changes it in one go.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A journal on a [`Disk`]. Not encrypted; the same rules and limits as [`crate::Store`].
pub struct Memory {
    disk: Disk,
    durable: Head,
    tip: Head,
    entries: Vec<Entry>,
    changes: BTreeMap<String, Option<Value>>,
    pending: Pending,
    poison: Poison,
}

impl Memory {
    /// Opens what is on the disk; one handle at a time, given up by dropping it.
    ///
    /// # Errors
    /// [`Error::InUse`].
    pub fn open(disk: &Disk) -> Result<Self> {
        let mut content = disk.lock();
        if content.open {
            return Err(Error::InUse {
                folder: PathBuf::from("(memory)"),
            });
        }
        content.open = true;
        let genesis = Head::genesis(&[0; 32]);
        let head = content.entries.last().map_or(genesis, |last| Head {
            seq: last.seq,
            hash: last.hash,
        });
        drop(content);
        Ok(Self {
            disk: disk.clone(),
            durable: head,
            tip: head,
            entries: Vec::new(),
            changes: BTreeMap::new(),
            pending: Pending::default(),
            poison: Poison::default(),
        })
    }

    fn try_append(&mut self, record: Record) -> Result<Seq> {
        check_record(&record)?;
        self.pending.add(record.body.len())?;
        self.tip = self.tip.extend(&record::encode(&record));
        self.entries.push(Entry {
            seq: self.tip.seq,
            hash: self.tip.hash,
            record,
        });
        Ok(self.tip.seq)
    }

    fn try_change(&mut self, name: &str, value: Option<&[u8]>) -> Result<()> {
        check_name(name)?;
        check_value(value.unwrap_or_default())?;
        self.pending.add(name.len() + value.map_or(0, <[u8]>::len))?;
        self.changes
            .insert(name.to_owned(), value.map(|value| Zeroizing::new(value.to_vec())));
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.disk.lock().open = false;
    }
}

impl Journal for Memory {
    fn append(&mut self, record: Record) -> Result<Seq> {
        self.poison.enter()?;
        let done = self.try_append(record);
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
        self.poison.check()?;
        let mut content = self.disk.lock();
        content.entries.append(&mut self.entries);
        for (name, value) in std::mem::take(&mut self.changes) {
            match value {
                Some(value) => content.values.insert(name, value),
                None => content.values.remove(&name),
            };
        }
        self.durable = self.tip;
        self.pending.clear();
        Ok(())
    }

    fn replay(&self) -> Result<Replay<'_>> {
        self.poison.check()?;
        let entries = self.disk.lock().entries.clone();
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.poison.check()?;
        match self.changes.get(name) {
            Some(change) => Ok(change.clone()),
            None => Ok(self.disk.lock().values.get(name).cloned()),
        }
    }

    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        self.poison.check()?;
        let mut values = self.disk.lock().values.clone();
        for (name, change) in &self.changes {
            match change {
                Some(value) => values.insert(name.clone(), value.clone()),
                None => values.remove(name),
            };
        }
        Ok(values
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .collect())
    }

    fn head(&self) -> Result<Head> {
        self.poison.check()?;
        Ok(self.durable)
    }

    fn space(&self) -> Result<Space> {
        self.poison.check()?;
        let content = self.disk.lock();
        let bodies = content.entries.iter().map(|entry| entry.record.body.len());
        let values = content
            .values
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let used: usize = bodies.chain(values).map(|bytes| bytes + OVERHEAD).sum();
        Ok(Space {
            used: u64::try_from(used).expect("memory is less than 2^64 bytes"),
            free: u64::MAX,
        })
    }
}

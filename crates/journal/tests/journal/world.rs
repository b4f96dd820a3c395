//! The journals that the tests run on.

use std::path::Path;

use kofo_journal::memory::{Disk, Memory};
use kofo_journal::{Journal, JournalKey, Record, Store};
use tempfile::TempDir;

/// What outlives a crash: a disk in memory or a folder.
pub(crate) enum World {
    Memory(Disk),
    Store(TempDir),
}

impl World {
    /// One of each kind, empty.
    pub(crate) fn all() -> [Self; 2] {
        [Self::memory(), Self::store()]
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(Disk::new())
    }

    pub(crate) fn store() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::create(folder.path(), &key()).unwrap());
        Self::Store(folder)
    }

    pub(crate) fn open(&self) -> Box<dyn Journal> {
        match self {
            Self::Memory(disk) => Box::new(Memory::open(disk).unwrap()),
            Self::Store(folder) => Box::new(Store::open(folder.path(), &key()).unwrap()),
        }
    }
}

pub(crate) fn key() -> JournalKey {
    JournalKey::from_bytes([7; 32])
}

pub(crate) fn record(body: &str) -> Record {
    Record::new([0xA1; 32], 1, body.as_bytes().to_vec())
}

/// Bodies of all durable records, in order, having checked that places have no gap.
pub(crate) fn bodies(journal: &dyn Journal) -> Vec<String> {
    let entries: Vec<_> = journal.replay().unwrap().map(Result::unwrap).collect();
    assert!((1..).zip(&entries).all(|(place, entry)| entry.seq.0 == place));
    assert_eq!(
        journal.head().unwrap().seq.0,
        u64::try_from(entries.len()).unwrap()
    );
    assert!(
        entries
            .last()
            .is_none_or(|last| last.hash == journal.head().unwrap().hash)
    );
    entries
        .iter()
        .map(|entry| String::from_utf8(entry.record.body.clone()).unwrap())
        .collect()
}

/// A closed journal with these bodies, a sync each.
pub(crate) fn written(bodies: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), bodies);
    folder
}

pub(crate) fn write(folder: &Path, bodies: &[&str]) {
    let mut journal = Store::create(folder, &key()).unwrap();
    for body in bodies {
        journal.append(record(body)).unwrap();
        journal.sync().unwrap();
    }
}

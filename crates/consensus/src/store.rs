//! Payloads that are not decided yet. What we voted for is on disk before we vote, so that what we helped to decide can
//! be committed after a crash; and what we built for a round is offered again, never another in its place.

use crate::parts::Head;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, ValidatorKey};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const ENTRIES: TableDefinition<'_, (u64, [u8; 32]), &[u8]> = TableDefinition::new("entries/v1");
const BUILT: TableDefinition<'_, (u64, u32), [u8; 32]> = TableDefinition::new("built/v1");

/// A payload that is valid, and how it came.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Entry {
    pub(crate) height: u64,
    /// In which it was first proposed.
    pub(crate) round: u32,
    pub(crate) proposer: ValidatorKey,
    pub(crate) id: Digest,
    /// As its proposer signed it, to be sent on; none if it came as a decided one.
    pub(crate) head: Option<Head>,
    pub(crate) payload: Vec<u8>,
}

/// The file cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the payloads that are not decided yet cannot be {doing}: {why}")]
pub(crate) struct StoreError {
    doing: &'static str,
    why: String,
}

pub(crate) fn failed<E: std::fmt::Display>(doing: &'static str) -> impl Fn(E) -> StoreError {
    move |e| StoreError {
        doing,
        why: e.to_string(),
    }
}

/// In memory, with a copy on disk of what we may vote for.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Arc<Database>,
    entries: BTreeMap<(u64, Digest), Arc<Entry>>,
    built: BTreeMap<(u64, u32), Digest>,
    on_disk: bool,
}

impl Store {
    /// Opens it, or makes it. No other engine can have it open.
    pub(crate) fn open(file: &Path) -> Result<Self, StoreError> {
        let disk = Database::create(file).map_err(failed("opened"))?;
        let mut store = Self {
            disk: Arc::new(disk),
            entries: BTreeMap::new(),
            built: BTreeMap::new(),
            on_disk: false,
        };
        store.load().map_err(failed("read"))?;
        Ok(store)
    }

    fn load(&mut self) -> Result<(), redb::Error> {
        let write = self.disk.begin_write()?;
        write.open_table(ENTRIES)?;
        write.open_table(BUILT)?;
        write.commit()?;
        let read = self.disk.begin_read()?;
        let entries = read.open_table(ENTRIES)?;
        for row in entries.iter()? {
            let (_, bytes) = row?;
            let entry =
                Entry::try_from_slice(bytes.value()).map_err(|e| redb::Error::Corrupted(e.to_string()))?;
            self.entries.insert((entry.height, entry.id), Arc::new(entry));
        }
        let built = read.open_table(BUILT)?;
        for row in built.iter()? {
            let (slot, id) = row?;
            self.built.insert(slot.value(), id.value());
        }
        self.on_disk = !self.entries.is_empty() || !self.built.is_empty();
        Ok(())
    }

    /// The file, for what else must be on disk before we speak.
    pub(crate) fn disk(&self) -> Arc<Database> {
        Arc::clone(&self.disk)
    }

    pub(crate) fn entry(&self, height: u64, id: &Digest) -> Option<Arc<Entry>> {
        self.entries.get(&(height, *id)).cloned()
    }

    /// All that were first proposed in that round.
    pub(crate) fn proposed_at(&self, height: u64, round: u32) -> Vec<Arc<Entry>> {
        let of = self.entries.range((height, [0; 32])..=(height, [0xff; 32]));
        of.filter(|(_, entry)| entry.round == round)
            .map(|(_, entry)| Arc::clone(entry))
            .collect()
    }

    /// What we built for that round.
    pub(crate) fn built(&self, height: u64, round: u32) -> Option<Arc<Entry>> {
        let id = self.built.get(&(height, round))?;
        self.entry(height, id)
    }

    /// Keeps one; if it is `durable`, it is on disk when this returns.
    pub(crate) async fn keep(&mut self, entry: Arc<Entry>, durable: bool) -> Result<(), StoreError> {
        self.write(entry, None, durable).await
    }

    /// Keeps what we built for a round: always on disk.
    pub(crate) async fn keep_built(&mut self, entry: Entry, round: u32) -> Result<(), StoreError> {
        self.write(Arc::new(entry), Some(round), true).await
    }

    async fn write(
        &mut self,
        entry: Arc<Entry>,
        built: Option<u32>,
        durable: bool,
    ) -> Result<(), StoreError> {
        if durable {
            let (disk, entry) = (Arc::clone(&self.disk), Arc::clone(&entry));
            let written = tokio::task::spawn_blocking(move || insert(&disk, &entry, built)).await;
            written.map_err(failed("written"))?.map_err(failed("written"))?;
            self.on_disk = true;
        }
        if let Some(round) = built {
            self.built.insert((entry.height, round), entry.id);
        }
        self.entries.insert((entry.height, entry.id), entry);
        Ok(())
    }

    /// Forgets a height and all before it: it is committed.
    pub(crate) async fn forget(&mut self, height: u64) -> Result<(), StoreError> {
        self.entries.retain(|(of, _), _| *of > height);
        self.built.retain(|(of, _), _| *of > height);
        if !self.on_disk {
            return Ok(());
        }
        let disk = Arc::clone(&self.disk);
        let removed = tokio::task::spawn_blocking(move || remove(&disk, height)).await;
        removed.map_err(failed("pruned"))?.map_err(failed("pruned"))?;
        self.on_disk = !self.entries.is_empty();
        Ok(())
    }
}

fn insert(disk: &Database, entry: &Entry, built: Option<u32>) -> Result<(), redb::Error> {
    let write = disk.begin_write()?;
    {
        let bytes = kofo_primitives::encode(entry);
        let mut entries = write.open_table(ENTRIES)?;
        entries.insert((entry.height, entry.id), bytes.as_slice())?;
        if let Some(round) = built {
            let mut table = write.open_table(BUILT)?;
            table.insert((entry.height, round), entry.id)?;
        }
    }
    // Durable: this is the default, and the promise of this module.
    write.commit()?;
    Ok(())
}

fn remove(disk: &Database, height: u64) -> Result<(), redb::Error> {
    let mut write = disk.begin_write()?;
    // If this is lost it is done again at the next height.
    write
        .set_durability(Durability::None)
        .expect("no savepoint was made");
    {
        let mut entries = write.open_table(ENTRIES)?;
        entries.retain(|(of, _), _| of > height)?;
        let mut built = write.open_table(BUILT)?;
        built.retain(|(of, _), _| of > height)?;
    }
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests;

//! What we signed, so that we never sign another thing in its place. The engine's own log knows it too; but a log that is
//! deleted, or cut short by a damaged length, is not noticed, and the bond of a validator hangs on it.

use crate::store::{StoreError, failed};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const SIGNED: TableDefinition<'_, (u64, u32, u8), &[u8]> = TableDefinition::new("signed/v1");

/// One row as soon as a validator may have signed: a folder without it knows nothing of what was signed.
const BEGUN: TableDefinition<'_, &str, u64> = TableDefinition::new("begun/v1");

/// Height, round, and which of a round's three messages.
pub(crate) type Place = (u64, u32, u8);

/// In memory, with a copy on disk.
#[derive(Debug)]
pub(crate) struct Record {
    disk: Arc<Database>,
    said: Mutex<BTreeMap<Place, Vec<u8>>>,
}

impl Record {
    pub(crate) fn open(disk: Arc<Database>) -> Result<Self, StoreError> {
        let said = load(&disk).map_err(failed("read"))?;
        let said = Mutex::new(said);
        Ok(Self { disk, said })
    }

    /// Whether what is signed has been written down here from the beginning on.
    pub(crate) fn begun(&self) -> Result<bool, StoreError> {
        begun(&self.disk).map_err(failed("read"))
    }

    /// Begins it: on disk when this returns, and before anything is signed.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        begin(&self.disk).map_err(failed("written"))
    }

    /// What we say at a place: what we said there before; else this, which is on disk when it returns.
    pub(crate) async fn say(self: &Arc<Self>, at: Place, what: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let record = Arc::clone(self);
        let said = tokio::task::spawn_blocking(move || record.say_now(at, what)).await;
        said.map_err(failed("written"))?.map_err(failed("written"))
    }

    fn say_now(&self, at: Place, what: Vec<u8>) -> Result<Vec<u8>, redb::Error> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = said.get(&at) {
            return Ok(before.clone());
        }
        let (height, ..) = at;
        let write = self.disk.begin_write()?;
        {
            let mut table = write.open_table(SIGNED)?;
            table.insert(at, what.as_slice())?;
            // Of heights that are decided nothing is asked any more; the one before stays, for its round may not be over.
            table.retain(|(of, ..), _| of.saturating_add(1) >= height)?;
        }
        write.commit()?;
        said.retain(|(of, ..), _| of.saturating_add(1) >= height);
        said.insert(at, what.clone());
        Ok(what)
    }
}

fn begun(disk: &Database) -> Result<bool, redb::Error> {
    let read = disk.begin_read()?;
    Ok(!read.open_table(BEGUN)?.is_empty()? || !read.open_table(SIGNED)?.is_empty()?)
}

fn begin(disk: &Database) -> Result<(), redb::Error> {
    let write = disk.begin_write()?;
    write.open_table(BEGUN)?.insert("version", 1)?;
    write.commit()?;
    Ok(())
}

fn load(disk: &Database) -> Result<BTreeMap<Place, Vec<u8>>, redb::Error> {
    let write = disk.begin_write()?;
    write.open_table(SIGNED)?;
    write.open_table(BEGUN)?;
    write.commit()?;
    let read = disk.begin_read()?;
    let table = read.open_table(SIGNED)?;
    let mut said = BTreeMap::new();
    for row in table.iter()? {
        let (at, what) = row?;
        said.insert(at.value(), what.value().to_vec());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &tempfile::TempDir) -> Arc<Record> {
        let disk = Database::create(folder.path().join("record.redb")).unwrap();
        Arc::new(Record::open(Arc::new(disk)).unwrap())
    }

    #[tokio::test]
    async fn what_was_said_once_is_said_again_after_a_restart_too() {
        let folder = tempfile::tempdir().unwrap();
        let record = open(&folder);
        assert_eq!(record.say((5, 0, 1), vec![1]).await.unwrap(), [1]);
        assert_eq!(record.say((5, 0, 1), vec![2]).await.unwrap(), [1]);
        assert_eq!(record.say((5, 0, 2), vec![2]).await.unwrap(), [2]);
        assert_eq!(record.say((5, 1, 1), vec![3]).await.unwrap(), [3]);
        drop(record);
        let record = open(&folder);
        assert_eq!(record.say((5, 0, 1), vec![9]).await.unwrap(), [1]);
        assert_eq!(record.say((5, 1, 1), vec![9]).await.unwrap(), [3]);
    }

    #[tokio::test]
    async fn a_folder_is_without_a_record_until_one_is_begun_and_signing_begins_one() {
        let folder = tempfile::tempdir().unwrap();
        let record = open(&folder);
        assert!(!record.begun().unwrap());
        record.begin().unwrap();
        assert!(record.begun().unwrap());
        drop(record);
        assert!(open(&folder).begun().unwrap());
        let older = tempfile::tempdir().unwrap();
        let record = open(&older);
        record.say((5, 0, 1), vec![1]).await.unwrap();
        assert!(
            record.begun().unwrap(),
            "of a folder that was before there were beginnings"
        );
    }

    #[tokio::test]
    async fn it_does_not_grow_with_the_heights() {
        let folder = tempfile::tempdir().unwrap();
        let record = open(&folder);
        for height in 1..20 {
            record.say((height, 0, 1), vec![1]).await.unwrap();
        }
        assert_eq!(
            record.said.lock().unwrap().keys().collect::<Vec<_>>(),
            [&(18, 0, 1), &(19, 0, 1)]
        );
        drop(record);
        assert_eq!(open(&folder).said.lock().unwrap().len(), 2);
    }
}

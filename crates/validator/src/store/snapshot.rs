//! A snapshot of the ledger, so that a restart does not do all batches again.

use super::tables::{META, SNAPSHOT, SNAPSHOT_AT};
use super::{Store, StoreError};
use kofo_primitives::encode;
use redb::{ReadableDatabase, ReadableTable};

/// A snapshot is kept in pieces of so many bytes.
const PIECE: usize = 1 << 20;

impl Store {
    /// Replaces the snapshot by that of a height.
    pub fn put_snapshot(&self, height: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let said = encode(&(height, bytes.len() as u64));
        self.in_one(|write| {
            let mut pieces = write.open_table(SNAPSHOT)?;
            pieces.retain(|_, _| false)?;
            for (number, piece) in (0u32..).zip(bytes.chunks(PIECE)) {
                pieces.insert(number, piece)?;
            }
            write.open_table(META)?.insert(SNAPSHOT_AT, said.as_slice())?;
            Ok(())
        })
        .map_err(self.failed("written"))
    }

    /// The snapshot and its height, if there is one.
    pub fn snapshot(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let read = || {
            let read = self.disk.begin_read()?;
            let said = read.open_table(META)?.get(SNAPSHOT_AT)?;
            let Some(said) = said.map(|bytes| bytes.value().to_vec()) else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            for piece in read.open_table(SNAPSHOT)?.iter()? {
                bytes.extend_from_slice(piece?.1.value());
            }
            Ok::<_, redb::Error>(Some((said, bytes)))
        };
        let Some((said, bytes)) = read().map_err(self.failed("read"))? else {
            return Ok(None);
        };
        match borsh::from_slice::<(u64, u64)>(&said) {
            Ok((height, length)) if length == bytes.len() as u64 => Ok(Some((height, bytes))),
            _ => Err(self.damaged("the snapshot")),
        }
    }
}

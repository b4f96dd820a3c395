//! A snapshot of the ledger, so that a restart does not do all batches again: a file of its own, for it may be large,
//! and what is decided meanwhile must not wait for it.

use super::{Store, StoreError};
use kofo_node::files;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The file's name in the validator's folder.
const SNAPSHOT_FILE: &str = "ledger.snapshot";
/// It has at most so many bytes.
const MOST_BYTES: u64 = 1 << 36;

impl Store {
    fn snapshot_file(&self) -> PathBuf {
        self.file.with_file_name(SNAPSHOT_FILE)
    }

    fn snapshot_failed(&self, doing: &'static str) -> impl Fn(std::io::Error) -> StoreError {
        let file = self.snapshot_file();
        move |e| StoreError {
            file: file.clone(),
            doing,
            why: e.to_string(),
        }
    }

    /// Replaces the snapshot by that of a height.
    pub fn put_snapshot(&self, height: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let all = [height.to_be_bytes().as_slice(), bytes].concat();
        files::replace(&self.snapshot_file(), &all).map_err(self.snapshot_failed("written"))
    }

    /// The snapshot and its height, if there is one.
    pub fn snapshot(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let all = match files::read_bounded(&self.snapshot_file(), MOST_BYTES) {
            Ok(all) => all,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.snapshot_failed("read")(e)),
        };
        let split = all.split_first_chunk::<8>();
        Ok(split.map(|(height, bytes)| (u64::from_be_bytes(*height), bytes.to_vec())))
    }
}

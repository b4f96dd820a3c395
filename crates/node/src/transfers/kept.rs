//! Payments as the journal has them, in its side table.

use super::TransferError;
use crate::journal::SharedJournal;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{SignedTransfer, Transfer};
use kofo_journal::Journal;

/// Names in the journal's side table begin so.
const PLACE: &str = "transfer/";
const VERSION: u8 = 1;
/// A payment that is in a block is remembered by its name for 90 days (ms).
const REMEMBERED_MS: u64 = 90 * 24 * 3_600_000;

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Kept {
    version: u8,
    pub(super) transfer: Transfer,
    pub(super) signed: SignedTransfer,
    at_ms: u64,
    /// It is in a block.
    pub(super) done: bool,
}

impl Kept {
    pub(super) const fn new(transfer: Transfer, signed: SignedTransfer, at_ms: u64) -> Self {
        Self {
            version: VERSION,
            transfer,
            signed,
            at_ms,
            done: false,
        }
    }

    pub(super) fn done(&self) -> Self {
        Self {
            done: true,
            ..self.clone()
        }
    }
}

pub(super) struct Book(SharedJournal);

impl Book {
    pub(super) const fn new(journal: SharedJournal) -> Self {
        Self(journal)
    }

    fn name(id: &[u8; 32]) -> String {
        format!("{PLACE}{}", hex::encode(id))
    }

    pub(super) fn get(&self, id: &[u8; 32]) -> Result<Option<Kept>, TransferError> {
        let name = Self::name(id);
        let value = self.0.get(&name)?;
        value.map(|value| read(&name, &value)).transpose()
    }

    /// Durable when it returns.
    pub(super) fn keep(&self, kept: &Kept) -> Result<(), TransferError> {
        let bytes = borsh::to_vec(kept).expect("writing to memory does not fail");
        let mut journal = self.0.clone();
        journal.put(&Self::name(&kept.transfer.id), &bytes)?;
        Ok(journal.sync()?)
    }

    fn all(&self) -> Result<Vec<(String, Kept)>, TransferError> {
        let all = self.0.scan(PLACE)?.into_iter();
        all.map(|(name, value)| read(&name, &value).map(|kept| (name, kept)))
            .collect()
    }

    /// Those that are in no block yet.
    pub(super) fn open(&self) -> Result<Vec<Kept>, TransferError> {
        let all = self.all()?.into_iter().map(|(_, kept)| kept);
        Ok(all.filter(|kept| !kept.done).collect())
    }

    pub(super) fn forget_old(&self, now_ms: u64) -> Result<(), TransferError> {
        let mut journal = self.0.clone();
        for (name, kept) in self.all()? {
            if kept.done && kept.at_ms.saturating_add(REMEMBERED_MS) < now_ms {
                journal.remove(&name)?;
            }
        }
        Ok(journal.sync()?)
    }
}

fn read(name: &str, bytes: &[u8]) -> Result<Kept, TransferError> {
    let kept = borsh::from_slice::<Kept>(bytes).ok();
    let kept = kept.filter(|kept| kept.version == VERSION);
    kept.ok_or_else(|| TransferError::Stored(name.to_owned()))
}

//! The ledger as it is after a start: the last snapshot, and what was decided after it.

use super::{Replica, ReplicaParts};
use crate::head::Head;
use crate::store::{Store, StoreError};
use kofo_clearance::{Batch, Genesis, GenesisError, Ledger, LegProofs, judge};
use kofo_consensus::AppError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::watch;

/// A snapshot is made after so many operations, or so many heights: a restart does so much again.
const OPS: usize = 4_000;
const HEIGHTS: usize = 2_000;
/// Of a large ledger it is made after one operation for so many bytes of the last one: what came since takes about as long
/// to do again as the snapshot takes to read. Written after every [`OPS`], it would cost the more of every operation the
/// larger the ledger is.
const BYTES: usize = 2_500;

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// What is stored leads elsewhere than it led when it was decided.
    #[error(
        "height {height} cannot be done again: {why}; this program decides otherwise than the one that wrote it, or the file is damaged: use the program of the other validators, or remove the validator's ledger file"
    )]
    Contradiction {
        /// Which.
        height: u64,
        /// What differs.
        why: String,
    },
}

pub(super) fn contradicts(height: u64, why: String) -> AppError {
    AppError::new(ReplicaError::Contradiction { height, why })
}

impl Replica {
    /// Opens the ledger: from the last snapshot, or the genesis, to the last height of the store.
    pub fn open(
        genesis: Genesis,
        proofs: Arc<dyn LegProofs>,
        parts: ReplicaParts,
    ) -> Result<Self, ReplicaError> {
        let ReplicaParts {
            store,
            checks,
            committee,
            clock,
            voter,
        } = parts;
        let (network, params) = (genesis.network.clone(), genesis.params.clone());
        let first = Ledger::new(genesis.clone(), Arc::clone(&proofs))?;
        store.first_set(&first.validators())?;
        let mut ledger = restored(&store, &genesis, &proofs)?.unwrap_or(first);
        let last = store.height()?;
        let most = usize::try_from(params.max_batch_bytes).unwrap_or(usize::MAX);
        for height in ledger.tip().height.saturating_add(1)..=last {
            let contradiction = |why: String| ReplicaError::Contradiction { height, why };
            let payload = store.payload(height)?;
            let payload = payload.ok_or_else(|| contradiction("it is missing".into()))?;
            let batch = Batch::read(&payload, most).map_err(|e| contradiction(e.to_string()))?;
            let ops = checks.all(&batch.ops).map_err(|e| contradiction(e.to_string()))?;
            let done = judge(&ledger, &batch, &ops).map_err(|e| contradiction(e.to_string()))?;
            ledger = done.ledger;
        }
        let certificate = store.certificate(last)?;
        let (head, _) = watch::channel(Arc::new(Head { ledger, certificate }));
        Ok(Self {
            network,
            params,
            store,
            checks,
            committee,
            clock,
            voter,
            head,
            candidates: Mutex::default(),
            intake: OnceLock::new(),
            snapshots: Arc::default(),
        })
    }
}

/// When the next snapshot is due.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    ops: AtomicUsize,
    heights: AtomicUsize,
    busy: AtomicBool,
    /// Bytes of the last one.
    bytes: AtomicUsize,
}

impl Snapshots {
    fn due(&self, ops: usize, heights: usize) -> bool {
        let large = self.bytes.load(Ordering::Relaxed) / BYTES;
        ops >= OPS.max(large) || heights >= HEIGHTS.max(large)
    }

    /// Makes one if it is time, beside all else: the copy of the ledger that it is made of does not change.
    pub(super) fn consider(self: &Arc<Self>, head: &Arc<Head>, store: &Arc<Store>, ops: usize) {
        let ops = self.ops.fetch_add(ops, Ordering::Relaxed).saturating_add(ops);
        let heights = self.heights.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if !self.due(ops, heights) || self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.ops.store(0, Ordering::Relaxed);
        self.heights.store(0, Ordering::Relaxed);
        let (this, head, store) = (Arc::clone(self), Arc::clone(head), Arc::clone(store));
        std::thread::spawn(move || {
            match write(&head, &store) {
                Ok(bytes) => this.bytes.store(bytes, Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "no snapshot of the ledger: a restart does more again"),
            }
            this.busy.store(false, Ordering::Release);
        });
    }
}

/// Writes a snapshot; how many bytes it has.
pub(super) fn write(head: &Head, store: &Store) -> Result<usize, StoreError> {
    match head.ledger.tip().height {
        0 => Ok(0),
        height => {
            let bytes = head.ledger.snapshot();
            store.put_snapshot(height, &bytes)?;
            Ok(bytes.len())
        }
    }
}

/// The ledger of the last snapshot. One that cannot be read is none: all is done again from the genesis then.
fn restored(
    store: &Store,
    genesis: &Genesis,
    proofs: &Arc<dyn LegProofs>,
) -> Result<Option<Ledger>, StoreError> {
    let Some((height, bytes)) = store.snapshot()? else {
        return Ok(None);
    };
    let Some(header) = store.header(height)? else {
        return Ok(None);
    };
    match Ledger::restore(Arc::new(genesis.clone()), Arc::clone(proofs), &header, &bytes) {
        Ok(ledger) => Ok(Some(ledger)),
        Err(error) => {
            tracing::warn!(height, %error, "the snapshot is none: all batches are done again");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_the_last_snapshot_was_the_more_happens_before_the_next_one() {
        let snapshots = Snapshots::default();
        assert_eq!([OPS - 1, OPS].map(|ops| snapshots.due(ops, 0)), [false, true]);
        assert_eq!(
            [HEIGHTS - 1, HEIGHTS].map(|of| snapshots.due(0, of)),
            [false, true]
        );
        snapshots.bytes.store(OPS * BYTES, Ordering::Relaxed);
        assert_eq!([OPS - 1, OPS].map(|ops| snapshots.due(ops, 0)), [false, true]);
        snapshots.bytes.store(10 * OPS * BYTES, Ordering::Relaxed);
        assert_eq!(
            [10 * OPS - 1, 10 * OPS].map(|ops| snapshots.due(ops, 0)),
            [false, true]
        );
        assert!(!snapshots.due(0, OPS));
    }
}

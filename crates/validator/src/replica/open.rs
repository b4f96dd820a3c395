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
}

impl Snapshots {
    /// Makes one if it is time, beside all else: the copy of the ledger that it is made of does not change.
    pub(super) fn consider(self: &Arc<Self>, head: &Arc<Head>, store: &Arc<Store>, ops: usize) {
        let ops = self.ops.fetch_add(ops, Ordering::Relaxed).saturating_add(ops);
        let heights = self.heights.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if (ops < OPS && heights < HEIGHTS) || self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.ops.store(0, Ordering::Relaxed);
        self.heights.store(0, Ordering::Relaxed);
        let (this, head, store) = (Arc::clone(self), Arc::clone(head), Arc::clone(store));
        std::thread::spawn(move || {
            if let Err(error) = write(&head, &store) {
                tracing::warn!(%error, "no snapshot of the ledger: a restart does more again");
            }
            this.busy.store(false, Ordering::Release);
        });
    }
}

/// Writes a snapshot.
pub(super) fn write(head: &Head, store: &Store) -> Result<(), StoreError> {
    match head.ledger.tip().height {
        0 => Ok(()),
        height => store.put_snapshot(height, &head.ledger.snapshot()),
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

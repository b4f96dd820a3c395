//! Operations that were checked here, by their bytes: a signature is checked once per node, whether the operation came
//! from a node, from another validator or in a proposal.

use kofo_clearance::{CheckError, CheckedOp};
use kofo_primitives::{Digest, NetworkId, tagged_hash};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many bytes of operations are remembered of each of two generations.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Fewer are checked by one thread: another would cost more than it saves.
const WORTH_A_THREAD: usize = 8;
/// The most threads that check one batch.
const THREADS: usize = 2;

#[derive(Default)]
struct Generations {
    young: HashMap<Digest, Arc<CheckedOp>>,
    old: HashMap<Digest, Arc<CheckedOp>>,
    young_bytes: usize,
}

/// What was checked.
pub struct Checks {
    network: NetworkId,
    kept: Mutex<Generations>,
}

fn key(bytes: &[u8]) -> Digest {
    tagged_hash("kofo/checked/v1", &[bytes])
}

impl Checks {
    /// Nothing yet.
    #[must_use]
    pub fn new(network: NetworkId) -> Self {
        Self {
            network,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Generations> {
        // Whatever panicked left a map that may lack an entry, and is right otherwise.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: &Digest) -> Option<Arc<CheckedOp>> {
        let kept = self.kept();
        kept.young.get(key).or_else(|| kept.old.get(key)).cloned()
    }

    /// Remembers an operation that was checked.
    pub fn put(&self, op: CheckedOp) -> Arc<CheckedOp> {
        let op = Arc::new(op);
        let mut kept = self.kept();
        if kept.young_bytes >= MOST_BYTES {
            kept.old = std::mem::take(&mut kept.young);
            kept.young_bytes = 0;
        }
        kept.young_bytes = kept.young_bytes.saturating_add(op.bytes().len());
        kept.young.insert(key(op.bytes()), Arc::clone(&op));
        op
    }

    /// Checks one operation, unless it was checked before.
    pub fn one(&self, bytes: &[u8]) -> Result<Arc<CheckedOp>, CheckError> {
        if let Some(known) = self.known(&key(bytes)) {
            return Ok(known);
        }
        Ok(self.put(CheckedOp::read(bytes.to_vec(), &self.network)?))
    }

    /// Checks the operations of a batch in their order, those that are new on more than one thread if they are many.
    pub fn all(&self, ops: &[Vec<u8>]) -> Result<Vec<Arc<CheckedOp>>, CheckError> {
        let new = ops.iter().filter(|bytes| self.known(&key(bytes)).is_none());
        if new.count() < WORTH_A_THREAD {
            return ops.iter().map(|bytes| self.one(bytes)).collect();
        }
        let share = ops.len().div_ceil(THREADS).max(1);
        let shares: Vec<_> = std::thread::scope(|scope| {
            let spawned: Vec<_> = ops
                .chunks(share)
                .map(|share| scope.spawn(|| share.iter().map(|bytes| self.one(bytes)).collect()))
                .collect();
            let joined = spawned.into_iter().map(|thread| thread.join());
            joined
                .map(|share| share.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<Result<Vec<_>, CheckError>>>()
        });
        let mut all = Vec::with_capacity(ops.len());
        for share in shares {
            all.extend(share?);
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checks")
    }
}

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

type Kept = HashMap<Digest, Arc<CheckedOp>>;

#[derive(Default)]
struct Generations {
    young: Kept,
    old: Kept,
    young_bytes: usize,
}

impl Generations {
    fn known(&self, key: &Digest) -> Option<Arc<CheckedOp>> {
        self.young.get(key).or_else(|| self.old.get(key)).cloned()
    }

    /// Keeps one; gives back what is forgotten for it.
    fn keep(&mut self, key: Digest, op: Arc<CheckedOp>) -> Kept {
        let mut forgotten = Kept::new();
        if self.young_bytes >= MOST_BYTES {
            let young = std::mem::take(&mut self.young);
            forgotten = std::mem::replace(&mut self.old, young);
            self.young_bytes = 0;
        }
        self.young_bytes = self.young_bytes.saturating_add(op.bytes().len());
        self.young.insert(key, op);
        forgotten
    }
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

    /// Remembers an operation that was checked.
    pub fn put(&self, op: CheckedOp) -> Arc<CheckedOp> {
        self.keep(key(op.bytes()), op)
    }

    fn keep(&self, key: Digest, op: CheckedOp) -> Arc<CheckedOp> {
        let op = Arc::new(op);
        let forgotten = self.kept().keep(key, Arc::clone(&op));
        // Thousands of operations, maybe: nobody waits for their end.
        drop(forgotten);
        op
    }

    /// Checks one operation, unless it was checked before.
    pub fn one(&self, bytes: &[u8]) -> Result<Arc<CheckedOp>, CheckError> {
        self.of(key(bytes), bytes)
    }

    fn of(&self, key: Digest, bytes: &[u8]) -> Result<Arc<CheckedOp>, CheckError> {
        let known = self.kept().known(&key);
        match known {
            Some(known) => Ok(known),
            None => Ok(self.keep(key, CheckedOp::read(bytes.to_vec(), &self.network)?)),
        }
    }

    /// Checks the operations of a batch in their order, those that are new on more than one thread if they are many.
    pub fn all(&self, ops: &[Vec<u8>]) -> Result<Vec<Arc<CheckedOp>>, CheckError> {
        let keys: Vec<_> = ops.iter().map(|bytes| key(bytes)).collect();
        let known: Vec<_> = {
            let kept = self.kept();
            keys.iter().map(|key| kept.known(key)).collect()
        };
        let all = keys.into_iter().zip(ops).zip(&known);
        let new: Vec<_> = all
            .filter(|(_, known)| known.is_none())
            .map(|(one, _)| one)
            .collect();
        let mut checked = self.new_ones(&new)?.into_iter();
        Ok(known
            .into_iter()
            .filter_map(|known| known.or_else(|| checked.next()))
            .collect())
    }

    fn new_ones(&self, new: &[(Digest, &Vec<u8>)]) -> Result<Vec<Arc<CheckedOp>>, CheckError> {
        let check = |(key, bytes): &(Digest, &Vec<u8>)| self.of(*key, bytes);
        if new.len() < WORTH_A_THREAD {
            return new.iter().map(check).collect();
        }
        let share = new.len().div_ceil(THREADS).max(1);
        let shares: Vec<_> = std::thread::scope(|scope| {
            let spawned: Vec<_> = new
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().map(check).collect()))
                .collect();
            let joined = spawned.into_iter().map(|thread| thread.join());
            joined
                .map(|share| share.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<Result<Vec<_>, CheckError>>>()
        });
        let mut all = Vec::with_capacity(new.len());
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

//! What of the clearance layer outlives a restart: which validators are known, and the proofs of orders that began.

use super::ClearingError;
use crate::journal::SharedJournal;
use kofo_clearance::{Light, OrderProof};
use kofo_journal::Journal;
use kofo_primitives::{SwapId, decode, encode};

/// Where the journal has the light node.
const LIGHT: &str = "clearing/light";
/// Where it has the height from which on we look for orders on our quotes.
const CURSOR: &str = "clearing/cursor";
/// Names of proofs begin so.
const PROOFS: &str = "clearing/proof/";

/// The place in the journal.
#[derive(Clone)]
pub(super) struct Kept(SharedJournal);

fn proof_name(order: SwapId) -> String {
    format!("{PROOFS}{order}")
}

impl Kept {
    pub(super) const fn new(journal: SharedJournal) -> Self {
        Self(journal)
    }

    /// What was known at the last stop. What cannot be read is as good as nothing: the genesis is still there.
    pub(super) fn light(&self) -> Result<Option<Light>, ClearingError> {
        let bytes = self.0.get(LIGHT)?;
        Ok(bytes.and_then(|bytes| Light::read(&bytes).ok()))
    }

    pub(super) async fn keep_light(&self, light: &Light) -> Result<(), ClearingError> {
        self.put(LIGHT.to_owned(), light.write()).await
    }

    pub(super) fn cursor(&self) -> Result<u64, ClearingError> {
        let bytes = self.0.get(CURSOR)?;
        Ok(bytes.and_then(|bytes| decode(&bytes).ok()).unwrap_or(0))
    }

    pub(super) async fn keep_cursor(&self, height: u64) -> Result<(), ClearingError> {
        self.put(CURSOR.to_owned(), encode(&height)).await
    }

    pub(super) fn proof(&self, order: SwapId) -> Result<Option<OrderProof>, ClearingError> {
        let bytes = self.0.get(&proof_name(order))?;
        Ok(bytes.and_then(|bytes| decode(&bytes).ok()))
    }

    pub(super) async fn keep_proof(&self, order: SwapId, proof: &OrderProof) -> Result<(), ClearingError> {
        self.put(proof_name(order), encode(proof)).await
    }

    pub(super) async fn forget_proof(&self, order: SwapId) -> Result<(), ClearingError> {
        let mut journal = self.0.clone();
        // Not synced: a proof too many harms nothing.
        let removed = tokio::task::spawn_blocking(move || journal.remove(&proof_name(order))).await;
        Ok(removed.map_err(|e| ClearingError::Journal(e.to_string()))??)
    }

    async fn put(&self, name: String, value: Vec<u8>) -> Result<(), ClearingError> {
        let mut journal = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            journal.put(&name, &value)?;
            journal.sync()
        });
        let written = written.await;
        Ok(written.map_err(|e| ClearingError::Journal(e.to_string()))??)
    }
}

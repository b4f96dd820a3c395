//! Where the wallet keeps what it learnt from blocks.

use std::sync::{Mutex, PoisonError};

/// Keeps one value: the wallet's state, which is public keys, addresses given out and our transactions. It holds
/// no secret, but tells what is ours: keep it encrypted. Losing it costs a rescan, never money.
pub trait WalletStore: Send + Sync {
    /// What was saved last.
    fn load(&self) -> Result<Option<Vec<u8>>, WalletStoreError>;

    /// Replaces the value. When it returns, the value is durable.
    fn save(&self, state: &[u8]) -> Result<(), WalletStoreError>;
}

/// The wallet's state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the wallet's store failed: {0}")]
pub struct WalletStoreError(pub String);

/// A store that lasts as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Option<Vec<u8>>>);

impl WalletStore for MemoryStore {
    fn load(&self) -> Result<Option<Vec<u8>>, WalletStoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, state: &[u8]) -> Result<(), WalletStoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.to_vec());
        Ok(())
    }
}

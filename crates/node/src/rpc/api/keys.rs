//! What the RPC asks of the node's keys and money.

use super::super::error::ApiError;
use super::super::types::BackupMade;
use async_trait::async_trait;

/// The node's keys and money as its owner commands them.
#[async_trait]
pub trait KeysApi: Send + Sync + 'static {
    /// An encrypted backup of all swaps that go on.
    async fn backup(&self) -> Result<BackupMade, ApiError>;
}

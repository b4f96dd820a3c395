//! What the RPC asks of the node's keys and money.

use super::super::error::ApiError;
use super::super::types::{BackupMade, CopiesFound, TransferShown};
use async_trait::async_trait;
use kofo_adapter_api::Transfer;
use kofo_network::PeerAddress;

/// At most so many are asked for copies at a time.
pub const MAX_COPY_PLACES: usize = 16;

/// The node's keys and money as its owner commands them.
#[async_trait]
pub trait KeysApi: Send + Sync + 'static {
    /// An encrypted backup of all swaps that go on.
    async fn backup(&self) -> Result<BackupMade, ApiError>;

    /// Asks these for copies of our swaps, and begins those that are not known: one answer for each of them.
    async fn restore(&self, from: &[PeerAddress]) -> Result<Vec<CopiesFound>, ApiError>;

    /// What a payment would cost; pays nothing.
    async fn try_transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError>;

    /// Pays, once for each name.
    async fn transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError>;
}

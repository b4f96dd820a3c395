//! The methods about keys and money over real HTTP.

use super::FakeNode;
use crate::rpc::types::{BackupMade, CopiesFound};
use crate::rpc::{ApiError, KeysApi};
use async_trait::async_trait;
use kofo_network::PeerAddress;

#[async_trait]
impl KeysApi for FakeNode {
    async fn backup(&self) -> Result<BackupMade, ApiError> {
        Ok(BackupMade {
            swaps: 1,
            sealed: "00".into(),
        })
    }

    async fn restore(&self, from: &[PeerAddress]) -> Result<Vec<CopiesFound>, ApiError> {
        let one = |at: &PeerAddress| CopiesFound {
            from: at.multiaddrs().join(" "),
            restored: Vec::new(),
            known: 0,
            refused: Vec::new(),
            trouble: None,
        };
        Ok(from.iter().map(one).collect())
    }
}

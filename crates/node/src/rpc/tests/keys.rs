//! The methods about keys and money over real HTTP.

use super::FakeNode;
use crate::rpc::types::BackupMade;
use crate::rpc::{ApiError, KeysApi};
use async_trait::async_trait;

#[async_trait]
impl KeysApi for FakeNode {
    async fn backup(&self) -> Result<BackupMade, ApiError> {
        Ok(BackupMade {
            swaps: 1,
            sealed: "00".into(),
        })
    }
}

//! The methods about keys and money: reads texts into values and asks the node.

use super::super::methods::KeysRpcServer;
use super::super::types::BackupMade;
use super::Methods;
use jsonrpsee::core::{RpcResult, async_trait};
use std::sync::Arc;

/// The part of the methods that is about keys and money.
pub(super) struct KeysMethods(pub(super) Arc<Methods>);

#[async_trait]
impl KeysRpcServer for KeysMethods {
    async fn wallet_backup(&self) -> RpcResult<BackupMade> {
        Ok(self.0.api.backup().await?)
    }
}

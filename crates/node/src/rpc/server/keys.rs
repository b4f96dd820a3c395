//! The methods about keys and money: reads texts into values and asks the node.

use super::super::api::MAX_COPY_PLACES;
use super::super::methods::KeysRpcServer;
use super::super::types::{BackupMade, CopiesFound};
use super::{Methods, invalid};
use jsonrpsee::core::{RpcResult, async_trait};
use kofo_network::PeerAddress;
use std::sync::Arc;

/// The part of the methods that is about keys and money.
pub(super) struct KeysMethods(pub(super) Arc<Methods>);

#[async_trait]
impl KeysRpcServer for KeysMethods {
    async fn wallet_backup(&self) -> RpcResult<BackupMade> {
        Ok(self.0.api.backup().await?)
    }

    async fn wallet_restore(&self, from: Vec<String>) -> RpcResult<Vec<CopiesFound>> {
        if !(1..=MAX_COPY_PLACES).contains(&from.len()) {
            let expected = format!("1 to {MAX_COPY_PLACES} addresses");
            return Err(invalid("from", expected, from.len().to_string()).into());
        }
        let read = |text: &String| {
            let wrong = |_| {
                invalid(
                    "from",
                    "addresses such as /ip4/203.0.113.5/tcp/9735/p2p/12D3KooW…",
                    text,
                )
            };
            PeerAddress::from_multiaddrs(&[text.as_str()]).map_err(wrong)
        };
        let places: Result<Vec<_>, _> = from.iter().map(read).collect();
        Ok(self.0.api.restore(&places?).await?)
    }
}

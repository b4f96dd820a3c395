//! The methods about keys and money: reads texts into values and asks the node.

use super::super::api::{MAX_COPY_PLACES, MAX_PAY_TO};
use super::super::error::ApiError;
use super::super::methods::KeysRpcServer;
use super::super::types::{BackupMade, CopiesFound, TransferAsked, TransferShown};
use super::{Methods, invalid};
use jsonrpsee::core::{RpcResult, async_trait};
use kofo_adapter_api::Transfer;
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

    async fn wallet_send(&self, transfer: TransferAsked) -> RpcResult<TransferShown> {
        let asked = transfer;
        let to = asked.to.trim();
        if to.is_empty() || to.len() > MAX_PAY_TO {
            let expected = format!("an address of 1 to {MAX_PAY_TO} bytes");
            return Err(invalid("to", expected, format!("{} bytes", to.len())).into());
        }
        let of = self.0.assets.by_symbol(&asked.asset).map_err(ApiError::from)?;
        let text = format!("{} {}", asked.amount.trim(), of.symbol);
        let (asset, amount) = self.0.assets.parse(&text).map_err(ApiError::from)?;
        let transfer = Transfer {
            id: asked.id.0,
            asset,
            to: to.to_owned(),
            amount,
            fee_rate: asked.fee_rate,
        };
        match asked.dry_run {
            true => Ok(self.0.api.try_transfer(transfer).await?),
            false => Ok(self.0.api.transfer(transfer).await?),
        }
    }
}

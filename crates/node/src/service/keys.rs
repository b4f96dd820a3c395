//! The node's keys and money, as its owner commands them.

use super::Service;
use crate::backup::{BackupError, KeepError};
use crate::records::Asked;
use crate::rpc::types::{BackupMade, CopiesFound, Id, TransferShown};
use crate::rpc::{ApiError, ApiErrorKind, KeysApi, MAX_ANSWER_BYTES};
use crate::transfers::Transfers;
use async_trait::async_trait;
use kofo_adapter_api::{SignedTransfer, Transfer, Transferred};
use kofo_network::PeerAddress;

/// So many reasons are told.
const REASONS: usize = 16;

#[async_trait]
impl KeysApi for Service {
    async fn backup(&self) -> Result<BackupMade, ApiError> {
        let without = || ApiError::new(ApiErrorKind::WrongState, "this node makes no backups");
        let (sealed, swaps) = self.backups.as_ref().ok_or_else(without)?.make().await?;
        let sealed = hex::encode(sealed);
        // What is around the digits is far below this.
        let most = usize::try_from(MAX_ANSWER_BYTES)
            .unwrap_or(usize::MAX)
            .saturating_sub(1024);
        if sealed.len() > most {
            let message = format!("{swaps} swaps make a backup that no answer holds");
            let hint =
                "name a file as [backup] file in the configuration: the node keeps it up to date itself";
            return Err(ApiError::new(ApiErrorKind::Busy, message).hint(hint));
        }
        Ok(BackupMade {
            swaps: u64::try_from(swaps).unwrap_or(u64::MAX),
            sealed,
        })
    }

    async fn restore(&self, from: &[PeerAddress]) -> Result<Vec<CopiesFound>, ApiError> {
        let asked = self.agreement.restore_from(from).await;
        let found = from.iter().zip(asked).map(|(at, asked)| found(at, asked));
        Ok(found.collect())
    }

    async fn try_transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError> {
        let signed = self.transfers()?.try_out(&transfer).await?;
        Ok(self.shown_transfer(&transfer, &signed, "tried"))
    }

    async fn transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError> {
        let paid = self.transfers()?.pay(transfer.clone()).await?;
        let state = match paid.state {
            None => "signed",
            Some(Transferred::Sent) => "sent",
            Some(Transferred::InBlock) => "in_block",
        };
        let shown = self.shown_transfer(&transfer, &paid.signed, state);
        let trouble = paid.trouble;
        Ok(TransferShown { trouble, ..shown })
    }
}

fn found(at: &PeerAddress, asked: Asked) -> CopiesFound {
    let reasons = asked.refused.iter().take(REASONS).map(ToString::to_string);
    CopiesFound {
        from: at.multiaddrs().join(" "),
        refused: reasons.collect(),
        restored: asked.restored.into_iter().map(Into::into).collect(),
        known: u64::try_from(asked.known).unwrap_or(u64::MAX),
        trouble: asked.trouble.map(|trouble| trouble.to_string()),
    }
}

impl Service {
    fn transfers(&self) -> Result<&Transfers, ApiError> {
        let without = || {
            ApiError::new(
                ApiErrorKind::WrongState,
                "this node's wallet pays into swaps alone",
            )
        };
        self.transfers.as_deref().ok_or_else(without)
    }

    fn shown_transfer(&self, transfer: &Transfer, signed: &SignedTransfer, state: &str) -> TransferShown {
        TransferShown {
            id: Id(transfer.id),
            amount: self.assets.money(&transfer.asset, transfer.amount),
            to: transfer.to.clone(),
            fee: self.assets.money(&signed.fee_asset, signed.fee),
            txid: signed.txid.clone(),
            state: state.to_owned(),
            trouble: None,
        }
    }
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        let kind = match &error {
            KeepError::Stopped(_) => ApiErrorKind::Stopping,
            KeepError::Backup(BackupError::TooLarge { .. }) => ApiErrorKind::Busy,
            KeepError::Backup(_) | KeepError::Write { .. } => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

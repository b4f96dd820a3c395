//! The node's keys and money, as its owner commands them.

use super::Service;
use crate::backup::{BackupError, KeepError};
use crate::rpc::types::BackupMade;
use crate::rpc::{ApiError, ApiErrorKind, KeysApi, MAX_ANSWER_BYTES};
use async_trait::async_trait;

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

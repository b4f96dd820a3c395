//! Why there is no payment.

use crate::engine::Stopped;
use crate::rpc::{ApiError, ApiErrorKind};
use kofo_adapter_api::AdapterError;

/// Why nothing was paid.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A chain.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The node is stopping.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The name is another payment's.
    #[error("this id names another payment: use a fresh one for each")]
    Another,
    /// Too many.
    #[error("{most} payments are on their way already: wait until some are in blocks", most = super::MAX_TRANSFERS)]
    TooMany,
    /// The journal.
    #[error("the journal failed: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What the journal has is not what this program writes.
    #[error(
        "{0} in the journal is not what this program writes: use the version that wrote it, or report this"
    )]
    Stored(String),
}

impl From<TransferError> for ApiError {
    fn from(error: TransferError) -> Self {
        let kind = match error {
            TransferError::Adapter(AdapterError::Malformed { .. }) => ApiErrorKind::InvalidParams,
            TransferError::Adapter(error) => return error.into(),
            TransferError::Stopped(_) => ApiErrorKind::Stopping,
            TransferError::Another => ApiErrorKind::WrongState,
            TransferError::TooMany => ApiErrorKind::Busy,
            TransferError::Journal(_) | TransferError::Stored(_) => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

//! Why the ledger takes something not. Each is a rule's own error.

use crate::accounts::ActRefused;
use crate::orders::OrderRefused;
use crate::staking::StakingRefused;
use kofo_primitives::CertificateError;

pub use crate::epochs::GenesisError;

/// Why there is no next batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Time does not go back.
    #[error("the batch is of {have} ms, expected later than the last one's {last} ms")]
    Time {
        /// Its time.
        have: u64,
        /// The last one's.
        last: u64,
    },
    /// The certificate of the last header is missing, or of another.
    #[error("expected a certificate of the last header, and at height 1 none")]
    Last,
    /// It certifies nothing.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Why an operation is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An order, or what concerns one.
    #[error(transparent)]
    Order(#[from] OrderRefused),
    /// An act of an account.
    #[error(transparent)]
    Act(#[from] ActRefused),
    /// What concerns a validator.
    #[error(transparent)]
    Staking(#[from] StakingRefused),
}

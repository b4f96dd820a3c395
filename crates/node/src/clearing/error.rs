//! Why the clearance layer does not answer as it should.

use crate::rpc::{ApiError, ApiErrorKind};
use kofo_clearance::{GenesisError, LightError, RefusedClass};
use kofo_primitives::{CodecError, MatchError, NodeId, SealError, SwapId};

/// Why. Nothing is locked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClearingError {
    /// The genesis is none.
    #[error("the genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The genesis is of another network.
    #[error("the genesis is of network {have}, expected {want}: name the one of your network")]
    OtherNetwork {
        /// The genesis'.
        have: String,
        /// Ours.
        want: String,
    },
    /// A validator's address is none.
    #[error("{address} is no address of a validator's service: {why}")]
    Address {
        /// As it stands in genesis or configuration.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody answered.
    #[error("none of {asked} validators answered as it should, the last one: {last}")]
    Nobody {
        /// How many were asked.
        asked: usize,
        /// What was wrong with the last.
        last: String,
    },
    /// Validators refused.
    #[error("validators refuse it: {why}")]
    Refused {
        /// Of what kind.
        class: RefusedClass,
        /// In words.
        why: String,
    },
    /// What they say does not fit together.
    #[error("validators say different things of account {0}: ask again")]
    Disagree(NodeId),
    /// The certificate is not believed.
    #[error(transparent)]
    Light(#[from] LightError),
    /// Not in time.
    #[error("{0} in time: the validators may be stopped, or you are cut off from them")]
    Late(&'static str),
    /// The parts of an order are not readable.
    #[error("the parts of order {order}: {why}")]
    Parts {
        /// Which order.
        order: SwapId,
        /// What is wrong.
        why: String,
    },
    /// What was to be kept is not.
    #[error("the journal failed: {0}")]
    Journal(String),
}

impl ClearingError {
    /// Whether it may pass by itself, with nobody to blame.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Nobody { .. } | Self::Disagree(_) | Self::Late(_) | Self::Journal(_) => true,
            Self::Refused { class, .. } => matches!(class, RefusedClass::Busy),
            Self::Genesis(_)
            | Self::OtherNetwork { .. }
            | Self::Address { .. }
            | Self::Light(_)
            | Self::Parts { .. } => false,
        }
    }

    pub(super) fn parts(order: SwapId, why: impl std::fmt::Display) -> Self {
        let why = why.to_string();
        Self::Parts { order, why }
    }
}

/// Why one validator's answer is passed over. Never an error by itself: the next one is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Unreachable(String),
    #[error(transparent)]
    Malformed(#[from] CodecError),
    #[error("it answered something else than was asked")]
    Another,
    #[error("{0:?}: {1}")]
    Refused(RefusedClass, String),
    #[error(transparent)]
    Light(#[from] LightError),
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Match(#[from] MatchError),
    #[error("it sent another order than was asked for")]
    OtherOrder,
}

impl From<kofo_journal::Error> for ClearingError {
    fn from(error: kofo_journal::Error) -> Self {
        Self::Journal(error.to_string())
    }
}

impl From<ClearingError> for ApiError {
    fn from(error: ClearingError) -> Self {
        let kind = match &error {
            ClearingError::Refused { class, .. } => match class {
                RefusedClass::Busy => ApiErrorKind::Busy,
                RefusedClass::Unknown => ApiErrorKind::NotFound,
                RefusedClass::Invalid | RefusedClass::Ledger => ApiErrorKind::Refused,
            },
            ClearingError::Nobody { .. } | ClearingError::Disagree(_) | ClearingError::Late(_) => {
                ApiErrorKind::Peer
            }
            ClearingError::Light(_) | ClearingError::Parts { .. } => ApiErrorKind::Refused,
            ClearingError::Genesis(_)
            | ClearingError::OtherNetwork { .. }
            | ClearingError::Address { .. }
            | ClearingError::Journal(_) => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

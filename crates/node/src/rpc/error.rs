//! Errors of the RPC: each kind has a number and a name that never change.

use crate::assets::AssetError;
use jsonrpsee::types::ErrorObjectOwned;
use kofo_adapter_api::{AdapterError, SignerError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of errors. Numbers and names are part of the interface; the numbers are out of the range that JSON-RPC
/// and its server keep for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiErrorKind {
    /// −32602: a parameter is malformed.
    InvalidParams,
    /// −32603: a fault of ours.
    Internal,
    /// 1001: no such swap or offer.
    NotFound,
    /// 1002: not in this state, such as an abort after the lock.
    WrongState,
    /// 1003: an offer that is malformed, altered or not signed by its maker.
    BadOffer,
    /// 1004: an offer that is over.
    Expired,
    /// 1005: an offer of another network.
    WrongNetwork,
    /// 1006: an asset or chain that this node does not know.
    UnknownAsset,
    /// 1007: too little to be spent.
    Dust,
    /// 1008: too little to be worth today's fees.
    Uneconomic,
    /// 1009: the wallet cannot pay.
    Funds,
    /// 1010: the other party cannot be reached or does not answer.
    Peer,
    /// 1011: the other party said no.
    Refused,
    /// 1012: a chain's node does not answer as it should.
    Chain,
    /// 1013: too much at once.
    Busy,
    /// 1014: the node is stopping.
    Stopping,
    /// 1015: a fee, which needs the clearance layer.
    NoClearance,
    /// 1016: no neighbour that a claim could go to.
    Alone,
    /// 1017: the read token does not let one do this.
    Denied,
    /// 1018: the events after that cursor are gone.
    Gap,
}

impl ApiErrorKind {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::InvalidParams,
        Self::Internal,
        Self::NotFound,
        Self::WrongState,
        Self::BadOffer,
        Self::Expired,
        Self::WrongNetwork,
        Self::UnknownAsset,
        Self::Dust,
        Self::Uneconomic,
        Self::Funds,
        Self::Peer,
        Self::Refused,
        Self::Chain,
        Self::Busy,
        Self::Stopping,
        Self::NoClearance,
        Self::Alone,
        Self::Denied,
        Self::Gap,
    ];

    /// The number in JSON-RPC's `code`.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::NotFound => 1001,
            Self::WrongState => 1002,
            Self::BadOffer => 1003,
            Self::Expired => 1004,
            Self::WrongNetwork => 1005,
            Self::UnknownAsset => 1006,
            Self::Dust => 1007,
            Self::Uneconomic => 1008,
            Self::Funds => 1009,
            Self::Peer => 1010,
            Self::Refused => 1011,
            Self::Chain => 1012,
            Self::Busy => 1013,
            Self::Stopping => 1014,
            Self::NoClearance => 1015,
            Self::Alone => 1016,
            Self::Denied => 1017,
            Self::Gap => 1018,
        }
    }
}

/// Why the node does not do what it was asked: JSON-RPC's `code`, `message` and `data`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind.
    pub kind: ApiErrorKind,
    /// One sentence for a person.
    pub message: String,
    /// What was expected, what came, and what to do.
    pub data: ApiErrorData,
}

/// What goes into JSON-RPC's `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiErrorData {
    /// The kind by its name.
    pub kind: ApiErrorKind,
    /// What was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error that its sentence tells whole.
    pub fn new(kind: ApiErrorKind, message: impl std::fmt::Display) -> Self {
        let data = ApiErrorData {
            kind,
            expected: None,
            got: None,
            hint: None,
        };
        Self {
            kind,
            message: bounded(message),
            data,
        }
    }

    /// Adds what was expected.
    #[must_use]
    pub fn expected(mut self, what: impl std::fmt::Display) -> Self {
        self.data.expected = Some(bounded(what));
        self
    }

    /// Adds what came.
    #[must_use]
    pub fn got(mut self, what: impl std::fmt::Display) -> Self {
        self.data.got = Some(bounded(what));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, what: impl std::fmt::Display) -> Self {
        self.data.hint = Some(bounded(what));
        self
    }
}

/// No message grows with what a caller or a peer sent.
fn bounded(text: impl std::fmt::Display) -> String {
    text.to_string().chars().take(600).collect()
}

impl From<ApiError> for ErrorObjectOwned {
    fn from(error: ApiError) -> Self {
        Self::owned(error.kind.code(), error.message, Some(error.data))
    }
}

impl From<AssetError> for ApiError {
    fn from(error: AssetError) -> Self {
        let kind = match &error {
            AssetError::Unknown { .. } => ApiErrorKind::UnknownAsset,
            AssetError::Form { .. }
            | AssetError::Pair { .. }
            | AssetError::Amount { .. }
            | AssetError::Zero { .. }
            | AssetError::Symbol { .. }
            | AssetError::Decimals { .. }
            | AssetError::Twice { .. }
            | AssetError::TooMany(_) => ApiErrorKind::InvalidParams,
        };
        Self::new(kind, error)
    }
}

impl From<SignerError> for ApiError {
    fn from(error: SignerError) -> Self {
        let kind = match &error {
            SignerError::Unreachable(_) => ApiErrorKind::Chain,
            SignerError::Refused(_) => ApiErrorKind::Refused,
        };
        Self::new(kind, error)
    }
}

impl From<AdapterError> for ApiError {
    fn from(error: AdapterError) -> Self {
        let kind = match &error {
            AdapterError::UnknownAsset { .. } => ApiErrorKind::UnknownAsset,
            AdapterError::Malformed { .. } => ApiErrorKind::BadOffer,
            AdapterError::Dust { .. } => ApiErrorKind::Dust,
            AdapterError::Uneconomic { .. } => ApiErrorKind::Uneconomic,
            AdapterError::Funds { .. } | AdapterError::NoGas { .. } => ApiErrorKind::Funds,
            AdapterError::PayeeRefused { .. } => ApiErrorKind::Refused,
            AdapterError::Signer { source, .. } => return source.clone().into(),
            AdapterError::Node { .. } => ApiErrorKind::Chain,
            AdapterError::Stopped(_) => ApiErrorKind::Stopping,
            AdapterError::Storage { .. } | AdapterError::Alone(_) => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

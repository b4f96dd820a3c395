//! Why the market does not do what it was asked.

use super::LedgerError;
use super::prices::LineError;
use crate::agree::AgreeError;
use crate::assets::AssetError;
use crate::clearing::ClearingError;
use crate::driver::DriverError;
use crate::rpc::types::AssetAmount;
use crate::rpc::{ApiError, ApiErrorKind};
use kofo_adapter_api::{AdapterError, SignerError};
use kofo_exchange::{AnswerRefused, FulfilRefused, QuoteRefused, QuotedRefused, SelectRefused};
use kofo_primitives::{AssetId, ClaimId, FulfilId, MatchError, SwapId};

/// Why. Nothing is locked.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// No neighbour that relays or quotes.
    #[error(
        "no neighbour takes claims: wait until one is connected, or name one as `peers` in the configuration"
    )]
    Alone,
    /// Too much at once.
    #[error("{most} claims go on already: wait, or cancel one", most = super::MAX_LIVE_CLAIMS)]
    TooManyClaims,
    /// Nothing for nothing.
    #[error("expected more than 0 of both assets")]
    Nothing,
    /// A fee.
    #[error("fees need the clearance layer, which this node does not run: ask with fee none")]
    Fee,
    /// A fee in something that is no money of the network.
    #[error("{0} is no asset of the ledger: pay the fee in one that `kofo ledger status` names")]
    FeeAsset(AssetId),
    /// Too small a fee.
    #[error("the fee is {have}, expected at least {least}")]
    FeeTooSmall {
        /// What is offered.
        have: AssetAmount,
        /// What the network asks for.
        least: AssetAmount,
    },
    /// Nothing to stand behind a quote.
    #[error("nothing stands behind a quote for this claim: see [provider.reserve] in the configuration")]
    Uncovered,
    /// Less than the ledger would take a quote for.
    #[error("our free provider's bond has {have}, a quote needs {need}: put up more by `kofo bond`")]
    BondTooSmall {
        /// What nothing reserves of it.
        have: AssetAmount,
        /// What is needed.
        need: AssetAmount,
    },
    /// A worth that is none.
    #[error("the worth of {0} in [provider.reserve.worth] is 0, or too large to be reckoned with")]
    Worth(String),
    /// An order that a validator named and nobody proves.
    #[error("order {0} is not final, as far as anybody proves")]
    NotFinal(SwapId),
    /// The clearance layer.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// No such claim.
    #[error("there is no claim {0} of ours")]
    NoSuchClaim(ClaimId),
    /// No such quote.
    #[error("there is no quote {0} that could be selected")]
    NoSuchQuote(FulfilId),
    /// The claim is over.
    #[error("the claim {0} is over")]
    ClaimOver(ClaimId),
    /// Not a provider.
    #[error("this node is no provider")]
    NoProvider,
    /// The settlement side says no.
    #[error(transparent)]
    Settles(#[from] AgreeError),
    /// Claim, quote and selection do not fit.
    #[error(transparent)]
    Claim(MatchError),
    /// A quote that is not looked at.
    #[error(transparent)]
    Quote(#[from] QuoteRefused),
    /// A selection that is not made.
    #[error(transparent)]
    Select(#[from] SelectRefused),
    /// An answer that changes nothing.
    #[error(transparent)]
    Answer(#[from] AnswerRefused),
    /// A quote of ours that does not leave.
    #[error(transparent)]
    Quoted(#[from] QuotedRefused),
    /// A quote of ours that has no way back.
    #[error(transparent)]
    NoWayBack(#[from] FulfilRefused),
    /// Something is not sealed, or does not open.
    #[error("{0}")]
    Seal(String),
    /// The journal.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The journal at the start.
    #[error("the journal failed: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What the journal has is not what the market writes.
    #[error(
        "{0} in the journal is not what the market writes: use the version that wrote it, or report this"
    )]
    Stored(String),
    /// A price of the configuration.
    #[error("a fixed price: {0}")]
    Price(LineError),
    /// An asset of the configuration.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// The system gives no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

impl MarketError {
    /// Whether the fault lies on our side and may pass: then what failed is tried again and nobody is blamed.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Ledger(_) | Self::Random(_) | Self::Journal(_) => true,
            Self::Clearing(error) => error.may_pass(),
            Self::Settles(error) => match error {
                AgreeError::Stopped(_)
                | AgreeError::Fault(_)
                | AgreeError::Disk { .. }
                | AgreeError::Random(_)
                | AgreeError::Signer(SignerError::Unreachable(_))
                | AgreeError::TooManyQuotes
                | AgreeError::Driver(DriverError::TooMany | DriverError::Journal(_)) => true,
                AgreeError::Adapter(adapter) => matches!(
                    adapter,
                    AdapterError::Node { .. }
                        | AdapterError::Stopped(_)
                        | AdapterError::Storage { .. }
                        | AdapterError::Signer {
                            source: SignerError::Unreachable(_),
                            ..
                        }
                ),
                _ => false,
            },
            _ => false,
        }
    }
}

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        let kind = match error {
            MarketError::Settles(error) => return error.into(),
            MarketError::Asset(error) => return error.into(),
            MarketError::Alone => ApiErrorKind::Alone,
            MarketError::TooManyClaims | MarketError::Ledger(LedgerError::Busy) => ApiErrorKind::Busy,
            MarketError::Nothing => ApiErrorKind::InvalidParams,
            MarketError::Clearing(error) => return error.into(),
            MarketError::Fee => ApiErrorKind::NoClearance,
            MarketError::FeeAsset(_) => ApiErrorKind::UnknownAsset,
            MarketError::FeeTooSmall { .. } => ApiErrorKind::InvalidParams,
            MarketError::NoSuchClaim(_) | MarketError::NoSuchQuote(_) => ApiErrorKind::NotFound,
            MarketError::ClaimOver(_)
            | MarketError::NoProvider
            | MarketError::Uncovered
            | MarketError::BondTooSmall { .. }
            | MarketError::NotFinal(_)
            | MarketError::Select(_) => ApiErrorKind::WrongState,
            MarketError::Ledger(LedgerError::Stopped) => ApiErrorKind::Stopping,
            MarketError::Quote(_) | MarketError::Answer(_) | MarketError::NoWayBack(_) => ApiErrorKind::Peer,
            MarketError::Claim(_)
            | MarketError::Quoted(_)
            | MarketError::Seal(_)
            | MarketError::Ledger(LedgerError::Failed(_))
            | MarketError::Journal(_)
            | MarketError::Stored(_)
            | MarketError::Price(_)
            | MarketError::Worth(_)
            | MarketError::Random(_) => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

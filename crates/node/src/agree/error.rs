//! Why two nodes do not come to a swap.

use crate::direct::{AnswerError, KeepError, SignRequestError};
use crate::driver::DriverError;
use crate::engine::Stopped;
use crate::limits::Over;
use crate::rpc::{ApiError, ApiErrorKind};
use kofo_adapter_api::AdapterError;
use kofo_exchange::{Refused, TextError};
use kofo_network::{AddressError, RequestError};
use kofo_primitives::{Amount, AssetId, ChainId, CodecError, LegId, NetworkId, OrderError, SwapId};
use kofo_settlement::{TermsError, TimelockError};

/// Why there is no swap. Nothing is locked.
#[derive(Debug, thiserror::Error)]
pub enum AgreeError {
    /// The text is no offer.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The offer is not acceptable now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Offer or acceptance are wrong by themselves.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A message that cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A chain says no.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The timelocks or contracts are not safe.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// No safe timelocks.
    #[error(transparent)]
    Timelock(#[from] TimelockError),
    /// The driver says no.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The node is stopping.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The offer's contacts are no addresses.
    #[error("the offer names no address that can be used: {0}")]
    Contact(#[from] AddressError),
    /// The other party cannot be reached.
    #[error("the other party cannot be reached, nothing is locked: {0}")]
    Unreachable(RequestError),
    /// The other party's answer is a no, or none.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// A request for signatures that is none.
    #[error(transparent)]
    Sign(#[from] SignRequestError),
    /// A recovery record that is none of the other party's.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A request for signatures on legs of several chains.
    #[error("one request for signatures is about one chain: send one for each")]
    ManyChains,
    /// A chain's nodes contradict each other or themselves.
    #[error("what the nodes of {0} tell cannot be relied upon: no new swap until they agree again")]
    Fault(ChainId),
    /// Too much for what strangers tell of a chain.
    #[error(
        "expected at most {most} of {asset}, which is light_most of its chain, got {have}: no node of ours follows the \
         chain, so as initiator we swap no more; swap less, ask a node of your own, or raise light_most"
    )]
    Dared {
        /// Of what.
        asset: AssetId,
        /// So much would be in one leg, in smallest units.
        have: Amount,
        /// The most, in smallest units.
        most: Amount,
    },
    /// Too little room for the journal.
    #[error("only {free} bytes are free on the journal's disk: make room before you swap")]
    Disk {
        /// Bytes left.
        free: u64,
    },
    /// The two would wait for different depths.
    #[error("{leg}: expected depth {ours}, the offer says {theirs}: both nodes must wait for the same")]
    Depth {
        /// The leg.
        leg: LegId,
        /// Ours.
        ours: u32,
        /// Theirs.
        theirs: u32,
    },
    /// An acceptance of an offer that we did not make, or took back.
    #[error("there is no such offer of ours: it was withdrawn, or another node made it")]
    NotOurs,
    /// A claim of other chains and nodes.
    #[error("the claim is of network {0}, this node is not")]
    OtherNetwork(NetworkId),
    /// A claim that is neither free nor pays a fee for all of the path.
    #[error("expected a claim without fee between two alone, or one with a fee that is cleared")]
    Fee,
    /// More than the owner lets go without a word.
    #[error("{0}: the owner has to approve it")]
    Over(#[from] Over),
    /// A cleared order without a certificate.
    #[error("order {0} is cleared, and no certificate shows that it is final: nothing is locked for it")]
    NotCertified(SwapId),
    /// A cleared order with the certificate of another one.
    #[error("order {order} is cleared, and the certificate is of order {of}: nothing is locked for it")]
    OtherCertificate {
        /// Which order.
        order: SwapId,
        /// Of which the certificate is.
        of: SwapId,
    },
    /// An asset that is locked elsewhere, or to another depth.
    #[error(
        "the claim locks {0} in another place or to another depth than this network does: do not answer it"
    )]
    OtherPlace(AssetId),
    /// Too much is promised.
    #[error("too many quotes bind at once: wait until some have expired")]
    TooManyQuotes,
    /// Too late.
    #[error("the offer has expired: ask for a new one")]
    Expired,
    /// Another swap came of the offer.
    #[error("the offer was accepted already, by swap {0}")]
    Taken(SwapId),
    /// Who holds the keys does not answer, or refuses.
    #[error(transparent)]
    Signer(#[from] kofo_adapter_api::SignerError),
    /// The system gives no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// We listen nowhere.
    #[error("this node listens at no address that an offer could name: set `listen` in the configuration")]
    NoContact,
}

impl From<AgreeError> for ApiError {
    fn from(error: AgreeError) -> Self {
        let kind = match &error {
            AgreeError::Adapter(inner) => return inner.clone().into(),
            AgreeError::Signer(inner) => return inner.clone().into(),
            AgreeError::Text(_) | AgreeError::Order(_) | AgreeError::Codec(_) | AgreeError::Contact(_) => {
                ApiErrorKind::BadOffer
            }
            AgreeError::Refused(refused) => match refused {
                Refused::Wrong(_)
                | Refused::TooLong { .. }
                | Refused::SameAsset { .. }
                | Refused::Place { .. } => ApiErrorKind::BadOffer,
                Refused::Network { .. } => ApiErrorKind::WrongNetwork,
                Refused::Own(_) => ApiErrorKind::WrongState,
                Refused::Expired { .. } => ApiErrorKind::Expired,
                Refused::UnknownAsset { .. } => ApiErrorKind::UnknownAsset,
            },
            AgreeError::Terms(_) | AgreeError::Timelock(_) | AgreeError::Depth { .. } => {
                ApiErrorKind::BadOffer
            }
            AgreeError::Driver(DriverError::Reused(_) | DriverError::NotWaiting(_))
            | AgreeError::NotOurs
            | AgreeError::Taken(_) => ApiErrorKind::WrongState,
            AgreeError::Driver(DriverError::TooMany) => ApiErrorKind::Busy,
            AgreeError::Driver(_)
            | AgreeError::Random(_)
            | AgreeError::NoContact
            | AgreeError::Disk { .. } => ApiErrorKind::Internal,
            AgreeError::OtherNetwork(_) => ApiErrorKind::WrongNetwork,
            AgreeError::Fee | AgreeError::OtherPlace(_) => ApiErrorKind::BadOffer,
            AgreeError::Over(_)
            | AgreeError::NotCertified(_)
            | AgreeError::OtherCertificate { .. }
            | AgreeError::Dared { .. } => ApiErrorKind::Refused,
            AgreeError::TooManyQuotes => ApiErrorKind::Busy,
            AgreeError::Stopped(_) => ApiErrorKind::Stopping,
            AgreeError::Unreachable(_) => ApiErrorKind::Peer,
            AgreeError::Answer(AnswerError::Refused(_)) => ApiErrorKind::Refused,
            AgreeError::Answer(_) => ApiErrorKind::Peer,
            AgreeError::Fault(_) => ApiErrorKind::Chain,
            AgreeError::Sign(_) | AgreeError::Keep(_) | AgreeError::ManyChains => ApiErrorKind::Peer,
            AgreeError::Expired => ApiErrorKind::Expired,
        };
        Self::new(kind, error)
    }
}

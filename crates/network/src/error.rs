//! What can go wrong, and what to do about it.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::address::AddressError;
use crate::identity::PeerId;

/// Why a [`Network`](crate::Network) did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The network id is no plain short word.
    #[error(
        "expected a network id of 1 to 32 characters a-z, 0-9 and '-', got {got:?}; correct the configuration"
    )]
    NetworkId {
        /// What came.
        got: String,
    },
    /// A limit is zero.
    #[error("expected limit {name} to be at least 1, got 0; correct the configuration")]
    ZeroLimit {
        /// The field of [`Limits`](crate::Limits).
        name: &'static str,
    },
    /// More bootstrap peers than are kept.
    #[error("expected at most {max} bootstrap addresses, got {got}; name the best ones")]
    TooManyBootstrap {
        /// How many came.
        got: usize,
        /// How many are taken.
        max: usize,
    },
    /// A listen or bootstrap address is no multiaddr, or a bootstrap address names no peer.
    #[error("listen or bootstrap address: {0}")]
    Address(#[from] AddressError),
    /// A listen address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another address or stop the program that uses it")]
    Listen {
        /// The address of the configuration.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The encryption of a transport could not be set up.
    #[error("cannot set up the {transport} transport: {reason}")]
    Transport {
        /// Which one.
        transport: &'static str,
        /// What it said.
        reason: String,
    },
}

/// One address that was dialed in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address, without the peer id.
    pub address: String,
    /// Why it did not work.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.reason)
    }
}

/// Why a request has no answer.
///
/// After [`Timeout`](Self::Timeout), [`Lost`](Self::Lost), [`NoAnswer`](Self::NoAnswer),
/// [`AnswerTooLarge`](Self::AnswerTooLarge) and [`Stopped`](Self::Stopped) the peer may have read the
/// request; after every other it has not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// No address led to the peer.
    #[error("cannot reach {peer}, tried {}; is it running, and are its addresses right?", list(.tried))]
    Unreachable {
        /// Who was wanted.
        peer: PeerId,
        /// What was tried, and why it failed.
        tried: Vec<Attempt>,
    },
    /// The peer is there and does not speak our protocol.
    #[error(
        "{peer} does not speak {protocol}: it is on another network or of another version; compare both configurations"
    )]
    WrongNetwork {
        /// Who was asked.
        peer: PeerId,
        /// The protocol that was expected, with the network id in it.
        protocol: String,
    },
    /// No answer in time.
    #[error("{peer} did not answer within {after:?}; try again later")]
    Timeout {
        /// Who was asked.
        peer: PeerId,
        /// How long we waited.
        after: Duration,
    },
    /// Our request is too large to be sent.
    #[error("expected a request of at most {max} bytes, got {size}; send less")]
    TooLarge {
        /// Size of the request, in bytes.
        size: usize,
        /// Our limit, in bytes.
        max: u32,
    },
    /// The peer takes smaller requests only.
    #[error("{peer} takes requests of at most {max} bytes; send less")]
    TooLargeForPeer {
        /// Who was asked.
        peer: PeerId,
        /// Its limit, in bytes.
        max: u32,
    },
    /// The peer's answer is larger than we take.
    #[error("expected an answer of at most {max} bytes, {peer} announced {size}")]
    AnswerTooLarge {
        /// Who was asked.
        peer: PeerId,
        /// The announced size, in bytes.
        size: u32,
        /// Our limit, in bytes.
        max: u32,
    },
    /// The peer closed the exchange without an answer: it refused the request, or has nobody to answer it.
    #[error("{peer} closed the exchange without an answer: it refused the request")]
    NoAnswer {
        /// Who was asked.
        peer: PeerId,
    },
    /// The peer has no capacity left for us.
    #[error("{peer} is busy or was asked too often; slow down and try again")]
    Busy {
        /// Who was asked.
        peer: PeerId,
    },
    /// The connection broke before the answer came.
    #[error("lost the connection to {peer} before it answered: {reason}; try again")]
    Lost {
        /// Who was asked.
        peer: PeerId,
        /// What broke.
        reason: String,
    },
    /// Too many of our own requests wait already.
    #[error("at most {max} own requests may wait for an answer at a time; wait for one")]
    TooManyWaiting {
        /// The limit that is reached.
        max: usize,
    },
    /// The peer is no neighbour of ours now, and a neighbour's message is not worth a dial.
    #[error("{peer} is no neighbour now; connect to it first, or ask another one")]
    NoNeighbour {
        /// Who was asked.
        peer: PeerId,
    },
    /// We ask this neighbour as often as it allows already.
    #[error("{peer} takes no more requests of this kind now; slow down")]
    TooFast {
        /// Who was to be asked.
        peer: PeerId,
    },
    /// A node does not send to itself.
    #[error("the address is our own; give that of the other party")]
    Ourselves,
    /// The network was shut down.
    #[error("the network was shut down before the answer came")]
    Stopped,
}

fn list(tried: &[Attempt]) -> String {
    if tried.is_empty() {
        return "no address, for none is known".to_owned();
    }
    tried
        .iter()
        .map(Attempt::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The innermost cause: the transports wrap "connection refused" several times over.
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

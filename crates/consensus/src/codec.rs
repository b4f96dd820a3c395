//! The engine's messages as bytes: on the wire, and in its log. A version, then borsh of a mirror of the message.
//!
//! What comes from others is bounded before it is believed: heights and rounds cannot overflow, lists are short.

mod wire;

#[cfg(test)]
mod tests;

use crate::context::{Ctx, MAX_HEIGHT, MAX_ROUND};
use crate::parts::Part;
use arc_malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use arc_malachitebft_app_channel::app::types::streaming::StreamMessage;
use arc_malachitebft_app_channel::app::types::{ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{PolkaCertificate, Round, ValidatorProof};
use arc_malachitebft_sync::{Request, Response, Status};
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;

/// The engine's name of it is not public elsewhere.
pub(crate) type LivenessMsg = arc_malachitebft_app_channel::app::consensus::LivenessMsg<Ctx>;

const VERSION: u8 = 1;
/// A certificate of a round has at most two votes of each validator.
const MOST_SIGNATURES: usize = 2 * kofo_primitives::MAX_VALIDATORS;
/// Names of streams and keys of connections are short.
const MOST_NAME: usize = 64;
/// More values are never asked for at once.
const MOST_VALUES: usize = 64;

/// Why bytes are no message, or a message no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// Another version, or no byte at all.
    #[error("expected version {VERSION}, got {0:?}")]
    Version(Option<u8>),
    /// Not such a message.
    #[error("malformed: {0}")]
    Malformed(String),
    /// More than any honest node sends.
    #[error("{what} is {got}, expected at most {most}")]
    TooMuch {
        /// What is.
        what: &'static str,
        /// How much.
        got: u64,
        /// The bound.
        most: u64,
    },
    /// Something has no round that must have one.
    #[error("{0} without a round")]
    NoRound(&'static str),
}

fn at_most(what: &'static str, got: u64, most: u64) -> Result<u64, WireError> {
    if got > most {
        return Err(WireError::TooMuch { what, got, most });
    }
    Ok(got)
}

fn few<T>(what: &'static str, list: Vec<T>, most: usize) -> Result<Vec<T>, WireError> {
    let (got, bound) = (list.len() as u64, most as u64);
    at_most(what, got, bound)?;
    Ok(list)
}

fn height(of: u64) -> Result<crate::context::Height, WireError> {
    at_most("a height", of, MAX_HEIGHT).map(crate::context::Height)
}

fn round(of: u32) -> Result<Round, WireError> {
    at_most("a round", of.into(), MAX_ROUND.into())?;
    Ok(Round::new(of))
}

fn maybe_round(of: Option<u32>) -> Result<Round, WireError> {
    of.map_or(Ok(Round::Nil), round)
}

fn number(what: &'static str, of: Round) -> Result<u32, WireError> {
    of.as_u32().ok_or(WireError::NoRound(what))
}

/// A message that has a mirror.
trait Mirrored: Sized {
    type Mirror: BorshSerialize + BorshDeserialize;

    fn mirror(&self) -> Result<Self::Mirror, WireError>;
    fn read(mirror: Self::Mirror) -> Result<Self, WireError>;
}

fn write<T: Mirrored>(message: &T) -> Result<Bytes, WireError> {
    let mut bytes = vec![VERSION];
    let mirror = message.mirror()?;
    BorshSerialize::serialize(&mirror, &mut bytes).map_err(|e| WireError::Malformed(e.to_string()))?;
    Ok(bytes.into())
}

fn read<T: Mirrored>(bytes: &[u8]) -> Result<T, WireError> {
    let Some((&VERSION, rest)) = bytes.split_first() else {
        return Err(WireError::Version(bytes.first().copied()));
    };
    let mirror = T::Mirror::try_from_slice(rest).map_err(|e| WireError::Malformed(e.to_string()))?;
    T::read(mirror)
}

/// Encodes everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire;

macro_rules! codecs {
    ($($message:ty),* $(,)?) => {
        $(impl Codec<$message> for Wire {
            type Error = WireError;

            fn decode(&self, bytes: Bytes) -> Result<$message, WireError> {
                read(&bytes)
            }

            fn encode(&self, message: &$message) -> Result<Bytes, WireError> {
                write(message)
            }
        })*
    };
}

codecs!(
    Part,
    SignedConsensusMsg<Ctx>,
    LivenessMsg,
    StreamMessage<Part>,
    ValidatorProof<Ctx>,
    ProposedValue<Ctx>,
    PolkaCertificate<Ctx>,
    Status<Ctx>,
    Request<Ctx>,
    Response<Ctx>,
);

impl HasEncodedLen<Response<Ctx>> for Wire {
    fn encoded_len(&self, response: &Response<Ctx>) -> Result<usize, WireError> {
        let mirror = borsh::object_length(&response.mirror()?);
        let length = mirror.map_err(|e| WireError::Malformed(e.to_string()))?;
        Ok(length.saturating_add(1))
    }
}

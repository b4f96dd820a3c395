//! A payload on its way: cut into chunks, of which the first comes with a head that the proposer signed.

use crate::context::Ctx;
use crate::sign::head_digest;
use arc_malachitebft_core_types as core;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, NetworkId, ValidatorKey, VoteSignature, tagged_hash};

/// Bytes of a payload in one message. A payload up to this needs one message only.
pub(crate) const CHUNK: usize = 256 * 1024;

/// What a proposer says of the payload that follows, and signs. It is kept and sent on as it is when the payload is
/// offered again, by whomever.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Head {
    pub(crate) height: u64,
    /// In which it was first proposed.
    pub(crate) round: u32,
    pub(crate) proposer: ValidatorKey,
    /// What will be voted on.
    pub(crate) id: Digest,
    /// Bytes of the payload as it is sent: under the veil.
    pub(crate) size: u32,
    /// [`payload_hash`] of it, as it is sent.
    pub(crate) hash: Digest,
    /// The proposer's, over all of it.
    pub(crate) signature: VoteSignature,
}

impl Head {
    /// Whether its proposer signed it.
    pub(crate) fn signed(&self, network: &NetworkId) -> bool {
        let digest = head_digest(network, self);
        self.proposer.verify(&digest, &self.signature).is_ok()
    }

    /// In how many messages it comes: one at least.
    pub(crate) fn parts(&self) -> u64 {
        u64::from(self.size).div_ceil(CHUNK as u64).max(1)
    }

    /// How long the chunk of that place must be; none beyond the last.
    pub(crate) fn length_of(&self, place: u64) -> Option<usize> {
        if place >= self.parts() {
            return None;
        }
        let before = place.checked_mul(CHUNK as u64)?;
        let rest = u64::from(self.size).checked_sub(before)?;
        usize::try_from(rest.min(CHUNK as u64)).ok()
    }
}

/// One message of a payload; its place is the sequence number of the message.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Part {
    /// The first chunk.
    First(Head, Vec<u8>),
    /// A later one.
    Next(Vec<u8>),
}

impl core::ProposalPart<Ctx> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Self::First(..))
    }

    fn is_last(&self) -> bool {
        // The engine does not ask; the head says how many there are.
        matches!(self, Self::First(head, _) if head.parts() == 1)
    }
}

/// By which the whole payload is recognised.
pub(crate) fn payload_hash(payload: &[u8]) -> Digest {
    tagged_hash("kofo/payload-bytes/v1", &[payload])
}

/// The messages of a payload, in order.
pub(crate) fn cut(head: &Head, payload: &[u8]) -> Vec<Part> {
    let mut chunks = payload.chunks(CHUNK).map(<[u8]>::to_vec);
    let first = Part::First(head.clone(), chunks.next().unwrap_or_default());
    std::iter::once(first).chain(chunks.map(Part::Next)).collect()
}

//! The header of a batch: what validators vote for, and all that a light node has to see of it.

use crate::asset::NetworkId;
use crate::hash::Digest;
use crate::order::message_id;
use borsh::{BorshDeserialize, BorshSerialize};

/// One step of the clearance layer's history. Its id is what a certificate certifies.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Version of this message: 1.
    pub version: u8,
    /// The network: a certificate of one is none of another.
    pub network: NetworkId,
    /// From 1, without gaps.
    pub height: u64,
    /// The proposer's clock, later than the header before (unix ms).
    pub time_ms: u64,
    /// The id of the header before; the digest of the genesis at height 1.
    pub previous: Digest,
    /// Merkle root of the batch's operations.
    pub batch: Digest,
    /// Root of the ledger after the batch.
    pub state: Digest,
    /// Merkle root of the receipts that the batch led to.
    pub receipts: Digest,
    /// Who certifies this header: the digest of the set.
    pub validators: Digest,
    /// Who certifies the next one.
    pub next_validators: Digest,
}

impl Header {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/header/v1", &self.network, self)
    }
}

//! The claimant's choice of one quote, and the answers to it: from here on both have one settlement order.

use crate::asset::NetworkId;
use crate::bytes::Bytes;
use crate::claim::{ClaimId, LimitOpening};
use crate::codec::{CodecError, decode, encode};
use crate::fulfil::{FulfilId, MAX_SEALED_OPENING, Opening, context};
use crate::hash::Digest;
use crate::hashlock::{Hashlock, SwapId, SwapNonce};
use crate::node_id::{NodeId, NodeKey};
use crate::order::{Signed, message_id};
use crate::path::ReturnEntry;
use crate::sealed::{SealError, open, seal};
use borsh::{BorshDeserialize, BorshSerialize};

/// The claimant selects a quote. With claim and fulfil it makes the settlement order: the provider has no last look.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Select {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The claim.
    pub claim: ClaimId,
    /// The quote.
    pub fulfil: FulfilId,
    /// The hashlock of both legs.
    pub hashlock: Hashlock,
    /// The claimant's nonce of this swap, from which it derives its preimage and keys.
    pub nonce: SwapNonce,
    /// [`Opening::commit`] of the claimant.
    pub opening: Digest,
    /// Opens a hidden limit.
    pub limit: Option<LimitOpening>,
    /// What the way back came to at the claimant: [`crate::check_returns`].
    pub returns: Digest,
    /// The root of the fee split; 0 if there is no fee.
    pub fee_root: Digest,
    /// The claimant's opening, sealed to the validators; none without clearance.
    pub for_validators: Option<Bytes<512>>,
}

impl Select {
    /// Signs the selection with the claim's key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.digest(), self)
    }

    /// `H("kofo/select/v1", network, select)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        message_id("kofo/select/v1", &self.network, self)
    }
}

/// What a claimant gives to its provider alone: with it the provider has the whole order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimantPart {
    /// The claimant's ends of the legs.
    pub opening: Opening,
    /// The way back, as every hop signed it.
    pub returns: Vec<ReturnEntry>,
}

/// The provider's yes or no to a selection. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Verdict {
    /// It has recorded the swap: its opening, sealed to the claim's seal key.
    Opened(Bytes<MAX_SEALED_OPENING>),
    /// The reservation was used by another claim meanwhile: take the next quote.
    ReservationUsed,
    /// Other selections of this claim have taken all that it gives.
    ClaimExhausted,
    /// The quote has expired.
    Expired,
    /// The selection does not fit claim and quote, or cannot be settled.
    Refused,
}

/// The provider's answer to a selection, signed by the fulfil's key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The claim.
    pub claim: ClaimId,
    /// The quote.
    pub fulfil: FulfilId,
    /// The swap that the selection makes.
    pub order: SwapId,
    /// Yes or no.
    pub verdict: Verdict,
}

impl Answer {
    /// Signs the answer with the fulfil's key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.digest(), self)
    }

    /// `H("kofo/answer/v1", network, answer)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        message_id("kofo/answer/v1", &self.network, self)
    }
}

macro_rules! sealed_part {
    ($name:ident, $label:literal) => {
        impl $name {
            /// Seals it to the other party's key. `ephemeral`: 32 fresh random bytes.
            pub fn seal(
                &self,
                claim: &ClaimId,
                to: &NodeId,
                ephemeral: &[u8; 32],
            ) -> Result<Bytes<MAX_SEALED_OPENING>, SealError> {
                seal(to, ephemeral, &context($label, claim), &encode(self))
            }

            /// Opens it with our key.
            pub fn unseal(
                claim: &ClaimId,
                key: &NodeKey,
                sealed: &Bytes<MAX_SEALED_OPENING>,
            ) -> Result<Self, UnsealError> {
                Ok(decode(&open(key, &context($label, claim), sealed)?)?)
            }
        }
    };
}

sealed_part!(ClaimantPart, b"claimant");
sealed_part!(Opening, b"provider");

/// Why a sealed part is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Not for us.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// Not what it should be.
    #[error(transparent)]
    Malformed(#[from] CodecError),
}

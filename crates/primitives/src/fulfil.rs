//! A provider's answer to a claim: a binding quote, whose terms only the claimant can read.

use crate::asset::NetworkId;
use crate::bytes::Bytes;
use crate::claim::ClaimId;
use crate::codec::{decode, encode};
use crate::hash::{Digest, tagged_hash};
use crate::hashlock::{SwapNonce, id32};
use crate::leg::Party;
use crate::node_id::{NodeId, NodeKey, Signature, SignatureError};
use crate::order::{Contact, MAX_CONTACTS, Signed, message_id};
use crate::sealed::{SealError, open, seal};
use crate::time::UnixTime;
use crate::{Amount, AssetId, CodecError};
use borsh::{BorshDeserialize, BorshSerialize};

/// No quote binds longer (ms): review-build B12's blocks of at most a second leave room for 8 hops and a failed round.
pub const MAX_QUOTE_LIFE_MS: u64 = 60_000;

/// Sealed terms are no longer (bytes).
pub const MAX_SEALED_TERMS: usize = 1_024;

/// What is sealed to the validators is no longer (bytes).
pub const MAX_FOR_VALIDATORS: usize = 1_024;

/// A sealed opening, with what goes beside it, is no longer (bytes).
pub const MAX_SEALED_OPENING: usize = 8_192;

id32!(
    /// The id of a fulfil: the tagged hash that its provider signs.
    FulfilId
);

/// What makes a quote credible: a part of the provider's bond that no other claim can use. Without clearance the bond
/// is the provider's own name, and only its own history counts.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reservation {
    /// Whose bond.
    pub bond: NodeId,
    /// Its number, which counts up: one number is used for one claim.
    pub seq: u64,
    /// In which asset of the ledger something is held back; none without clearance.
    pub reserve: Option<(AssetId, Amount)>,
    /// The bond's word that it stands behind this quote: see [`Reservation::sign`].
    pub signature: Signature,
}

impl Reservation {
    /// The bond reserves number `seq` for the quote under `quote`, the fulfil's key, for that claim. Two claims with one
    /// number are evidence against the bond; two paths of one claim may share it.
    #[must_use]
    pub fn sign(
        bond: &NodeKey,
        seq: u64,
        reserve: Option<(AssetId, Amount)>,
        claim: &ClaimId,
        quote: &NodeId,
    ) -> Self {
        let signature = bond.sign(&reserved(seq, &reserve, claim, quote));
        Self {
            bond: bond.id(),
            seq,
            reserve,
            signature,
        }
    }

    /// Whether the bond reserved this for that claim and quote.
    pub fn check(&self, claim: &ClaimId, quote: &NodeId) -> Result<(), SignatureError> {
        let digest = reserved(self.seq, &self.reserve, claim, quote);
        self.bond.verify(&digest, &self.signature)
    }
}

/// `H("kofo/reservation/v1", claim, quote, (seq, reserve))`.
fn reserved(seq: u64, reserve: &Option<(AssetId, Amount)>, claim: &ClaimId, quote: &NodeId) -> Digest {
    let parts = [
        claim.as_bytes().as_slice(),
        quote.as_bytes(),
        &encode(&(seq, reserve)),
    ];
    tagged_hash("kofo/reservation/v1", &parts)
}

/// What a provider offers. Sealed to the claimant's seal key; everybody else sees its hash.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FulfilTerms {
    /// So much of what the claimant gives is filled.
    pub give: Amount,
    /// For so much of what it wants.
    pub want: Amount,
    /// The timelock of what the claimant locks, first.
    pub alpha_timelock: UnixTime,
    /// The timelock of what the provider locks.
    pub beta_timelock: UnixTime,
    /// Alpha is to be seen by then.
    pub alpha_lock_by: UnixTime,
    /// Beta is to be seen by then.
    pub beta_lock_by: UnixTime,
    /// The claimant is to redeem by then.
    pub redeem_by: UnixTime,
    /// What whoever walks away pays the other (bps of what it wants); 0 without clearance.
    pub premium_bps: u16,
    /// The provider's nonce, from which it derives its keys of this swap.
    pub nonce: SwapNonce,
    /// [`Opening::commit`] of the provider.
    pub opening: Digest,
    /// What stands behind the quote.
    pub reservation: Reservation,
}

/// A provider's quote as it travels back.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fulfil {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Which claim it answers.
    pub claim: ClaimId,
    /// Over which path the claim came: [`crate::Path::digest`].
    pub path: Digest,
    /// The provider's key for this quote: it signs the quote, and what is for the provider alone is sealed to it.
    pub key: NodeId,
    /// `H("kofo/terms/v1", terms)`.
    pub terms: Digest,
    /// The terms, sealed to the claim's seal key.
    pub sealed: Bytes<MAX_SEALED_TERMS>,
    /// The provider's [`Opening`], sealed to the validators; none without clearance.
    pub for_validators: Option<Bytes<MAX_FOR_VALIDATORS>>,
    /// The quote binds until then (unix ms): at most [`MAX_QUOTE_LIFE_MS`] after it is seen.
    pub expires_ms: u64,
}

/// What one party adds of its own once a quote is selected: its ends of both legs, and where it can be reached.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Opening {
    /// Its end of the alpha leg.
    pub alpha: Party,
    /// Its end of the beta leg.
    pub beta: Party,
    /// Where it can be reached while the swap goes on; none if it does not want to be, and then it is alone.
    pub contacts: Vec<Contact>,
    /// 32 random bytes, or an address could be guessed.
    pub salt: [u8; 32],
}

/// Why a message is no fulfil by itself, or does not fit what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FulfilError {
    /// A version that this program does not know.
    #[error("expected version 1 of a fulfil, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not signed by its key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The terms do not open.
    #[error("the terms do not open: {0}")]
    Sealed(#[from] SealError),
    /// What opened is no terms.
    #[error("the sealed terms are none: {0}")]
    Malformed(#[from] CodecError),
    /// Other terms than were signed.
    #[error("the sealed terms are others than the provider signed")]
    OtherTerms,
    /// Too many contacts.
    #[error("expected at most {MAX_CONTACTS} contacts, got {0}")]
    Contacts(usize),
}

impl FulfilTerms {
    /// `H("kofo/terms/v1", terms)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        tagged_hash("kofo/terms/v1", &[&encode(self)])
    }

    /// The terms for nobody but the claimant. `ephemeral`: 32 fresh random bytes.
    pub fn seal(
        &self,
        claim: &ClaimId,
        to: &NodeId,
        ephemeral: &[u8; 32],
    ) -> Result<Bytes<MAX_SEALED_TERMS>, SealError> {
        seal(to, ephemeral, &context(b"terms", claim), &encode(self))
    }
}

/// What a sealed part is of and belongs to.
pub(crate) fn context(what: &[u8], claim: &ClaimId) -> Vec<u8> {
    [what, &[0], claim.as_bytes()].concat()
}

impl Fulfil {
    /// The fulfil's id, which its provider signs: `H("kofo/fulfil/v1", network, fulfil)`.
    #[must_use]
    pub fn id(&self) -> FulfilId {
        FulfilId::new(message_id("kofo/fulfil/v1", &self.network, self))
    }

    /// Signs the fulfil with its own key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, self.id().as_bytes(), self)
    }
}

impl Signed<Fulfil> {
    /// Whether the fulfil is right by itself.
    pub fn check(&self) -> Result<(), FulfilError> {
        self.check_as().map(|_| ())
    }

    /// As [`Signed::check`]; the fulfil's id, which is hashed for it.
    pub(crate) fn check_as(&self) -> Result<FulfilId, FulfilError> {
        if self.body.version != 1 {
            return Err(FulfilError::Version(self.body.version));
        }
        let id = self.body.id();
        self.body.key.verify(id.as_bytes(), &self.signature)?;
        Ok(id)
    }

    /// The terms, opened with the claim's seal key.
    pub fn open(&self, seal_key: &NodeKey) -> Result<FulfilTerms, FulfilError> {
        let plain = open(seal_key, &context(b"terms", &self.body.claim), &self.body.sealed)?;
        let terms: FulfilTerms = decode(&plain)?;
        if terms.digest() != self.body.terms {
            return Err(FulfilError::OtherTerms);
        }
        Ok(terms)
    }
}

impl Opening {
    /// `H("kofo/opening/v1", opening)`.
    #[must_use]
    pub fn commit(&self) -> Digest {
        tagged_hash("kofo/opening/v1", &[&encode(self)])
    }

    /// Whether it is right by itself.
    pub fn check(&self) -> Result<(), FulfilError> {
        if self.contacts.len() > MAX_CONTACTS {
            return Err(FulfilError::Contacts(self.contacts.len()));
        }
        Ok(())
    }
}

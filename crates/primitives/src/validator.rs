//! Who decides: validators, their keys and their power, and what they sign when they vote.
//!
//! Votes are ECDSA over secp256k1 and SHA-256, so that a contract can check a certificate; accounts and messages keep
//! their BIP-340 keys.

use crate::asset::{NetworkId, ParseIdError};
use crate::codec::encode;
use crate::hash::{Digest, tagged_hash};
use crate::node_id::NodeId;
use borsh::{BorshDeserialize, BorshSerialize};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey, ecdsa};
use sha2::{Digest as _, Sha256};

/// A set has at most so many validators.
pub const MAX_VALIDATORS: usize = 31;
/// The power of all validators together is at most this, so that three times it still fits.
pub const MAX_POWER: u64 = 1 << 60;

/// By which a validator votes: a compressed point of secp256k1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ValidatorKey([u8; 33]);

/// The secret of a [`ValidatorKey`]. Erased when dropped, never printed.
pub struct ValidatorSecret(SecretKey);

/// A validator's signature: r and s, of which s is the low one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct VoteSignature([u8; 64]);

/// The signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not one of validator {signer} over this vote: it was altered or signed by another")]
pub struct VoteSignatureError {
    /// Who should have signed.
    pub signer: ValidatorKey,
}

impl ValidatorSecret {
    /// The key of a secret; `None` unless it is a number from 1 to the group's order.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        SecretKey::from_slice(secret).ok().map(Self)
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> ValidatorKey {
        ValidatorKey(PublicKey::from_secret_key(SECP256K1, &self.0).serialize())
    }

    /// Signs. The same digest gives the same signature.
    #[must_use]
    pub fn sign(&self, digest: &Digest) -> VoteSignature {
        let signature = SECP256K1.sign_ecdsa(&Message::from_digest(*digest), &self.0);
        VoteSignature(signature.serialize_compact())
    }
}

impl Drop for ValidatorSecret {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl ValidatorKey {
    /// A key of 33 bytes; whether it is a point shows when it verifies.
    #[must_use]
    pub const fn new(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// Whether it is a point of the curve. A key that is none never votes, and is refused where keys are registered.
    #[must_use]
    pub fn is_point(&self) -> bool {
        PublicKey::from_slice(&self.0).is_ok()
    }

    /// Whether it signed. A signature with the high s is none: there is one signature of one key over one digest.
    pub fn verify(&self, digest: &Digest, signature: &VoteSignature) -> Result<(), VoteSignatureError> {
        let wrong = VoteSignatureError { signer: *self };
        let key = PublicKey::from_slice(&self.0).map_err(|_| wrong)?;
        let signature = ecdsa::Signature::from_compact(&signature.0).map_err(|_| wrong)?;
        // libsecp256k1 accepts low s only.
        SECP256K1
            .verify_ecdsa(&Message::from_digest(*digest), &signature, &key)
            .map_err(|_| wrong)
    }
}

impl VoteSignature {
    /// Of 64 bytes, r and s.
    #[must_use]
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl std::fmt::Display for ValidatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for ValidatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ValidatorKey({self})")
    }
}

impl std::str::FromStr for ValidatorKey {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let mut bytes = [0; 33];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError {
            expected: "66 hex digits of a validator's key",
            got: text.chars().take(80).collect(),
        })?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Debug for ValidatorSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ValidatorSecret(redacted, {})", self.key())
    }
}

impl std::fmt::Debug for VoteSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VoteSignature({})", hex::encode(self.0))
    }
}

/// One validator of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// By which it votes.
    pub key: ValidatorKey,
    /// The account that staked.
    pub account: NodeId,
    /// Its voting power, above 0.
    pub power: u64,
}

/// Why validators are no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None, or too many.
    #[error("expected 1 to {MAX_VALIDATORS} validators, got {0}")]
    Count(usize),
    /// One key or one account twice.
    #[error("validator {0} is in the set twice, by its key or by its account")]
    Twice(ValidatorKey),
    /// Without power, or with more than can be counted.
    #[error("the power of {0} is 0, or the set's is over {MAX_POWER}")]
    Power(ValidatorKey),
    /// Read in another order than that of the keys.
    #[error("the validators of a set stand in the order of their keys")]
    Order,
}

/// Who votes from one height on, until the next set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct ValidatorSet {
    epoch: u64,
    members: Vec<Validator>,
}

impl ValidatorSet {
    /// The set of an epoch. The order in which the members come does not matter.
    pub fn new(epoch: u64, mut members: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        members.sort_by_key(|member| member.key);
        Self::checked(epoch, members)
    }

    fn checked(epoch: u64, members: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if members.is_empty() || members.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::Count(members.len()));
        }
        let mut total = 0u64;
        let mut accounts = std::collections::BTreeSet::new();
        let mut last: Option<ValidatorKey> = None;
        for member in &members {
            if last == Some(member.key) || !accounts.insert(member.account) {
                return Err(ValidatorSetError::Twice(member.key));
            }
            if last.is_some_and(|before| before > member.key) {
                return Err(ValidatorSetError::Order);
            }
            total = total
                .checked_add(member.power)
                .filter(|sum| member.power > 0 && *sum <= MAX_POWER)
                .ok_or(ValidatorSetError::Power(member.key))?;
            last = Some(member.key);
        }
        Ok(Self { epoch, members })
    }

    /// Which epoch's.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The validators in the order of their keys.
    #[must_use]
    pub fn members(&self) -> &[Validator] {
        &self.members
    }

    /// Its power in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        let powers = self.members.iter().map(|member| member.power);
        powers.fold(0, u64::saturating_add)
    }

    /// The least power that is more than two thirds.
    #[must_use]
    pub fn quorum(&self) -> u64 {
        (self.total().saturating_mul(2) / 3).saturating_add(1)
    }

    /// The member of a key.
    #[must_use]
    pub fn find(&self, key: &ValidatorKey) -> Option<&Validator> {
        let at = self.members.binary_search_by_key(key, |member| member.key).ok()?;
        self.members.get(at)
    }

    /// What headers name it by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        tagged_hash("kofo/validators/v1", &[&encode(self)])
    }
}

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (epoch, members): (u64, Vec<Validator>) = BorshDeserialize::deserialize_reader(reader)?;
        Self::checked(epoch, members).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))
    }
}

/// The two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum VoteKind {
    /// The first.
    Prevote,
    /// The second: certificates are made of these.
    Precommit,
}

/// What a validator votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// First or second.
    pub kind: VoteKind,
    /// Of which height.
    pub height: u64,
    /// In which round of it, from 0.
    pub round: u32,
    /// For that header, or for none.
    pub header: Option<Digest>,
}

impl Vote {
    /// What is signed: SHA-256 of `"kofo/vote/v1"` and the canonical bytes of network and vote.
    #[must_use]
    pub fn digest(&self, network: &NetworkId) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"kofo/vote/v1");
        hash.update(encode(&(network, self)));
        hash.finalize().into()
    }
}

/// A vote and who signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedVote {
    /// What was voted.
    pub vote: Vote,
    /// Who.
    pub key: ValidatorKey,
    /// Its signature over [`Vote::digest`].
    pub signature: VoteSignature,
}

/// Two votes of one validator that no honest node casts both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DoubleVote {
    /// One.
    pub first: SignedVote,
    /// The other.
    pub second: SignedVote,
}

/// Why two votes prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DoubleVoteError {
    /// Of different validators, heights, rounds or kinds, or the same vote.
    #[error("the two votes do not contradict each other")]
    NoConflict,
    /// One was not signed.
    #[error(transparent)]
    Signature(#[from] VoteSignatureError),
}

impl DoubleVote {
    /// Whether it proves that its validator voted twice.
    pub fn check(&self, network: &NetworkId) -> Result<ValidatorKey, DoubleVoteError> {
        let (a, b) = (&self.first.vote, &self.second.vote);
        let same = (a.kind, a.height, a.round) == (b.kind, b.height, b.round);
        if self.first.key != self.second.key || !same || a.header == b.header {
            return Err(DoubleVoteError::NoConflict);
        }
        for signed in [&self.first, &self.second] {
            signed
                .key
                .verify(&signed.vote.digest(network), &signed.signature)?;
        }
        Ok(self.first.key)
    }
}

#[cfg(test)]
mod tests;

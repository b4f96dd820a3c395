//! What validators sign, and how: ECDSA over secp256k1, 64 bytes, the lower s, over SHA-256 of bytes that name the
//! message and the network.

use crate::context::{Address, BallotProposal, BallotVote, Ctx, Value};
use crate::parts::Head;
use crate::record::{Place, Record};
use arc_malachitebft_core_types as core;
use arc_malachitebft_signing::{Error, Signer, VerificationResult, Verifier};
use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use core::{SignedMessage, SigningScheme, ValidatorProof, VoteExtensionScope};
use kofo_primitives::{
    Digest, NetworkId, ValidatorKey, ValidatorSecret, Vote, VoteKind, VoteSignature, encode, tagged_hash,
};
use std::sync::Arc;
use tracing::warn;

/// A signature in the engine's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) VoteSignature);

impl Ord for Mark {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_bytes().cmp(other.0.as_bytes())
    }
}

impl PartialOrd for Mark {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Bytes of the wrong length.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected} bytes, got {got}")]
pub(crate) struct WrongLength {
    expected: usize,
    got: usize,
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], WrongLength> {
    bytes.try_into().map_err(|_| WrongLength {
        expected: N,
        got: bytes.len(),
    })
}

/// Names keys and signatures to the engine. Secrets stay with [`Pen`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EcdsaScheme;

impl SigningScheme for EcdsaScheme {
    type DecodingError = WrongLength;
    type Signature = Mark;
    type PublicKey = ValidatorKey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Mark, WrongLength> {
        exactly(bytes).map(|bytes| Mark(VoteSignature::new(bytes)))
    }

    fn encode_signature(Mark(signature): &Mark) -> Vec<u8> {
        signature.as_bytes().to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<ValidatorKey, WrongLength> {
        exactly(bytes).map(ValidatorKey::new)
    }

    fn encode_public_key(key: &ValidatorKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

/// What a proposer signs when it proposes an id.
pub(crate) fn proposal_digest(network: &NetworkId, of: &BallotProposal) -> Digest {
    let round = |round: core::Round| round.as_i64().to_le_bytes();
    tagged_hash(
        "kofo/proposal/v1",
        &[
            network.as_str().as_bytes(),
            &of.height.0.to_le_bytes(),
            &round(of.round),
            &round(of.pol_round),
            &of.value.0,
        ],
    )
}

/// What a proposer signs over the payload that it sends in parts.
pub(crate) fn head_digest(network: &NetworkId, head: &Head) -> Digest {
    tagged_hash(
        "kofo/payload/v1",
        &[
            network.as_str().as_bytes(),
            &head.height.to_le_bytes(),
            &head.round.to_le_bytes(),
            &head.id,
            &head.size.to_le_bytes(),
            &head.hash,
        ],
    )
}

/// What binds a validator to the key of its connections. The engine wants the network to be no part of it; it gives no
/// right but to be connected with rather than others.
fn proof_digest(public_key: &[u8], peer: &[u8]) -> Digest {
    let bytes = ValidatorProof::<Ctx>::signing_bytes(public_key, peer);
    tagged_hash("kofo/peer/v1", &[&bytes])
}

/// Checks signatures, for everybody.
#[derive(Clone, Debug)]
pub(crate) struct Eye {
    network: NetworkId,
}

impl Eye {
    pub(crate) const fn new(network: NetworkId) -> Self {
        Self { network }
    }
}

fn verdict(digest: &Digest, Mark(signature): &Mark, key: &ValidatorKey) -> VerificationResult {
    VerificationResult::from_bool(key.verify(digest, signature).is_ok())
}

#[async_trait]
impl Verifier<Ctx> for Eye {
    async fn verify_signed_vote(
        &self,
        vote: &BallotVote,
        signature: &Mark,
        key: &ValidatorKey,
    ) -> Result<VerificationResult, Error> {
        Ok(match vote.as_vote() {
            Some(vote) => verdict(&vote.digest(&self.network), signature, key),
            None => VerificationResult::Invalid,
        })
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &BallotProposal,
        signature: &Mark,
        key: &ValidatorKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verdict(&proposal_digest(&self.network, proposal), signature, key))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Ctx>,
        (): &(),
        _: &Mark,
        _: &ValidatorKey,
    ) -> Result<VerificationResult, Error> {
        // There are none.
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<Ctx>) -> Result<VerificationResult, Error> {
        let Ok(key) = EcdsaScheme::decode_public_key(&proof.public_key) else {
            return Ok(VerificationResult::Invalid);
        };
        let digest = proof_digest(&proof.public_key, &proof.peer_id);
        Ok(verdict(&digest, &proof.signature, &key))
    }
}

/// The messages of a round, in the record of what was signed.
const PROPOSAL: u8 = 0;
const PREVOTE: u8 = 1;
const PRECOMMIT: u8 = 2;

/// Signs, for one validator, and never two things in one place.
#[derive(Clone, Debug)]
pub(crate) struct Pen {
    network: NetworkId,
    secret: Arc<ValidatorSecret>,
    record: Arc<Record>,
}

/// There are no vote extensions to be signed.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not something that validators sign")]
struct NotSigned(&'static str);

impl Pen {
    pub(crate) fn new(network: NetworkId, secret: ValidatorSecret, record: Record) -> Self {
        Self {
            network,
            secret: Arc::new(secret),
            record: Arc::new(record),
        }
    }

    pub(crate) fn key(&self) -> ValidatorKey {
        self.secret.key()
    }

    pub(crate) fn address(&self) -> Address {
        Address(self.key())
    }

    /// What we sign at a place: if we did before, what that was. The log that should have told the engine is lost then.
    async fn said<T>(&self, at: Place, words: &T) -> Result<T, Error>
    where
        T: BorshSerialize + BorshDeserialize,
    {
        let words = encode(words);
        let said = self.record.say(at, words.clone()).await;
        let said = said.map_err(Error::from_source)?;
        if said != words {
            warn!(
                ?at,
                "signing what was signed before: the log of this height is lost"
            );
        }
        T::try_from_slice(&said).map_err(Error::from_source)
    }

    #[cfg(feature = "byzantine")]
    pub(crate) const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Without asking the record.
    pub(crate) fn mark(&self, digest: &Digest) -> Mark {
        Mark(self.secret.sign(digest))
    }

    /// Signs the head of a payload that we propose.
    pub(crate) fn sign_head(&self, mut head: Head) -> Head {
        head.signature = self.secret.sign(&head_digest(&self.network, &head));
        head
    }

    /// The proof that we own the key of our connections.
    pub(crate) fn prove_peer(&self, peer: Vec<u8>) -> ValidatorProof<Ctx> {
        let key = self.key().as_bytes().to_vec();
        let signature = self.mark(&proof_digest(&key, &peer));
        ValidatorProof::new(key, peer, signature)
    }
}

#[async_trait]
impl Signer<Ctx> for Pen {
    async fn sign_vote(&self, vote: BallotVote) -> Result<SignedMessage<Ctx, BallotVote>, Error> {
        let cast = vote
            .as_vote()
            .ok_or_else(|| Error::from_source(NotSigned("a vote without a round")))?;
        let kind = match cast.kind {
            VoteKind::Prevote => PREVOTE,
            VoteKind::Precommit => PRECOMMIT,
        };
        let header = self.said((cast.height, cast.round, kind), &cast.header).await?;
        let cast = Vote { header, ..cast };
        let mark = self.mark(&cast.digest(&self.network));
        Ok(SignedMessage::new(BallotVote::of(&cast, self.address()), mark))
    }

    async fn sign_proposal(
        &self,
        mut proposal: BallotProposal,
    ) -> Result<SignedMessage<Ctx, BallotProposal>, Error> {
        let round = proposal
            .round
            .as_u32()
            .ok_or_else(|| Error::from_source(NotSigned("a proposal without a round")))?;
        let words = (proposal.value.0, proposal.pol_round.as_u32());
        let (id, pol_round) = self.said((proposal.height.0, round, PROPOSAL), &words).await?;
        (proposal.value, proposal.pol_round) = (Value(id), pol_round.into());
        let mark = self.mark(&proposal_digest(&self.network, &proposal));
        Ok(SignedMessage::new(proposal, mark))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<Ctx>,
        (): (),
    ) -> Result<SignedMessage<Ctx, ()>, Error> {
        Err(Error::from_source(NotSigned("a vote extension")))
    }

    async fn sign_validator_proof(&self, _: Vec<u8>, peer_id: Vec<u8>) -> Result<ValidatorProof<Ctx>, Error> {
        Ok(self.prove_peer(peer_id))
    }
}

/// A pen for tests, whose record is in memory.
#[cfg(test)]
pub(crate) fn some_pen(network: &str, n: u8) -> Pen {
    let disk = redb::Database::builder()
        .create_with_backend(redb::backends::InMemoryBackend::new())
        .expect("memory does not fail");
    let record = Record::open(Arc::new(disk)).expect("memory does not fail");
    let network = NetworkId::new(network).expect("a test names a network");
    let secret = ValidatorSecret::new(&[n; 32]).expect("a small number is a secret");
    Pen::new(network, secret, record)
}

#[cfg(test)]
mod tests;

//! The mirrors: the same messages in types that have an encoding.

use super::{
    LivenessMsg, MOST_NAME, MOST_SIGNATURES, MOST_VALUES, Mirrored, WireError, at_most, few, height,
    maybe_round, number, round,
};
use crate::context::{
    Address, BallotProposal, BallotVote, Ctx, SignedBallot, Value, id_of, kind_of, type_of, value_of,
};
use crate::parts::{CHUNK, Part};
use crate::sign::Mark;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::{PeerId, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types as core;
use arc_malachitebft_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};
use borsh::{BorshDeserialize, BorshSerialize};
use core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate, PolkaSignature, RoundCertificate,
    RoundCertificateType, RoundSignature, SignedMessage, ValidatorProof, Validity,
};
use kofo_primitives::{Digest, SignedVote, ValidatorKey, VoteKind, VoteSignature};

type Signed = (ValidatorKey, VoteSignature);

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireProposal {
    height: u64,
    round: u32,
    pol_round: Option<u32>,
    id: Digest,
    proposer: ValidatorKey,
    signature: VoteSignature,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum WireConsensus {
    Vote(SignedVote),
    Proposal(WireProposal),
}

fn vote_out(of: &SignedBallot) -> Result<SignedVote, WireError> {
    crate::context::evidence(of).ok_or(WireError::NoRound("a vote"))
}

fn vote_in(of: &SignedVote) -> Result<SignedBallot, WireError> {
    height(of.vote.height)?;
    round(of.vote.round)?;
    let vote = BallotVote::of(&of.vote, Address(of.key));
    Ok(SignedMessage::new(vote, Mark(of.signature)))
}

impl Mirrored for SignedConsensusMsg<Ctx> {
    type Mirror = WireConsensus;

    fn mirror(&self) -> Result<WireConsensus, WireError> {
        Ok(match self {
            Self::Vote(vote) => WireConsensus::Vote(vote_out(vote)?),
            Self::Proposal(SignedMessage { message, signature }) => WireConsensus::Proposal(WireProposal {
                height: message.height.0,
                round: number("a proposal", message.round)?,
                pol_round: message.pol_round.as_u32(),
                id: message.value.0,
                proposer: message.proposer.0,
                signature: signature.0,
            }),
        })
    }

    fn read(mirror: WireConsensus) -> Result<Self, WireError> {
        Ok(match mirror {
            WireConsensus::Vote(vote) => Self::Vote(vote_in(&vote)?),
            WireConsensus::Proposal(of) => {
                let proposal = BallotProposal {
                    height: height(of.height)?,
                    round: round(of.round)?,
                    value: Value(of.id),
                    pol_round: maybe_round(of.pol_round)?,
                    proposer: Address(of.proposer),
                };
                Self::Proposal(SignedMessage::new(proposal, Mark(of.signature)))
            }
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WirePolka {
    height: u64,
    round: u32,
    id: Digest,
    signatures: Vec<Signed>,
}

impl Mirrored for PolkaCertificate<Ctx> {
    type Mirror = WirePolka;

    fn mirror(&self) -> Result<WirePolka, WireError> {
        let signed = |of: &PolkaSignature<Ctx>| (of.address.0, of.signature.0);
        Ok(WirePolka {
            height: self.height.0,
            round: number("a polka", self.round)?,
            id: self.value_id.0,
            signatures: self.polka_signatures.iter().map(signed).collect(),
        })
    }

    fn read(of: WirePolka) -> Result<Self, WireError> {
        let signatures = few("a polka's signatures", of.signatures, MOST_SIGNATURES)?;
        let signed = |(key, signature)| PolkaSignature::new(Address(key), Mark(signature));
        Ok(Self {
            height: height(of.height)?,
            round: round(of.round)?,
            value_id: Value(of.id),
            polka_signatures: signatures.into_iter().map(signed).collect(),
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireRound {
    height: u64,
    round: u32,
    precommits: bool,
    votes: Vec<(VoteKind, Option<Digest>, Signed)>,
}

impl Mirrored for RoundCertificate<Ctx> {
    type Mirror = WireRound;

    fn mirror(&self) -> Result<WireRound, WireError> {
        let vote = |of: &RoundSignature<Ctx>| {
            let signed = (of.address.0, of.signature.0);
            (kind_of(of.vote_type), id_of(of.value_id), signed)
        };
        Ok(WireRound {
            height: self.height.0,
            round: number("a round's certificate", self.round)?,
            precommits: self.cert_type == RoundCertificateType::Precommit,
            votes: self.round_signatures.iter().map(vote).collect(),
        })
    }

    fn read(of: WireRound) -> Result<Self, WireError> {
        let vote = |(kind, id, (key, signature)): (VoteKind, Option<Digest>, Signed)| {
            RoundSignature::new(type_of(kind), value_of(id), Address(key), Mark(signature))
        };
        let votes = few("a round's votes", of.votes, MOST_SIGNATURES)?;
        Ok(Self {
            height: height(of.height)?,
            round: round(of.round)?,
            cert_type: if of.precommits {
                RoundCertificateType::Precommit
            } else {
                RoundCertificateType::Skip
            },
            round_signatures: votes.into_iter().map(vote).collect(),
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum WireLiveness {
    Vote(SignedVote),
    Polka(WirePolka),
    Round(WireRound),
}

impl Mirrored for LivenessMsg {
    type Mirror = WireLiveness;

    fn mirror(&self) -> Result<WireLiveness, WireError> {
        Ok(match self {
            Self::Vote(vote) => WireLiveness::Vote(vote_out(vote)?),
            Self::PolkaCertificate(polka) => WireLiveness::Polka(polka.mirror()?),
            Self::SkipRoundCertificate(round) => WireLiveness::Round(round.mirror()?),
        })
    }

    fn read(mirror: WireLiveness) -> Result<Self, WireError> {
        Ok(match mirror {
            WireLiveness::Vote(vote) => Self::Vote(vote_in(&vote)?),
            WireLiveness::Polka(polka) => Self::PolkaCertificate(Mirrored::read(polka)?),
            WireLiveness::Round(round) => Self::SkipRoundCertificate(Mirrored::read(round)?),
        })
    }
}

fn bounded(part: Part) -> Result<Part, WireError> {
    let (Part::First(_, chunk) | Part::Next(chunk)) = &part;
    at_most("a chunk", chunk.len() as u64, CHUNK as u64)?;
    if let Part::First(head, _) = &part {
        height(head.height)?;
        round(head.round)?;
    }
    Ok(part)
}

impl Mirrored for Part {
    type Mirror = Self;

    fn mirror(&self) -> Result<Self, WireError> {
        Ok(self.clone())
    }

    fn read(mirror: Self) -> Result<Self, WireError> {
        bounded(mirror)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireStream {
    id: Vec<u8>,
    sequence: u64,
    part: Option<Part>,
}

impl Mirrored for StreamMessage<Part> {
    type Mirror = WireStream;

    fn mirror(&self) -> Result<WireStream, WireError> {
        Ok(WireStream {
            id: self.stream_id.to_bytes().to_vec(),
            sequence: self.sequence,
            part: self.content.as_data().cloned(),
        })
    }

    fn read(of: WireStream) -> Result<Self, WireError> {
        let id = few("a stream's name", of.id, MOST_NAME)?;
        let content = match of.part {
            Some(part) => StreamContent::Data(bounded(part)?),
            None => StreamContent::Fin,
        };
        Ok(Self::new(StreamId::new(id.into()), of.sequence, content))
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireProof {
    key: Vec<u8>,
    peer: Vec<u8>,
    signature: VoteSignature,
}

impl Mirrored for ValidatorProof<Ctx> {
    type Mirror = WireProof;

    fn mirror(&self) -> Result<WireProof, WireError> {
        Ok(WireProof {
            key: self.public_key.clone(),
            peer: self.peer_id.clone(),
            signature: self.signature.0,
        })
    }

    fn read(of: WireProof) -> Result<Self, WireError> {
        let key = few("a validator's key", of.key, MOST_NAME)?;
        let peer = few("a peer's name", of.peer, MOST_NAME)?;
        Ok(Self::new(key, peer, Mark(of.signature)))
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireValue {
    height: u64,
    round: u32,
    valid_round: Option<u32>,
    proposer: ValidatorKey,
    id: Digest,
    valid: bool,
}

impl Mirrored for ProposedValue<Ctx> {
    type Mirror = WireValue;

    fn mirror(&self) -> Result<WireValue, WireError> {
        Ok(WireValue {
            height: self.height.0,
            round: number("a value", self.round)?,
            valid_round: self.valid_round.as_u32(),
            proposer: self.proposer.0,
            id: self.value.0,
            valid: self.validity.is_valid(),
        })
    }

    fn read(of: WireValue) -> Result<Self, WireError> {
        Ok(Self {
            height: height(of.height)?,
            round: round(of.round)?,
            valid_round: maybe_round(of.valid_round)?,
            proposer: Address(of.proposer),
            value: Value(of.id),
            validity: Validity::from_bool(of.valid),
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireStatus {
    peer: Vec<u8>,
    tip: u64,
    lowest: u64,
}

impl Mirrored for Status<Ctx> {
    type Mirror = WireStatus;

    fn mirror(&self) -> Result<WireStatus, WireError> {
        Ok(WireStatus {
            peer: self.peer_id.to_bytes(),
            tip: self.tip_height.0,
            lowest: self.history_min_height.0,
        })
    }

    fn read(of: WireStatus) -> Result<Self, WireError> {
        let peer = few("a peer's name", of.peer, MOST_NAME)?;
        Ok(Self {
            peer_id: PeerId::from_bytes(&peer).map_err(|e| WireError::Malformed(e.to_string()))?,
            tip_height: height(of.tip)?,
            history_min_height: height(of.lowest)?,
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum WireRequest {
    Values(u64, u64),
}

impl Mirrored for Request<Ctx> {
    type Mirror = WireRequest;

    fn mirror(&self) -> Result<WireRequest, WireError> {
        let Self::ValueRequest(of) = self;
        Ok(WireRequest::Values(of.range.start().0, of.range.end().0))
    }

    fn read(WireRequest::Values(from, to): WireRequest) -> Result<Self, WireError> {
        // An empty range is the engine's to refuse.
        let range = height(from)?..=height(to)?;
        Ok(Self::ValueRequest(ValueRequest::new(range)))
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireDecided {
    payload: Vec<u8>,
    height: u64,
    round: u32,
    id: Digest,
    signatures: Vec<Signed>,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct WireResponse {
    start: u64,
    values: Vec<WireDecided>,
}

fn decided_out(of: &RawDecidedValue<Ctx>) -> Result<WireDecided, WireError> {
    let signed = |of: &ExtendedCommitSignature<Ctx>| (of.address.0, of.signature.0);
    let certificate = &of.certificate;
    Ok(WireDecided {
        payload: of.value_bytes.to_vec(),
        height: certificate.height.0,
        round: number("a certificate", certificate.round)?,
        id: certificate.value_id.0,
        signatures: certificate.commit_signatures.iter().map(signed).collect(),
    })
}

fn decided_in(of: WireDecided) -> Result<RawDecidedValue<Ctx>, WireError> {
    let signatures = few("a certificate's signatures", of.signatures, MOST_SIGNATURES)?;
    let signed = |(key, signature)| ExtendedCommitSignature::new(Address(key), Mark(signature), None);
    let certificate = ExtendedCommitCertificate {
        height: height(of.height)?,
        round: round(of.round)?,
        value_id: Value(of.id),
        commit_signatures: signatures.into_iter().map(signed).collect(),
    };
    Ok(RawDecidedValue::new(of.payload.into(), certificate))
}

impl Mirrored for Response<Ctx> {
    type Mirror = WireResponse;

    fn mirror(&self) -> Result<WireResponse, WireError> {
        let Self::ValueResponse(of) = self;
        Ok(WireResponse {
            start: of.start_height.0,
            values: of.values.iter().map(decided_out).collect::<Result<_, _>>()?,
        })
    }

    fn read(of: WireResponse) -> Result<Self, WireError> {
        let values = few("a response's values", of.values, MOST_VALUES)?;
        let values: Vec<_> = values.into_iter().map(decided_in).collect::<Result<_, _>>()?;
        let response = ValueResponse::new(height(of.start)?, values);
        Ok(Self::ValueResponse(response))
    }
}

//! Votes and proposals as the engine handles them.

use super::{Address, Ctx, Height, Value};
use arc_malachitebft_core_types as core;
use core::{NilOrVal, Round, SignedExtension, VoteType};
use kofo_primitives::{Digest, Vote, VoteKind};

/// Which of the two votes, in our nouns.
pub(crate) const fn kind_of(of: VoteType) -> VoteKind {
    match of {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}

/// The same in the engine's.
pub(crate) const fn type_of(kind: VoteKind) -> VoteType {
    match kind {
        VoteKind::Prevote => VoteType::Prevote,
        VoteKind::Precommit => VoteType::Precommit,
    }
}

/// What is voted for, in our nouns: a header's id, or nothing.
pub(crate) fn id_of(value: NilOrVal<Value>) -> Option<Digest> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(Value(id)) => Some(id),
    }
}

/// The same in the engine's.
pub(crate) fn value_of(id: Option<Digest>) -> NilOrVal<Value> {
    id.map_or(NilOrVal::Nil, |id| NilOrVal::Val(Value(id)))
}

/// A vote and whose it is. No extension ever: it would not be in what a certificate certifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BallotVote {
    kind: VoteType,
    height: Height,
    round: Round,
    value: NilOrVal<Value>,
    voter: Address,
}

impl BallotVote {
    pub(crate) const fn new(
        kind: VoteType,
        (height, round): (Height, Round),
        value: NilOrVal<Value>,
        voter: Address,
    ) -> Self {
        Self {
            kind,
            height,
            round,
            value,
            voter,
        }
    }

    pub(crate) const fn voter(&self) -> Address {
        self.voter
    }

    /// What is signed. None without a round: such a vote is never cast.
    pub(crate) fn as_vote(&self) -> Option<Vote> {
        Some(Vote {
            kind: kind_of(self.kind),
            height: self.height.0,
            round: self.round.as_u32()?,
            header: id_of(self.value),
        })
    }

    pub(crate) fn of(vote: &Vote, voter: Address) -> Self {
        Self {
            kind: type_of(vote.kind),
            height: Height(vote.height),
            round: Round::new(vote.round),
            value: value_of(vote.header),
            voter,
        }
    }
}

impl core::Vote<Ctx> for BallotVote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Value> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Value> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Ctx>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Ctx>> {
        None
    }

    fn extend(self, _: SignedExtension<Ctx>) -> Self {
        self
    }
}

/// The proposer's word that this id is what the round votes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BallotProposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: Value,
    /// The earlier round in which more than two thirds prevoted for it.
    pub(crate) pol_round: Round,
    pub(crate) proposer: Address,
}

impl core::Proposal<Ctx> for BallotProposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

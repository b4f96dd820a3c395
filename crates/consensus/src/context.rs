//! The engine's types, in our nouns. What is voted for is the id of a header: payloads never enter the engine.

mod vote;

pub(crate) use vote::{BallotProposal, BallotVote, id_of, kind_of, type_of, value_of};

use crate::parts::Part;
use crate::sign::{EcdsaScheme, Mark};
use arc_malachitebft_core_types as core;
use core::{LinearTimeouts, NilOrVal, Round};
use kofo_primitives::{Digest, NetworkId, ValidatorKey, ValidatorSet};
use std::sync::Arc;

/// No height is above this, so that none can overflow; whatever names one does not decode.
pub(crate) const MAX_HEIGHT: u64 = 1 << 60;
/// No round is above this, for the same reason.
pub(crate) const MAX_ROUND: u32 = 1 << 30;

/// Names the types to the engine.
#[derive(Clone, Debug)]
pub(crate) struct Ctx {
    pub(crate) network: NetworkId,
    /// Height and round at which this validator, which is ours, precommits nothing.
    #[cfg(feature = "byzantine")]
    pub(crate) no_precommit: Option<(Address, (u64, u32))>,
}

impl Ctx {
    pub(crate) const fn new(network: NetworkId) -> Self {
        Self {
            network,
            #[cfg(feature = "byzantine")]
            no_precommit: None,
        }
    }
}

/// A height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Height(pub(crate) u64);

impl std::fmt::Display for Height {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A validator is addressed by its key. A follower has none: [`Address::NOBODY`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(pub(crate) ValidatorKey);

impl Address {
    /// In no set, for it is no point.
    pub(crate) const NOBODY: Self = Self(ValidatorKey::new([0; 33]));
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Address for Address {}

/// What is decided: a header's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Value(pub(crate) Digest);

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl core::Value for Value {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// One validator, as the engine asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    address: Address,
    power: u64,
}

impl core::Validator<Ctx> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &ValidatorKey {
        &self.address.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The validators of a height, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    list: Arc<[Member]>,
    total: u64,
}

impl From<&ValidatorSet> for Members {
    fn from(set: &ValidatorSet) -> Self {
        let member = |of: &kofo_primitives::Validator| Member {
            address: Address(of.key),
            power: of.power,
        };
        Self {
            list: set.members().iter().map(member).collect(),
            total: set.total(),
        }
    }
}

impl core::ValidatorSet<Ctx> for Members {
    fn count(&self) -> usize {
        self.list.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        let at = self.list.binary_search_by_key(address, |m| m.address).ok()?;
        self.list.get(at)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.list.get(index)
    }
}

/// Whose turn it is: everybody's, one after the other; nobody is skipped, so that nobody can be made to be.
pub(crate) fn turn(height: u64, round: u32, of: usize) -> usize {
    let count = u64::try_from(of).unwrap_or(u64::MAX).max(1);
    let turn = height.saturating_sub(1).saturating_add(u64::from(round)) % count;
    usize::try_from(turn).unwrap_or(0)
}

/// Who proposes in a round.
pub(crate) fn proposer(set: &ValidatorSet, height: u64, round: u32) -> Option<ValidatorKey> {
    let members = set.members();
    members.get(turn(height, round, members.len())).map(|m| m.key)
}

impl core::Context for Ctx {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Part;
    type Proposal = BallotProposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = BallotVote;
    type Extension = ();
    type SigningScheme = EcdsaScheme;

    fn select_proposer<'a>(&self, set: &'a Members, height: Height, round: Round) -> &'a Member {
        let round = round.as_u32().unwrap_or(0);
        set.list
            .get(turn(height.0, round, set.list.len()))
            .expect("a set has a member, and a turn is one of its places")
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        address: Address,
    ) -> BallotProposal {
        BallotProposal {
            height,
            round,
            value,
            pol_round,
            proposer: address,
        }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Value>,
        address: Address,
    ) -> BallotVote {
        BallotVote::new(core::VoteType::Prevote, (height, round), value, address)
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Value>,
        address: Address,
    ) -> BallotVote {
        #[cfg(feature = "byzantine")]
        let value = match self.no_precommit {
            Some((liar, (at, of))) if (liar, at, Round::new(of)) == (address, height.0, round) => {
                NilOrVal::Nil
            }
            _ => value,
        };
        BallotVote::new(core::VoteType::Precommit, (height, round), value, address)
    }
}

/// Our name for the engine's signature type.
pub(crate) type SignedBallot = core::SignedVote<Ctx>;

/// A vote with its signature, as evidence names it. None for a vote without a round, which nobody signs.
pub(crate) fn evidence(signed: &SignedBallot) -> Option<kofo_primitives::SignedVote> {
    let Mark(signature) = signed.signature;
    Some(kofo_primitives::SignedVote {
        vote: signed.message.as_vote()?,
        key: signed.message.voter().0,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_and_a_failed_round_passes_it_on() {
        let turns: Vec<_> = (1..=5).map(|height| turn(height, 0, 4)).collect();
        assert_eq!(turns, [0, 1, 2, 3, 0]);
        assert_eq!(turn(1, 1, 4), 1);
        assert!(turn(u64::MAX, u32::MAX, 4) < 4);
        assert_eq!(turn(0, 0, 0), 0);
    }
}

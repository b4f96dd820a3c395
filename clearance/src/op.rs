//! What a batch is made of. Each operation proves by itself who wants it; whether it may happen now, the ledger says.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, AssetId, ChainId, Claim, Digest, DoubleVote, Fulfil, FulfilTerms, HopOpening, LegId,
    MatchedOrder, NetworkId, NodeId, NodeKey, Payment, Signature, Signed, SwapId, TxId, UnixTime,
    ValidatorKey, ValidatorSecret, VoteSignature, encode, message_id, tagged_hash,
};
use sha2::{Digest as _, Sha256};

use crate::book::BondKind;

/// A proof from a chain itself has at most so many bytes, so that it fits a message.
pub const MAX_PROOF_BYTES: usize = 48 * 1024;
/// An account lists at most so many pairs, and observes at most so many chains.
pub const MAX_LISTED: usize = 64;

/// One operation. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Op {
    /// A matched order that is to be final.
    Order(Box<ClearedOrder>),
    /// What the owner of an account wants.
    Act(Box<Signed<AccountAct>>),
    /// What a validator saw on a chain.
    Observed(Box<SignedObservation>),
    /// What a chain proves by itself.
    Proven(Box<Proven>),
    /// A validator that voted twice.
    DoubleVote(Box<DoubleVote>),
    /// A provider that signed two claims onto one reservation.
    DoubleQuote(Box<DoubleQuote>),
    /// What both parties of an order want changed.
    Amend(Box<Amendment>),
    /// A validator found a proposal invalid.
    Complaint(Box<SignedComplaint>),
}

/// An order, and what only validators see of it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClearedOrder {
    /// The order with both parties' openings.
    pub order: MatchedOrder,
    /// Whom each hop is paid through, from the path's second entry on (the first is the claimant's own); `None` for a
    /// hop that wants nothing or whose opening does not open.
    pub hops: Vec<Option<HopOpening>>,
    /// By which the claimant's account pays; `None` if the provider pays all and no premium is asked.
    pub payment: Option<Signed<Payment>>,
}

/// What an account's owner wants.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountAct {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The account, which signs.
    pub account: NodeId,
    /// From 0, one more each time: each act happens once.
    pub sequence: u64,
    /// What.
    pub act: Act,
}

/// The acts of accounts. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Act {
    /// Gives to another account.
    Transfer {
        /// To whom.
        to: NodeId,
        /// Of what.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
    /// Puts up, or adds to, a bond.
    Bond {
        /// What for.
        kind: BondKind,
        /// Of what.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
    /// Asks for a bond or a part of it back.
    Unbond {
        /// Which.
        kind: BondKind,
        /// Of what.
        asset: AssetId,
        /// How much.
        amount: Amount,
    },
    /// Stands for election, or adds to its stake; the commission (basis points) is that of the last such act.
    Stake {
        /// By which it will vote.
        key: ValidatorKey,
        /// What it keeps of its delegators' rewards.
        commission_bps: u16,
        /// How much more it stakes.
        amount: Amount,
    },
    /// Asks for its own stake or a part of it back.
    Unstake {
        /// How much.
        amount: Amount,
    },
    /// Backs a validator.
    Delegate {
        /// Whom.
        to: NodeId,
        /// With how much.
        amount: Amount,
    },
    /// Takes its backing back.
    Undelegate {
        /// From whom.
        from: NodeId,
        /// How much.
        amount: Amount,
    },
    /// Takes what it earned.
    Collect,
    /// Says which chains it observes, from the next epoch on.
    Observe {
        /// All of them.
        chains: Vec<ChainId>,
    },
    /// Says which pairs it trades.
    List {
        /// What is given and what is wanted.
        pairs: Vec<(AssetId, AssetId)>,
    },
    /// Wants to vote again after it was jailed.
    Unjail,
    /// The foundation gives points to a developer.
    Grant {
        /// Whom.
        to: NodeId,
        /// How many.
        points: u64,
    },
}

/// What can be said of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Fact {
    /// It was not locked, by a tip that is past its deadline and two blocks more. Also: a lock that was seen is there no
    /// more.
    Absent,
    /// It is locked with exactly the order's amount, in at least one block.
    Seen,
    /// And as deep as the order asks.
    Final,
    /// Its redeem is final, with the preimage or to the redeemer's script.
    Redeemed,
    /// Its refund is final.
    Refunded,
    /// It ended, and nothing shows how.
    Unclear,
}

/// What a validator saw.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Observation {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Of which order.
    pub order: SwapId,
    /// Which leg.
    pub leg: LegId,
    /// From 0, one more each time this validator says something of this leg: the last counts.
    pub count: u32,
    /// What.
    pub fact: Fact,
    /// In which transaction, where the chain tells.
    pub tx: Option<TxId>,
    /// At which height of its chain.
    pub height: u64,
    /// How deep.
    pub depth: u32,
    /// The time of the chain's tip.
    pub tip: UnixTime,
}

/// An observation and the vote key that signed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedObservation {
    /// What was seen.
    pub observation: Observation,
    /// By whom.
    pub key: ValidatorKey,
    /// Over [`Observation::digest`].
    pub signature: VoteSignature,
}

/// A proof of a leg's fact from its chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proven {
    /// Of which order.
    pub order: SwapId,
    /// Which leg.
    pub leg: LegId,
    /// The proof, as the chain's own rules read it.
    pub proof: Vec<u8>,
}

/// Two quotes of one provider onto one reservation for two claims, both alive at once.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DoubleQuote {
    /// One.
    pub first: (Signed<Claim>, Signed<Fulfil>, FulfilTerms),
    /// The other.
    pub second: (Signed<Claim>, Signed<Fulfil>, FulfilTerms),
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Change {
    /// The order is over; everything goes back.
    Cancel,
    /// Other deadlines, within the timelocks.
    Deadlines {
        /// Alpha is to be seen by then.
        alpha_lock_by: UnixTime,
        /// Beta is to be seen by then.
        beta_lock_by: UnixTime,
        /// The initiator is to redeem by then.
        redeem_by: UnixTime,
    },
}

/// A change that both parties signed, by the keys of claim and fulfil. Only before a lock.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Amendment {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Of which order.
    pub order: SwapId,
    /// From 0, one more for each amendment of the order.
    pub count: u32,
    /// What.
    pub change: Change,
    /// By the claim's key.
    pub claimant: Signature,
    /// By the fulfil's key.
    pub provider: Signature,
}

/// A validator's word that a proposal was invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Complaint {
    /// Of which height.
    pub height: u64,
    /// And round.
    pub round: u32,
    /// Who proposed.
    pub proposer: ValidatorKey,
}

/// A complaint and the vote key that signed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedComplaint {
    /// What was found.
    pub complaint: Complaint,
    /// By whom.
    pub key: ValidatorKey,
    /// Over [`Complaint::digest`].
    pub signature: VoteSignature,
}

/// The hash of a domain and what validators sign beside votes, as votes are hashed.
fn signed_by_validators(tag: &str, message: &impl BorshSerialize) -> Digest {
    Sha256::new()
        .chain_update(tag.as_bytes())
        .chain_update(encode(message))
        .finalize()
        .into()
}

impl Observation {
    /// What is signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        signed_by_validators("kofo/observation/v1", self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, secret: &ValidatorSecret) -> SignedObservation {
        SignedObservation {
            key: secret.key(),
            signature: secret.sign(&self.digest()),
            observation: self,
        }
    }
}

impl Complaint {
    /// What is signed.
    #[must_use]
    pub fn digest(&self, network: &NetworkId) -> Digest {
        signed_by_validators("kofo/complaint/v1", &(network, self))
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, network: &NetworkId, secret: &ValidatorSecret) -> SignedComplaint {
        SignedComplaint {
            key: secret.key(),
            signature: secret.sign(&self.digest(network)),
            complaint: self,
        }
    }
}

impl AccountAct {
    /// Its id, which the account signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/act/v1", &self.network, self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

impl Amendment {
    /// What both parties sign.
    #[must_use]
    pub fn digest(network: &NetworkId, order: SwapId, count: u32, change: Change) -> Digest {
        message_id("kofo/amend/v1", network, &(1u8, order, count, change))
    }
}

impl ClearedOrder {
    /// Whether a key is a party's: the claim's or the fulfil's, or the account by which either pays.
    #[must_use]
    pub fn is_party(&self, key: &NodeId) -> bool {
        let parts = self.order.parts();
        let pays = self.payment.as_ref().map(|payment| &payment.body.account);
        *key == parts.claim.body.key
            || *key == parts.fulfil.body.key
            || *key == parts.terms.reservation.bond
            || pays == Some(key)
    }

    /// What only validators see, as one hash: the batch commits to it beside the order's id.
    #[must_use]
    pub fn hidden(&self) -> Digest {
        tagged_hash("kofo/hidden/v1", &[&encode(&(&self.hops, &self.payment))])
    }
}

/// The leaf of an order in its batch: anybody who knows the order's id can check it, without what only validators see.
#[must_use]
pub fn order_leaf(order: SwapId, hidden: &Digest) -> Digest {
    tagged_hash("kofo/leaf/order/v1", &[order.as_bytes(), hidden])
}

impl Op {
    /// Its leaf in the batch. Equal operations have equal leaves.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        match self {
            Self::Order(cleared) => order_leaf(cleared.order.id(), &cleared.hidden()),
            Self::Act(_)
            | Self::Observed(_)
            | Self::Proven(_)
            | Self::DoubleVote(_)
            | Self::DoubleQuote(_)
            | Self::Amend(_)
            | Self::Complaint(_) => tagged_hash("kofo/leaf/op/v1", &[&encode(self)]),
        }
    }
}

//! What a node and a validator say to each other: one request, one answer, over the direct messages of the network.
//! What validators say among themselves to agree is the engine's.

use crate::light::{OrderProof, ReceiptProof, SetChange};
use crate::op::{AccountAct, Amendment, DoubleQuote, Proven};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, AssetId, Bytes, Claim, CodecError, Digest, Fulfil, FulfilTerms, HopEntry, NetworkId, NodeId,
    NodeKey, Opening, Payment, ReturnEntry, Select, Signed, SwapId, Text, ValidatorSet, decode, encode,
    message_id,
};

/// The first byte of every request to a validator and every answer of one.
pub const CLEARANCE: u8 = 0x81;
/// A validator answers with at most so many changes or orders at once.
pub const MAX_ANSWERED: usize = 64;
/// The parts of an order, sealed, have at most so many bytes.
pub const MAX_PARTS: usize = 32 * 1024;

/// To a validator. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// How far are you, and who decides?
    Status,
    /// The changes of validators after an epoch, oldest first.
    Changes {
        /// The newest that the asker knows.
        after_epoch: u64,
    },
    /// Have this happen.
    Submit(Box<Submission>),
    /// What became of an order?
    Order(SwapId),
    /// A party of an order asks for all of its parts; `ask.of` names the order, and `ask.key` is the claim's, the
    /// fulfil's or the reservation's.
    Parts(Signed<Ask>),
    /// An account asks for orders on its reservations that were committed at or after height `ask.after`; at that very
    /// height only for those after the order `ask.of`, if it names one.
    Mine(Signed<Ask>),
    /// What has an account?
    Account(NodeId),
    /// A validator asks for the secret behind the key that openings are sealed to.
    Share(Signed<Ask>),
    /// Another validator passes an operation on.
    Op(Vec<u8>),
    /// Another validator passes operations on, as many as fit. The answer is that of the last.
    Ops(Vec<Vec<u8>>),
    /// Who was paid when an order ended? `ask.of` names the order, and `ask.key` is a party's ([`crate::ClearedOrder::is_party`])
    /// or an account that was paid.
    Payouts(Signed<Ask>),
}

/// A question that only some may ask.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ask {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Who asks, and signs. The answer is sealed to it where it holds secrets.
    pub key: NodeId,
    /// Of which order, if of one.
    pub of: Option<SwapId>,
    /// From which height on, if that matters.
    pub after: u64,
    /// When it was asked (unix ms): answered within a minute only.
    pub time_ms: u64,
}

/// What is to happen. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Submission {
    /// An order is to be final.
    Order(Box<SubmittedOrder>),
    /// An act of an account.
    Act(Box<Signed<AccountAct>>),
    /// Both parties change an order.
    Amend(Box<Amendment>),
    /// A provider sold one reservation twice.
    DoubleQuote(Box<DoubleQuote>),
    /// A chain proves what happened.
    Proven(Box<Proven>),
}

/// An order as the claimant submits it. The provider's opening and those of the hops are in it already, sealed to the
/// validators: neither party can hold back what the other needs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubmittedOrder {
    /// The claim.
    pub claim: Signed<Claim>,
    /// Its way out.
    pub path: Vec<HopEntry>,
    /// The quote.
    pub fulfil: Signed<Fulfil>,
    /// Its terms, which were sealed to the claimant.
    pub terms: FulfilTerms,
    /// Its way back.
    pub returns: Vec<ReturnEntry>,
    /// The choice.
    pub select: Signed<Select>,
    /// The claimant's ends.
    pub claimant: Opening,
    /// By which the claimant's account pays.
    pub payment: Option<Signed<Payment>>,
}

/// A validator's answer. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Response {
    /// How far it is.
    Status(Box<ValidatorStatus>),
    /// Changes, oldest first; more may follow.
    Changes(Vec<SetChange>),
    /// It is passed on, and will be proposed; its leaf in the batch.
    Taken(Digest),
    /// What became of the order.
    Order(Box<OrderAnswer>),
    /// `MatchedParts`, sealed to whoever asked under the context [`parts_context`].
    Parts(Bytes<MAX_PARTS>),
    /// Orders and the heights at which they were committed, oldest first; more may follow.
    Mine(Vec<(SwapId, u64)>),
    /// What the account has.
    Account(Box<AccountView>),
    /// The secret, sealed to the validator's account under the context [`SHARE_CONTEXT`].
    Share(Bytes<128>),
    /// No.
    Refused {
        /// Of what kind.
        class: RefusedClass,
        /// For people.
        why: Text<300>,
    },
    /// `Settlement`, sealed to whoever asked under the context [`payouts_context`]: whole for a party of the order, with
    /// its own payments alone for anybody else who was paid.
    Payouts(Bytes<MAX_PARTS>),
}

/// What whoever was refused can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RefusedClass {
    /// Ask again soon, or another validator.
    Busy,
    /// It will never be taken as it is.
    Invalid,
    /// The ledger does not allow it now.
    Ledger,
    /// Nothing is known of it, or you may not know.
    Unknown,
}

/// How far a validator is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ValidatorStatus {
    /// The network.
    pub network: NetworkId,
    /// The digest of its genesis.
    pub genesis: Digest,
    /// The last height that is final.
    pub height: u64,
    /// Its time (unix ms).
    pub time_ms: u64,
    /// Its header's id.
    pub header: Digest,
    /// Who certifies the next one.
    pub validators: ValidatorSet,
}

/// What became of an order. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum OrderAnswer {
    /// Nothing is known of it.
    Unknown,
    /// It waits to be proposed.
    Waiting,
    /// It was taken, and then the ledger refused it.
    Refused(Text<300>),
    /// It is final.
    Committed(Box<OrderProof>),
    /// It is final, and over.
    Ended(Box<OrderProof>, Box<ReceiptProof>),
}

/// What an account has of one asset.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Holding {
    /// Which.
    pub asset: AssetId,
    /// At its disposal.
    pub free: Amount,
    /// As a provider's bond that no order reserves.
    pub provider: Amount,
    /// As a relay's bond.
    pub relay: Amount,
    /// Staked by itself.
    pub stake: Amount,
    /// Delegated to validators.
    pub delegated: Amount,
    /// Earned and not collected.
    pub reward: Amount,
    /// On its way back to it: when (unix ms), how much.
    pub unbonding: Vec<(u64, Amount)>,
}

/// What the ledger knows of an account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountView {
    /// Whose.
    pub account: NodeId,
    /// Of the last header.
    pub height: u64,
    /// The sequence of its next act.
    pub sequence: u64,
    /// One row for each asset that it has.
    pub holdings: Vec<Holding>,
    /// Its points.
    pub points: u64,
    /// Its importance score, of 2³² in all.
    pub score: u64,
    /// Orders on its reservations that were settled.
    pub settled: u64,
    /// And that it failed.
    pub failed: u64,
    /// Its power among the validators, if it is one.
    pub power: u64,
    /// Jailed until (unix ms), if it is.
    pub jailed_until_ms: Option<u64>,
}

/// Under which a share is sealed.
pub const SHARE_CONTEXT: &[u8] = b"kofo/share/v1";

/// Under which an order's parts are sealed.
#[must_use]
pub fn parts_context(order: SwapId) -> Vec<u8> {
    [b"kofo/parts/v1\0".as_slice(), order.as_bytes()].concat()
}

/// Under which an order's payments are sealed.
#[must_use]
pub fn payouts_context(order: SwapId) -> Vec<u8> {
    [b"kofo/paid/v1\0".as_slice(), order.as_bytes()].concat()
}

impl Ask {
    /// Its id, which the asker signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/ask/v1", &self.network, self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

impl Response {
    /// A no.
    #[must_use]
    pub fn refused(class: RefusedClass, why: &impl std::fmt::Display) -> Self {
        let why = Text::lossy(&why.to_string());
        Self::Refused { class, why }
    }
}

macro_rules! tagged {
    ($name:ident, $what:literal) => {
        impl $name {
            /// Its bytes.
            #[must_use]
            pub fn write(&self) -> Vec<u8> {
                encode(&(CLEARANCE, self))
            }

            /// Reads it. Signatures are not checked here.
            pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
                match bytes.split_first() {
                    Some((&CLEARANCE, body)) => decode(body),
                    Some(_) | None => Err(CodecError::Malformed {
                        what: $what,
                        why: format!("it does not begin with {CLEARANCE:#x}"),
                    }),
                }
            }
        }
    };
}

tagged!(Request, "request to a validator");
tagged!(Response, "answer of a validator");

#[cfg(test)]
mod tests;

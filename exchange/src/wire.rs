//! What neighbours say to each other about claims: one enum per plane and direction, strict borsh, append only.
//!
//! Whoever answers, answers that it took the message or why not; what a message brings about comes as a message of its
//! own. No message holds an address or a name of a party in clear, and only [`LinkHello`] tells a base, to the one
//! neighbour that it is for.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Answer, Bytes, Claim, CodecError, Fulfil, HopEntry, LinkBase, MAX_SEALED_OPENING, NetworkId, ReturnEntry,
    Select, Signed, Text, decode, encode,
};

/// Version of [`LinkHello`].
pub const LINK_VERSION: u8 = 1;

/// What a neighbour does with claims, as it says itself. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum LinkRole {
    /// It issues claims of its own. It is sent none: it neither relays nor quotes.
    Wallet,
    /// It passes claims on.
    Relay,
    /// It quotes, and passes claims on.
    Provider,
}

/// The first word of each end of a link, and again when its epoch begins.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LinkHello {
    /// Version of this message: [`LINK_VERSION`].
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The sender's epoch, to which the base belongs.
    pub epoch: u64,
    /// The sender's base for this link: from it and a claim's id follows its pseudonym.
    pub base: LinkBase,
    /// What the sender does with claims.
    pub role: LinkRole,
}

/// A claim on its way out. The path grows by one entry a hop.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimEnvelope {
    /// The claim.
    pub claim: Signed<Claim>,
    /// Who passed it on; the last entry names the receiver's pseudonym.
    pub path: Vec<HopEntry>,
}

/// A quote on its way back. The returns grow by one entry a hop, from the last hop of the path to the first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FulfilEnvelope {
    /// The quote.
    pub fulfil: Signed<Fulfil>,
    /// The whole path over which the claim came to the provider.
    pub path: Vec<HopEntry>,
    /// The hops that passed it back so far.
    pub returns: Vec<ReturnEntry>,
}

/// A selection on its way to the provider, over the hops that its quote came back by.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SelectEnvelope {
    /// The selection.
    pub select: Signed<Select>,
    /// [`kofo_primitives::ClaimantPart`], sealed to the quote's key.
    pub part: Bytes<MAX_SEALED_OPENING>,
}

/// What is asked on the plane of claims. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ClaimMessage {
    /// The sender's end of the link.
    Link(LinkHello),
    /// A claim.
    Claim(Box<ClaimEnvelope>),
}

/// What is answered there. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ClaimReply {
    /// The answerer's end of the link.
    Linked(LinkHello),
    /// The claim is taken.
    Taken,
    /// It is not, and why.
    Refused(Text<200>),
}

/// What is asked on the plane of returns. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ReturnMessage {
    /// A quote, toward the claimant.
    Fulfil(Box<FulfilEnvelope>),
    /// A selection, toward the provider.
    Select(Box<SelectEnvelope>),
    /// The answer to it, toward the claimant.
    Answer(Box<Signed<Answer>>),
}

/// What is answered there. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ReturnReply {
    /// It is taken.
    Taken,
    /// It is not, and why.
    Refused(Text<200>),
}

macro_rules! message {
    ($($name:ident),*) => {$(
        impl $name {
            /// The bytes to send.
            #[must_use]
            pub fn write(&self) -> Vec<u8> {
                encode(self)
            }

            /// Reads what came. Anything but the canonical bytes of one message is refused.
            pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
                decode(bytes)
            }
        }
    )*};
}

message!(ClaimMessage, ClaimReply, ReturnMessage, ReturnReply);

#[cfg(test)]
mod tests;

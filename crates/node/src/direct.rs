//! What two nodes say to each other about a direct swap: one acceptance, one answer. Nothing else is needed, because
//! every on-chain identifier is a function of the order. What saves fees and hours is asked for on top of it: the other
//! party's signature. And each keeps the other one's recovery record, for the day on which its disk is lost.

mod record;
mod sign;

pub use record::{Keep, KeepError};
pub use sign::{LegAsked, SignRequest, SignRequestError};

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::RoundReply;
use kofo_primitives::{
    CodecError, Contact, Digest, DirectOrder, MAX_CONTACTS, NodeId, NodeKey, Signature, SignatureError,
    SwapId, Text, decode, encode, tagged_hash,
};
use kofo_tower::{RecordPage, SealedRecord};

/// From the taker of an offer to its maker. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// The taker accepts and has recorded the swap: whatever becomes of this message, it knows of it.
    Accept(Box<Accept>),
    /// A party to swaps asks the other one for its signature.
    Sign(Box<SignRequest>),
    /// A party to a swap gives the other one its recovery record.
    Keep(Box<Keep>),
    /// Whoever asks wants its records back: those of swaps after this one. The connection proves who that is.
    Return(Option<SwapId>),
}

/// The taker's yes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Accept {
    /// What both have signed.
    pub order: DirectOrder,
    /// Where the taker can be reached while the swap goes on: at most 4; none if nobody can connect to it.
    pub contacts: Vec<Contact>,
    signature: Signature,
}

impl Accept {
    /// The taker's contacts, signed.
    #[must_use]
    pub fn new(order: DirectOrder, contacts: Vec<Contact>, taker: &NodeKey) -> Self {
        let signature = taker.sign(&contacts_digest(order.id(), &contacts));
        Self {
            order,
            contacts,
            signature,
        }
    }

    /// Whether the taker wrote the contacts.
    pub fn check(&self) -> Result<(), AnswerError> {
        if self.contacts.len() > MAX_CONTACTS {
            return Err(AnswerError::Contacts(self.contacts.len()));
        }
        let digest = contacts_digest(self.order.id(), &self.contacts);
        let taker = &self.order.acceptance().body.taker;
        Ok(taker.verify(&digest, &self.signature)?)
    }
}

/// The maker's answer. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Response {
    /// The maker has recorded the swap and will lock: its signature over the order. The same request again gives the
    /// same answer.
    Accepted(Signature),
    /// The maker will not lock, for a reason.
    Refused(Text<200>),
    /// The signatures that were asked for.
    Signed(RoundReply),
    /// The record is durable. In exchange, the record of whoever answers.
    Kept(Option<SealedRecord>),
    /// The records of whoever asked.
    Records(RecordPage),
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not a message of this protocol.
    #[error("the other node does not speak this protocol: {0}")]
    Malformed(#[from] CodecError),
    /// Not signed by the other party.
    #[error("this is not signed by the other party: {0}")]
    NotTheirs(#[from] SignatureError),
    /// Another answer than was asked for.
    #[error("expected {0}, got another kind of answer")]
    Another(&'static str),
    /// Too many.
    #[error("expected at most {MAX_CONTACTS} contacts, got {0}")]
    Contacts(usize),
    /// The maker said no.
    #[error("the other party refused: {0}")]
    Refused(String),
}

fn contacts_digest(swap: SwapId, contacts: &Vec<Contact>) -> Digest {
    tagged_hash("kofo/contacts/v1", &[swap.as_bytes(), &encode(contacts)])
}

fn accepted_digest(swap: SwapId) -> Digest {
    tagged_hash("kofo/accepted/v1", &[swap.as_bytes()])
}

impl Request {
    /// The taker's yes, with where it can be reached.
    #[must_use]
    pub fn accept(order: DirectOrder, contacts: Vec<Contact>, taker: &NodeKey) -> Self {
        Self::Accept(Box::new(Accept::new(order, contacts, taker)))
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads it; the order in it is right by itself.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        decode(bytes)
    }
}

impl Response {
    /// The maker's yes.
    #[must_use]
    pub fn accepted(swap: SwapId, maker: &NodeKey) -> Self {
        Self::Accepted(maker.sign(&accepted_digest(swap)))
    }

    /// The maker's no.
    #[must_use]
    pub fn refused(why: &impl std::fmt::Display) -> Self {
        Self::Refused(Text::lossy(&why.to_string()))
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the answer about this swap of this maker.
    pub fn read(bytes: &[u8], swap: SwapId, maker: &NodeId) -> Result<(), AnswerError> {
        match decode(bytes)? {
            Self::Accepted(signature) => Ok(maker.verify(&accepted_digest(swap), &signature)?),
            Self::Refused(why) => Err(AnswerError::Refused(why.as_str().to_owned())),
            Self::Signed(_) | Self::Kept(_) | Self::Records(_) => Err(AnswerError::Another("a yes or a no")),
        }
    }

    /// Reads the answer to a request for signatures.
    pub fn read_signed(bytes: &[u8]) -> Result<RoundReply, AnswerError> {
        match decode(bytes)? {
            Self::Signed(reply) => Ok(reply),
            Self::Refused(why) => Err(AnswerError::Refused(why.as_str().to_owned())),
            Self::Accepted(_) | Self::Kept(_) | Self::Records(_) => {
                Err(AnswerError::Another("signatures or a no"))
            }
        }
    }

    /// Reads the answer to a record that was given: the other party's own, if it gave it.
    pub fn read_kept(bytes: &[u8]) -> Result<Option<SealedRecord>, AnswerError> {
        match decode(bytes)? {
            Self::Kept(theirs) => Ok(theirs),
            Self::Refused(why) => Err(AnswerError::Refused(why.as_str().to_owned())),
            Self::Accepted(_) | Self::Signed(_) | Self::Records(_) => {
                Err(AnswerError::Another("a record or a no"))
            }
        }
    }

    /// Reads the answer to whoever wants its records back.
    pub fn read_records(bytes: &[u8]) -> Result<RecordPage, AnswerError> {
        match decode(bytes)? {
            Self::Records(page) => Ok(page),
            Self::Refused(why) => Err(AnswerError::Refused(why.as_str().to_owned())),
            Self::Accepted(_) | Self::Signed(_) | Self::Kept(_) => {
                Err(AnswerError::Another("records or a no"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_makers_yes_about_this_very_swap_counts() {
        let (maker, other) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
        let (swap, another) = (SwapId::new([3; 32]), SwapId::new([4; 32]));
        let yes = Response::accepted(swap, &maker).write();
        assert_eq!(Response::read(&yes, swap, &maker.id()), Ok(()));
        assert!(matches!(
            Response::read(&yes, another, &maker.id()),
            Err(AnswerError::NotTheirs(_))
        ));
        assert!(matches!(
            Response::read(&yes, swap, &other.id()),
            Err(AnswerError::NotTheirs(_))
        ));
        let no = Response::refused(&"expired").write();
        assert_eq!(
            Response::read(&no, swap, &maker.id()),
            Err(AnswerError::Refused("expired".into()))
        );
        assert!(matches!(
            Response::read(b"garbage", swap, &maker.id()),
            Err(AnswerError::Malformed(_))
        ));
    }
}

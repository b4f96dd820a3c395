//! What two nodes say to each other about a direct swap: one acceptance, one answer. Nothing else is needed, because
//! every on-chain identifier is a function of the order.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    CodecError, Digest, NodeId, NodeKey, SettlementOrder, Signature, SignatureError, SwapId, Text, decode,
    encode, tagged_hash,
};

/// From the taker of an offer to its maker. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// The taker accepts and has recorded the swap: whatever becomes of this message, it knows of it.
    Accept(Box<SettlementOrder>),
}

/// The maker's answer. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Response {
    /// The maker has recorded the swap and will lock: its signature over the order. The same request again gives the
    /// same answer.
    Accepted(Signature),
    /// The maker will not lock, for a reason.
    Refused(Text<200>),
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not a message of this protocol.
    #[error("the other node does not speak this protocol: {0}")]
    Malformed(#[from] CodecError),
    /// Not signed by the maker of the offer.
    #[error("the answer does not come from the maker of the offer: {0}")]
    NotTheMaker(#[from] SignatureError),
    /// The maker said no.
    #[error("the other party refused: {0}")]
    Refused(String),
}

fn accepted_digest(swap: SwapId) -> Digest {
    tagged_hash("kofo/accepted/v1", &[swap.as_bytes()])
}

impl Request {
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
            Err(AnswerError::NotTheMaker(_))
        ));
        assert!(matches!(
            Response::read(&yes, swap, &other.id()),
            Err(AnswerError::NotTheMaker(_))
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

//! What an owner and a tower say to each other: one request, one answer, over the direct messages of the network.

use crate::package::Package;
use crate::shelf::{RecordPage, SealedRecord};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    CodecError, Digest, NetworkId, NodeId, NodeKey, Preimage, Signed, SwapId, Text, UnixTime, decode, encode,
    message_id,
};

/// The first byte of every request to a tower and every answer of one; no message between the parties of a swap begins
/// with it.
const TOWERS: u8 = 0x80;
/// A standing names at most so many swaps.
pub(crate) const MOST_NAMED: usize = 1_024;

/// From an owner to its tower. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// Watch this swap.
    Entrust(Box<Signed<Package>>),
    /// Say what you watch for me.
    Status(Signed<Ask>),
    /// The other party showed me the preimage by a message, and may never show it on a chain.
    Told(Signed<Told>),
    /// Keep this recovery record for me.
    Keep(Box<Signed<Keep>>),
    /// Give me my records back: those of swaps after this one.
    Return(Signed<Ask>, Option<SwapId>),
}

/// A recovery record, which only its owner can open.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Keep {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Whose it is, who signs.
    pub owner: NodeId,
    /// The swap.
    pub swap: SwapId,
    /// It may be dropped after this moment, by the tower's chains.
    pub until: UnixTime,
    /// The record.
    pub record: SealedRecord,
}

/// What a participant was told by the initiator. It harms nobody any more: the initiator gave it away.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Told {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Who tells, and signs.
    pub owner: NodeId,
    /// The swap, which was entrusted before.
    pub swap: SwapId,
    /// What opens it.
    pub preimage: Preimage,
}

/// An owner's question.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ask {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Who asks, and signs.
    pub owner: NodeId,
}

/// The tower's answer. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Response {
    /// The package of this sequence is durable and watched.
    Kept(u64),
    /// Not taken: a package of this sequence is there, and is not older.
    Older(u64),
    /// Not taken, for a reason.
    Refused(Text<200>),
    /// What the tower watches for whoever asked.
    Status(Standing),
    /// The record is durable.
    RecordKept,
    /// Records of whoever asked.
    Records(RecordPage),
}

/// What a tower watches for one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Standing {
    /// Swaps and the sequences of their packages.
    pub swaps: Vec<(SwapId, u64)>,
}

impl Ask {
    /// Its id, which its owner signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/tower/ask/v1", &self.network, self)
    }

    /// Signs the question.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

impl Keep {
    /// Its id, which its owner signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/tower/keep/v1", &self.network, self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

impl Told {
    /// Its id, which its owner signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/tower/told/v1", &self.network, self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

impl Request {
    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads it. Signatures are not checked here.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        read(bytes, "request to a tower")
    }
}

impl Response {
    /// The tower's no.
    #[must_use]
    pub fn refused(why: &impl std::fmt::Display) -> Self {
        Self::Refused(Text::lossy(&why.to_string()))
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads it.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        read(bytes, "answer of a tower")
    }
}

fn write<T: BorshSerialize>(message: &T) -> Vec<u8> {
    [vec![TOWERS], encode(message)].concat()
}

fn read<T: BorshSerialize + BorshDeserialize>(bytes: &[u8], what: &'static str) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&TOWERS, body)) => decode(body),
        Some(_) | None => Err(CodecError::Malformed {
            what,
            why: format!("it does not begin with {TOWERS:#x}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_a_tower_is_none_between_parties_and_the_other_way_round() {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let ask = Ask {
            version: 1,
            network: NetworkId::new("kofo-test").unwrap(),
            owner: key.id(),
        };
        let request = Request::Status(ask.sign(&key));
        let bytes = request.write();
        assert_eq!(Request::read(&bytes), Ok(request));
        assert_eq!(bytes.first(), Some(&TOWERS));
        for wrong in [&[0; 40][..], &bytes[1..], &[]] {
            assert!(Request::read(wrong).is_err());
        }
        let answer = Response::Kept(7);
        assert_eq!(Response::read(&answer.write()), Ok(answer.clone()));
        assert!(Response::read(&encode(&answer)).is_err());
    }
}

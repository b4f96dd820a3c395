//! The hash chain over the records as they are stored, and its head.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Seq;

/// A SHA-256 chain hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Where the chain ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The last record's place; 0 in an empty journal.
    pub seq: Seq,
    /// The chain hash there. It binds every byte of every record before it, and so does its copy elsewhere.
    pub hash: Hash,
}

impl Head {
    /// The head of the empty journal with this id: h_0 = SHA-256("kofo/journal/genesis/v1" ‖ id).
    pub(crate) fn genesis(id: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(b"kofo/journal/genesis/v1")
            .chain_update(id)
            .finalize();
        Self {
            seq: Seq(0),
            hash: Hash(hash.into()),
        }
    }

    /// h_i = SHA-256(h_{i-1} ‖ i (8 bytes, big endian) ‖ stored bytes).
    pub(crate) fn extend(self, stored: &[u8]) -> Self {
        let seq = self.seq.next();
        let hash = Sha256::new()
            .chain_update(self.hash.0)
            .chain_update(seq.0.to_be_bytes())
            .chain_update(stored)
            .finalize();
        Self {
            seq,
            hash: Hash(hash.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_hash_depends_on_the_id_on_each_byte_and_on_the_order() {
        let end = |id: u8, stored: &[&[u8]]| stored.iter().fold(Head::genesis(&[id; 32]), |h, s| h.extend(s));
        let straight = end(1, &[b"a", b"b"]);
        assert_eq!(straight.seq, Seq(2));
        assert_ne!(straight.hash, end(2, &[b"a", b"b"]).hash);
        assert_ne!(straight.hash, end(1, &[b"b", b"a"]).hash);
        assert_ne!(straight.hash, end(1, &[b"a", b"c"]).hash);
        assert_ne!(end(1, &[b"ab"]).hash, straight.hash);
    }
}

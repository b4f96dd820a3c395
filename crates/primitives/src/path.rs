//! The path of a claim: one signed entry per hop, each of which names its successor.
//!
//! Because every entry is bound to the one before it (by digest) and to the one after it (by pseudonym), nobody can cut
//! entries out, swap them, or attach itself to a prefix that it overheard.

use crate::bytes::Bytes;
use crate::claim::{Claim, ClaimId, MAX_HOPS};
use crate::codec::encode;
use crate::hash::{Digest, tagged_hash};
use crate::node_id::{NodeId, NodeKey, Signature, SignatureError};
use crate::order::Signed;
use borsh::{BorshDeserialize, BorshSerialize};

/// What a relay asks for itself when fees are posted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bid {
    /// The commitment to the amount: a compressed point.
    pub commitment: Bytes<33>,
    /// Amount and blinding, sealed to the claimant.
    pub sealed: Bytes<128>,
}

/// One hop's entry. Entry 0 is the claimant's own, under the claim key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HopEntry {
    /// Its place: 0 for the claimant.
    pub index: u8,
    /// Digest of the entry before; of the claim for entry 0.
    pub previous: Digest,
    /// The hop's pseudonym for this claim.
    pub hop_key: NodeId,
    /// The pseudonym of whom it passes the claim to.
    pub next_key: NodeId,
    /// What it asks for itself, if fees are posted.
    pub bid: Option<Bid>,
    /// Commitment to the bonded identity that is to be paid: `H("kofo/payee/v1", identity, blinding)`. A hop without a
    /// bond has none, and weight 0.
    pub payee: Option<Digest>,
    /// The hop's signature over all above.
    pub signature: Signature,
}

/// Why entries are no path of a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// None, or more than the claim allows.
    #[error("the path has {got} entries, expected 1 to {most}")]
    Length {
        /// How many.
        got: usize,
        /// The claim's limit.
        most: u8,
    },
    /// An entry is missing.
    #[error("entry {says} of the path stands where entry {at} should be, which is nowhere: it was stripped")]
    Stripped {
        /// Which entry is missing.
        at: u8,
        /// Which entry stands in its place.
        says: u8,
    },
    /// Entries are out of order.
    #[error("entry {says} of the path stands where entry {at} should be: they were swapped")]
    Swapped {
        /// Which entry should stand here.
        at: u8,
        /// Which one does.
        says: u8,
    },
    /// The first entry is not the claimant's.
    #[error("the path does not begin with the claimant's own entry: it was cut off at its beginning")]
    Beginning,
    /// An entry does not follow the one before it.
    #[error("entry {at} of the path was made for another path: its digest of what came before differs")]
    Chain {
        /// Which entry.
        at: u8,
    },
    /// An entry is of somebody whom the one before it did not name.
    #[error("entry {at} of the path is of a node that entry before it did not name: it grafted itself on")]
    Successor {
        /// Which entry.
        at: u8,
    },
    /// Not signed by its hop.
    #[error("entry {at} of the path: {source}")]
    Signature {
        /// Which entry.
        at: u8,
        /// What is wrong.
        source: SignatureError,
    },
    /// The last entry names another than the one that got it.
    #[error(
        "the last entry of the path names another receiver: it was cut off at its end, or sent to the wrong node"
    )]
    Receiver,
}

impl HopEntry {
    /// An entry by `key`, to be passed to the hop with the pseudonym `next`. `previous` is what it follows:
    /// [`HopEntry::digest`] of the entry before or the claim's id.
    #[must_use]
    pub fn sign(
        claim: &ClaimId,
        (index, previous): (u8, Digest),
        key: &NodeKey,
        next: NodeId,
        (bid, payee): (Option<Bid>, Option<Digest>),
    ) -> Self {
        let mut entry = Self {
            index,
            previous,
            hop_key: key.id(),
            next_key: next,
            bid,
            payee,
            signature: Signature::none(),
        };
        entry.signature = key.sign(&entry.signed_digest(claim));
        entry
    }

    fn signed_digest(&self, claim: &ClaimId) -> Digest {
        let fields = (
            &self.index,
            &self.previous,
            &self.hop_key,
            &self.next_key,
            &self.bid,
            &self.payee,
        );
        tagged_hash("kofo/hop/v1", &[claim.as_bytes(), &encode(&fields)])
    }

    /// What the next entry follows: `H("kofo/hopdigest/v1", entry with its signature)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        tagged_hash("kofo/hopdigest/v1", &[&encode(self)])
    }

    /// Whether the hop signed it.
    pub fn verify(&self, claim: &ClaimId) -> Result<(), PathError> {
        let wrong = |source| PathError::Signature {
            at: self.index,
            source,
        };
        self.hop_key
            .verify(&self.signed_digest(claim), &self.signature)
            .map_err(wrong)
    }
}

/// Whether entries hang together as those of a [`Path`]; the digest of the last one, which is that of the path.
pub(crate) fn chain(claim: &Claim, id: &ClaimId, entries: &[HopEntry]) -> Result<Digest, PathError> {
    let most = claim.max_hops.min(MAX_HOPS);
    if entries.is_empty() || entries.len() > usize::from(most) {
        return Err(PathError::Length {
            got: entries.len(),
            most,
        });
    }
    let (mut previous, mut expected) = (*id.as_bytes(), claim.key);
    for (at, entry) in (0..).zip(entries) {
        if entry.index != at {
            let says = entry.index;
            return Err(if entries.iter().any(|other| other.index == at) {
                PathError::Swapped { at, says }
            } else {
                PathError::Stripped { at, says }
            });
        }
        if entry.hop_key != expected {
            return Err(if at == 0 {
                PathError::Beginning
            } else {
                PathError::Successor { at }
            });
        }
        if entry.previous != previous {
            return Err(PathError::Chain { at });
        }
        (previous, expected) = (entry.digest(), entry.next_key);
    }
    Ok(previous)
}

/// A claim's path that hangs together: places, digests, successors and length are right. Signatures are checked by
/// [`Path::verify`], because whoever passed an entry on has checked those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<HopEntry>);

impl Path {
    /// Takes the entries if each follows the one before it and the first is the claimant's.
    pub fn new(claim: &Claim, id: &ClaimId, entries: Vec<HopEntry>) -> Result<Self, PathError> {
        chain(claim, id, &entries)?;
        Ok(Self(entries))
    }

    /// Whether every entry from `first` on is signed by its hop.
    pub fn verify(&self, id: &ClaimId, first: usize) -> Result<(), PathError> {
        self.0.iter().skip(first).try_for_each(|entry| entry.verify(id))
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[HopEntry] {
        &self.0
    }

    /// The same, given away.
    #[must_use]
    pub fn into_entries(self) -> Vec<HopEntry> {
        self.0
    }

    /// How many hops passed it on, the claimant included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A path is never empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn last(&self) -> &HopEntry {
        self.0.last().expect("a path has at least the claimant's entry")
    }

    /// The whole path in 32 bytes: the digest of its last entry.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.last().digest()
    }

    /// Whom the last entry names.
    #[must_use]
    pub fn receiver(&self) -> NodeId {
        self.last().next_key
    }
}

/// A relay's signature on the way back: it passed a fulfil to its predecessor. The claimant makes none.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReturnEntry {
    /// The hop's place in the path: 1 for the claimant's neighbour.
    pub index: u8,
    /// Digest of the return entry before (of the hop with the next higher index); the fulfil's id for the first.
    pub previous: Digest,
    /// Who is to be paid and why it may be, sealed to the validators; without clearance there is none.
    pub opening: Option<Bytes<512>>,
    /// The hop's signature, by the key of its path entry.
    pub signature: Signature,
}

/// Why return entries do not bring a fulfil back over its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReturnError {
    /// Too many, or not yet enough.
    #[error("{got} hops signed the way back, expected {want}: one was stripped or added")]
    Length {
        /// How many signed.
        got: usize,
        /// How many should have.
        want: usize,
    },
    /// Of another hop than whose turn it is.
    #[error("the way back has an entry of hop {says} where hop {want} was to sign")]
    Index {
        /// Whose turn it is.
        want: u8,
        /// Whose it is.
        says: u8,
    },
    /// Does not follow the one before.
    #[error("hop {at} signed another way back: an entry after it was stripped or swapped")]
    Chain {
        /// Which hop.
        at: u8,
    },
    /// Not signed by the hop.
    #[error("hop {at} did not sign the way back: {source}")]
    Signature {
        /// Which hop.
        at: u8,
        /// What is wrong.
        source: SignatureError,
    },
}

impl ReturnEntry {
    /// Signs the way back as the hop with that index.
    #[must_use]
    pub fn sign(index: u8, previous: Digest, opening: Option<Bytes<512>>, key: &NodeKey) -> Self {
        let mut entry = Self {
            index,
            previous,
            opening,
            signature: Signature::none(),
        };
        entry.signature = key.sign(&entry.signed_digest());
        entry
    }

    fn signed_digest(&self) -> Digest {
        let fields = (&self.index, &self.previous, &self.opening);
        tagged_hash("kofo/return/v1", &[&encode(&fields)])
    }

    /// What the next return entry follows: `H("kofo/returndigest/v1", entry with its signature)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        tagged_hash("kofo/returndigest/v1", &[&encode(self)])
    }
}

/// Checks the way back of a fulfil as far as it has come: the hops from the path's last one down to `down_to` have
/// signed, in this order. Gives what the next return entry follows, which at the claimant (`down_to` 1) is the root
/// that the order commits to.
pub fn check_returns(
    path: &Path,
    fulfil: &Digest,
    returns: &[ReturnEntry],
    down_to: u8,
) -> Result<Digest, ReturnError> {
    returned(path.entries(), fulfil, returns, down_to)
}

/// As [`check_returns`], over the entries of a path.
pub(crate) fn returned(
    path: &[HopEntry],
    fulfil: &Digest,
    returns: &[ReturnEntry],
    down_to: u8,
) -> Result<Digest, ReturnError> {
    let want = path.len().saturating_sub(usize::from(down_to));
    if returns.len() != want {
        return Err(ReturnError::Length {
            got: returns.len(),
            want,
        });
    }
    let mut previous = *fulfil;
    for (entry, hop) in returns.iter().zip(path.iter().rev()) {
        if entry.index != hop.index {
            return Err(ReturnError::Index {
                want: hop.index,
                says: entry.index,
            });
        }
        if entry.previous != previous {
            return Err(ReturnError::Chain { at: hop.index });
        }
        let wrong = |source| ReturnError::Signature {
            at: hop.index,
            source,
        };
        hop.hop_key
            .verify(&entry.signed_digest(), &entry.signature)
            .map_err(wrong)?;
        previous = entry.digest();
    }
    Ok(previous)
}

impl Path {
    /// Checks claim and path together as whoever received them: places, successors, receiver, then signatures.
    pub fn received(
        claim: &Signed<Claim>,
        id: &ClaimId,
        entries: Vec<HopEntry>,
        us: &NodeId,
    ) -> Result<Self, PathError> {
        let path = Self::new(&claim.body, id, entries)?;
        if path.receiver() != *us {
            return Err(PathError::Receiver);
        }
        path.verify(id, 0)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests;

//! Merkle roots of lists, and proofs that something is at a place of one.
//!
//! A list of leaves is paired from the left; a leaf without a partner goes up as it is. The root commits to the number
//! of leaves, so that no two lists have one root. The root of nothing is that of no leaves.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, tagged_hash};

/// A proof has at most so many steps.
const MAX_STEPS: usize = 32;

/// That a leaf is at a place of a list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MerkleProof {
    /// Its place.
    pub index: u32,
    /// How many leaves there are.
    pub count: u32,
    /// The partners on the way up, where there is one.
    pub partners: Vec<Digest>,
}

fn pair(left: &Digest, right: &Digest) -> Digest {
    tagged_hash("kofo/merkle/pair/v1", &[left, right])
}

fn top(count: u32, digest: &Digest) -> Digest {
    tagged_hash("kofo/merkle/root/v1", &[&count.to_le_bytes(), digest])
}

fn above(level: &[Digest]) -> Vec<Digest> {
    level
        .chunks(2)
        .map(|both| match both {
            [left, right] => pair(left, right),
            [alone] => *alone,
            _ => [0; 32],
        })
        .collect()
}

fn count(leaves: &[Digest]) -> u32 {
    u32::try_from(leaves.len()).expect("a batch has fewer operations than bytes, which are bounded")
}

/// The root of a list.
#[must_use]
pub fn merkle_root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = above(&level);
    }
    top(count(leaves), &level.first().copied().unwrap_or_default())
}

impl MerkleProof {
    /// The proof of the leaf at a place; `None` if there is none.
    #[must_use]
    pub fn of(leaves: &[Digest], index: usize) -> Option<Self> {
        leaves.get(index)?;
        let (mut level, mut at, mut partners) = (leaves.to_vec(), index, Vec::new());
        while level.len() > 1 {
            partners.extend(level.get(at ^ 1));
            (level, at) = (above(&level), at / 2);
        }
        let index = u32::try_from(index).ok()?;
        Some(Self {
            index,
            count: count(leaves),
            partners,
        })
    }

    /// The root of the list that has the leaf at this place; `None` if the proof has another form than such a list's.
    #[must_use]
    pub fn root(&self, leaf: &Digest) -> Option<Digest> {
        if self.index >= self.count || self.partners.len() > MAX_STEPS {
            return None;
        }
        let (mut at, mut width, mut digest) = (self.index, self.count, *leaf);
        let mut partners = self.partners.iter();
        while width > 1 {
            if at | 1 < width || at & 1 == 1 {
                let partner = partners.next()?;
                digest = if at & 1 == 1 {
                    pair(partner, &digest)
                } else {
                    pair(&digest, partner)
                };
            }
            (at, width) = (at / 2, width.div_ceil(2));
        }
        if partners.next().is_some() {
            return None;
        }
        Some(top(self.count, &digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u8) -> Vec<Digest> {
        (0..n).map(|i| [i; 32]).collect()
    }

    #[test]
    fn every_leaf_of_every_list_is_proven_at_its_place_and_nowhere_else() {
        for n in 1..=20 {
            let leaves = leaves(n);
            let root = merkle_root(&leaves);
            for (i, leaf) in leaves.iter().enumerate() {
                let proof = MerkleProof::of(&leaves, i).unwrap();
                assert_eq!(proof.root(leaf), Some(root));
                for other in 0..u32::from(n) {
                    let moved = MerkleProof {
                        index: other,
                        ..proof.clone()
                    };
                    assert_eq!(moved.root(leaf) == Some(root), other == u32::try_from(i).unwrap());
                }
                assert_ne!(proof.root(&[99; 32]), Some(root));
            }
            assert!(MerkleProof::of(&leaves, usize::from(n)).is_none());
        }
    }

    #[test]
    fn no_bit_of_a_proof_can_be_flipped() {
        let leaves = leaves(7);
        let root = merkle_root(&leaves);
        let bytes = kofo_primitives::encode(&MerkleProof::of(&leaves, 6).unwrap());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = kofo_primitives::decode::<MerkleProof>(&flipped);
            assert!(
                read.map_or(true, |proof| proof.root(&leaves[6]) != Some(root)),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn lists_of_other_lengths_have_other_roots() {
        let roots: Vec<_> = (0..9).map(|n| merkle_root(&leaves(n))).collect();
        for (i, one) in roots.iter().enumerate() {
            assert!(roots.iter().skip(i + 1).all(|other| other != one));
        }
        assert_ne!(merkle_root(&[[1; 32]]), [1; 32]);
    }
}

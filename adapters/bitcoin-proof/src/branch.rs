//! Merkle branches of a block, and the tricks that they are known for.

use bitcoin::hashes::{Hash, HashEngine, sha256d};

/// No block has a deeper tree: 2^20 transactions of ten bytes are more than a block holds.
pub(crate) const MAX_DEPTH: usize = 20;

/// From a leaf at a place to the root: the other half at each level, from the leaves up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub(crate) index: u32,
    pub(crate) halves: &'a [[u8; 32]],
}

impl Branch<'_> {
    /// The root over `leaf`; `None` where the place is off the tree, or where a right half repeats its left one: a block
    /// repeats the last hash of an odd level, and nobody may pass for the copy.
    pub(crate) fn root(&self, leaf: [u8; 32]) -> Option<[u8; 32]> {
        if self.halves.len() > MAX_DEPTH {
            return None;
        }
        let (mut node, mut place) = (leaf, self.index);
        for half in self.halves {
            node = match place & 1 {
                0 => pair(&node, half),
                _ if *half == node => return None,
                _ => pair(half, &node),
            };
            place >>= 1;
        }
        (place == 0).then_some(node)
    }
}

/// The branch of a place in a list of leaves.
pub(crate) fn of(leaves: &[[u8; 32]], index: usize) -> Option<Vec<[u8; 32]>> {
    let (mut level, mut place, mut halves) = (leaves.to_vec(), index, Vec::new());
    level.get(place)?;
    while level.len() > 1 {
        let beside = level.get(place ^ 1).or_else(|| level.get(place))?;
        halves.push(*beside);
        let pairs = level.chunks(2).map(|two| match two {
            [left, right] => pair(left, right),
            [last, ..] => pair(last, last),
            [] => sha256d::Hash::all_zeros().to_byte_array(),
        });
        level = pairs.collect();
        place >>= 1;
    }
    Some(halves)
}

/// The hash over two.
fn pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(left);
    engine.input(right);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(count: u8) -> Vec<[u8; 32]> {
        (1..=count).map(|byte| [byte; 32]).collect()
    }

    fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
        let hashes = leaves.iter().map(|leaf| bitcoin::Txid::from_byte_array(*leaf));
        let root = bitcoin::merkle_tree::calculate_root(hashes).unwrap();
        root.to_byte_array()
    }

    proptest! {
        #[test]
        fn every_leaf_of_a_tree_of_any_size_has_a_branch_to_its_root(count in 1u8..70, at in 0u8..70) {
            prop_assume!(at < count);
            let leaves = leaves(count);
            let halves = of(&leaves, usize::from(at)).unwrap();
            let branch = Branch { index: u32::from(at), halves: &halves };
            prop_assert_eq!(branch.root(leaves[usize::from(at)]), Some(root(&leaves)));
        }
    }

    #[test]
    fn a_copy_at_the_end_of_an_odd_level_is_not_taken_for_a_leaf() {
        let leaves = leaves(3);
        let halves = of(&leaves, 2).unwrap();
        let copy = Branch {
            index: 3,
            halves: &halves,
        };
        assert_eq!(copy.root(leaves[2]), None);
    }

    #[test]
    fn a_place_off_the_tree_or_a_tree_deeper_than_a_block_has_no_root() {
        let halves = [[9; 32]; MAX_DEPTH + 1];
        let off = Branch {
            index: 2,
            halves: &halves[..1],
        };
        assert_eq!(off.root([1; 32]), None);
        let deep = Branch {
            index: 0,
            halves: &halves,
        };
        assert_eq!(deep.root([1; 32]), None);
    }
}

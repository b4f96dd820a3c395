//! The root of the state: a Merkle tree over buckets of keys, kept while keys change.
//!
//! A key belongs to the bucket of the first 16 bits of its hash. A bucket's digest is that of its keys' and values'
//! digests in order; above are 16 levels of pairs. An empty bucket, and all above empty ones alone, is 32 zero bytes, so
//! that a small state has a small tree. A change costs one bucket and 16 pairs, whatever the size of the state.

use kofo_primitives::{Digest, tagged_hash};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::collections::BTreeSet;

const LEVELS: u8 = 16;
const EMPTY: Digest = [0; 32];

/// The tree, with what has changed since the last root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Digest of value by digest of key.
    leaves: RedBlackTreeMapSync<Digest, Digest>,
    /// What is not empty, by level (0: the buckets) and place.
    nodes: RedBlackTreeMapSync<(u8, u16), Digest>,
    /// Shared like the rest by copies.
    changed: RedBlackTreeSetSync<u16>,
}

fn bucket(key: &Digest) -> u16 {
    let [high, low, ..] = *key;
    u16::from_be_bytes([high, low])
}

impl Tree {
    /// A key has another value now, or none.
    pub(crate) fn touch(&mut self, key: &[u8], value: Option<&[u8]>) {
        let key = tagged_hash("kofo/state/key/v1", &[key]);
        match value {
            Some(value) => self
                .leaves
                .insert_mut(key, tagged_hash("kofo/state/value/v1", &[value])),
            None => {
                self.leaves.remove_mut(&key);
            }
        }
        self.changed.insert_mut(bucket(&key));
    }

    /// The root over all that is there.
    pub(crate) fn root(&mut self) -> Digest {
        let mut changed: BTreeSet<u16> = std::mem::take(&mut self.changed).iter().copied().collect();
        for place in &changed {
            let digest = self.bucket_digest(*place);
            self.set((0, *place), digest);
        }
        for level in 1..=LEVELS {
            changed = changed.into_iter().map(|place| place / 2).collect();
            for place in &changed {
                let first = place.wrapping_mul(2);
                let below = level.wrapping_sub(1);
                let (left, right) = (self.node((below, first)), self.node((below, first | 1)));
                let digest = if (left, right) == (EMPTY, EMPTY) {
                    EMPTY
                } else {
                    tagged_hash("kofo/state/pair/v1", &[&left, &right])
                };
                self.set((level, *place), digest);
            }
        }
        self.node((LEVELS, 0))
    }

    fn node(&self, at: (u8, u16)) -> Digest {
        self.nodes.get(&at).copied().unwrap_or(EMPTY)
    }

    fn set(&mut self, at: (u8, u16), digest: Digest) {
        if digest == EMPTY {
            self.nodes.remove_mut(&at);
        } else {
            self.nodes.insert_mut(at, digest);
        }
    }

    fn bucket_digest(&self, place: u16) -> Digest {
        let [high, low] = place.to_be_bytes();
        let mut from = [0; 32];
        from[..2].copy_from_slice(&[high, low]);
        let mut bytes = Vec::new();
        for (key, value) in self
            .leaves
            .range(from..)
            .take_while(|(key, _)| bucket(key) == place)
        {
            bytes.extend(key);
            bytes.extend(value);
        }
        if bytes.is_empty() {
            return EMPTY;
        }
        tagged_hash("kofo/state/bucket/v1", &[&bytes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_root_is_that_of_a_tree_made_at_once(
            changes in proptest::collection::vec((0u16..300, proptest::option::of(0u8..4)), 0..200),
            every in 1usize..20,
        ) {
            let (mut tree, mut truth) = (Tree::default(), std::collections::BTreeMap::new());
            for (i, (key, value)) in changes.into_iter().enumerate() {
                let key = key.to_be_bytes();
                match value {
                    Some(value) => truth.insert(key, value),
                    None => truth.remove(&key),
                };
                tree.touch(&key, value.as_ref().map(std::slice::from_ref));
                if i % every == 0 {
                    tree.root();
                }
            }
            let mut at_once = Tree::default();
            for (key, value) in &truth {
                at_once.touch(key, Some(std::slice::from_ref(value)));
            }
            prop_assert_eq!(tree.root(), at_once.root());
            prop_assert_eq!(truth.is_empty(), tree.root() == EMPTY);
        }
    }

    #[test]
    fn no_two_states_share_a_root() {
        let root = |entries: &[(&[u8], &[u8])]| {
            let mut tree = Tree::default();
            for (key, value) in entries {
                tree.touch(key, Some(value));
            }
            tree.root()
        };
        let roots = [
            root(&[]),
            root(&[(b"a", b"1")]),
            root(&[(b"a", b"2")]),
            root(&[(b"b", b"1")]),
            root(&[(b"a", b"1"), (b"b", b"1")]),
        ];
        for (i, one) in roots.iter().enumerate() {
            assert!(roots.iter().skip(i + 1).all(|other| other != one));
        }
    }
}

//! The root of the state: a Merkle tree over buckets of keys, kept while keys change.
//!
//! A key belongs to the bucket of the first 16 bits of its hash. A bucket's digest is that of its keys' and values'
//! digests in order; above are 16 levels of pairs. An empty bucket, and all above empty ones alone, is 32 zero bytes, so
//! that a small state has a small tree.
//!
//! Four levels at a time stand in one node of the memory, which copies of the tree share until something below it
//! changes.

use crate::state::Change;
use kofo_primitives::Digest;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, LazyLock};

const EMPTY: Digest = [0; 32];
/// Nodes between the root and a bucket.
const DEPTH: usize = 4;

/// The hashes of this tree with their tags, as `tagged_hash` begins: that part is the same each time.
static KEY: LazyLock<Sha256> = LazyLock::new(|| tagged("kofo/state/key/v1"));
static VALUE: LazyLock<Sha256> = LazyLock::new(|| tagged("kofo/state/value/v1"));
static BUCKET: LazyLock<Sha256> = LazyLock::new(|| tagged("kofo/state/bucket/v1"));
static PAIR: LazyLock<Sha256> = LazyLock::new(|| tagged("kofo/state/pair/v1"));

fn tagged(tag: &str) -> Sha256 {
    let tag = Sha256::digest(tag);
    Sha256::new().chain_update(tag).chain_update(tag)
}

/// As `tagged_hash` of these parts.
fn hash<const PARTS: usize>(tagged: &Sha256, parts: [&[u8]; PARTS]) -> Digest {
    let mut hasher = tagged.clone();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The digest of a key, and behind it that of its value.
type Leaf = [u8; 64];
/// The digest of a key, and that of its value from now on.
type Changed = (Digest, Option<Digest>);

/// The tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    top: Below,
    root: Digest,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Below {
    #[default]
    Nothing,
    Node(Arc<Node>),
    Bucket(Arc<[Leaf]>),
}

/// Four levels of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// At 1 the digest of it all; below the one at `n` are those at `2·n` and `2·n + 1`; from 16 on those of what is
    /// below.
    digests: [Digest; 32],
    below: [Below; 16],
}

impl Tree {
    /// Some keys, in any order, have other values now, or none.
    pub(crate) fn change(&mut self, changes: &[Change<'_>]) {
        let digests = |(key, value): &Change<'_>| {
            let value = value.map(|value| hash(&VALUE, [value]));
            (hash(&KEY, [key]), value)
        };
        let mut changes: Vec<Changed> = changes.iter().map(digests).collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        if !changes.is_empty() {
            self.root = change(&mut self.top, 0, &changes, &mut Vec::new());
        }
    }

    /// The root over all that is there.
    pub(crate) const fn root(&self) -> Digest {
        self.root
    }
}

/// Which of the 16 below a node so far from the top a key belongs to.
fn place(key: &Digest, depth: usize) -> usize {
    let byte = key.get(depth / 2).copied().unwrap_or_default();
    let nibble = if depth.is_multiple_of(2) {
        byte / 16
    } else {
        byte % 16
    };
    nibble.into()
}

/// Changes what is so far below the top; its digest then. `made` is where buckets are made.
fn change(below: &mut Below, depth: usize, changes: &[Changed], made: &mut Vec<Leaf>) -> Digest {
    if depth == DEPTH {
        return change_bucket(below, changes, made);
    }
    if !matches!(below, Below::Node(_)) {
        *below = Below::Node(Arc::default());
    }
    let Below::Node(node) = below else {
        return EMPTY;
    };
    let digest = Arc::make_mut(node).change(depth, changes, made);
    if digest == EMPTY {
        *below = Below::Nothing;
    }
    digest
}

impl Node {
    fn change(&mut self, depth: usize, changes: &[Changed], made: &mut Vec<Leaf>) -> Digest {
        let mut changed = [false; 32];
        for of_one in changes.chunk_by(|(one, _), (other, _)| place(one, depth) == place(other, depth)) {
            let place = of_one.first().map_or(0, |(key, _)| place(key, depth));
            if let Some(below) = self.below.get_mut(place) {
                let digest = change(below, depth.saturating_add(1), of_one, made);
                self.set(place.saturating_add(16), digest, &mut changed);
            }
        }
        for at in (1..16usize).rev() {
            let below = at.saturating_mul(2)..=at.saturating_mul(2).saturating_add(1);
            if changed
                .get(below.clone())
                .is_some_and(|both| both.contains(&true))
                && let Some([left, right]) = self.digests.get(below)
            {
                let digest = if (*left, *right) == (EMPTY, EMPTY) {
                    EMPTY
                } else {
                    hash(&PAIR, [left, right])
                };
                self.set(at, digest, &mut changed);
            }
        }
        self.digests.get(1).copied().unwrap_or_default()
    }

    fn set(&mut self, at: usize, digest: Digest, changed: &mut [bool; 32]) {
        if let (Some(before), Some(changed)) = (self.digests.get_mut(at), changed.get_mut(at)) {
            *changed = *before != digest;
            *before = digest;
        }
    }
}

fn change_bucket(below: &mut Below, changes: &[Changed], made: &mut Vec<Leaf>) -> Digest {
    let before: &[Leaf] = match below {
        Below::Bucket(leaves) => leaves,
        Below::Nothing | Below::Node(_) => &[],
    };
    made.clear();
    let mut rest = before;
    for (key, value) in changes {
        let less = rest.partition_point(|leaf| leaf.first_chunk::<32>() < Some(key));
        let (kept, others) = rest.split_at(less);
        made.extend_from_slice(kept);
        let same = others
            .split_first()
            .filter(|(leaf, _)| leaf.first_chunk() == Some(key));
        rest = same.map_or(others, |(_, others)| others);
        if let Some(value) = value {
            let mut leaf = [0; 64];
            let (first, last) = leaf.split_at_mut(32);
            first.copy_from_slice(key);
            last.copy_from_slice(value);
            made.push(leaf);
        }
    }
    made.extend_from_slice(rest);
    if made.is_empty() {
        *below = Below::Nothing;
        return EMPTY;
    }
    let digest = hash(&BUCKET, [made.as_flattened()]);
    *below = Below::Bucket(made.as_slice().into());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_primitives::tagged_hash;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// As the protocol says it, over all keys and values at once.
    fn truth(all: &BTreeMap<Vec<u8>, Vec<u8>>) -> Digest {
        let mut buckets = BTreeMap::<u16, BTreeMap<Digest, Digest>>::new();
        for (key, value) in all {
            let key = tagged_hash("kofo/state/key/v1", &[key]);
            let bucket = buckets.entry(u16::from_be_bytes([key[0], key[1]])).or_default();
            bucket.insert(key, tagged_hash("kofo/state/value/v1", &[value]));
        }
        let digest = |leaves: &BTreeMap<Digest, Digest>| {
            let bytes: Vec<u8> = leaves
                .iter()
                .flat_map(|(key, value)| [*key, *value].concat())
                .collect();
            tagged_hash("kofo/state/bucket/v1", &[&bytes])
        };
        let mut level: BTreeMap<u16, Digest> = buckets
            .iter()
            .map(|(place, leaves)| (*place, digest(leaves)))
            .collect();
        for _ in 0..16 {
            let places: std::collections::BTreeSet<u16> = level.keys().map(|place| place / 2).collect();
            let at = |place: u16| level.get(&place).copied().unwrap_or(EMPTY);
            let pair = |place: u16| tagged_hash("kofo/state/pair/v1", &[&at(place * 2), &at(place * 2 + 1)]);
            level = places.into_iter().map(|place| (place, pair(place))).collect();
        }
        level.get(&0).copied().unwrap_or(EMPTY)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_root_is_that_of_the_protocol_however_it_came_to_be(
            steps in proptest::collection::vec(
                proptest::collection::btree_map(0u16..300, proptest::option::of(0u8..4), 0..60),
                0..8,
            ),
        ) {
            let (mut tree, mut all) = (Tree::default(), BTreeMap::new());
            for step in steps {
                let before = tree.clone();
                let rows: Vec<_> = step
                    .iter()
                    .map(|(key, value)| (key.to_be_bytes().to_vec(), value.map(|value| vec![value])))
                    .collect();
                let changes: Vec<Change<'_>> =
                    rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
                tree.change(&changes);
                let mut at_once = Tree::default();
                let old: Vec<Change<'_>> =
                    all.iter().map(|(k, v): (&Vec<u8>, &Vec<u8>)| (k.as_slice(), Some(v.as_slice()))).collect();
                at_once.change(&old);
                prop_assert!(before == at_once, "a copy changes with the original");
                for (key, value) in rows {
                    match value {
                        Some(value) => all.insert(key, value),
                        None => all.remove(&key),
                    };
                }
                prop_assert_eq!(tree.root(), truth(&all));
                prop_assert_eq!(all.is_empty(), tree == Tree::default());
            }
        }
    }
}

//! The ledger's state: ordered keys and values as bytes, copied in constant time, with one root.
//!
//! Everything that validators must agree on is in here, and nothing else is: what a step decides is a function of the
//! state and of the batch. A clone shares all that does not change, so that a proposal is tried on a copy.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::encode;
use rpds::RedBlackTreeMapSync;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::Bound;
use std::sync::Arc;

type Bytes = Arc<[u8]>;

/// Keys and values of one kind. The number begins every key of the table and is never used for another.
pub(crate) struct Table<K, V> {
    number: u8,
    kinds: PhantomData<fn() -> (K, V)>,
}

/// A number that sorts in a key as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sorted(pub(crate) u64);

impl BorshSerialize for Sorted {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.0.to_be_bytes())
    }
}

impl BorshDeserialize for Sorted {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        <[u8; 8]>::deserialize_reader(reader).map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}

impl<K: BorshSerialize + BorshDeserialize, V: BorshSerialize + BorshDeserialize> Table<K, V> {
    pub(crate) const fn new(number: u8) -> Self {
        Self {
            number,
            kinds: PhantomData,
        }
    }

    fn key(&self, key: &K) -> Bytes {
        let mut bytes = vec![self.number];
        bytes.extend(encode(key));
        bytes.into()
    }

    fn read<T: BorshDeserialize>(bytes: &[u8]) -> T {
        borsh::from_slice(bytes).expect("only what this table wrote is in it")
    }
}

/// All keys and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    map: RedBlackTreeMapSync<Bytes, Bytes>,
    tree: crate::tree::Tree,
    /// The keys that changed since the last root: only then are they hashed, each once. A draft that only tries things
    /// never is.
    changed: BTreeSet<Bytes>,
    /// What stood where something changed since [`State::attempt`]; nothing while nothing is tried.
    before: Option<Vec<(Bytes, Option<Bytes>)>>,
}

impl State {
    pub(crate) fn get<K, V>(&self, table: &Table<K, V>, key: &K) -> Option<V>
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        self.map
            .get(&table.key(key))
            .map(|value| Table::<K, V>::read(value))
    }

    pub(crate) fn put<K, V>(&mut self, table: &Table<K, V>, key: &K, value: &V)
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        self.change(table.key(key), Some(encode(value).into()));
    }

    pub(crate) fn remove<K, V>(&mut self, table: &Table<K, V>, key: &K)
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        let key = table.key(key);
        if self.map.contains_key(&key) {
            self.change(key, None);
        }
    }

    fn change(&mut self, key: Bytes, value: Option<Bytes>) {
        if let Some(before) = &mut self.before {
            before.push((Arc::clone(&key), self.map.get(&key).cloned()));
        }
        self.changed.insert(Arc::clone(&key));
        match value {
            Some(value) => self.map.insert_mut(key, value),
            None => {
                self.map.remove_mut(&key);
            }
        }
    }

    /// From here on everything can be undone. A copy would do as well, but whatever is shared with a copy is copied when
    /// it changes.
    pub(crate) fn attempt(&mut self) {
        self.before = Some(Vec::new());
    }

    /// What was tried is kept.
    pub(crate) fn keep(&mut self) {
        self.before = None;
    }

    /// All is as it was at [`State::attempt`].
    pub(crate) fn undo(&mut self) {
        for (key, value) in self.before.take().into_iter().flatten().rev() {
            self.change(key, value);
        }
    }

    /// All of a table whose keys begin as `prefix` is encoded, in the order of their bytes. `&()` is all of it.
    pub(crate) fn scan<K, V>(
        &self,
        table: &Table<K, V>,
        prefix: &impl BorshSerialize,
    ) -> impl Iterator<Item = (K, V)>
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        let mut from = vec![table.number];
        from.extend(encode(prefix));
        let start: Bytes = from.clone().into();
        let within = self.map.range((Bound::Included(start), Bound::Unbounded));
        within
            .take_while(move |(key, _)| key.starts_with(&from))
            .map(|(key, value)| {
                let key = key.get(1..).unwrap_or_default();
                (Table::<K, V>::read(key), Table::<K, V>::read(value))
            })
    }

    /// The root over all keys and values.
    pub(crate) fn root(&mut self) -> kofo_primitives::Digest {
        for key in std::mem::take(&mut self.changed) {
            self.tree.touch(&key, self.map.get(&key).map(|value| &**value));
        }
        self.tree.root()
    }

    /// All keys and values in order, to be written as a snapshot.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.map.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Puts in what [`State::entries`] gave.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) {
        self.change(key.into(), Some(value.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Table<Sorted, u64> = Table::new(1);
    const OTHERS: Table<(u8, u8), u64> = Table::new(2);

    #[test]
    fn a_table_gives_back_what_was_put_in_numeric_order() {
        let mut state = State::default();
        for n in [300, 2, 70_000, 1] {
            state.put(&NUMBERS, &Sorted(n), &n);
        }
        state.put(&OTHERS, &(1, 2), &9);
        let all: Vec<_> = state.scan(&NUMBERS, &()).map(|(key, _)| key.0).collect();
        assert_eq!(all, [1, 2, 300, 70_000]);
        assert_eq!(state.scan(&OTHERS, &1u8).count(), 1);
        assert_eq!(state.scan(&OTHERS, &2u8).count(), 0);
        assert_eq!(state.get(&NUMBERS, &Sorted(300)), Some(300));
    }

    #[test]
    fn a_copy_does_not_change_with_the_original_and_the_root_is_of_what_is_there_alone() {
        let mut state = State::default();
        state.put(&NUMBERS, &Sorted(1), &1);
        let mut before = state.clone();
        let root = state.root();
        state.put(&NUMBERS, &Sorted(2), &2);
        assert_ne!(state.root(), root);
        state.remove(&NUMBERS, &Sorted(2));
        assert_eq!(state.root(), root);
        assert_eq!(before.root(), root);
        let mut read = State::default();
        for (key, value) in state.entries() {
            read.insert(key, value);
        }
        assert_eq!(read.root(), root);
        assert_eq!(read, state);
    }

    #[test]
    fn what_was_tried_is_undone_or_kept() {
        let mut state = State::default();
        state.put(&NUMBERS, &Sorted(1), &1);
        state.put(&NUMBERS, &Sorted(2), &2);
        let (mut before, root) = (state.clone(), state.root());
        state.attempt();
        for n in [1, 3, 3, 4] {
            state.put(&NUMBERS, &Sorted(n), &9);
        }
        state.remove(&NUMBERS, &Sorted(2));
        state.remove(&NUMBERS, &Sorted(3));
        state.remove(&NUMBERS, &Sorted(7));
        assert_ne!(state.root(), root);
        state.undo();
        assert_eq!(state.root(), root);
        assert_eq!(before.root(), root);
        assert_eq!(state, before);
        state.attempt();
        state.put(&NUMBERS, &Sorted(1), &9);
        state.keep();
        state.undo();
        assert_eq!(state.get(&NUMBERS, &Sorted(1)), Some(9));
    }
}

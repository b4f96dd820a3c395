//! The ledger's state: ordered keys and values as bytes, copied in constant time, with one root.
//!
//! Everything that validators must agree on is in here, and nothing else is: what a step decides is a function of the
//! state and of the batch. A copy shares all that does not change, so that a proposal is tried on one.
//!
//! What changes is kept beside the rows until the next root, and put among them all at once then: a row that changes
//! often in one batch costs its place in the tree once, and a draft that only tries things costs it never.

mod rows;

pub(crate) use rows::Change;

use crate::tree::Tree;
use borsh::{BorshDeserialize, BorshSerialize};
use rows::Rows;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Bound;
use std::sync::Arc;

type Bytes = Arc<[u8]>;

/// No key is longer.
const MOST_KEY: usize = 256;
/// So many rows of a snapshot are put in at once.
const AT_ONCE: usize = 10_000;
/// In so many steps they are hashed: each step does again what stands above all rows before, and holds a digest of each
/// of its own beside them.
const STEPS: usize = 4;

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

/// The bytes of a key, without an allocation: most are only looked for.
struct Key {
    bytes: [u8; MOST_KEY],
    length: usize,
}

impl Key {
    fn new(number: u8, key: &impl BorshSerialize) -> Self {
        let mut bytes = [0; MOST_KEY];
        let mut rest = bytes.as_mut_slice();
        let written = (number, key).serialize(&mut rest);
        written.expect("the keys of all tables are shorter");
        let length = MOST_KEY.saturating_sub(rest.len());
        Self { bytes, length }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<K: BorshSerialize + BorshDeserialize, V: BorshSerialize + BorshDeserialize> Table<K, V> {
    pub(crate) const fn new(number: u8) -> Self {
        Self {
            number,
            kinds: PhantomData,
        }
    }

    fn read<T: BorshDeserialize>(bytes: &[u8]) -> T {
        borsh::from_slice(bytes).expect("only what this table wrote is in it")
    }
}

/// All keys and values.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// As at the last root.
    rows: Rows,
    tree: Tree,
    /// What changed since then; none: it is removed.
    changed: BTreeMap<Bytes, Option<Bytes>>,
    /// Whether something is tried, and what stood in `changed` where something changed since.
    trying: bool,
    before: Vec<(Bytes, Option<Option<Bytes>>)>,
    /// Where values are written before it is known how long they are.
    written: Vec<u8>,
}

impl State {
    fn bytes(&self, key: &[u8]) -> Option<&[u8]> {
        match self.changed.get(key) {
            Some(value) => value.as_deref(),
            None => self.rows.get(key),
        }
    }

    pub(crate) fn get<K, V>(&self, table: &Table<K, V>, key: &K) -> Option<V>
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        let key = Key::new(table.number, key);
        self.bytes(key.as_slice()).map(Table::<K, V>::read)
    }

    pub(crate) fn put<K, V>(&mut self, table: &Table<K, V>, key: &K, value: &V)
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        self.written.clear();
        let written = value.serialize(&mut self.written);
        written.expect("writing to memory does not fail");
        let value = Bytes::from(self.written.as_slice());
        self.change(Key::new(table.number, key).as_slice(), Some(value));
    }

    pub(crate) fn remove<K, V>(&mut self, table: &Table<K, V>, key: &K)
    where
        K: BorshSerialize + BorshDeserialize,
        V: BorshSerialize + BorshDeserialize,
    {
        let key = Key::new(table.number, key);
        if self.bytes(key.as_slice()).is_some() {
            self.change(key.as_slice(), None);
        }
    }

    fn change(&mut self, key: &[u8], value: Option<Bytes>) {
        let key = Bytes::from(key);
        let was = self.changed.insert(Arc::clone(&key), value);
        if self.trying {
            self.before.push((key, was));
        }
    }

    /// From here on everything can be undone.
    pub(crate) fn attempt(&mut self) {
        self.keep();
        self.trying = true;
    }

    /// What was tried is kept.
    pub(crate) fn keep(&mut self) {
        self.trying = false;
        self.before.clear();
    }

    /// All is as it was at [`State::attempt`].
    pub(crate) fn undo(&mut self) {
        self.trying = false;
        while let Some((key, was)) = self.before.pop() {
            match was {
                Some(value) => self.changed.insert(key, value),
                None => self.changed.remove(&key),
            };
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
        let from = Key::new(table.number, prefix);
        let rows = self.from(from.as_slice());
        rows.take_while(move |(key, _)| key.starts_with(from.as_slice()))
            .map(|(key, value)| {
                let key = key.get(1..).unwrap_or_default();
                (Table::<K, V>::read(key), Table::<K, V>::read(value))
            })
    }

    /// All keys from one on and their values, in order: of each that changed, what it changed to.
    fn from<'a>(&'a self, key: &[u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rows = self.rows.from(key).peekable();
        let from = (Bound::Included(key), Bound::Unbounded);
        let mut changed = self.changed.range::<[u8], _>(from).peekable();
        let next = move || {
            let Some((key, value)) = changed.peek() else {
                return rows.next().map(|(key, value)| (key, Some(value)));
            };
            if let Some(row) = rows.next_if(|(before, _)| *before < &***key) {
                return Some((row.0, Some(row.1)));
            }
            rows.next_if(|(same, _)| *same == &***key);
            let change = (&***key, value.as_deref());
            changed.next();
            Some(change)
        };
        std::iter::from_fn(next).filter_map(|(key, value)| Some((key, value?)))
    }

    /// The root over all keys and values. What is tried must be kept or undone before.
    pub(crate) fn root(&mut self) -> kofo_primitives::Digest {
        let changed = std::mem::take(&mut self.changed);
        let changes: Vec<Change<'_>> = changed
            .iter()
            .map(|(key, value)| (&**key, value.as_deref()))
            .collect();
        self.set(&changes);
        self.tree.root()
    }

    fn set(&mut self, changes: &[Change<'_>]) {
        debug_assert!(!self.trying, "what is tried is not decided yet");
        self.tree.change(changes);
        self.rows.change(changes);
    }

    /// All keys and values in order, to be written as a snapshot.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.from(&[])
    }

    /// Of what [`State::entries`] gave, in its order.
    pub(crate) fn of<'a>(entries: &[(&'a [u8], &'a [u8])]) -> Self {
        let mut state = Self::default();
        for some in entries.chunks(entries.len().div_ceil(STEPS).max(AT_ONCE)) {
            let changes: Vec<Change<'_>> = some.iter().map(|(key, value)| (*key, Some(*value))).collect();
            state.tree.change(&changes);
            changes.chunks(AT_ONCE).for_each(|some| state.rows.change(some));
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Table<Sorted, u64> = Table::new(1);
    const OTHERS: Table<(u8, u8), u64> = Table::new(2);

    fn same(one: &State, other: &State) -> bool {
        one.entries().eq(other.entries())
    }

    #[test]
    fn a_table_gives_back_what_was_put_in_numeric_order() {
        let mut state = State::default();
        for n in [300, 2, 70_000, 1] {
            state.put(&NUMBERS, &Sorted(n), &n);
        }
        state.put(&OTHERS, &(1, 2), &9);
        for _ in 0..2 {
            let all: Vec<_> = state.scan(&NUMBERS, &()).map(|(key, _)| key.0).collect();
            assert_eq!(all, [1, 2, 300, 70_000]);
            assert_eq!(state.scan(&OTHERS, &1u8).count(), 1);
            assert_eq!(state.scan(&OTHERS, &2u8).count(), 0);
            assert_eq!(state.get(&NUMBERS, &Sorted(300)), Some(300));
            state.root();
        }
    }

    #[test]
    fn what_changed_since_the_last_root_stands_for_what_was_there() {
        let mut state = State::default();
        for n in 0..100 {
            state.put(&NUMBERS, &Sorted(n), &n);
        }
        state.root();
        for n in (0..100).filter(|n| n % 3 == 0) {
            state.remove(&NUMBERS, &Sorted(n));
        }
        state.put(&NUMBERS, &Sorted(50), &1_000);
        state.put(&NUMBERS, &Sorted(200), &200);
        state.put(&NUMBERS, &Sorted(201), &201);
        state.remove(&NUMBERS, &Sorted(201));
        let want: Vec<_> = (0..100)
            .filter(|n| n % 3 != 0)
            .map(|n| if n == 50 { (n, 1_000) } else { (n, n) })
            .chain([(200, 200)])
            .collect();
        for _ in 0..2 {
            let all: Vec<_> = state.scan(&NUMBERS, &()).map(|(n, value)| (n.0, value)).collect();
            assert_eq!(all, want);
            assert_eq!(state.get(&NUMBERS, &Sorted(3)), None);
            assert_eq!(state.get(&NUMBERS, &Sorted(201)), None);
            assert_eq!(state.entries().count(), want.len());
            state.root();
        }
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
        let entries: Vec<_> = state.entries().collect();
        let mut read = State::of(&entries);
        assert_eq!(read.root(), root);
        assert!(same(&read, &state));
    }

    #[test]
    fn what_was_tried_is_undone_or_kept() {
        let mut state = State::default();
        state.put(&NUMBERS, &Sorted(1), &1);
        let root_of_one = state.root();
        state.put(&NUMBERS, &Sorted(2), &2);
        let (before, root) = (state.clone(), state.clone().root());
        state.attempt();
        for n in [1, 3, 3, 4] {
            state.put(&NUMBERS, &Sorted(n), &9);
        }
        state.remove(&NUMBERS, &Sorted(2));
        state.remove(&NUMBERS, &Sorted(3));
        state.remove(&NUMBERS, &Sorted(7));
        assert!(!same(&state, &before));
        state.undo();
        assert!(same(&state, &before));
        assert_eq!(state.root(), root);
        state.remove(&NUMBERS, &Sorted(2));
        assert_eq!(state.root(), root_of_one);
        state.attempt();
        state.put(&NUMBERS, &Sorted(1), &9);
        state.keep();
        state.undo();
        assert_eq!(state.get(&NUMBERS, &Sorted(1)), Some(9));
    }
}

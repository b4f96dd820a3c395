//! Where the orders lie: one vector of entries, and vectors of slot numbers sorted by id and by rank. Four bytes an order
//! and index, found by halving, moved by `memmove`: at 100,000 orders smaller and no slower than a tree of its own.

use kofo_primitives::{AssetId, Digest, Ratio};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The place of an entry that is unused.
const NOWHERE: u64 = u64::MAX;

/// One order, with pair and source by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: Digest,
    pub(super) price: Ratio,
    /// What may be filled now.
    pub(super) free: u128,
    /// The least in one fill.
    pub(super) least: u128,
    /// The arrival number.
    pub(super) place: u64,
    pub(super) expires_ms: u64,
    pub(super) source: u32,
    pub(super) pair: u32,
}

#[derive(Debug)]
struct Pair {
    takes: AssetId,
    gives: AssetId,
    /// Its orders, whether they can be filled now or not.
    orders: u32,
    /// Those that can be, worst first: the best is taken from the end.
    rank: Vec<u32>,
}

#[derive(Debug)]
struct Source {
    name: Digest,
    orders: u32,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    entries: Vec<Entry>,
    unused: Vec<u32>,
    by_id: Vec<u32>,
    pairs: Vec<Pair>,
    pair_numbers: BTreeMap<AssetId, BTreeMap<AssetId, u32>>,
    sources: Vec<Source>,
}

/// Grows by an eighth: a vector that doubles would waste up to half of a book.
fn push<T>(to: &mut Vec<T>, value: T) {
    make_room(to);
    to.push(value);
}

fn make_room<T>(to: &mut Vec<T>) {
    if to.len() == to.capacity() {
        to.reserve_exact((to.len() / 8).saturating_add(16));
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("the bounds are 32 bits wide")
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn entry(&self, slot: u32) -> &Entry {
        self.entries
            .get(slot as usize)
            .expect("an index names live slots")
    }

    fn at(&mut self, pair: u32) -> &mut Pair {
        self.pairs
            .get_mut(pair as usize)
            .expect("an entry names its pair")
    }

    /// All entries, by id.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.iter().map(|slot| self.entry(*slot))
    }

    pub(super) fn find(&self, id: &Digest) -> Option<u32> {
        let found = self
            .by_id
            .binary_search_by(|slot| self.entry(*slot).id.cmp(id))
            .ok()?;
        self.by_id.get(found).copied()
    }

    /// Which of two ranks lower: the worse price, and of equal ones the later.
    fn worse(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (self.entry(a), self.entry(b));
        a.price.cmp(&b.price).then(b.place.cmp(&a.place))
    }

    /// What can be filled of a pair, best first.
    pub(super) fn ranked(&self, takes: &AssetId, gives: &AssetId) -> impl Iterator<Item = &Entry> {
        let pair = self.pair_numbers.get(takes).and_then(|of| of.get(gives));
        let rank = pair.and_then(|pair| self.pairs.get(*pair as usize));
        let rank = rank.map_or(&[][..], |pair| pair.rank.as_slice());
        rank.iter().rev().map(|slot| self.entry(*slot))
    }

    /// The number of a pair and how many orders it has; a new one takes the room of one that is empty. `None` if there
    /// are `most`.
    pub(super) fn pair(&mut self, takes: &AssetId, gives: &AssetId, most: u32) -> Option<(u32, u32)> {
        if let Some(pair) = self.pair_numbers.get(takes).and_then(|of| of.get(gives)) {
            return Some((*pair, self.pairs.get(*pair as usize)?.orders));
        }
        let fresh = Pair {
            takes: takes.clone(),
            gives: gives.clone(),
            orders: 0,
            rank: Vec::new(),
        };
        let new = if self.pairs.len() < most as usize {
            self.pairs.push(fresh);
            self.pairs.len().checked_sub(1)?
        } else {
            let empty = self.pairs.iter().position(|pair| pair.orders == 0)?;
            let old = std::mem::replace(self.pairs.get_mut(empty)?, fresh);
            let of = self.pair_numbers.get_mut(&old.takes)?;
            of.remove(&old.gives);
            if of.is_empty() {
                self.pair_numbers.remove(&old.takes);
            }
            empty
        };
        let of = self.pair_numbers.entry(takes.clone()).or_default();
        of.insert(gives.clone(), number(new));
        Some((number(new), 0))
    }

    /// The number of a source and how many orders it has, in the same way.
    pub(super) fn source(&mut self, name: &Digest, most: u32) -> Option<(u32, u32)> {
        if let Some(known) = self.known_source(name) {
            return Some((known, self.sources.get(known as usize)?.orders));
        }
        let fresh = Source {
            name: *name,
            orders: 0,
        };
        let new = if self.sources.len() < most as usize {
            self.sources.push(fresh);
            self.sources.len().checked_sub(1)?
        } else {
            let empty = self.sources.iter().position(|source| source.orders == 0)?;
            *self.sources.get_mut(empty)? = fresh;
            empty
        };
        Some((number(new), 0))
    }

    pub(super) fn known_source(&self, name: &Digest) -> Option<u32> {
        let found = self.sources.iter().position(|source| source.name == *name);
        found.map(number)
    }

    pub(super) fn source_of(&self, source: u32) -> &Digest {
        let source = self.sources.get(source as usize);
        &source.expect("an entry names its source").name
    }

    pub(super) fn assets(&self, pair: u32) -> (&AssetId, &AssetId) {
        let pair = self.pairs.get(pair as usize).expect("an entry names its pair");
        (&pair.takes, &pair.gives)
    }

    /// The pairs by number, for the book as bytes.
    pub(super) fn pair_names(&self) -> Vec<(AssetId, AssetId)> {
        let names = self.pairs.iter();
        names
            .map(|pair| (pair.takes.clone(), pair.gives.clone()))
            .collect()
    }

    /// The sources by number.
    pub(super) fn source_names(&self) -> Vec<Digest> {
        self.sources.iter().map(|source| source.name).collect()
    }

    fn count(&mut self, pair: u32, source: u32, change: fn(u32, u32) -> u32) {
        let pair = self.at(pair);
        pair.orders = change(pair.orders, 1);
        let source = self.sources.get_mut(source as usize);
        let source = source.expect("an entry names its source");
        source.orders = change(source.orders, 1);
    }

    /// Takes the entry's slot without sorting it in.
    fn lay(&mut self, entry: Entry) -> u32 {
        self.count(entry.pair, entry.source, u32::saturating_add);
        match self.unused.pop() {
            Some(slot) => {
                *self.entries.get_mut(slot as usize).expect("unused slots exist") = entry;
                slot
            }
            None => {
                push(&mut self.entries, entry);
                number(self.entries.len().saturating_sub(1))
            }
        }
    }

    /// Adds an entry, which must have an id of its own and at least its least free.
    pub(super) fn insert(&mut self, entry: Entry) {
        let at = self.by_id.partition_point(|slot| self.entry(*slot).id < entry.id);
        let slot = self.lay(entry);
        make_room(&mut self.by_id);
        self.by_id.insert(at, slot);
        self.enrank(slot);
    }

    /// Adds many entries of which the same is true, sorting once. `None` if two have one id or place.
    pub(super) fn fill(&mut self, entries: impl Iterator<Item = Entry>) -> Option<()> {
        for entry in entries {
            let slot = self.lay(entry);
            push(&mut self.by_id, slot);
            push(&mut self.at(entry.pair).rank, slot);
        }
        let mut by_id = std::mem::take(&mut self.by_id);
        by_id.sort_unstable_by_key(|slot| self.entry(*slot).place);
        let twice = by_id.windows(2).any(|two| match two {
            [a, b] => self.entry(*a).place == self.entry(*b).place,
            _ => false,
        });
        by_id.sort_unstable_by_key(|slot| self.entry(*slot).id);
        let same = by_id.windows(2).any(|two| match two {
            [a, b] => self.entry(*a).id == self.entry(*b).id,
            _ => false,
        });
        self.by_id = by_id;
        for pair in 0..self.pairs.len() {
            let mut rank = std::mem::take(&mut self.at(number(pair)).rank);
            rank.sort_unstable_by(|a, b| self.worse(*a, *b));
            self.at(number(pair)).rank = rank;
        }
        (!twice && !same).then_some(())
    }

    fn rank_of(&self, slot: u32) -> Result<usize, usize> {
        let pair = self.entry(slot).pair;
        let pair = self.pairs.get(pair as usize).expect("an entry names its pair");
        pair.rank.binary_search_by(|other| self.worse(*other, slot))
    }

    fn enrank(&mut self, slot: u32) {
        if let Err(at) = self.rank_of(slot) {
            let pair = self.entry(slot).pair;
            let rank = &mut self.at(pair).rank;
            make_room(rank);
            rank.insert(at, slot);
        }
    }

    fn unrank(&mut self, slot: u32) {
        if let Ok(at) = self.rank_of(slot) {
            let pair = self.entry(slot).pair;
            self.at(pair).rank.remove(at);
        }
    }

    /// So much of the entry is free now: it is ranked as long as that is its least.
    pub(super) fn set_free(&mut self, slot: u32, free: u128) {
        let entry = self.entries.get_mut(slot as usize);
        let entry = entry.expect("an index names live slots");
        let (before, least) = (entry.free, entry.least);
        entry.free = free;
        match (before >= least, free >= least) {
            (true, false) => self.unrank(slot),
            (false, true) => self.enrank(slot),
            (true, true) | (false, false) => {}
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.unrank(slot);
        let entry = *self.entry(slot);
        let found = self
            .by_id
            .binary_search_by(|slot| self.entry(*slot).id.cmp(&entry.id));
        if let Ok(at) = found {
            self.by_id.remove(at);
        }
        self.count(entry.pair, entry.source, u32::saturating_sub);
        push(&mut self.unused, slot);
    }

    /// Removes many at once, naming the place of each; how many there were.
    pub(super) fn remove_where(
        &mut self,
        doomed: impl Fn(&Entry) -> bool,
        mut gone: impl FnMut(u64),
    ) -> usize {
        let (dead, kept): (Vec<u32>, Vec<u32>) =
            self.by_id.iter().partition(|slot| doomed(self.entry(**slot)));
        if dead.is_empty() {
            return 0;
        }
        self.by_id = kept;
        for slot in &dead {
            let entry = *self.entry(*slot);
            gone(entry.place);
            self.count(entry.pair, entry.source, u32::saturating_sub);
            if let Some(entry) = self.entries.get_mut(*slot as usize) {
                entry.place = NOWHERE;
            }
        }
        for pair in 0..self.pairs.len() {
            let mut rank = std::mem::take(&mut self.at(number(pair)).rank);
            rank.retain(|slot| self.entry(*slot).place != NOWHERE);
            self.at(number(pair)).rank = rank;
        }
        self.unused.extend(&dead);
        dead.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let slots = [self.unused.capacity(), self.by_id.capacity()];
        let ranks = self.pairs.iter().map(|pair| pair.rank.capacity());
        let slots = slots.into_iter().chain(ranks).fold(0usize, usize::saturating_add);
        let entries = self.entries.capacity().saturating_mul(size_of::<Entry>());
        entries.saturating_add(slots.saturating_mul(size_of::<u32>()))
    }
}

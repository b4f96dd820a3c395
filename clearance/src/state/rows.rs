//! Rows in the order of their keys, of which copies share all that does not change.
//!
//! A tree of small packed leaves. Changes come many at once and in order: a leaf and each node above it is written once
//! for all of them, and what none of them touches is shared with the copies from before. Which leaves there are depends
//! on the past; nothing that anybody agrees on does.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// A leaf has at most so many rows, a node so many below it.
const MOST: usize = 64;
/// A leaf of more bytes is divided, unless it is one row.
const MOST_BYTES: usize = 8 * 1024;
/// Fewer are joined with those before them.
const FEW: usize = 16;

/// A key, and its value from now on; none: it is removed.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Rows one behind another. A row for itself would take as much again for its allocations, and a copy of many is one.
#[derive(Clone, Debug, Default)]
struct Packed {
    /// Where each key ends, and each value.
    ends: Vec<(u32, u32)>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Node {
    Leaf(Packed),
    /// The first key of each node below, and the nodes.
    Inner(Packed, Vec<Arc<Node>>),
}

/// The rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    top: Option<Arc<Node>>,
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a leaf is divided long before")
}

impl Packed {
    fn start(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        before.map_or(0, |(_, end)| *end as usize)
    }

    fn row(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let (middle, end) = *self.ends.get(at)?;
        let (row, middle) = (self.bytes.get(self.start(at)..end as usize)?, middle as usize);
        row.split_at_checked(middle.checked_sub(self.start(at))?)
    }

    fn key(&self, at: usize) -> &[u8] {
        let middle = self.ends.get(at).map_or(0, |(middle, _)| *middle as usize);
        self.bytes.get(self.start(at)..middle).unwrap_or_default()
    }

    /// Where a key stands, or would, and whether it does.
    fn place(&self, key: &[u8]) -> (usize, bool) {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.key(middle).cmp(key) {
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Equal => return (middle, true),
                Ordering::Greater => high = middle,
            }
        }
        (low, false)
    }

    /// Under which of the nodes that begin so a key belongs.
    fn under(&self, key: &[u8]) -> usize {
        match self.place(key) {
            (at, true) => at,
            (after, false) => after.saturating_sub(1),
        }
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let middle = offset(self.bytes.len());
        self.bytes.extend_from_slice(value);
        self.ends.push((middle, offset(self.bytes.len())));
    }

    fn extend(&mut self, from: &Self, rows: Range<usize>) {
        let (start, end) = (from.start(rows.start), from.start(rows.end));
        let here = self.bytes.len();
        self.bytes
            .extend_from_slice(from.bytes.get(start..end).unwrap_or_default());
        let moved = |at: u32| offset((at as usize).saturating_sub(start).saturating_add(here));
        let ends = from.ends.get(rows).unwrap_or_default();
        self.ends
            .extend(ends.iter().map(|(middle, end)| (moved(*middle), moved(*end))));
    }

    /// With changes to its keys.
    fn merged(&self, changes: &[Change<'_>]) -> Self {
        let size = |(key, value): &Change<'_>| key.len().saturating_add(value.unwrap_or_default().len());
        let more = changes.iter().map(size).fold(0, usize::saturating_add);
        let mut all = Self {
            ends: Vec::with_capacity(self.ends.len().saturating_add(changes.len())),
            bytes: Vec::with_capacity(self.bytes.len().saturating_add(more)),
        };
        let mut from = 0;
        for (key, value) in changes {
            let (at, is_there) = self.place(key);
            all.extend(self, from..at);
            from = at.saturating_add(usize::from(is_there));
            if let Some(value) = value {
                all.push(key, value);
            }
        }
        all.extend(self, from..self.ends.len());
        all
    }

    /// In parts of about one size that are not too large; none of nothing.
    fn divide(mut self, mut each_part: impl FnMut(Self)) {
        let rows = self.ends.len();
        let parts = rows
            .div_ceil(MOST)
            .max(self.bytes.len().div_ceil(MOST_BYTES))
            .min(rows);
        if parts <= 1 {
            if rows > 0 {
                self.ends.shrink_to_fit();
                self.bytes.shrink_to_fit();
                each_part(self);
            }
            return;
        }
        let each = rows.div_ceil(parts);
        let part = |from: usize| {
            let rows = from..from.saturating_add(each).min(rows);
            let bytes = self.start(rows.end).saturating_sub(self.start(rows.start));
            let mut part = Self {
                ends: Vec::with_capacity(rows.len()),
                bytes: Vec::with_capacity(bytes),
            };
            part.extend(&self, rows);
            part
        };
        (0..rows).step_by(each).map(part).for_each(each_part);
    }
}

impl Node {
    fn rows(&self) -> &Packed {
        match self {
            Self::Leaf(rows) | Self::Inner(rows, _) => rows,
        }
    }

    /// Adds what becomes of it to a level, divided if it is too large.
    fn change(&self, changes: &[Change<'_>], level: &mut Level) {
        let (firsts, below) = match self {
            Self::Leaf(rows) => {
                let leaf = |rows| level.add(Arc::new(Self::Leaf(rows)));
                return rows.merged(changes).divide(leaf);
            }
            Self::Inner(firsts, below) => (firsts, below),
        };
        let (mut within, mut rest) = (Level::default(), changes);
        within.nodes.reserve(below.len());
        within.firsts.ends.reserve(below.len());
        within.firsts.bytes.reserve(firsts.bytes.len());
        for (at, node) in below.iter().enumerate() {
            let next = firsts.row(at.saturating_add(1)).map(|(first, _)| first);
            let mine = |(key, _): &&Change<'_>| next.is_none_or(|next| *key < next);
            let (mine, others) = rest.split_at(rest.iter().take_while(mine).count());
            rest = others;
            if mine.is_empty() {
                within.push(firsts.key(at), Arc::clone(node));
            } else {
                node.change(mine, &mut within);
            }
        }
        within.rise(level);
    }

    /// Both as one, if that is not too large.
    fn joined(&self, next: &Self) -> Option<Self> {
        let (one, other) = (self.rows(), next.rows());
        let few = one.ends.len().min(other.ends.len()) < FEW;
        let fits = one.ends.len().saturating_add(other.ends.len()) <= MOST
            && one.bytes.len().saturating_add(other.bytes.len()) <= MOST_BYTES;
        if !few || !fits {
            return None;
        }
        let mut rows = one.clone();
        rows.extend(other, 0..other.ends.len());
        match (self, next) {
            (Self::Leaf(_), Self::Leaf(_)) => Some(Self::Leaf(rows)),
            (Self::Inner(_, below), Self::Inner(_, more)) => {
                Some(Self::Inner(rows, [below.as_slice(), more].concat()))
            }
            (Self::Leaf(_) | Self::Inner(..), _) => None,
        }
    }
}

/// Nodes of one height, in order.
#[derive(Default)]
struct Level {
    firsts: Packed,
    nodes: Vec<Arc<Node>>,
}

impl Level {
    fn push(&mut self, first: &[u8], node: Arc<Node>) {
        self.firsts.push(first, &[]);
        self.nodes.push(node);
    }

    /// Adds a node, or joins it with the last.
    fn add(&mut self, node: Arc<Node>) {
        if let Some(last) = self.nodes.last_mut()
            && let Some(both) = last.joined(&node)
        {
            *last = Arc::new(both);
            return;
        }
        self.firsts.push(node.rows().key(0), &[]);
        self.nodes.push(node);
    }

    /// Adds the nodes above these to the next level.
    fn rise(self, level: &mut Self) {
        let mut nodes = self.nodes.into_iter();
        self.firsts.divide(|firsts| {
            let below = nodes.by_ref().take(firsts.ends.len()).collect();
            level.add(Arc::new(Node::Inner(firsts, below)));
        });
    }
}

impl Rows {
    /// A key's value.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut node = self.top.as_deref()?;
        loop {
            match node {
                Node::Leaf(rows) => {
                    let (at, is_there) = rows.place(key);
                    return rows.row(at).filter(|_| is_there).map(|(_, value)| value);
                }
                Node::Inner(firsts, below) => node = below.get(firsts.under(key))?,
            }
        }
    }

    /// Changes many rows, in the order of their keys, each once.
    pub(crate) fn change(&mut self, changes: &[Change<'_>]) {
        if changes.is_empty() {
            return;
        }
        let nothing = Node::Leaf(Packed::default());
        let mut level = Level::default();
        self.top
            .as_deref()
            .unwrap_or(&nothing)
            .change(changes, &mut level);
        while level.nodes.len() > 1 {
            let mut above = Level::default();
            level.rise(&mut above);
            level = above;
        }
        self.top = level.nodes.pop();
        while let Some(Node::Inner(_, below)) = self.top.as_deref()
            && let [only] = below.as_slice()
        {
            self.top = Some(Arc::clone(only));
        }
    }

    /// The rows from a key on, in order.
    pub(crate) fn from(&self, key: &[u8]) -> Iter<'_> {
        let (mut above, mut at) = (Vec::new(), self.top.as_deref());
        while let Some(Node::Inner(firsts, below)) = at {
            let (_, rest) = below.split_at_checked(firsts.under(key)).unwrap_or_default();
            let (node, rest) = rest.split_first().unzip();
            above.push(rest.unwrap_or_default());
            at = node.map(Arc::as_ref);
        }
        let leaf = at.map(|node| (node.rows(), node.rows().place(key).0));
        Iter { above, leaf }
    }
}

/// Rows in order.
pub(crate) struct Iter<'a> {
    /// What comes after the leaf, by height, the highest first.
    above: Vec<&'a [Arc<Node>]>,
    leaf: Option<(&'a Packed, usize)>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((rows, at)) = &mut self.leaf
                && let Some(row) = rows.row(*at)
            {
                *at = at.saturating_add(1);
                return Some(row);
            }
            let next = self.above.last_mut()?;
            match next.split_first() {
                None => {
                    self.above.pop();
                }
                Some((node, rest)) => {
                    *next = rest;
                    match &**node {
                        Node::Leaf(rows) => self.leaf = Some((rows, 0)),
                        Node::Inner(_, below) => self.above.push(below),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

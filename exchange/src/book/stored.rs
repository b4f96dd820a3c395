//! The book as bytes, to be there again after a restart. What is taken counts as free in it: whoever holds a fill takes
//! it again ([`crate::Provider::restore`]). It is longer than a message: read it with borsh itself.

use super::{Book, BookBounds, Entry, Shelf};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{AssetId, Digest, Ratio};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Write};

#[derive(BorshSerialize, BorshDeserialize)]
struct Stored {
    id: Digest,
    source: u32,
    pair: u32,
    price: Ratio,
    size: u128,
    least: u128,
    expires_ms: u64,
    place: u64,
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

impl BorshSerialize for Book {
    fn serialize<W: Write>(&self, to: &mut W) -> std::io::Result<()> {
        (self.bounds, self.next_place).serialize(to)?;
        self.shelf.pair_names().serialize(to)?;
        self.shelf.source_names().serialize(to)?;
        let count = u32::try_from(self.len()).map_err(|_| invalid("the bounds are 32 bits wide"))?;
        count.serialize(to)?;
        for entry in self.shelf.entries() {
            let taken = self.taken.get(&entry.place).copied().unwrap_or(0);
            let stored = Stored {
                id: entry.id,
                source: entry.source,
                pair: entry.pair,
                price: entry.price,
                size: entry.free.saturating_add(taken),
                least: entry.least,
                expires_ms: entry.expires_ms,
                place: entry.place,
            };
            stored.serialize(to)?;
        }
        Ok(())
    }
}

impl BorshDeserialize for Book {
    fn deserialize_reader<R: Read>(from: &mut R) -> std::io::Result<Self> {
        let (bounds, next_place) = <(BookBounds, u64)>::deserialize_reader(from)?;
        let pairs = Vec::<(AssetId, AssetId)>::deserialize_reader(from)?;
        let sources = Vec::<Digest>::deserialize_reader(from)?;
        let count = u32::deserialize_reader(from)?;
        if count > bounds.orders {
            return Err(invalid("more orders than the book's own bound"));
        }
        let mut shelf = Shelf::default();
        for ((takes, gives), number) in pairs.iter().zip(0u32..) {
            let (new, _) = shelf.pair(takes, gives, bounds.pairs).unwrap_or((u32::MAX, 0));
            if new != number || takes == gives {
                return Err(invalid("a pair twice, too many, or an asset for itself"));
            }
        }
        for (source, number) in sources.iter().zip(0u32..) {
            let (new, _) = shelf.source(source, bounds.sources).unwrap_or((u32::MAX, 0));
            if new != number {
                return Err(invalid("a source twice, or too many"));
            }
        }
        let mut orders = Vec::new();
        for _ in 0..count {
            let stored = Stored::deserialize_reader(from)?;
            let numbers = (stored.pair as usize) < pairs.len() && (stored.source as usize) < sources.len();
            let amounts = stored.least > 0 && stored.size >= stored.least;
            if !numbers || !amounts || stored.place >= next_place {
                return Err(invalid("an order without pair, source, size or place of its own"));
            }
            orders.push(stored);
        }
        let due_ms = orders.iter().map(|stored| stored.expires_ms).min().unwrap_or(0);
        let entries = orders.into_iter().map(|stored| Entry {
            id: stored.id,
            price: stored.price,
            free: stored.size,
            least: stored.least,
            place: stored.place,
            expires_ms: stored.expires_ms,
            source: stored.source,
            pair: stored.pair,
        });
        shelf
            .fill(entries)
            .ok_or_else(|| invalid("two orders with one id or place"))?;
        Ok(Self {
            bounds,
            shelf,
            next_place,
            taken: BTreeMap::new(),
            due_ms,
        })
    }
}

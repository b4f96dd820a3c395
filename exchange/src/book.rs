//! The provider's own order book: price–time priority, exact prices, partial fills with a least.
//!
//! An order keeps its place in the queue for as long as it lives: a fill that comes to nothing is put back where it was
//! taken. What is bounded is refused when full, and nothing here knows who is behind a source.

mod matching;
mod shelf;
mod stored;

#[cfg(test)]
mod tests;

use crate::beacon::Level;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, Digest, Ratio};
use shelf::{Entry, Shelf};
use std::collections::BTreeMap;

/// No claim is filled from more orders: a sweep of 100 and some.
pub const MAX_FILLS: usize = 128;

/// For no claim are more orders looked at: those whose least is too much for it are passed over, and that must end.
pub const MAX_LOOKED_AT: usize = 1_024;

/// One order: who filled it would take `takes` from the claimant and give `gives`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id: chosen by whoever adds it, such that two sources never share one.
    pub id: Digest,
    /// Whose it is: our own, or an imported book's.
    pub source: Digest,
    /// What it takes.
    pub takes: AssetId,
    /// What it gives for it.
    pub gives: AssetId,
    /// So much of `gives` for so much of `takes`, in smallest units.
    pub price: Ratio,
    /// How much of `takes`, in smallest units.
    pub size: Amount,
    /// The least of `takes` in one fill; `None`: the whole order or nothing.
    pub least: Option<Amount>,
    /// Not to be filled from then on (unix ms).
    pub expires_ms: u64,
}

/// What a claim asks of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What the claimant gives.
    pub give: &'a AssetId,
    /// What it wants.
    pub want: &'a AssetId,
    /// How much it gives.
    pub amount: Amount,
    /// The least it takes: wanted for given. `None` if it hides it.
    pub limit: Option<Ratio>,
    /// The least of `amount` that may be filled; `None`: all or nothing.
    pub least: Option<Amount>,
    /// The most of `want` that there is to give; `None`: no bound.
    pub most: Option<Amount>,
}

/// A part of one order. It names the order's place in the queue, so that a fill of a cancelled order is never one of a
/// later order with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fill {
    /// The order.
    pub order: Digest,
    /// Its arrival number.
    pub place: u64,
    /// So much of what the claimant gives.
    pub give: Amount,
    /// So much of what it wants.
    pub want: Amount,
    /// When the order expires (unix ms).
    pub expires_ms: u64,
}

/// How many orders are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BookBounds {
    /// In all.
    pub orders: u32,
    /// For one ordered pair.
    pub per_pair: u32,
    /// Of one source.
    pub per_source: u32,
    /// Ordered pairs.
    pub pairs: u32,
    /// Sources.
    pub sources: u32,
}

impl Default for BookBounds {
    /// 200,000 orders, about 30 MB; 100,000 of one pair or source; 1,024 pairs; 256 sources.
    fn default() -> Self {
        Self {
            orders: 200_000,
            per_pair: 100_000,
            per_source: 100_000,
            pairs: 1_024,
            sources: 256,
        }
    }
}

/// Why an order is not taken into the book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// An asset has no price in itself.
    #[error("the order takes and gives {0}: expected two assets")]
    SameAsset(AssetId),
    /// The size is 0, or the least is 0 or more than the size.
    #[error("the least fill is {least} of {size}: expected 1 to the size")]
    Least {
        /// The least fill.
        least: Amount,
        /// The size.
        size: Amount,
    },
    /// Filled whole it would give nothing, or more than can be counted.
    #[error("{size} at {price} gives nothing or more than any amount: write the price in smallest units")]
    Worth {
        /// The size.
        size: Amount,
        /// The price.
        price: Ratio,
    },
    /// It has expired.
    #[error("the order expired at {expires_ms}, now is {now_ms} (unix ms)")]
    Expired {
        /// When it did.
        expires_ms: u64,
        /// Now.
        now_ms: u64,
    },
    /// An order with this id is in the book: cancel it first.
    #[error("an order with this id is in the book: cancel it first, or give the new one its own id")]
    Known,
    /// Less than its least is left of it: the rest was filled before.
    #[error("this order was filled before: give a new one its own id")]
    Filled,
    /// A bound is reached.
    #[error("the book keeps at most {most} {what}: cancel some first")]
    Full {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: u32,
    },
}

/// The book. At 100,000 orders about 140 bytes an order ([`Book::heap_bytes`]), best match far below a microsecond.
#[derive(Debug, Default)]
pub struct Book {
    bounds: BookBounds,
    shelf: Shelf,
    /// The next arrival number; never used twice.
    next_place: u64,
    /// What is taken and neither put back nor spent, by place.
    taken: BTreeMap<u64, u128>,
    /// No order expires earlier.
    due_ms: u64,
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new(bounds: BookBounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Puts the order behind all others at its price.
    pub fn add(&mut self, order: Order, now_ms: u64) -> Result<(), OrderRefused> {
        let least = order.least.unwrap_or(order.size);
        check(&order, least, now_ms)?;
        if self.shelf.find(&order.id).is_some() {
            return Err(OrderRefused::Known);
        }
        let (pair, source) = self.room(&order)?;
        let entry = Entry {
            id: order.id,
            price: order.price,
            free: order.size.units(),
            least: least.units(),
            place: self.next_place,
            expires_ms: order.expires_ms,
            source,
            pair,
        };
        self.next_place = self.next_place.saturating_add(1);
        self.due_ms = if self.shelf.is_empty() {
            order.expires_ms
        } else {
            self.due_ms.min(order.expires_ms)
        };
        self.shelf.insert(entry);
        Ok(())
    }

    /// Pair and source of a new order, if there is room for one more of each.
    fn room(&mut self, order: &Order) -> Result<(u32, u32), OrderRefused> {
        let full = |what, most| OrderRefused::Full { what, most };
        let bounds = self.bounds;
        if self.shelf.len() >= bounds.orders as usize {
            return Err(full("orders", bounds.orders));
        }
        let pair = self.shelf.pair(&order.takes, &order.gives, bounds.pairs);
        let (pair, of_pair) = pair.ok_or_else(|| full("pairs", bounds.pairs))?;
        if of_pair >= bounds.per_pair {
            return Err(full("orders of one pair", bounds.per_pair));
        }
        let source = self.shelf.source(&order.source, bounds.sources);
        let (source, of_source) = source.ok_or_else(|| full("sources", bounds.sources))?;
        if of_source >= bounds.per_source {
            return Err(full("orders of one source", bounds.per_source));
        }
        Ok((pair, source))
    }

    /// Takes the order out at once, whatever of it is taken; whether it was there.
    pub fn cancel(&mut self, id: &Digest) -> bool {
        let Some(slot) = self.shelf.find(id) else {
            return false;
        };
        let place = self.shelf.entry(slot).place;
        self.shelf.remove(slot);
        self.taken.remove(&place);
        true
    }

    /// Takes out all orders of one source, as when its feed is stale; how many there were.
    pub fn cancel_source(&mut self, source: &Digest) -> usize {
        let Some(source) = self.shelf.known_source(source) else {
            return 0;
        };
        self.drop_where(|entry| entry.source == source)
    }

    /// Takes out what has expired; how many there were. Cheap when nothing has.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        if now_ms < self.due_ms || self.shelf.is_empty() {
            return 0;
        }
        let gone = self.drop_where(|entry| entry.expires_ms <= now_ms);
        let next = self.shelf.entries().map(|entry| entry.expires_ms).min();
        self.due_ms = next.unwrap_or(0);
        gone
    }

    fn drop_where(&mut self, doomed: impl Fn(&Entry) -> bool) -> usize {
        let taken = &mut self.taken;
        self.shelf.remove_where(doomed, |place| {
            taken.remove(&place);
        })
    }

    /// Takes the fill out of its order: nobody else can have it until [`Book::put_back`]. `false`, and nothing changes,
    /// if the order is gone or has not so much.
    #[must_use]
    pub fn take(&mut self, fill: &Fill) -> bool {
        let Some(slot) = self.slot(fill) else {
            return false;
        };
        let (entry, give) = (self.shelf.entry(slot), fill.give.units());
        let Some(rest) = entry.free.checked_sub(give).filter(|_| give >= entry.least) else {
            return false;
        };
        let place = entry.place;
        self.shelf.set_free(slot, rest);
        let taken = self.taken.entry(place).or_insert(0);
        *taken = taken.saturating_add(give);
        true
    }

    /// Takes the fill out of the order that has its id and price now, and writes the place of that order into it.
    pub(crate) fn take_again(&mut self, fill: &mut Fill) -> bool {
        let Some(slot) = self.shelf.find(&fill.order) else {
            return false;
        };
        let entry = self.shelf.entry(slot);
        let again = Fill {
            place: entry.place,
            ..*fill
        };
        let same = entry.price.of(fill.give) == Some(fill.want);
        let taken = same && self.take(&again);
        if taken {
            *fill = again;
        }
        taken
    }

    /// The fill came to nothing: what was taken is free again, at the order's own place. `false` if the order is gone
    /// or so much was not taken.
    pub fn put_back(&mut self, fill: &Fill) -> bool {
        let Some(slot) = self.slot(fill).filter(|_| self.untake(fill)) else {
            return false;
        };
        let free = self.shelf.entry(slot).free.saturating_add(fill.give.units());
        self.shelf.set_free(slot, free);
        true
    }

    /// The fill was settled: what was taken is gone for good, and with it an order of which less than its least is
    /// left. `false` if the order is gone or so much was not taken.
    pub fn spent(&mut self, fill: &Fill) -> bool {
        let Some(slot) = self.slot(fill).filter(|_| self.untake(fill)) else {
            return false;
        };
        let entry = self.shelf.entry(slot);
        let taken = self.taken.get(&entry.place).copied().unwrap_or(0);
        if entry.free.saturating_add(taken) < entry.least {
            self.taken.remove(&fill.place);
            self.shelf.remove(slot);
        }
        true
    }

    /// Whether the order of the fill is still there and has so much taken.
    #[must_use]
    pub fn holds(&self, fill: &Fill) -> bool {
        let taken = self.taken.get(&fill.place).copied().unwrap_or(0);
        self.slot(fill).is_some() && taken >= fill.give.units()
    }

    /// The order that the fill is of: by id and by place, or it is another with the same id.
    fn slot(&self, fill: &Fill) -> Option<u32> {
        let slot = self.shelf.find(&fill.order)?;
        (self.shelf.entry(slot).place == fill.place).then_some(slot)
    }

    fn untake(&mut self, fill: &Fill) -> bool {
        let Some(taken) = self.taken.get_mut(&fill.place) else {
            return false;
        };
        let Some(rest) = taken.checked_sub(fill.give.units()) else {
            return false;
        };
        *taken = rest;
        if rest == 0 {
            self.taken.remove(&fill.place);
        }
        true
    }

    /// The order with that id, its size without what was spent.
    #[must_use]
    pub fn order(&self, id: &Digest) -> Option<Order> {
        let entry = self.shelf.entry(self.shelf.find(id)?);
        Some(self.outside(entry))
    }

    /// All orders, by id.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        self.shelf.entries().map(|entry| self.outside(entry))
    }

    fn outside(&self, entry: &Entry) -> Order {
        let taken = self.taken.get(&entry.place).copied().unwrap_or(0);
        let size = entry.free.saturating_add(taken);
        let (takes, gives) = self.shelf.assets(entry.pair);
        Order {
            id: entry.id,
            source: *self.shelf.source_of(entry.source),
            takes: takes.clone(),
            gives: gives.clone(),
            price: entry.price,
            size: Amount::new(size),
            least: (entry.least < size).then(|| Amount::new(entry.least)),
            expires_ms: entry.expires_ms,
        }
    }

    /// The best `depth` prices for who gives `takes` and wants `gives`, each with what is free there.
    #[must_use]
    pub fn levels(&self, (takes, gives): (&AssetId, &AssetId), depth: usize, now_ms: u64) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        for entry in self.shelf.ranked(takes, gives).filter(|e| e.expires_ms > now_ms) {
            let size = Amount::new(entry.free);
            let price = entry.price;
            if let Some(level) = levels.last_mut().filter(|level| level.price == price) {
                level.size = level.size.checked_add(size).unwrap_or(Amount::new(u128::MAX));
            } else if levels.len() < depth {
                levels.push(Level { price, size });
            } else {
                break;
            }
        }
        levels
    }

    /// How many orders there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelf.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shelf.is_empty()
    }

    /// How much memory the orders take up, unused capacity included (bytes): exact, since all of it is in vectors.
    /// Names of pairs and sources, which are few, are left out.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.shelf.heap_bytes()
    }
}

fn check(order: &Order, least: Amount, now_ms: u64) -> Result<(), OrderRefused> {
    if order.takes == order.gives {
        return Err(OrderRefused::SameAsset(order.takes.clone()));
    }
    if least == Amount::ZERO || least > order.size {
        let size = order.size;
        return Err(OrderRefused::Least { least, size });
    }
    if order
        .price
        .of(order.size)
        .is_none_or(|gives| gives == Amount::ZERO)
    {
        let (size, price) = (order.size, order.price);
        return Err(OrderRefused::Worth { size, price });
    }
    if order.expires_ms <= now_ms {
        let expires_ms = order.expires_ms;
        return Err(OrderRefused::Expired { expires_ms, now_ms });
    }
    Ok(())
}

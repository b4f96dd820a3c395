//! Recovery records that are kept for others: sealed, so that whoever keeps one learns nothing of it, and given back to
//! nobody but its owner. A tower keeps its owners' on one, a node its counterparties'.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_journal::Journal;
use kofo_primitives::{Bytes, SwapId, UnixTime};
use std::collections::{BTreeMap, BTreeSet};

/// A recovery record has at most so many bytes.
pub const MOST_RECORD_BYTES: usize = 16 * 1024;
/// The records of one page have at most so many bytes together: with all around them they fit into one message.
const MOST_PAGE_BYTES: usize = 48 * 1024;

/// A recovery record as others keep it.
pub type SealedRecord = Bytes<MOST_RECORD_BYTES>;

/// Some of an owner's records, in the order of their swaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordPage {
    /// Swaps and their records.
    pub records: Vec<(SwapId, SealedRecord)>,
    /// There are others after these.
    pub more: bool,
}

/// How much a shelf takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfBounds {
    /// Owners at the same time.
    pub owners: usize,
    /// Records of one owner.
    pub per_owner: usize,
    /// Bytes of all records together.
    pub bytes: usize,
}

/// Why a record is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShelfFull {
    /// Too many owners.
    #[error("records of {0} owners are kept already: give this one to somebody else")]
    Owners(usize),
    /// Too many of one owner.
    #[error("{0} records of yours are kept already: wait until some of their swaps are long over")]
    Records(usize),
    /// Too many bytes.
    #[error("{0} bytes of records are kept already: give this one to somebody else")]
    Bytes(usize),
}

/// Why the records in a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] kofo_journal::Error),
    /// What was stored is no record.
    #[error("{name} in the journal is no kept record: {why}; use the version that wrote it, or report this")]
    Stored {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Slot {
    until: UnixTime,
    record: SealedRecord,
}

/// Whose, and of which swap.
type Place = (String, SwapId);

/// Records kept for others, in the journal's side table.
#[derive(Debug)]
pub struct Shelf {
    prefix: &'static str,
    bounds: ShelfBounds,
    slots: BTreeMap<Place, Slot>,
    bytes: usize,
    dirty: BTreeSet<Place>,
}

impl Shelf {
    /// Reads what is kept. `prefix` is where names in the side table begin: it ends in `/`, and nothing else begins so.
    pub fn open(
        journal: &impl Journal,
        prefix: &'static str,
        bounds: ShelfBounds,
    ) -> Result<Self, ShelfError> {
        let mut slots = BTreeMap::new();
        for (name, value) in journal.scan(prefix)? {
            let stored = |why: String| ShelfError::Stored {
                name: name.clone(),
                why,
            };
            let place = named(&name, prefix).ok_or_else(|| stored("its name is not one".to_owned()))?;
            let slot: Slot = borsh::from_slice(&value).map_err(|e| stored(e.to_string()))?;
            slots.insert(place, slot);
        }
        Ok(Self {
            prefix,
            bounds,
            bytes: slots.values().map(Slot::size).sum(),
            slots,
            dirty: BTreeSet::new(),
        })
    }

    /// Keeps a record of this owner until then. The first of a swap stays: no later one can spoil it. Durable when what
    /// [`Shelf::write`] buffers is synced.
    ///
    /// An owner's name has at most 100 bytes and no `/`: it is a key or a peer id.
    pub fn keep(
        &mut self,
        owner: &str,
        swap: SwapId,
        record: SealedRecord,
        until: UnixTime,
    ) -> Result<(), ShelfFull> {
        let place = (owner.to_owned(), swap);
        if self.slots.contains_key(&place) {
            return Ok(());
        }
        let slot = Slot { until, record };
        let ShelfBounds {
            owners,
            per_owner,
            bytes,
        } = self.bounds;
        let theirs = self.of(owner).count();
        let known: BTreeSet<_> = self.slots.keys().map(|(owner, _)| owner).collect();
        if theirs == 0 && known.len() >= owners {
            return Err(ShelfFull::Owners(owners));
        }
        if theirs >= per_owner {
            return Err(ShelfFull::Records(theirs));
        }
        let after = self.bytes.saturating_add(slot.size());
        if after > bytes {
            return Err(ShelfFull::Bytes(self.bytes));
        }
        self.bytes = after;
        self.dirty.insert(place.clone());
        self.slots.insert(place, slot);
        Ok(())
    }

    /// Drops what was to be kept until before this moment.
    pub fn forget_before(&mut self, now: UnixTime) {
        let late = self.slots.iter().filter(|(_, slot)| slot.until < now);
        let late: Vec<Place> = late.map(|(place, _)| place.clone()).collect();
        for place in late {
            if let Some(slot) = self.slots.remove(&place) {
                self.bytes = self.bytes.saturating_sub(slot.size());
            }
            self.dirty.insert(place);
        }
    }

    /// An owner's records of swaps after this one.
    #[must_use]
    pub fn page(&self, owner: &str, after: Option<SwapId>) -> RecordPage {
        let mut page = RecordPage::default();
        let mut bytes = 0usize;
        for ((_, swap), slot) in self.of(owner) {
            if after.is_some_and(|after| *swap <= after) {
                continue;
            }
            bytes = bytes.saturating_add(slot.size());
            if bytes > MOST_PAGE_BYTES {
                page.more = true;
                break;
            }
            page.records.push((*swap, slot.record.clone()));
        }
        page
    }

    fn of<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = (&'a Place, &'a Slot)> {
        let from = (owner.to_owned(), SwapId::new([0; 32]));
        self.slots
            .range(from..)
            .take_while(move |((of, _), _)| of == owner)
    }

    /// Buffers in the journal what changed; whether anything did.
    pub fn write(&mut self, journal: &mut impl Journal) -> Result<bool, kofo_journal::Error> {
        let dirty = std::mem::take(&mut self.dirty);
        for place in &dirty {
            let name = format!("{}{}/{}", self.prefix, place.0, place.1);
            match self.slots.get(place) {
                Some(slot) => {
                    let bytes = borsh::to_vec(slot).expect("writing to memory does not fail");
                    journal.put(&name, &bytes)?;
                }
                None => journal.remove(&name)?,
            }
        }
        Ok(!dirty.is_empty())
    }

    /// How many records are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl Slot {
    /// With what is around it.
    fn size(&self) -> usize {
        self.record.as_slice().len().saturating_add(200)
    }
}

fn named(name: &str, prefix: &str) -> Option<Place> {
    let (owner, swap) = name.strip_prefix(prefix)?.split_once('/')?;
    Some((owner.to_owned(), swap.parse().ok()?))
}

#[cfg(test)]
mod tests;

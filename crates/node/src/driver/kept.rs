//! Recovery records of our counterparties, which we keep for them.

use super::{Driver, DriverError};
use kofo_journal::Journal;
use kofo_primitives::{NodeId, Seconds, SwapId, UnixTime};
use kofo_tower::{RecordPage, SealedRecord, Shelf, ShelfBounds, ShelfError};

/// Names in the journal's side table begin so.
const PLACE: &str = "records/";
/// A record is kept so long after the last timelock of its swap: a restored node looks for what comes late for 14 days.
pub const RECORD_KEPT: Seconds = Seconds(30 * 24 * 60 * 60);
/// There is one record of each swap of ours at most. All of them together have far fewer bytes.
const BOUNDS: ShelfBounds = ShelfBounds {
    owners: 10_000,
    per_owner: 1_024,
    bytes: 64 * 1024 * 1024,
};

pub(super) fn open(journal: &impl Journal) -> Result<Shelf, ShelfError> {
    Shelf::open(journal, PLACE, BOUNDS)
}

impl<J: Journal> Driver<J> {
    /// Keeps the record of the other party of a swap of ours, which came from this peer. Durable after the next
    /// [`Driver::flush`].
    pub fn keep_record(
        &mut self,
        (swap, by): (SwapId, &NodeId),
        peer: &str,
        record: SealedRecord,
        now: UnixTime,
    ) -> Result<(), DriverError> {
        let live = self.swaps.get(&swap).filter(|live| live.other_party() == *by);
        let live = live.ok_or(DriverError::NoSuchSwap(swap))?;
        let legs = live.terms().legs().values();
        let last = legs.map(|leg| leg.spec.timelock).max().unwrap_or(now);
        self.shelf.forget_before(now);
        Ok(self.shelf.keep(peer, swap, record, last.plus(RECORD_KEPT))?)
    }

    /// The records that came from this peer, of swaps after this one.
    #[must_use]
    pub fn records_of(&self, peer: &str, after: Option<SwapId>) -> RecordPage {
        self.shelf.page(peer, after)
    }
}

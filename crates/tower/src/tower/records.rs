//! W10: recovery records, which a tower keeps for its owners and gives back to them.

use super::{Bounds, Refusal, Tower, TowerError};
use crate::message::{Ask, Keep};
use crate::package::PackageError;
use crate::shelf::{RecordPage, Shelf, ShelfBounds};
use kofo_journal::Journal;
use kofo_primitives::{ChainId, Signed, SwapId, UnixTime};

/// Names in the journal's side table begin so.
const PLACE: &str = "tower-record/";

pub(super) fn open(journal: &impl Journal, bounds: Bounds) -> Result<Shelf, TowerError> {
    let Bounds {
        owners,
        swaps_per_owner,
        bytes,
    } = bounds;
    let bounds = ShelfBounds {
        owners,
        per_owner: swaps_per_owner,
        bytes,
    };
    Ok(Shelf::open(journal, PLACE, bounds)?)
}

impl<J: Journal> Tower<J> {
    /// Keeps an owner's record. It may be acknowledged after the next [`Tower::flush`].
    pub fn keep(&mut self, keep: Signed<Keep>) -> Result<(), Refusal> {
        let body = &keep.body;
        self.right(body.version, &body.network)?;
        let signed = body.owner.verify(&body.id(), &keep.signature);
        signed.map_err(PackageError::from)?;
        self.serves(&body.owner)?;
        let Keep {
            owner,
            swap,
            until,
            record,
            ..
        } = keep.body;
        Ok(self.shelf.keep(&owner.to_string(), swap, record, until)?)
    }

    /// Gives an owner its records of swaps after this one.
    pub fn records(&self, ask: &Signed<Ask>, after: Option<SwapId>) -> Result<RecordPage, Refusal> {
        self.may_ask(ask)?;
        Ok(self.shelf.page(&ask.body.owner.to_string(), after))
    }

    /// Drops the records whose time is over on every chain.
    pub(super) fn forget_records(&mut self, chain: &ChainId, time: UnixTime) {
        self.times.insert(chain.clone(), time);
        if self.times.len() == self.rules.chains.len()
            && let Some(slowest) = self.times.values().min()
        {
            self.shelf.forget_before(*slowest);
        }
    }
}

//! Swaps that wait for a second word of the owner: they are agreed, and nothing of ours is built or locked for them.

use super::records::{Begin, Stored};
use super::{Driver, DriverError};
use kofo_journal::Journal;
use kofo_primitives::{SwapId, Text};
use kofo_settlement::Input;

impl<J: Journal> Driver<J> {
    /// As [`Driver::begin`], but nothing is built or locked before [`Driver::approve`]. When it is too late for our lock the
    /// swap is aborted, as every swap is.
    pub fn begin_waiting(&mut self, begin: Begin, why: &str) -> Result<SwapId, DriverError> {
        self.begin_as(begin, Some(Text::lossy(why)))
    }

    /// The owner's second word (by our clock, unix ms).
    pub fn approve(&mut self, id: SwapId, at_ms: u64) -> Result<(), DriverError> {
        self.waits(id)?;
        let stored = Stored::Approved(id, at_ms);
        self.append(&stored)?;
        self.restore(stored)?;
        self.touched.insert(id);
        Ok(())
    }

    /// The owner does not want it.
    pub fn decline(&mut self, id: SwapId) -> Result<(), DriverError> {
        self.waits(id)?;
        self.input(id, Input::Abort)
    }

    fn waits(&self, id: SwapId) -> Result<(), DriverError> {
        let live = self.swaps.get(&id).ok_or(DriverError::NoSuchSwap(id))?;
        live.waits().then_some(()).ok_or(DriverError::NotWaiting(id))
    }
}

//! Swaps of which a copy is all that is left.

use super::records::{Begin, Stored};
use super::{Driver, DriverError, Live, MAX_LIVE};
use kofo_journal::Journal;
use kofo_primitives::SwapId;

impl<J: Journal> Driver<J> {
    /// Begins a swap in the state `Restored`: it was under way when its node was lost. One that is known already stays as
    /// it is.
    pub fn restored(&mut self, begin: Begin) -> Result<SwapId, DriverError> {
        let id = begin.terms.swap();
        if self.swaps.contains_key(&id) {
            return Ok(id);
        }
        if self.live_count() >= MAX_LIVE {
            return Err(DriverError::TooMany);
        }
        let origin = begin.order.origin();
        if !self.offers.contains_key(&origin) {
            self.seen.check_hashlock(begin.order.hashlock(), origin)?;
        }
        let live = Live::restored(begin.clone())?;
        self.append(&Stored::Restored(Box::new(begin)))?;
        self.admit(live)?;
        self.touched.insert(id);
        Ok(id)
    }
}

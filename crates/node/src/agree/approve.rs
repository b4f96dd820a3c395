//! The owner's second word for what is above a limit.

use super::{AgreeError, Agreement, address};
use crate::clock::now_ms;
use crate::engine::Core;
use kofo_primitives::{Role, SettlementOrder, SwapId};

impl Agreement {
    /// Approves a swap that waits; durable when it returns. The maker of an offer that we took is told only now.
    pub async fn approve(&self, swap: SwapId) -> Result<(), AgreeError> {
        let approve = move |core: &mut Core| {
            core.driver.approve(swap, now_ms())?;
            let live = core.driver.swaps().get(&swap);
            Ok::<_, crate::driver::DriverError>(live.map(|live| (live.terms().role(), live.order().clone())))
        };
        match self.engine.call(approve).await?? {
            Some((Role::Participant, SettlementOrder::Direct(order))) => {
                let to = address(&order.offer().body.contacts)?;
                self.tell(&to, *order).await
            }
            _ => Ok(()),
        }
    }
}

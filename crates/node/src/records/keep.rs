//! What peers ask of us about records: to keep theirs, and to give them back.

use crate::agree::{AgreeError, Agreement};
use crate::backup::SwapCopy;
use crate::clock::now;
use crate::direct::{Keep, Response};
use crate::driver::DriverError;
use crate::engine::Core;
use kofo_network::PeerId;
use kofo_primitives::SwapId;

impl Agreement {
    /// S2: keeps the record of the other party of a swap, and gives ours in exchange.
    pub(crate) async fn keep(&self, from: PeerId, keep: Keep) -> Result<Response, AgreeError> {
        keep.check()?;
        let Keep { swap, record, by, .. } = keep;
        let peer = from.to_string();
        let take = move |core: &mut Core| {
            core.driver.keep_record((swap, &by), &peer, record, now())?;
            let live = core.driver.swaps().get(&swap);
            Ok::<_, DriverError>(live.map(SwapCopy::of))
        };
        // Durable when this returns.
        let copy = self.engine.call(take).await??;
        Ok(Response::Kept(copy.and_then(|copy| self.sealed(&copy))))
    }

    /// S3: gives a peer its records back.
    pub(crate) async fn give_back(
        &self,
        from: PeerId,
        after: Option<SwapId>,
    ) -> Result<Response, AgreeError> {
        let peer = from.to_string();
        let page = self
            .engine
            .call(move |core| core.driver.records_of(&peer, after))
            .await?;
        tracing::info!(%from, records = page.records.len(), "a peer gets its recovery records back");
        Ok(Response::Records(page))
    }
}

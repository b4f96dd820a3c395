//! Claims that wait for quotes.

use kofo_node::market::Market;
use kofo_primitives::ClaimId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Whether at least so many quotes came for a claim before the time is over.
pub(crate) async fn quoted(market: &Arc<Market>, claim: ClaimId, least: usize, within: Duration) -> bool {
    let mut changes = market.changes();
    let came = async {
        while market.claim_status(&claim).unwrap().quotes.len() < least {
            changes.changed().await.unwrap();
        }
    };
    timeout(within, came).await.is_ok()
}

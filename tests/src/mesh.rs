//! Many nodes of the exchange in one process: a random graph of them, neighbours that misbehave, and an ear on every
//! message.

mod crowd;
mod forge;
mod graph;
mod member;
mod reachable;
mod stranger;
mod tap;

pub use crowd::{Crowd, DEGREE, Roll, dropper, join};
pub use forge::{Flood, forged};
pub use graph::Graph;
pub use member::{Member, NETWORK, Wish, asset_id, assets, network, terms};
pub use stranger::{Stranger, Word};
pub use tap::{Tap, Tapped, Told};

use std::time::Duration;
use tokio::time::Instant;

/// Nothing here takes this long unless it hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something is so; panics with its name at the deadline.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let mut polls = tokio::time::interval(Duration::from_millis(10));
    while !condition() {
        assert!(Instant::now() < end, "never came true: {what}");
        polls.tick().await;
    }
}

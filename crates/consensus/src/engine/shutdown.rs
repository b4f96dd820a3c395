//! Stopping the engine so that nothing of it is left.
//!
//! Its supervisor would kill its parts where they stand, and a network that is killed keeps listening. So they are taken
//! from it first, and each is asked to stop, the last started first: consensus before the log that it writes, the network
//! at the end.

use arc_malachitebft_app_channel::app::engine::node::NodeRef;
use std::future::Future;
use std::time::Duration;
use tracing::warn;

/// How long a part may take before it is killed after all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parts are taken from their supervisor at once; they stop while this is awaited.
pub(super) fn shut_down(node: &NodeRef) -> impl Future<Output = ()> + Send + 'static {
    let supervisor = node.get_cell();
    let mut parts = supervisor.get_children();
    parts.sort_by_key(|part| std::cmp::Reverse(part.get_id()));
    for part in &parts {
        part.unlink(supervisor.clone());
    }
    async move {
        for part in parts {
            part.stop(None);
            if part.wait(Some(PATIENCE)).await.is_err() {
                // It may hang on purpose, lest it vote without its log.
                warn!("a part of the consensus engine does not stop and is killed");
                part.kill();
            }
        }
        if supervisor.stop_and_wait(None, Some(PATIENCE)).await.is_err() {
            supervisor.kill();
        }
    }
}

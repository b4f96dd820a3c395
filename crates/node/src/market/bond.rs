//! What is free of a provider's own bond, as validators say: a quote beyond it would make no order.

use super::Market;
use crate::clearing::Clearing;
use std::sync::Arc;
use std::time::Duration;

/// How often validators are asked. What was reserved since is told with the next answer: an order on a quote that left
/// between the two is refused, which costs nobody anything.
const BEAT: Duration = Duration::from_secs(2);
/// What people are told of it under.
const SOURCE: &str = "the provider's bond";

impl Market {
    /// Looks what is free of our bond until the node ends. While validators do not say it, what they said last counts.
    pub(super) async fn follow_bond(self: Arc<Self>, clearing: Arc<Clearing>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let view = match clearing.account(self.bond.id()).await {
                Ok(view) => view,
                Err(error) => {
                    tracing::debug!(%error, "what is free of our bond is not told now");
                    continue;
                }
            };
            let trouble = {
                let mut state = self.state();
                let reserve = state
                    .dealing
                    .as_mut()
                    .and_then(|dealing| dealing.reserve.as_mut());
                reserve.and_then(|reserve| {
                    reserve.note_free(&view);
                    reserve.covered(kofo_primitives::Amount::ZERO).err()
                })
            };
            self.trouble(SOURCE, trouble.map(|error| error.to_string()));
        }
    }
}

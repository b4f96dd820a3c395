//! Has the observer run beside the rest: a validator votes also while a chain does not answer.

use super::{FOLDER, Shared};
use crate::observer::{Eyes, ObserverParts, observe};
use kofo_node::config::Config;
use kofo_primitives::Seed;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Before chains that did not answer are asked again.
const REST: Duration = Duration::from_secs(5);

/// What a validator sees of chains.
pub enum Sight {
    /// Nothing: it abstains.
    Blind,
    /// The chains of its node's configuration.
    Node(Box<Config>),
    /// Through these.
    Through(Box<Eyes>),
}

/// Opens the eyes, and says what they see until the validator ends.
pub(super) async fn watch(shared: Arc<Shared>, sight: Sight, data: PathBuf, seed: Seed) {
    let eyes = match sight {
        Sight::Blind => return,
        Sight::Through(eyes) => *eyes,
        Sight::Node(config) if config.chains.is_empty() => return,
        Sight::Node(config) => loop {
            match Eyes::open(&config, &data, &data.join(FOLDER), &seed).await {
                Ok(eyes) => break eyes,
                Err(error) => tracing::warn!(%error, "the chains cannot be observed yet"),
            }
            tokio::time::sleep(REST).await;
        },
    };
    drop(seed);
    let intake = Arc::clone(&shared.intake);
    let parts = ObserverParts {
        network: shared.network.clone(),
        vote: shared.keys.vote(),
        eyes,
        head: shared.replica.head(),
        submit: Arc::new(move |op| intake.submit_op(op).map(drop).map_err(|e| e.to_string())),
        clock: shared.clock.clone(),
    };
    if let Err(error) = observe(parts).await {
        tracing::error!(%error, "nothing is observed any more: start the validator again");
    }
}

//! The adapters of an observer: those of the node's configuration, with keys of nobody's money.

use kofo_journal::{JournalKey, Store};
use kofo_node::config::Config;
use kofo_node::engine::Adapters;
use kofo_node::journal::SharedJournal;
use kofo_node::wiring::{WiringError, wire};
use kofo_primitives::{NetworkId, Seed};
use std::path::Path;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// The observer's folder in the validator's.
const FOLDER: &str = "observer";

/// Why no chain can be seen.
#[derive(Debug, thiserror::Error)]
pub enum EyesError {
    /// What the observer keeps.
    #[error("what the observer keeps: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// A chain.
    #[error(transparent)]
    Wiring(#[from] WiringError),
}

/// The chains that a validator sees. Its adapters have a wallet of their own that is never paid: a validator that is
/// broken into watches, and has no key to anything that its node owns.
pub struct Eyes {
    pub(super) adapters: Adapters,
    pub(super) journal: SharedJournal,
    // Makes the chains in memory go on.
    pub(super) _tasks: JoinSet<()>,
}

impl Eyes {
    /// Starts an adapter for each chain of the node's configuration. `data` is the node's folder, `folder` the
    /// validator's.
    pub async fn open(config: &Config, data: &Path, folder: &Path, seed: &Seed) -> Result<Self, EyesError> {
        let (folder, key) = (folder.join(FOLDER), journal_key(seed, &config.network));
        let store = match folder.exists() {
            true => Store::open(&folder, &key)?,
            false => Store::create(&folder, &key)?,
        };
        let journal = SharedJournal::new(store);
        let wired = wire(
            config,
            data,
            &kofo_node::signer::local(&watching(seed, &config.network)),
            &journal,
        )
        .await?;
        Ok(Self {
            adapters: wired.adapters,
            journal,
            _tasks: wired.tasks,
        })
    }

    /// Adapters that somebody else started, and where to keep what is to be kept.
    #[must_use]
    pub fn of(adapters: Adapters, journal: SharedJournal) -> Self {
        Self {
            adapters,
            journal,
            _tasks: JoinSet::new(),
        }
    }
}

impl std::fmt::Debug for Eyes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Eyes").field(&self.adapters.keys()).finish()
    }
}

fn journal_key(seed: &Seed, network: &NetworkId) -> JournalKey {
    JournalKey::from_bytes(*seed.node_secret("kofo/observer-journal/v1", network).expose())
}

/// A seed that follows from ours, and from which ours does not follow.
fn watching(seed: &Seed, network: &NetworkId) -> Seed {
    let mut both = Zeroizing::new([0; 64]);
    let (first, second) = both.split_at_mut(32);
    first.copy_from_slice(seed.node_secret("kofo/observer/v1", network).expose());
    second.copy_from_slice(seed.node_secret("kofo/observer/v1/2", network).expose());
    Seed::new(*both)
}

#[cfg(test)]
mod tests;

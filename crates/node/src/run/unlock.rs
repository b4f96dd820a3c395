//! Where a node's keys come from when it starts.

use super::RunError;
use crate::config::Config;
use crate::keystore::{self, Passphrase};
use crate::signer::{self, RemoteSigner};
use kofo_adapter_api::{Signer, SignerError};
use kofo_primitives::{NetworkId, Seed};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A signer that is away is asked again after this.
const PAUSE: Duration = Duration::from_secs(1);
/// And the log says so every so many times.
const SAID_EVERY: u32 = 30;

/// What gives a node its keys.
pub(crate) enum Unlock {
    /// Opens the keystore of the data folder.
    Passphrase(Passphrase),
    /// Has them elsewhere.
    Signer(Arc<dyn Signer>),
    /// The configuration has to name a signer.
    Configured,
}

/// What came of it.
pub(crate) struct Keys {
    /// What the node's own keys come from.
    pub(crate) seed: Seed,
    /// Who signs what moves money.
    pub(crate) signer: Arc<dyn Signer>,
}

impl Unlock {
    /// Opens the keystore, or waits for the signer: that one is started by somebody else, in whatever order.
    pub(crate) async fn keys(self, config: &Config, data: &Path) -> Result<Keys, RunError> {
        let signer: Arc<dyn Signer> = match (self, &config.signer) {
            (Self::Signer(signer), _) => signer,
            (_, Some(at)) => Arc::new(RemoteSigner::new(at.socket(data))),
            (Self::Configured, None) => return Err(RunError::NoKeys),
            (Self::Passphrase(passphrase), None) => {
                let seed = keystore::open(data, &config.network, &passphrase)?;
                let signer = signer::local(&seed);
                return Ok(Keys { seed, signer });
            }
        };
        let seed = household(&*signer, &config.network).await?;
        Ok(Keys { seed, signer })
    }
}

async fn household(signer: &dyn Signer, network: &NetworkId) -> Result<Seed, RunError> {
    let mut asked = 0u32;
    loop {
        match signer.household(network).await {
            Ok(seed) => return Ok(seed),
            Err(error @ SignerError::Refused(_)) => return Err(error.into()),
            Err(error) => {
                if asked.is_multiple_of(SAID_EVERY) {
                    tracing::warn!(%error, "the node starts when the signer answers");
                }
                asked = asked.wrapping_add(1);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

//! A lost node made anew: its folder from the 24 words and a copy of its swaps, which begin in the state
//! [`Restored`](kofo_settlement::Phase::Restored).

use crate::backup::{Backup, BackupError, SwapCopy};
use crate::config::{CONFIG_FILE, Config, ConfigError};
use crate::driver::{Begin, Driver, DriverError};
use crate::init::{self, InitError};
use crate::keystore::{KdfCost, Passphrase};
use crate::towers;
use kofo_journal::Journal;
use kofo_primitives::{NetworkId, Role, Seed};
use std::path::Path;

/// Why a node is not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The folder.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The configuration in the backup.
    #[error("the backup's configuration: {0}; name another one with --config")]
    Config(#[from] ConfigError),
    /// A configuration of another network than the backup.
    #[error("expected a configuration of network {expected}, as the backup is, got one of {got}")]
    OtherNetwork {
        /// The backup's.
        expected: NetworkId,
        /// The configuration's.
        got: NetworkId,
    },
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Swaps that the node finishes.
    pub swaps: usize,
    /// Towers that it has again.
    pub towers: usize,
    /// When the backup was made, by the node's clock, in milliseconds.
    pub made_ms: u64,
}

/// Makes the folder of a lost node. `config` is another configuration than the one in the backup, such as for a machine
/// where the chains' nodes are elsewhere.
pub fn restore(
    data: &Path,
    sealed: &[u8],
    seed: &Seed,
    (passphrase, cost): (&Passphrase, KdfCost),
    config: Option<Config>,
) -> Result<Restored, RestoreError> {
    let (network, backup) = crate::backup::open(sealed, seed)?;
    let config = match config {
        Some(config) => config,
        None => Config::parse(&backup.config, Path::new(CONFIG_FILE))?,
    };
    // The folder that is made has the seed itself, and needs no signer.
    let config = Config {
        signer: None,
        ..config
    };
    if config.network != network {
        let got = config.network;
        return Err(RestoreError::OtherNetwork {
            expected: network,
            got,
        });
    }
    let restored = Restored {
        swaps: backup.swaps.len(),
        towers: backup.towers.len(),
        made_ms: backup.made_ms,
    };
    init::init_with(data, &config, seed, (passphrase, cost), |journal| {
        fill(journal, backup, seed, &network)
    })?;
    Ok(restored)
}

/// Writes what the backup has into an empty journal, in one sync.
fn fill(
    mut journal: impl Journal,
    backup: Backup,
    seed: &Seed,
    network: &NetworkId,
) -> Result<(), DriverError> {
    for address in &backup.towers {
        // One that is no address any more is a tower less, and no reason to lose the swaps.
        if let Err(error) = towers::note(&mut journal, address) {
            tracing::warn!(%error, "a tower of the backup is left out");
        }
    }
    let mut driver = Driver::open(journal)?;
    for copy in backup.swaps {
        let contacts = copy.contacts.clone();
        let swap = driver.restored(begin(copy, seed, network))?;
        driver.contacts(swap, contacts)?;
    }
    // Nobody is asked for anything yet: the node that starts on this journal finds all of it owed.
    driver.flush().map(drop)
}

/// The initiator's preimage follows from its seed; it is kept secret until somebody else shows it.
fn begin(copy: SwapCopy, seed: &Seed, network: &NetworkId) -> Begin {
    let SwapCopy {
        order,
        terms,
        at_ms,
        contacts: _,
        preimage,
    } = copy;
    let preimage = match terms.role() {
        Role::Initiator => Some(seed.preimage(network, &order.nonce(Role::Initiator))),
        Role::Participant => preimage,
    };
    Begin::new(order, terms, preimage, at_ms)
}

#[cfg(test)]
mod tests;

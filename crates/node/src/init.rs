//! A new node: its folder with configuration, keystore and empty journal.

use crate::config::{CONFIG_FILE, Config, ConfigError};
use crate::driver::DriverError;
use crate::keystore::{self, KEYSTORE_FILE, KdfCost, KeystoreError, Passphrase};
use kofo_journal::{JournalKey, Store};
use kofo_primitives::{NetworkId, Seed};
use std::path::{Path, PathBuf};

/// Why there is no new node.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("there is a node already in {data}: choose another --data folder, or move it away")]
    Exists {
        /// The data folder.
        data: PathBuf,
    },
    /// The folder cannot be made.
    #[error("cannot make the folder {data}: {source}")]
    Folder {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration cannot be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keystore cannot be written.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The journal cannot be made.
    #[error("cannot make the journal: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What the journal is to begin with cannot be written.
    #[error("cannot write the swaps into the journal: {0}")]
    Fill(#[from] Box<DriverError>),
}

/// Whether there is a node in the folder already, or a part of one.
pub fn check_free(data: &Path) -> Result<(), InitError> {
    let taken = [CONFIG_FILE, KEYSTORE_FILE]
        .iter()
        .any(|file| data.join(file).exists());
    if taken {
        return Err(InitError::Exists {
            data: data.to_owned(),
        });
    }
    Ok(())
}

/// Makes a node in a folder that has none. The seed is kept under the passphrase.
pub fn init(
    data: &Path,
    config: &Config,
    seed: &Seed,
    passphrase: &Passphrase,
    cost: KdfCost,
) -> Result<(), InitError> {
    init_with(data, config, seed, (passphrase, cost), |_empty| Ok(()))
}

/// Makes a node whose keys the signer has: its folder gets no keystore, and the configuration should name the signer.
/// `household` is what the signer answers ([`kofo_adapter_api::Signer::household`]).
pub fn init_signed(data: &Path, config: &Config, household: &Seed) -> Result<(), InitError> {
    make(data, config, household, |_empty| Ok(()))
}

/// As [`init`]; `fill` writes what the journal is to begin with.
pub(crate) fn init_with(
    data: &Path,
    config: &Config,
    seed: &Seed,
    (passphrase, cost): (&Passphrase, KdfCost),
    fill: impl FnOnce(Store) -> Result<(), DriverError>,
) -> Result<(), InitError> {
    passphrase.check_strength().map_err(KeystoreError::from)?;
    make(data, config, seed, fill)?;
    // Last: what has a keystore is whole.
    keystore::create(data, &config.network, seed, passphrase, cost)?;
    Ok(())
}

/// All of it but the keystore.
fn make(
    data: &Path,
    config: &Config,
    seed: &Seed,
    fill: impl FnOnce(Store) -> Result<(), DriverError>,
) -> Result<(), InitError> {
    check_free(data)?;
    crate::files::create_folder(data).map_err(|source| InitError::Folder {
        data: data.to_owned(),
        source,
    })?;
    let journal = Store::create(&data.join(&config.journal), &journal_key(seed, &config.network))?;
    fill(journal).map_err(Box::new)?;
    config.save_new(data)?;
    Ok(())
}

/// The key that seals the journal.
pub(crate) fn journal_key(seed: &Seed, network: &NetworkId) -> JournalKey {
    JournalKey::from_bytes(*seed.node_secret("kofo/journal/v1", network).expose())
}

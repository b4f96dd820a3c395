//! Reads a whole journal and says whether anything in it was altered, lost or moved.

use crate::config::{Config, ConfigError};
use crate::init::journal_key;
use crate::keystore::{self, KeystoreError, Passphrase};
use kofo_journal::AuditReport;
use kofo_primitives::Seed;
use std::path::Path;

/// Why there is no audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The journal cannot be read at all.
    #[error("cannot audit the journal: {0}")]
    Journal(#[from] kofo_journal::Error),
}

/// As [`audit`], of a folder whose keys a signer has: with the household seed that it answers.
pub fn audit_signed(data: &Path, household: &Seed) -> Result<AuditReport, AuditError> {
    let config = Config::load(data)?;
    let key = journal_key(household, &config.network);
    Ok(kofo_journal::audit(&data.join(&config.journal), &key)?)
}

/// Audits the journal of a data folder; changes nothing. The node must not run.
pub fn audit(data: &Path, passphrase: &Passphrase) -> Result<AuditReport, AuditError> {
    let config = Config::load(data)?;
    let seed = keystore::open(data, &config.network, passphrase)?;
    let key = journal_key(&seed, &config.network);
    Ok(kofo_journal::audit(&data.join(&config.journal), &key)?)
}

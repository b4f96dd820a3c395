//! Where a signer is, as the configuration says it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A unix socket: `unix:` and its path, which may be relative to the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerAt(PathBuf);

/// Not a place of a signer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected unix: and the path of a socket, such as unix:/run/kofo/signer.sock, got {0:?}")]
pub struct SignerAtError(String);

impl SignerAt {
    /// The socket, seen from a data folder.
    #[must_use]
    pub fn socket(&self, data: &Path) -> PathBuf {
        data.join(&self.0)
    }
}

impl FromStr for SignerAt {
    type Err = SignerAtError;

    fn from_str(text: &str) -> Result<Self, SignerAtError> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Self(PathBuf::from(path))),
            _ => Err(SignerAtError(text.chars().take(160).collect())),
        }
    }
}

impl std::fmt::Display for SignerAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unix:{}", self.0.display())
    }
}

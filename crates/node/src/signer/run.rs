//! The signer as a process.

use super::{SignerServeError, SignerServer, confined};
use crate::keystore::{self, KeystoreError, Passphrase};
use crate::run::{RunError, Stops};
use kofo_primitives::NetworkId;
use std::path::PathBuf;

/// Why there is no signer, or why it ended.
#[derive(Debug, thiserror::Error)]
pub enum SignerRunError {
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The keystore is of another network than the command.
    #[error("expected a keystore of network {expected}, got one of {got}: check --data and --network")]
    OtherNetwork {
        /// What the command said.
        expected: NetworkId,
        /// What the keystore says.
        got: NetworkId,
    },
    /// The socket.
    #[error(transparent)]
    Serve(#[from] SignerServeError),
    /// The system.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What the signer is told.
#[derive(Debug)]
pub struct SignerProcess {
    /// The folder with the keystore; nothing else of it is looked at.
    pub data: PathBuf,
    /// What opens the keystore.
    pub passphrase: Passphrase,
    /// The network that the keystore must be of, if it matters.
    pub network: Option<NetworkId>,
    /// Where it listens.
    pub socket: PathBuf,
}

impl SignerProcess {
    /// Answers until Ctrl-C or a TERM signal. `ready` is told, once, of which network it is.
    pub async fn run(self, ready: impl FnOnce(&NetworkId)) -> Result<(), SignerRunError> {
        let mut stops = Stops::new()?;
        let (got, seed) = keystore::open_any(&self.data, &self.passphrase)?;
        drop(self.passphrase);
        if let Some(expected) = self.network.filter(|expected| *expected != got) {
            return Err(SignerRunError::OtherNetwork { expected, got });
        }
        let server = SignerServer::bind(&self.socket, got.clone()).await?;
        ready(&got);
        tokio::select! {
            served = server.serve(confined(&seed)) => Ok(served?),
            () = stops.next() => Ok(()),
        }
    }
}

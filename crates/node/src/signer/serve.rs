//! The signer's own side: answers nodes over a unix socket. Looks at no chain and keeps nothing on disk.

use super::frame::{self, Answer, Question};
use kofo_adapter_api::{Signer, SignerError};
use kofo_primitives::NetworkId;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many nodes and commands may be connected; more wait.
const MOST_AT_ONCE: usize = 16;
/// The owner and the socket's group: who else may enter is for the folder to say.
const MODE: u32 = 0o660;

/// Why a signer does not serve.
#[derive(Debug, thiserror::Error)]
pub enum SignerServeError {
    /// Another one does.
    #[error("a signer answers already at {path}: stop it, or choose another --socket", path = path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// There is something else.
    #[error("{path} is there and is no socket: choose another --socket", path = path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made or used.
    #[error("cannot listen at {path}: {source}", path = path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: Error,
    },
}

/// A signer that others can ask, of one network. The socket goes with it.
#[derive(Debug)]
pub struct SignerServer {
    listener: UnixListener,
    path: PathBuf,
    network: NetworkId,
}

impl SignerServer {
    /// Listens. What a signer that was killed left in the socket's place is removed; another one that answers is not.
    /// Must be called within a tokio runtime.
    pub async fn bind(path: &Path, network: NetworkId) -> Result<Self, SignerServeError> {
        let failed = |source| SignerServeError::Listen {
            path: path.to_owned(),
            source,
        };
        match std::fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(SignerServeError::NoSocket {
                    path: path.to_owned(),
                });
            }
            Ok(_) if UnixStream::connect(path).await.is_ok() => {
                return Err(SignerServeError::InUse {
                    path: path.to_owned(),
                });
            }
            Ok(_) => std::fs::remove_file(path).map_err(failed)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            network,
        })
    }

    /// Answers until it is dropped or the socket fails.
    pub async fn serve(&self, signer: Arc<dyn Signer>) -> Result<(), SignerServeError> {
        let room = Arc::new(Semaphore::new(MOST_AT_ONCE));
        let mut links = JoinSet::new();
        loop {
            let free = Arc::clone(&room).acquire_owned().await;
            let free = free.expect("nobody closes it");
            let accepted = self.listener.accept().await;
            let (stream, _) = accepted.map_err(|source| SignerServeError::Listen {
                path: self.path.clone(),
                source,
            })?;
            while links.try_join_next().is_some() {}
            let (signer, network) = (Arc::clone(&signer), self.network.clone());
            links.spawn(async move {
                if let Err(error) = converse(stream, &*signer, &network).await {
                    tracing::info!(%error, "a connection ended");
                }
                drop(free);
            });
        }
    }
}

impl Drop for SignerServer {
    fn drop(&mut self) {
        // Nobody else has it: whoever comes after would find nobody behind it.
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

/// Answers one connection, until it is closed or says what is no question.
async fn converse(mut stream: UnixStream, signer: &dyn Signer, network: &NetworkId) -> Result<(), Error> {
    loop {
        let question: Question = match frame::read(&mut stream).await {
            Ok(question) => question,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = match answered(signer, network, question).await {
            Ok(bytes) => Answer::Done(bytes),
            Err(error) => {
                tracing::warn!(%error, "refused");
                Answer::Refused(match error {
                    SignerError::Refused(why) | SignerError::Unreachable(why) => why,
                })
            }
        };
        frame::write(&mut stream, &answer).await?;
    }
}

async fn answered(
    signer: &dyn Signer,
    network: &NetworkId,
    question: Question,
) -> Result<Vec<u8>, SignerError> {
    let ours = |of: &NetworkId| match of == network {
        true => Ok(()),
        false => Err(SignerError::Refused(format!(
            "expected a node of network {network}, got one of {of}"
        ))),
    };
    match question {
        Question::Hashlock(of, nonce) => {
            ours(&of)?;
            Ok(signer.hashlock(&of, &nonce).await?.as_bytes().to_vec())
        }
        Question::Preimage(of, nonce) => {
            ours(&of)?;
            Ok(signer.preimage(&of, &nonce).await?.expose().to_vec())
        }
        Question::Household(of) => {
            ours(&of)?;
            Ok(signer.household(&of).await?.expose().to_vec())
        }
        Question::Keys { family, question } => Ok(signer.ask(&family, &question).await?.to_vec()),
    }
}

//! A signer in another process, as the node sees it.

use super::frame::{self, Answer, Question};
use async_trait::async_trait;
use kofo_adapter_api::{Signer, SignerError};
use kofo_primitives::{Hashlock, NetworkId, Preimage, Seed, SwapNonce};
use std::io::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A signer that does not answer by then is away. It signs within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever was away is not tried again before this: everything that is owed asks, many times a second.
const PAUSE: Duration = Duration::from_millis(500);

/// A signer behind a unix socket. Connects when it is asked, and again when the connection broke.
pub struct RemoteSigner {
    socket: PathBuf,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    /// Taken out while a question is under way: what was left in the middle of one is of no use.
    stream: Option<UnixStream>,
    /// Since when, and why, it does not answer.
    away: Option<(Instant, String)>,
}

impl RemoteSigner {
    /// Does not connect yet.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            link: Mutex::default(),
        }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn asked(&self, question: &Question) -> Result<Zeroizing<Vec<u8>>, SignerError> {
        let mut link = self.link.lock().await;
        if let Some((since, why)) = &link.away
            && since.elapsed() < PAUSE
        {
            return Err(SignerError::Unreachable(why.clone()));
        }
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(&mut link, question)).await;
        let late = || Error::other(format!("no answer within {} s", PATIENCE.as_secs()));
        match exchanged.unwrap_or_else(|_| Err(late())) {
            Ok(mut answer) => {
                link.away = None;
                match &mut answer {
                    Answer::Done(bytes) => Ok(Zeroizing::new(std::mem::take(bytes))),
                    Answer::Refused(why) => Err(SignerError::Refused(why.clone())),
                }
            }
            Err(error) => {
                let why = format!("{}: {error}", self.socket.display());
                link.away = Some((Instant::now(), why.clone()));
                Err(SignerError::Unreachable(why))
            }
        }
    }

    /// Over the connection that there is, or, if the signer was started anew meanwhile, over another one.
    async fn exchange(&self, link: &mut Link, question: &Question) -> Result<Answer, Error> {
        if let Some(stream) = link.stream.take()
            && let Ok((stream, answer)) = over(stream, question).await
        {
            link.stream = Some(stream);
            return Ok(answer);
        }
        let (stream, answer) = over(UnixStream::connect(&self.socket).await?, question).await?;
        link.stream = Some(stream);
        Ok(answer)
    }

    async fn array(&self, question: &Question) -> Result<Zeroizing<[u8; 32]>, SignerError> {
        let answer = self.asked(question).await?;
        let bytes = <[u8; 32]>::try_from(answer.as_slice());
        Ok(Zeroizing::new(bytes.map_err(|_| odd(32, answer.len()))?))
    }
}

async fn over(mut stream: UnixStream, question: &Question) -> Result<(UnixStream, Answer), Error> {
    frame::write(&mut stream, question).await?;
    let answer = frame::read(&mut stream).await?;
    Ok((stream, answer))
}

fn odd(expected: usize, got: usize) -> SignerError {
    SignerError::Refused(format!("expected an answer of {expected} bytes, got {got}"))
}

#[async_trait]
impl Signer for RemoteSigner {
    async fn hashlock(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Hashlock, SignerError> {
        let bytes = self.array(&Question::Hashlock(network.clone(), *nonce)).await?;
        Ok(Hashlock::new(*bytes))
    }

    async fn preimage(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Preimage, SignerError> {
        let bytes = self.array(&Question::Preimage(network.clone(), *nonce)).await?;
        Ok(Preimage::new(*bytes))
    }

    async fn household(&self, network: &NetworkId) -> Result<Seed, SignerError> {
        let answer = self.asked(&Question::Household(network.clone())).await?;
        let bytes = <[u8; 64]>::try_from(answer.as_slice());
        let bytes = Zeroizing::new(bytes.map_err(|_| odd(64, answer.len()))?);
        Ok(Seed::new(*bytes))
    }

    async fn ask(&self, family: &str, question: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignerError> {
        let (family, question) = (family.to_owned(), question.to_vec());
        self.asked(&Question::Keys { family, question }).await
    }
}

impl std::fmt::Debug for RemoteSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteSigner({})", self.socket.display())
    }
}

//! What the node sees of any network, real or simulated.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::address::PeerAddress;
use crate::error::RequestError;
use crate::identity::PeerId;

/// A way to ask peers. What they ask comes by the [`Inbound`] that was handed out beside it.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Our own name.
    fn peer_id(&self) -> PeerId;

    /// Where we listen now, as full multiaddrs with our `/p2p/` id: what to tell others. May grow and
    /// shrink with the machine's interfaces.
    fn listen_addresses(&self) -> Vec<String>;

    /// Sends `body` to a peer and waits for its answer, at most `Limits::request_timeout`.
    /// Connects if need be. At most once: it is never sent a second time by itself.
    async fn request(&self, to: &PeerAddress, body: Vec<u8>) -> Result<Vec<u8>, RequestError>;
}

/// What peers ask of us, in order of arrival. Dropping it leaves every later request without an answer.
pub struct Inbound {
    requests: mpsc::Receiver<InboundRequest>,
}

impl Inbound {
    /// A bounded queue for `capacity` requests.
    pub(crate) fn channel(capacity: usize) -> (mpsc::Sender<InboundRequest>, Self) {
        let (sender, requests) = mpsc::channel(capacity);
        (sender, Self { requests })
    }

    /// The next request; `None` once the network has shut down. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<InboundRequest> {
        self.requests.recv().await
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbound({} waiting)", self.requests.len())
    }
}

/// A request that waits for our answer.
pub struct InboundRequest {
    /// Who asks, proven by the handshake of the connection.
    pub from: PeerId,
    /// What was sent: at most `Limits::message_bytes`, otherwise unchecked.
    pub body: Vec<u8>,
    /// Takes the answer. Drop it to give none: the peer gets [`RequestError::NoAnswer`].
    pub responder: Responder,
}

impl fmt::Debug for InboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies may carry what must not reach a log.
        write!(f, "InboundRequest({} bytes from {})", self.body.len(), self.from)
    }
}

/// The way back for one answer. Holds one of its peer's places in flight until it is used or dropped.
#[derive(Debug)]
pub struct Responder {
    answer: oneshot::Sender<Vec<u8>>,
    max: u32,
}

impl Responder {
    pub(crate) fn new(max: u32) -> (Self, oneshot::Receiver<Vec<u8>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { answer, max }, receiver)
    }

    /// Sends the answer. A peer that has gone away meanwhile is no error: it asks again.
    pub fn respond(self, answer: Vec<u8>) -> Result<(), AnswerTooLarge> {
        if answer.len() > self.max as usize {
            return Err(AnswerTooLarge {
                size: answer.len(),
                max: self.max,
            });
        }
        // The receiver is gone only when the network is down or the asker gave up.
        let _gone = self.answer.send(answer);
        Ok(())
    }
}

/// An answer that no peer would take. Nothing was sent; the peer gets [`RequestError::NoAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected an answer of at most {max} bytes, got {size}; send less")]
pub struct AnswerTooLarge {
    /// Size of the answer, in bytes.
    pub size: usize,
    /// The limit, in bytes.
    pub max: u32,
}

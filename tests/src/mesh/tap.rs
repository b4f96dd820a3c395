//! An ear on a node's messages, after decryption: what its neighbours and it say to each other.

use async_trait::async_trait;
use kofo_network::{
    Fault, Mesh, Neighbour, PeerAddress, PeerId, Plane, PublishError, RequestError, Topic, Transport,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// One message as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who said it.
    pub from: PeerId,
    /// To whom.
    pub to: PeerId,
    /// Asked on which plane; the answer goes with it.
    pub plane: Plane,
    /// What was asked.
    pub body: Vec<u8>,
    /// What was answered, if anything was.
    pub answer: Option<Vec<u8>>,
    /// When the answer was back, or it was clear that none comes.
    pub over: Instant,
}

/// What was heard; clones hear the same.
#[derive(Clone, Default)]
pub struct Tap {
    told: Arc<Mutex<Vec<Told>>>,
    messages: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    counts_only: bool,
}

impl Tap {
    /// An ear that counts and keeps nothing.
    #[must_use]
    pub fn counting() -> Self {
        Self {
            counts_only: true,
            ..Self::default()
        }
    }

    /// Everything so far.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// How many messages there were, and how many bytes they had: questions with their answers, gossip by each that
    /// published it, no framing.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        let [messages, bytes] = [&self.messages, &self.bytes].map(|count| count.load(Ordering::Relaxed));
        (messages, bytes)
    }

    fn count(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(u64::try_from(bytes).unwrap(), Ordering::Relaxed);
    }

    fn hear(&self, told: Told) {
        self.count(told.body.len() + told.answer.as_ref().map_or(0, Vec::len));
        if !self.counts_only {
            self.told.lock().unwrap().push(told);
        }
    }
}

/// A node's mesh with an ear on it.
pub struct Tapped<M> {
    mesh: M,
    tap: Tap,
}

impl<M: Mesh> Tapped<M> {
    /// Puts the ear on.
    pub const fn new(mesh: M, tap: Tap) -> Self {
        Self { mesh, tap }
    }
}

#[async_trait]
impl<M: Mesh> Transport for Tapped<M> {
    fn peer_id(&self) -> PeerId {
        self.mesh.peer_id()
    }

    fn listen_addresses(&self) -> Vec<String> {
        self.mesh.listen_addresses()
    }

    async fn request(&self, to: &PeerAddress, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        self.mesh.request(to, body).await
    }
}

#[async_trait]
impl<M: Mesh> Mesh for Tapped<M> {
    fn neighbours(&self) -> Vec<Neighbour> {
        self.mesh.neighbours()
    }

    async fn ask(&self, to: PeerId, plane: Plane, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let answer = self.mesh.ask(to, plane, body.clone()).await;
        self.tap.hear(Told {
            from: self.mesh.peer_id(),
            to,
            plane,
            body,
            answer: answer.as_ref().ok().cloned(),
            over: Instant::now(),
        });
        answer
    }

    fn publish(&self, topic: Topic, body: Vec<u8>) -> Result<(), PublishError> {
        self.tap.count(body.len());
        self.mesh.publish(topic, body)
    }

    fn judge(&self, peer: PeerId, fault: Fault) {
        self.mesh.judge(peer, fault);
    }

    async fn connect(&self, to: &PeerAddress) -> Result<(), RequestError> {
        self.mesh.connect(to).await
    }
}

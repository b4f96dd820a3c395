//! What leaves to one neighbour: a bounded queue for each plane, so that one that is slow holds up nobody else.

use kofo_exchange::{ClaimReply, ReturnReply};
use kofo_network::{Mesh, PeerId, Plane, RequestError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Messages that wait for one neighbour on one plane; what finds no room is lost, as on any network.
const WAITING: usize = 512;
/// Messages on their way to one neighbour on one plane.
const AT_ONCE: usize = 4;
/// After a failure, and when the neighbour takes no more at this pace.
const PAUSE: Duration = Duration::from_millis(300);
/// A message waits at most so often for the neighbour's pace.
const PATIENCE: u32 = 32;

/// The way to one neighbour. What waits is lost when it is dropped.
pub(super) struct Outbox {
    claims: mpsc::Sender<Vec<u8>>,
    returns: mpsc::Sender<Vec<u8>>,
    failed: Arc<AtomicU32>,
    tasks: [AbortHandle; 2],
}

impl Outbox {
    pub(super) fn open(mesh: &Arc<dyn Mesh>, peer: PeerId) -> Self {
        let failed = Arc::new(AtomicU32::new(0));
        let open = |plane| {
            let (queue, inbox) = mpsc::channel(WAITING);
            let way = Way {
                mesh: Arc::clone(mesh),
                peer,
                plane,
                failed: Arc::clone(&failed),
            };
            (queue, tokio::spawn(way.deliver(inbox)).abort_handle())
        };
        let (claims, first) = open(Plane::Claim);
        let (returns, second) = open(Plane::Return);
        Self {
            claims,
            returns,
            failed,
            tasks: [first, second],
        }
    }

    /// Queues a message; whether there was room.
    pub(super) fn send(&self, plane: Plane, body: Vec<u8>) -> bool {
        let queue = match plane {
            Plane::Claim => &self.claims,
            Plane::Return | Plane::Direct => &self.returns,
        };
        queue.try_send(body).is_ok()
    }

    /// How many messages did not arrive.
    pub(super) fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

#[derive(Clone)]
struct Way {
    mesh: Arc<dyn Mesh>,
    peer: PeerId,
    plane: Plane,
    failed: Arc<AtomicU32>,
}

impl Way {
    async fn deliver(self, mut inbox: mpsc::Receiver<Vec<u8>>) {
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                body = inbox.recv(), if under_way.len() < AT_ONCE => match body {
                    Some(body) => drop(under_way.spawn(self.clone().send(body))),
                    None => return,
                },
                Some(_sent) = under_way.join_next(), if !under_way.is_empty() => {}
            }
        }
    }

    /// Sends it, once more after a failure; who does not take it even then is rated by that.
    async fn send(self, body: Vec<u8>) {
        let mut tried = false;
        for _ in 0..PATIENCE {
            match self.mesh.ask(self.peer, self.plane, body.clone()).await {
                Ok(reply) => return self.look_at(&reply),
                Err(RequestError::NoNeighbour { .. }) => break,
                Err(RequestError::TooFast { .. }) => {}
                Err(error) if tried => {
                    tracing::debug!(peer = %self.peer, %error, "a message did not arrive");
                    break;
                }
                Err(_) => tried = true,
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// What a neighbour refuses is its right; it is told apart from what did not arrive.
    fn look_at(&self, reply: &[u8]) {
        let refused = match self.plane {
            Plane::Claim => match ClaimReply::read(reply) {
                Ok(ClaimReply::Refused(why)) => Some(why),
                Ok(ClaimReply::Taken | ClaimReply::Linked(_)) | Err(_) => None,
            },
            Plane::Return | Plane::Direct => match ReturnReply::read(reply) {
                Ok(ReturnReply::Refused(why)) => Some(why),
                Ok(ReturnReply::Taken) | Err(_) => None,
            },
        };
        if let Some(why) = refused {
            tracing::debug!(peer = %self.peer, plane = ?self.plane, %why, "a neighbour refused a message");
        }
    }
}

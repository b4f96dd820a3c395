//! The way of operations to the other validators: one queue for each, so that one that is down holds up no other.

use futures::StreamExt as _;
use futures::stream;
use kofo_clearance::{CheckedOp, Request};
use kofo_network::{PeerAddress, PeerId, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// So many operations wait for one validator; the newest are left out beyond it, and proposed by us alone.
const QUEUE: usize = 4_096;
/// So many are on their way to one validator at a time.
const AT_ONCE: usize = 8;
/// An operation is sent so often.
const TRIES: u32 = 3;
/// Before it is sent again.
const REST: Duration = Duration::from_millis(500);

/// The other validators' services.
pub type Peers = BTreeMap<PeerId, PeerAddress>;

/// Sends operations to all other validators.
#[derive(Clone, Default)]
pub struct Forward {
    queues: Arc<Vec<mpsc::Sender<Arc<CheckedOp>>>>,
}

impl Forward {
    /// To these, over this network, on tasks that end with the last handle.
    pub fn start(transport: &Arc<dyn Transport>, peers: &Peers) -> Self {
        let us = transport.peer_id();
        let others = peers.values().filter(|peer| peer.peer() != us);
        let start = |peer: &PeerAddress| {
            let (queue, ops) = mpsc::channel(QUEUE);
            tokio::spawn(pass(Arc::clone(transport), peer.clone(), ops));
            queue
        };
        Self {
            queues: Arc::new(others.map(start).collect()),
        }
    }

    /// Sends an operation, as soon as it can be.
    pub fn send(&self, op: Arc<CheckedOp>) {
        for queue in self.queues.iter() {
            if queue.try_send(Arc::clone(&op)).is_err() {
                tracing::debug!("a validator is behind: it is not told of an operation");
            }
        }
    }
}

async fn pass(transport: Arc<dyn Transport>, to: PeerAddress, ops: mpsc::Receiver<Arc<CheckedOp>>) {
    let ops = stream::unfold(ops, |mut ops| async { Some((ops.recv().await?, ops)) });
    ops.for_each_concurrent(AT_ONCE, |op| one(&transport, &to, op))
        .await;
}

async fn one(transport: &Arc<dyn Transport>, to: &PeerAddress, op: Arc<CheckedOp>) {
    let request = Request::Op(op.bytes().to_vec()).write();
    for again in 1..=TRIES {
        match transport.request(to, request.clone()).await {
            Ok(_) => return,
            Err(error) if again == TRIES => {
                tracing::debug!(peer = %to.peer(), %error, "an operation is not passed on");
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Forward(to {})", self.queues.len())
    }
}

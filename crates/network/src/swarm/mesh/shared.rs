//! What the task of a swarm and the handles on it both know.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::admission::{Admission, Admit};
use crate::identity::PeerId;
use crate::mesh::{MeshLimits, Neighbour};
use crate::score::{Fault, Scores};

use super::Peers;

/// What the handles of a network read and write beside its task.
pub(crate) struct Shared {
    peers: Mutex<Peers>,
    scores: Mutex<Scores>,
    /// Somebody was banned.
    pub(super) judged: Notify,
    /// How much gossip we say and pass on: no more than others take from us, whoever said it first.
    told: Mutex<Admission>,
}

impl Shared {
    pub(super) fn new(limits: &MeshLimits) -> Self {
        Self {
            peers: Mutex::default(),
            scores: Mutex::default(),
            judged: Notify::new(),
            told: Mutex::new(Admission::new(&limits.own_gossip_allowance())),
        }
    }

    /// Whether we may tell everybody one more thing.
    pub(crate) fn may_tell(&self, us: PeerId) -> bool {
        let mut told = self.told.lock().expect("nothing panics while it holds the pace");
        told.spend(us, Instant::now()) == Admit::Yes
    }

    pub(crate) fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers
            .lock()
            .expect("nothing panics while it holds the peers")
    }

    pub(crate) fn scores(&self) -> MutexGuard<'_, Scores> {
        self.scores
            .lock()
            .expect("nothing panics while it holds the scores")
    }

    pub(crate) fn neighbours(&self) -> Vec<Neighbour> {
        let now = Instant::now();
        self.peers().neighbours(|peer| self.scores().score(peer, now))
    }

    pub(crate) fn judge(&self, peer: PeerId, fault: Fault) {
        if self.scores().judge(peer, fault, Instant::now()) {
            self.judged.notify_one();
        }
    }
}

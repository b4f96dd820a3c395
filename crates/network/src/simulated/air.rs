//! What stands between simulated nodes: who is there, who is linked, what gets lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::identity::PeerId;
use crate::mesh::{MeshLimits, unix_ms};
use crate::transport::InboundRequest;

use super::member::Member;

pub(super) struct Air {
    nodes: BTreeMap<PeerId, Node>,
    /// Messages sent over each way, from and to.
    pub(super) counts: BTreeMap<(PeerId, PeerId), u64>,
    /// Islands of the partition; a node in none is on island 0.
    islands: BTreeMap<PeerId, usize>,
    /// Pairs that are to be neighbours; who dialed stands first.
    links: BTreeSet<(PeerId, PeerId)>,
    pub(super) loss_per_mille: u16,
    pub(super) latency: RangeInclusive<Duration>,
    pub(super) mesh_limits: MeshLimits,
}

struct Node {
    queue: mpsc::Sender<InboundRequest>,
    member: Option<Arc<Member>>,
    /// The neighbours that it has now.
    neighbours: BTreeMap<PeerId, Contact>,
}

/// How a neighbour is connected.
#[derive(Clone, Copy)]
pub(super) struct Contact {
    pub(super) outgoing: bool,
    pub(super) since_ms: u64,
}

impl Default for Air {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::new(),
            counts: BTreeMap::new(),
            islands: BTreeMap::new(),
            links: BTreeSet::new(),
            loss_per_mille: 0,
            latency: Duration::ZERO..=Duration::ZERO,
            mesh_limits: MeshLimits::default(),
        }
    }
}

impl Air {
    /// The low half of a draw decides on loss.
    pub(super) fn loses(&self, draw: u64) -> bool {
        (draw & 0xffff_ffff) % 1000 < u64::from(self.loss_per_mille)
    }

    /// The high half of a draw decides on latency.
    pub(super) fn delays(&self, draw: u64) -> Duration {
        let (least, most) = (self.latency.start().as_micros(), self.latency.end().as_micros());
        let spread = most.saturating_sub(least) + 1;
        let micros = least + u128::from(draw >> 32) % spread;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn queue(&self, peer: PeerId) -> Option<mpsc::Sender<InboundRequest>> {
        self.nodes.get(&peer).map(|node| node.queue.clone())
    }

    pub(super) fn member(&self, peer: PeerId) -> Option<Arc<Member>> {
        self.nodes.get(&peer)?.member.clone()
    }

    /// The neighbours of a node now.
    pub(super) fn neighbours(&self, peer: PeerId) -> BTreeMap<PeerId, Contact> {
        self.nodes
            .get(&peer)
            .map(|node| node.neighbours.clone())
            .unwrap_or_default()
    }

    pub(super) fn are_neighbours(&self, a: PeerId, b: PeerId) -> bool {
        self.nodes
            .get(&a)
            .is_some_and(|node| node.neighbours.contains_key(&b))
    }

    /// Whether the partition runs between two nodes.
    pub(super) fn cut(&self, a: PeerId, b: PeerId) -> bool {
        self.islands.get(&a) != self.islands.get(&b)
    }

    pub(super) fn enter(
        &mut self,
        us: PeerId,
        queue: mpsc::Sender<InboundRequest>,
        member: Option<Arc<Member>>,
    ) {
        self.remove(us);
        let node = Node {
            queue,
            member,
            neighbours: BTreeMap::new(),
        };
        self.nodes.insert(us, node);
        self.settle(us);
    }

    pub(super) fn leave(&mut self, us: PeerId, queue: &mpsc::Sender<InboundRequest>) {
        if self
            .nodes
            .get(&us)
            .is_some_and(|node| node.queue.same_channel(queue))
        {
            self.remove(us);
        }
    }

    pub(super) fn divide(&mut self, islands: BTreeMap<PeerId, usize>) {
        self.islands = islands;
        for (a, b) in self.links.clone() {
            self.settle_pair(a, b);
        }
    }

    pub(super) fn link(&mut self, a: PeerId, b: PeerId) {
        if a == b || self.links.contains(&(b, a)) || self.bans(a, b) || self.bans(b, a) {
            return;
        }
        self.links.insert((a, b));
        self.settle_pair(a, b);
    }

    pub(super) fn unlink(&mut self, a: PeerId, b: PeerId) {
        self.links.remove(&(a, b));
        self.links.remove(&(b, a));
        self.settle_pair(a, b);
    }

    pub(super) fn bans(&self, judge: PeerId, peer: PeerId) -> bool {
        self.member(judge)
            .is_some_and(|member| member.bans(peer, Instant::now()))
    }

    fn remove(&mut self, us: PeerId) {
        let Some(node) = self.nodes.remove(&us) else {
            return;
        };
        for peer in node.neighbours.into_keys() {
            self.settle_pair(us, peer);
        }
    }

    fn settle(&mut self, us: PeerId) {
        let ours = self.links.iter().filter(|(a, b)| *a == us || *b == us);
        for (a, b) in ours.copied().collect::<Vec<_>>() {
            self.settle_pair(a, b);
        }
    }

    /// Makes two nodes neighbours or ends it, as their link, the partition and their presence say.
    fn settle_pair(&mut self, a: PeerId, b: PeerId) {
        let (forth, back) = (self.links.contains(&(a, b)), self.links.contains(&(b, a)));
        let both = self.member(a).is_some() && self.member(b).is_some();
        let wanted = (forth || back) && both && !self.cut(a, b);
        let since_ms = unix_ms();
        for (us, peer, outgoing) in [(a, b, forth), (b, a, back)] {
            let Some(node) = self.nodes.get_mut(&us) else {
                continue;
            };
            let Some(member) = &node.member else { continue };
            if wanted && !node.neighbours.contains_key(&peer) {
                node.neighbours.insert(peer, Contact { outgoing, since_ms });
                member.events.joined(peer);
            } else if !wanted && node.neighbours.remove(&peer).is_some() {
                member.events.left(peer);
            }
        }
    }
}

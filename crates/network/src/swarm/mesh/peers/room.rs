//! Which connections stay: the mesh must leave room for direct messages.
//!
//! Gossip keeps a stream open for as long as both sides are there, so no connection between nodes of a mesh
//! ever becomes idle by itself; and each search for peers makes some that nobody needs afterwards.

use std::time::Duration;

use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use crate::identity::PeerId;

use super::{Contact, Peer, Peers};

/// A connection that is not kept and that no direct message has used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

impl Peers {
    /// A direct message has gone to or come from a peer.
    pub(crate) fn used(&mut self, peer: PeerId) {
        if let Some(peer) = self.0.get_mut(&peer) {
            peer.direct = Some(Instant::now());
        }
    }

    /// A peer listens through us from now on, or does no longer.
    pub(crate) fn reserved(&mut self, peer: PeerId, reserved: bool) {
        if let Some(peer) = self.0.get_mut(&peer) {
            peer.reserved = reserved;
        }
    }

    /// Connections to be kept from now on although idle: those of `wanted` peers, and of other neighbours
    /// as long as not more than `outgoing` or `incoming` of either kind are kept.
    pub(crate) fn keep(
        &mut self,
        wanted: impl Fn(PeerId) -> bool,
        outgoing: usize,
        incoming: usize,
    ) -> Vec<(PeerId, ConnectionId)> {
        let kept = |ours: bool| {
            let contacts = self.0.values().flat_map(|peer| &peer.contacts);
            contacts
                .filter(|contact| contact.kept && contact.outgoing == ours)
                .count()
        };
        let mut left = [
            incoming.saturating_sub(kept(false)),
            outgoing.saturating_sub(kept(true)),
        ];
        let mut keep = Vec::new();
        for (id, peer) in self.0.iter_mut().filter(|(_, peer)| peer.is_neighbour()) {
            for contact in peer.contacts.iter_mut().filter(|contact| !contact.kept) {
                let room = &mut left[usize::from(contact.outgoing)];
                if wanted(*id) || *room > 0 {
                    *room = room.saturating_sub(1);
                    contact.kept = true;
                    keep.push((*id, contact.connection));
                }
            }
        }
        keep
    }

    /// Connections with neighbours to be closed: those that are idle and neither kept nor `wanted`, and before
    /// they are idle, the oldest, while their kind has more than half of all connections that it may have.
    pub(crate) fn surplus(
        &self,
        wanted: impl Fn(PeerId) -> bool,
        now: Instant,
        outgoing: usize,
        incoming: usize,
    ) -> Vec<ConnectionId> {
        let unused = |peer: &Peer| {
            let last = peer.direct.map(|last| now.saturating_duration_since(last));
            last.is_none_or(|since| since >= IDLE)
        };
        let loose = |id: PeerId, peer: &Peer| {
            peer.speaks == Some(true) && !peer.reserved && unused(peer) && !wanted(id)
        };
        let mut surplus = Vec::new();
        for (ours, most) in [(true, outgoing), (false, incoming)] {
            let of_kind = |contact: &&Contact| contact.outgoing == ours;
            let total = self.0.values().flat_map(|peer| &peer.contacts);
            let over = total.filter(of_kind).count().saturating_sub(most / 2);
            let peers = self.0.iter().filter(|(id, peer)| loose(**id, peer));
            let contacts = peers.flat_map(|(_, peer)| &peer.contacts).filter(of_kind);
            let mut loose: Vec<_> = contacts.filter(|contact| !contact.kept).collect();
            loose.sort_by_key(|contact| contact.since);
            let closed = loose
                .into_iter()
                .enumerate()
                .filter(|(n, contact)| *n < over || now.saturating_duration_since(contact.since) >= IDLE);
            surplus.extend(closed.map(|(_, contact)| contact.connection));
        }
        surplus
    }
}

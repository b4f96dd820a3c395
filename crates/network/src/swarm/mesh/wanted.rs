//! Peers that are to stay neighbours: the bootstrap peers and those that the owner named.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::address::PeerAddress;
use crate::error::RequestError;
use crate::identity::PeerId;
use crate::swarm::outbound::{Errand, Outgoing};

/// Peers that may be wanted. The owner names them, so this bound is for his mistakes.
pub(crate) const MAX_WANTED: usize = 64;
/// Between two attempts, at first; doubled after each failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two attempts at most.
const LAST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Wanted(BTreeMap<PeerId, Entry>);

struct Entry {
    address: PeerAddress,
    /// Whether we want to listen through this peer.
    relay: bool,
    listener: Option<ListenerId>,
    /// Dial, or ask for a place to listen, no sooner.
    next: Instant,
    pause: Duration,
    /// An attempt under way.
    attempt: Option<oneshot::Receiver<Result<Vec<u8>, RequestError>>>,
}

impl Entry {
    fn failed(&mut self, now: Instant) {
        self.next = now + self.pause;
        self.pause = self.pause.saturating_mul(2).min(LAST_PAUSE);
    }
}

impl Wanted {
    /// Wants a peer; the addresses of a known one are replaced. With no room, it is not kept.
    pub(crate) fn want(&mut self, address: PeerAddress, relay: bool) {
        let peer = address.peer();
        if let Some(entry) = self.0.get_mut(&peer) {
            entry.address = address;
            entry.relay |= relay;
        } else if self.0.len() < MAX_WANTED {
            let entry = Entry {
                address,
                relay,
                listener: None,
                next: Instant::now(),
                pause: FIRST_PAUSE,
                attempt: None,
            };
            self.0.insert(peer, entry);
        }
    }

    pub(crate) fn contains(&self, peer: PeerId) -> bool {
        self.0.contains_key(&peer)
    }

    /// Errands to wanted peers that are no neighbours now.
    pub(crate) fn errands(&mut self, now: Instant, neighbour: impl Fn(PeerId) -> bool) -> Vec<Outgoing> {
        let mut errands = Vec::new();
        for (peer, entry) in &mut self.0 {
            if neighbour(*peer) {
                entry.attempt = None;
                if entry.listener.is_some() || !entry.relay {
                    entry.pause = FIRST_PAUSE;
                }
                continue;
            }
            let under_way = entry
                .attempt
                .as_mut()
                .is_some_and(|attempt| attempt.try_recv() == Err(oneshot::error::TryRecvError::Empty));
            if under_way || now < entry.next {
                continue;
            }
            entry.failed(now);
            let (reply, attempt) = oneshot::channel();
            entry.attempt = Some(attempt);
            errands.push(Outgoing {
                to: entry.address.clone(),
                errand: Errand::Connect,
                reply,
            });
        }
        errands
    }

    /// Circuits to listen on: one through each wanted relay that has none yet.
    pub(crate) fn circuits(
        &mut self,
        now: Instant,
        ready: impl Fn(PeerId) -> bool,
    ) -> Vec<(PeerId, Multiaddr)> {
        let mut circuits = Vec::new();
        for (peer, entry) in &mut self.0 {
            if !entry.relay || entry.listener.is_some() || now < entry.next || !ready(*peer) {
                continue;
            }
            let Some(address) = entry.address.addresses().first().cloned() else {
                continue;
            };
            entry.failed(now);
            let circuit = address.with(Protocol::P2p(peer.0)).with(Protocol::P2pCircuit);
            circuits.push((*peer, circuit));
        }
        circuits
    }

    pub(crate) fn listening(&mut self, peer: PeerId, listener: ListenerId) {
        if let Some(entry) = self.0.get_mut(&peer) {
            entry.listener = Some(listener);
        }
    }

    pub(crate) fn listener_closed(&mut self, listener: ListenerId) {
        for entry in self.0.values_mut() {
            if entry.listener == Some(listener) {
                entry.listener = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;

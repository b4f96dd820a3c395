//! Who is connected, and who of them is a neighbour.

mod room;

use std::collections::HashMap;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use crate::address::full;
use crate::identity::PeerId;
use crate::mesh::{Neighbour, unix_ms};

/// Longest name of a program that is looked at, in characters.
const MAX_AGENT: usize = 64;

/// A peer that speaks to us and does not listen by then is not worth its connection.
const DEAF: Duration = Duration::from_secs(10);

/// Everybody who is connected; bounded by the limits of connections.
#[derive(Default)]
pub(crate) struct Peers(HashMap<PeerId, Peer>);

struct Peer {
    contacts: Vec<Contact>,
    since_ms: u64,
    met: Instant,
    /// When a direct message last went either way.
    direct: Option<Instant>,
    /// Whether it listens through us.
    reserved: bool,
    agent: Option<String>,
    /// Whether it speaks the claim plane; unknown until it has said so.
    speaks: Option<bool>,
    /// Whether it speaks none of our protocols, by its own word.
    stranger: bool,
    /// Whether it listens to our gossip.
    hears: bool,
    /// Whether it carries circuits for others.
    relays: bool,
    /// Where it says it listens.
    told: Vec<Multiaddr>,
}

struct Contact {
    connection: ConnectionId,
    address: Multiaddr,
    outgoing: bool,
    relayed: bool,
    since: Instant,
    kept: bool,
}

/// What an event has made of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Joined,
    Left,
}

/// What a peer has said about itself.
pub(crate) struct Introduction<'a> {
    pub(crate) agent: &'a str,
    /// The claim plane.
    pub(crate) speaks: bool,
    /// Direct messages of our network.
    pub(crate) ours: bool,
    /// Circuits for others.
    pub(crate) relays: bool,
}

impl Peer {
    /// A neighbour has to speak the claim plane, and to listen: otherwise the first thing that it is told
    /// after having joined would pass it by.
    fn is_neighbour(&self) -> bool {
        self.speaks == Some(true) && self.hears && !self.contacts.is_empty()
    }
}

impl Peers {
    pub(crate) fn connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let (address, outgoing) = match endpoint {
            ConnectedPoint::Dialer { address, .. } => (address, true),
            ConnectedPoint::Listener { send_back_addr, .. } => (send_back_addr, false),
        };
        let peer = self.0.entry(peer).or_insert_with(|| Peer {
            contacts: Vec::new(),
            since_ms: unix_ms(),
            met: Instant::now(),
            direct: None,
            reserved: false,
            agent: None,
            speaks: None,
            stranger: false,
            hears: false,
            relays: false,
            told: Vec::new(),
        });
        peer.contacts.push(Contact {
            connection,
            address: address.clone(),
            outgoing,
            relayed: endpoint.is_relayed(),
            since: Instant::now(),
            kept: false,
        });
    }

    pub(crate) fn disconnected(&mut self, peer: PeerId, connection: ConnectionId) -> Option<Change> {
        let change = self.change(peer, |peer| {
            peer.contacts.retain(|contact| contact.connection != connection);
        });
        if self.0.get(&peer).is_some_and(|peer| peer.contacts.is_empty()) {
            self.0.remove(&peer);
        }
        change
    }

    pub(crate) fn introduced(&mut self, peer: PeerId, said: &Introduction<'_>) -> Option<Change> {
        let printable = said.agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
        let agent: String = printable.take(MAX_AGENT).collect();
        self.change(peer, |peer| {
            peer.agent = (!agent.is_empty()).then_some(agent);
            peer.speaks = Some(said.speaks);
            peer.stranger = !said.speaks && !said.ours;
            peer.relays = said.relays;
        })
    }

    /// The peer says where it listens. Returns whether that is news.
    pub(crate) fn tells(&mut self, peer: PeerId, addresses: &[Multiaddr]) -> bool {
        let Some(peer) = self.0.get_mut(&peer).filter(|peer| peer.told != addresses) else {
            return false;
        };
        peer.told = addresses.to_vec();
        true
    }

    /// The peer listens to our gossip.
    pub(crate) fn listens(&mut self, peer: PeerId) -> Option<Change> {
        self.change(peer, |peer| peer.hears = true)
    }

    /// The peer has used a plane of the mesh, which says more than any introduction.
    pub(crate) fn spoke(&mut self, peer: PeerId) -> Option<Change> {
        self.change(peer, |peer| {
            peer.speaks = Some(true);
            peer.hears = true;
        })
    }

    fn change(&mut self, peer: PeerId, with: impl FnOnce(&mut Peer)) -> Option<Change> {
        let peer = self.0.get_mut(&peer)?;
        let before = peer.is_neighbour();
        with(peer);
        match (before, peer.is_neighbour()) {
            (false, true) => Some(Change::Joined),
            (true, false) => Some(Change::Left),
            _ => None,
        }
    }

    pub(crate) fn is_connected(&self, peer: PeerId) -> bool {
        self.0.contains_key(&peer)
    }

    pub(crate) fn is_neighbour(&self, peer: PeerId) -> bool {
        self.0.get(&peer).is_some_and(Peer::is_neighbour)
    }

    pub(crate) fn is_relay(&self, peer: PeerId) -> bool {
        self.0.get(&peer).is_some_and(|peer| peer.relays)
    }

    /// Whether the peer has said that it does not speak the claim plane.
    pub(crate) fn is_silent(&self, peer: PeerId) -> bool {
        self.0.get(&peer).is_some_and(|peer| peer.speaks == Some(false))
    }

    /// Peers with whom there is nothing to talk about: those of other networks, and those that speak the
    /// claim plane and have not come to listen to gossip. One that connects anew while an old connection
    /// of its is not yet known to be dead is not told our topics a second time; it, too, is helped by
    /// another try.
    pub(crate) fn useless(&self, now: Instant) -> Vec<PeerId> {
        let deaf = |peer: &Peer| {
            let patient = now.saturating_duration_since(peer.met) < DEAF;
            peer.speaks == Some(true) && !peer.hears && !patient
        };
        let useless = self.0.iter().filter(|(_, peer)| peer.stranger || deaf(peer));
        useless.map(|(id, _)| *id).collect()
    }

    /// How many neighbours there are.
    pub(crate) fn count(&self) -> usize {
        self.0.values().filter(|peer| peer.is_neighbour()).count()
    }

    /// All neighbours, by peer id, with their scores.
    pub(crate) fn neighbours(&self, score: impl Fn(PeerId) -> i32) -> Vec<Neighbour> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .filter(|(_, peer)| peer.is_neighbour())
            .filter_map(|(id, peer)| {
                let contacts = &peer.contacts;
                let best = contacts
                    .iter()
                    .find(|contact| !contact.relayed)
                    .or(contacts.first())?;
                Some(Neighbour {
                    peer: *id,
                    address: full(&best.address, *id),
                    outgoing: best.outgoing,
                    relayed: best.relayed,
                    score: score(*id),
                    since_ms: peer.since_ms,
                    agent: peer.agent.clone(),
                })
            })
            .collect();
        all.sort_by_key(|neighbour| neighbour.peer);
        all
    }

    /// Whether the peer is connected from or at the machine or network that we share.
    pub(crate) fn is_nearby(&self, peer: PeerId) -> bool {
        let contacts = self.0.get(&peer).map(|peer| &peer.contacts);
        contacts.is_some_and(|contacts| contacts.iter().any(|contact| is_private(&contact.address)))
    }
}

/// Whether an address is good only on the machine or the network where it was said.
pub(crate) fn is_private(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Some(Protocol::Ip6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
        _ => true,
    }
}

/// Whether an address leads through a relay.
pub(crate) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

#[cfg(test)]
mod tests;

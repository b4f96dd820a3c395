//! Who comes, what they say of themselves, and who has waited for them.

use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, identify, relay};
use tokio::time::Instant;

use crate::admission::{Admit, Allowance};
use crate::error::{RequestError, deepest};
use crate::identity::PeerId;
use crate::score::Fault;
use crate::swarm::mesh::peers::{Change, Introduction, is_circuit, is_private};
use crate::swarm::outbound::Outgoing;
use crate::swarm::{Behaviour, BehaviourEvent};

use super::{MeshSide, mesh_of};

/// Addresses of one peer that are passed on to others.
const MAX_TOLD: usize = 8;
/// Callers of `connect` that wait for a peer to introduce itself.
const MAX_CALLERS: usize = 256;

/// Each costs a word with everybody whom it may concern; an honest peer has one for each connection, one
/// in five minutes, and one for each new address.
pub(super) const INTRODUCTIONS: Allowance = Allowance {
    per_peer: u32::MAX,
    total: usize::MAX,
    per_second: 1,
    burst: 20,
};

impl MeshSide {
    /// A peer to whom somebody wanted to be connected is there.
    pub(crate) fn reached(&mut self, outgoing: Outgoing) {
        let peer = outgoing.to.peer();
        if self.shared.peers().is_neighbour(peer) {
            self.kept(outgoing);
        } else if self.shared.peers().is_silent(peer) {
            outgoing.fail(self.wrong_network(peer));
        } else {
            self.callers.retain(|caller| !caller.reply.is_closed());
            if self.callers.len() < MAX_CALLERS {
                self.callers.push(outgoing);
            } else {
                outgoing.fail(RequestError::TooManyWaiting { max: MAX_CALLERS });
            }
        }
    }

    fn wrong_network(&self, peer: PeerId) -> RequestError {
        RequestError::WrongNetwork {
            peer,
            protocol: self.claim_protocol.clone(),
        }
    }

    /// Those who wait for `peer` to introduce itself.
    fn callers_of(&mut self, peer: PeerId) -> Vec<Outgoing> {
        let callers = &mut self.callers;
        callers
            .extract_if(.., |caller| caller.to.peer() == peer)
            .collect()
    }

    /// A peer that somebody wanted is a neighbour, and stays one.
    fn kept(&mut self, outgoing: Outgoing) {
        self.wanted.want(outgoing.to, false);
        // Who asked may have given up already.
        let _gone = outgoing.reply.send(Ok(Vec::new()));
    }

    /// `peer` will not be a neighbour.
    fn fail_callers(&mut self, peer: PeerId, error: &RequestError) {
        for caller in self.callers_of(peer) {
            caller.fail(error.clone());
        }
    }

    /// Takes note of what concerns connections; called for every event before anything else.
    pub(crate) fn on_connection(&mut self, event: &SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                let peer = PeerId(*peer_id);
                self.shared.peers().connected(peer, *connection_id, endpoint);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                let peer = PeerId(*peer_id);
                let change = self.shared.peers().disconnected(peer, *connection_id);
                self.changed(peer, change);
                if !self.shared.peers().is_connected(peer) {
                    let reason = cause.as_ref().map_or("closed".to_owned(), |cause| deepest(cause));
                    self.fail_callers(peer, &RequestError::Lost { peer, reason });
                }
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => self.wanted.listener_closed(*listener_id),
            _ => {}
        }
    }

    /// Takes note of where we listen.
    pub(crate) fn on_listen(&self, swarm: &mut Swarm<Behaviour>, address: &Multiaddr) {
        // A relay tells those who listen through it where it is; others dial it there. A private address is
        // told only if the owner named it, not if it is one of all that the machine has.
        let named = || {
            self.listen
                .iter()
                .any(|named| named.iter().next() == address.iter().next())
        };
        if self.config.serves_relay && !is_circuit(address) && (!is_private(address) || named()) {
            swarm.add_external_address(address.clone());
        }
    }

    pub(super) fn changed(&mut self, peer: PeerId, change: Option<Change>) {
        match change {
            Some(Change::Joined) => {
                self.events.joined(peer);
                for caller in self.callers_of(peer) {
                    self.kept(caller);
                }
            }
            Some(Change::Left) => self.events.left(peer),
            None => {}
        }
    }

    pub(crate) fn on_identify(&mut self, swarm: &mut Swarm<Behaviour>, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else {
            return;
        };
        let peer = PeerId(peer_id);
        if self.introductions.spend(peer, Instant::now()) != Admit::Yes {
            return self.blame(Some((peer, Fault::Flood)));
        }
        let speaks = |name: &str| info.protocols.iter().any(|protocol| protocol.as_ref() == name);
        let said = Introduction {
            agent: &info.agent_version,
            speaks: speaks(&self.claim_protocol),
            ours: speaks(&self.direct_protocol),
            relays: speaks(relay::HOP_PROTOCOL_NAME.as_ref()),
        };
        let change = self.shared.peers().introduced(peer, &said);
        self.changed(peer, change);
        if !said.speaks {
            let wrong = self.wrong_network(peer);
            return self.fail_callers(peer, &wrong);
        }
        let kad = mesh_of(swarm).and_then(|mesh| mesh.kad.as_mut());
        let Some(kad) = kad.filter(|_| speaks(&self.kad_protocol)) else {
            return;
        };
        // What is said on one private network is of no use elsewhere, and may lead into another one.
        let nearby = self.shared.peers().is_nearby(peer);
        let told = info
            .listen_addrs
            .into_iter()
            .filter(|address| nearby || !is_private(address));
        let told: Vec<_> = told.take(MAX_TOLD).collect();
        if self.shared.peers().tells(peer, &told) {
            // What it told before is forgotten: it would grow with every word.
            kad.remove_peer(&peer_id);
            for address in told {
                kad.add_address(&peer_id, address);
            }
        }
    }
}

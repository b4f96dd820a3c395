//! The mesh's half of the task that owns the swarm.

mod meeting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, Swarm, gossipsub, relay, request_response};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::address::{AddressError, PeerAddress};
use crate::admission::Admission;
use crate::error::{RequestError, StartError};
use crate::identity::PeerId;
use crate::limits::Limits;
use crate::mesh::{EventSender, MeshConfig, MeshEvent, MeshRequest, Plane, Topic};
use crate::score::Fault;
use crate::swarm::Behaviour;
use crate::swarm::desk::{Desk, Protocol, respond};
use crate::swarm::inbound::{Answered, Deliver, InboundDesk};
use crate::swarm::outbound::{Errand, Outbound, Outgoing};
use crate::wire::{self, Ask, Reply};

use super::gossip::Judged;
use super::{GossipDesk, MeshBehaviour, MeshBehaviourEvent, Shared, Wanted};
use meeting::INTRODUCTIONS;

/// Between two looks at what is missing.
const TICK: Duration = Duration::from_secs(1);
/// Between two searches for more neighbours, at first; doubled after each.
const FIRST_SEARCH: Duration = Duration::from_secs(5);
/// Between two searches at most: a network may be smaller than the number of neighbours that is wanted.
const LAST_SEARCH: Duration = Duration::from_secs(300);
/// What a [`Network`](crate::Network) asks of the mesh.
pub(crate) enum MeshCommand {
    /// Send a request to a neighbour.
    Ask(Plane, Outgoing),
    /// Tell everybody.
    Publish(Topic, Vec<u8>),
    /// Connect, and stay connected.
    Connect(PeerAddress, oneshot::Sender<Result<Vec<u8>, RequestError>>),
}

/// Something to do.
pub(crate) enum Work {
    Command(MeshCommand),
    Answered(Plane, Answered),
    Judged(Judged),
    Bans,
    Tick,
}

pub(crate) struct MeshSide {
    config: MeshConfig,
    /// Connections that we may make, and that others may make to us.
    connections: (usize, usize),
    listen: Vec<Multiaddr>,
    direct_protocol: String,
    claim_protocol: String,
    kad_protocol: String,
    claims: Desk,
    returns: Desk,
    gossip: GossipDesk,
    /// How often a peer may introduce itself anew.
    introductions: Admission,
    shared: Arc<Shared>,
    events: Arc<EventSender>,
    commands: mpsc::Receiver<MeshCommand>,
    wanted: Wanted,
    /// Who waits for a connected peer to become a neighbour.
    callers: Vec<Outgoing>,
    tick: Interval,
    next_search: Instant,
    search_pause: Duration,
}

impl MeshSide {
    /// `Err` if a bootstrap peer has no usable address.
    pub(crate) fn new(
        network_id: &str,
        limits: &Limits,
        config: MeshConfig,
        events: EventSender,
        commands: mpsc::Receiver<MeshCommand>,
    ) -> Result<Self, StartError> {
        let mut wanted = Wanted::default();
        for address in by_peer(&config.bootstrap)? {
            wanted.want(address, config.behind_nat);
        }
        let events = Arc::new(events);
        let desk = |plane| {
            let own = config.limits.for_plane(limits);
            let name = wire::plane_protocol(network_id, plane);
            let name = name.map(|name| name.to_string()).unwrap_or_default();
            Desk {
                inbound: InboundDesk::new(
                    &config.limits.allowance(plane),
                    own.message_bytes,
                    deliver(plane, events.clone()),
                ),
                outbound: Outbound::new(name, own),
            }
        };
        let name = |what| {
            let name = wire::protocol(network_id, what);
            name.map(|name| name.to_string()).unwrap_or_default()
        };
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            connections: (limits.connections_out as usize, limits.connections_in as usize),
            listen: Vec::new(),
            direct_protocol: name("direct"),
            claim_protocol: name("claim"),
            kad_protocol: name("kad"),
            claims: desk(Plane::Claim),
            returns: desk(Plane::Return),
            gossip: GossipDesk::new(network_id, &config.limits, events.clone()),
            introductions: Admission::new(&INTRODUCTIONS),
            shared: Arc::new(Shared::new(&config.limits)),
            events,
            commands,
            wanted,
            callers: Vec::new(),
            tick,
            next_search: Instant::now(),
            search_pause: FIRST_SEARCH,
            config,
        })
    }

    /// Takes note of where the owner wants to listen.
    pub(crate) fn listen_on(&mut self, addresses: &[Multiaddr]) {
        self.listen = addresses.to_vec();
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// The next thing to do. Cancelling loses nothing.
    pub(crate) async fn work(&mut self) -> Work {
        tokio::select! {
            Some(command) = self.commands.recv() => Work::Command(command),
            answered = self.claims.inbound.answered() => Work::Answered(Plane::Claim, answered),
            answered = self.returns.inbound.answered() => Work::Answered(Plane::Return, answered),
            judged = self.gossip.judged() => Work::Judged(judged),
            () = self.shared.judged.notified() => Work::Bans,
            _ = self.tick.tick() => Work::Tick,
        }
    }

    /// Does it. Returns errands that need connections first.
    pub(crate) fn on_work(&mut self, swarm: &mut Swarm<Behaviour>, work: Work) -> Vec<Outgoing> {
        match work {
            Work::Command(MeshCommand::Ask(plane, outgoing)) => self.ask(swarm, plane, outgoing),
            Work::Command(MeshCommand::Publish(topic, body)) => {
                if let Some(mesh) = mesh_of(swarm) {
                    self.gossip.publish(&mut mesh.gossip, topic, body);
                }
            }
            Work::Command(MeshCommand::Connect(to, reply)) => {
                return vec![Outgoing {
                    to,
                    errand: Errand::Connect,
                    reply,
                }];
            }
            Work::Answered(plane, answered) => {
                if let Some(mesh) = mesh_of(swarm) {
                    let (desk, protocol) = self.plane(mesh, plane);
                    let reply = desk.inbound.settle(answered);
                    respond(protocol, reply);
                }
            }
            Work::Judged(judged) => {
                let us = PeerId(*swarm.local_peer_id());
                let may_tell = || self.shared.may_tell(us);
                if let Some(mesh) = mesh_of(swarm) {
                    let blame = self.gossip.settle(&mut mesh.gossip, judged, may_tell);
                    self.blame(blame);
                }
            }
            Work::Bans => self.apply_bans(swarm),
            Work::Tick => return self.on_tick(swarm),
        }
        Vec::new()
    }

    fn plane<'a>(
        &'a mut self,
        mesh: &'a mut MeshBehaviour,
        plane: Plane,
    ) -> (&'a mut Desk, &'a mut Protocol) {
        match plane {
            Plane::Return => (&mut self.returns, &mut mesh.returns),
            Plane::Claim | Plane::Direct => (&mut self.claims, &mut mesh.claims),
        }
    }

    fn ask(&mut self, swarm: &mut Swarm<Behaviour>, plane: Plane, mut outgoing: Outgoing) {
        let peer = outgoing.to.peer();
        let Some(mesh) = mesh_of(swarm) else { return };
        if outgoing.reply.is_closed() {
            return;
        }
        if !self.shared.peers().is_neighbour(peer) {
            return outgoing.fail(RequestError::NoNeighbour { peer });
        }
        let (desk, protocol) = self.plane(mesh, plane);
        if let Err(error) = desk.outbound.room(peer) {
            return outgoing.fail(error);
        }
        if let Errand::Ask(body) = std::mem::replace(&mut outgoing.errand, Errand::Connect) {
            desk.send(protocol, outgoing, body);
        }
    }

    pub(crate) fn on_event(&mut self, swarm: &mut Swarm<Behaviour>, event: MeshBehaviourEvent) {
        let Some(mesh) = mesh_of(swarm) else { return };
        match event {
            MeshBehaviourEvent::Claims(event) => {
                self.note_asker(&event);
                let blame = self.claims.on_event(&mut mesh.claims, event);
                self.blame(blame);
            }
            MeshBehaviourEvent::Returns(event) => {
                self.note_asker(&event);
                let blame = self.returns.on_event(&mut mesh.returns, event);
                self.blame(blame);
            }
            MeshBehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => {
                let from = PeerId(propagation_source);
                let fault = self.gossip.hear(&mut mesh.gossip, from, message_id, message);
                self.blame(fault.map(|fault| (from, fault)));
            }
            MeshBehaviourEvent::Gossip(gossipsub::Event::Subscribed { peer_id, .. }) => {
                let change = self.shared.peers().listens(PeerId(peer_id));
                self.changed(PeerId(peer_id), change);
            }
            MeshBehaviourEvent::Relay(event) => self.on_relay(event),
            MeshBehaviourEvent::RelayClient(event) => tracing::debug!(?event, "relay"),
            MeshBehaviourEvent::Dcutr(event) => tracing::debug!(?event, "hole punching"),
            MeshBehaviourEvent::Autonat(event) => tracing::debug!(?event, "reachability"),
            _ => {}
        }
    }

    /// Who asks on a plane of the mesh speaks it, even if its introduction is still on its way.
    fn note_asker(&mut self, event: &request_response::Event<Ask, Reply>) {
        if let request_response::Event::Message { peer, message, .. } = event
            && matches!(message, request_response::Message::Request { .. })
        {
            let change = self.shared.peers().spoke(PeerId(*peer));
            self.changed(PeerId(*peer), change);
        }
    }

    /// Who listens through us is kept for as long.
    fn on_relay(&self, event: relay::Event) {
        let (peer, reserved) = match event {
            relay::Event::ReservationReqAccepted { src_peer_id, .. } => (src_peer_id, true),
            relay::Event::ReservationClosed { src_peer_id }
            | relay::Event::ReservationTimedOut { src_peer_id } => (src_peer_id, false),
            _ => return,
        };
        self.shared.peers().reserved(PeerId(peer), reserved);
    }

    fn blame(&self, blame: Option<(PeerId, Fault)>) {
        if let Some((peer, fault)) = blame {
            self.shared.judge(peer, fault);
        }
    }

    fn apply_bans(&mut self, swarm: &mut Swarm<Behaviour>) {
        let changes = self.shared.scores().changes(Instant::now());
        for (peer, banned) in changes {
            if banned {
                tracing::info!(%peer, "banned for its faults");
                swarm.behaviour_mut().banned.block_peer(peer.0);
                if let Some(kad) = mesh_of(swarm).and_then(|mesh| mesh.kad.as_mut()) {
                    kad.remove_peer(&peer.0);
                }
            } else {
                swarm.behaviour_mut().banned.unblock_peer(peer.0);
            }
        }
    }

    fn on_tick(&mut self, swarm: &mut Swarm<Behaviour>) -> Vec<Outgoing> {
        let now = Instant::now();
        self.apply_bans(swarm);
        self.listen_through_relays(swarm, now);
        let useless = self.shared.peers().useless(now);
        for peer in useless {
            // An error means that it is gone already.
            let _gone = swarm.disconnect_peer_id(peer.0);
        }
        if let Some(mesh) = mesh_of(swarm) {
            self.keep_neighbours(mesh);
            self.search(mesh, now);
        }
        self.make_room(swarm);
        let shared = &self.shared;
        self.wanted.errands(now, |peer| shared.peers().is_neighbour(peer))
    }

    fn listen_through_relays(&mut self, swarm: &mut Swarm<Behaviour>, now: Instant) {
        let shared = &self.shared;
        let circuits = self.wanted.circuits(now, |peer| shared.peers().is_relay(peer));
        for (peer, circuit) in circuits {
            match swarm.listen_on(circuit) {
                Ok(listener) => self.wanted.listening(peer, listener),
                Err(error) => tracing::debug!(%peer, %error, "cannot listen through a relay"),
            }
        }
    }

    /// Closes connections that the mesh does not need; called also whenever there is one more.
    pub(crate) fn make_room(&self, swarm: &mut Swarm<Behaviour>) {
        let (outgoing, incoming) = self.connections;
        let wanted = |peer| self.wanted.contains(peer);
        let surplus = self
            .shared
            .peers()
            .surplus(wanted, Instant::now(), outgoing, incoming);
        for connection in surplus {
            swarm.close_connection(connection);
        }
    }

    /// A direct message has gone to or come from a peer.
    pub(crate) fn used(&self, peer: PeerId) {
        self.shared.peers().used(peer);
    }

    /// Keeps the connections of neighbours, and tells gossip what we think of them.
    fn keep_neighbours(&self, mesh: &mut MeshBehaviour) {
        let (outgoing, incoming) = (self.config.wanted_neighbours, self.config.limits.kept_incoming);
        let wanted = |peer| self.wanted.contains(peer);
        let kept = self.shared.peers().keep(wanted, outgoing, incoming);
        for (peer, connection) in kept {
            mesh.keep.keep(peer.0, connection);
        }
        for neighbour in self.shared.neighbours() {
            let score = f64::from(neighbour.score);
            mesh.gossip.set_application_score(&neighbour.peer.0, score);
        }
    }

    /// Looks for more neighbours: whoever is near to a random name is asked, and so met.
    fn search(&mut self, mesh: &mut MeshBehaviour, now: Instant) {
        let count = self.shared.peers().count();
        if count >= self.config.wanted_neighbours {
            self.search_pause = FIRST_SEARCH;
        } else if now >= self.next_search {
            self.next_search = now + self.search_pause;
            self.search_pause = self.search_pause.saturating_mul(2).min(LAST_SEARCH);
            if let Some(kad) = mesh.kad.as_mut() {
                kad.get_closest_peers(libp2p::PeerId::random());
            }
        }
    }
}

/// One address for each peer of a list, in which a peer may stand more than once.
fn by_peer(list: &[String]) -> Result<Vec<PeerAddress>, AddressError> {
    let mut peers = BTreeMap::<PeerId, Vec<&str>>::new();
    for text in list {
        let peer = PeerAddress::from_multiaddrs(&[text])?.peer();
        peers.entry(peer).or_default().push(text);
    }
    let address = |(peer, texts): (PeerId, Vec<&str>)| PeerAddress::new(peer, &texts);
    peers.into_iter().map(address).collect()
}

fn mesh_of(swarm: &mut Swarm<Behaviour>) -> Option<&mut MeshBehaviour> {
    swarm.behaviour_mut().mesh.as_mut()
}

fn deliver(plane: Plane, events: Arc<EventSender>) -> Deliver {
    Box::new(move |request| events.send(MeshEvent::Asked(MeshRequest::new(plane, request))))
}

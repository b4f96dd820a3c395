//! The mesh's half of the task that owns the swarm.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, gossipsub, identify, relay, request_response};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::address::PeerAddress;
use crate::admission::{Admission, Admit, Allowance};
use crate::error::{RequestError, StartError, deepest};
use crate::identity::PeerId;
use crate::limits::Limits;
use crate::mesh::{EventSender, MeshConfig, MeshEvent, MeshLimits, MeshRequest, Neighbour, Plane, Topic};
use crate::score::{Fault, Scores};
use crate::swarm::desk::{Desk, Protocol, respond};
use crate::swarm::inbound::{Answered, Deliver, InboundDesk};
use crate::swarm::outbound::{Errand, Outbound, Outgoing};
use crate::swarm::{Behaviour, BehaviourEvent};
use crate::wire::{self, Ask, Reply};

use super::gossip::Judged;
use super::peers::{Change, Introduction, is_circuit, is_private};
use super::{GossipDesk, MeshBehaviour, MeshBehaviourEvent, Peers, Wanted};

/// Between two looks at what is missing.
const TICK: Duration = Duration::from_secs(1);
/// Between two searches for more neighbours.
const SEARCH: Duration = Duration::from_secs(5);
/// Addresses of one peer that are passed on to others.
const MAX_TOLD: usize = 8;
/// Callers of `connect` that wait for a peer to introduce itself.
const MAX_CALLERS: usize = 256;

/// Each costs a word with everybody whom it may concern; an honest peer has one for each connection, one
/// in five minutes, and one for each new address.
const INTRODUCTIONS: Allowance = Allowance {
    per_peer: u32::MAX,
    total: usize::MAX,
    per_second: 1,
    burst: 20,
};

/// What a [`Network`](crate::Network) asks of the mesh.
pub(crate) enum MeshCommand {
    /// Send a request to a neighbour.
    Ask(Plane, Outgoing),
    /// Tell everybody.
    Publish(Topic, Vec<u8>),
    /// Connect, and stay connected.
    Connect(PeerAddress, oneshot::Sender<Result<Vec<u8>, RequestError>>),
}

/// What the handles of a network read and write beside its task.
pub(crate) struct Shared {
    peers: Mutex<Peers>,
    scores: Mutex<Scores>,
    judged: Notify,
    /// How much gossip we say and pass on: no more than others take from us, whoever said it first.
    told: Mutex<Admission>,
}

impl Shared {
    fn new(limits: &MeshLimits) -> Self {
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
        for text in &config.bootstrap {
            wanted.want(
                PeerAddress::from_multiaddrs(std::slice::from_ref(text))?,
                config.behind_nat,
            );
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

    fn changed(&mut self, peer: PeerId, change: Option<Change>) {
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
        let Some(mesh) = mesh_of(swarm).filter(|_| speaks(&self.kad_protocol)) else {
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
            mesh.kad.remove_peer(&peer_id);
            for address in told {
                mesh.kad.add_address(&peer_id, address);
            }
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
            } else {
                swarm.behaviour_mut().banned.unblock_peer(peer.0);
            }
        }
    }

    fn on_tick(&mut self, swarm: &mut Swarm<Behaviour>) -> Vec<Outgoing> {
        let now = Instant::now();
        self.apply_bans(swarm);
        let shared = self.shared.clone();
        let circuits = self.wanted.circuits(now, |peer| shared.peers().is_relay(peer));
        for (peer, circuit) in circuits {
            match swarm.listen_on(circuit) {
                Ok(listener) => self.wanted.listening(peer, listener),
                Err(error) => tracing::debug!(%peer, %error, "cannot listen through a relay"),
            }
        }
        let strangers = shared.peers().strangers();
        for stranger in strangers {
            // An error means that it is gone already.
            let _gone = swarm.disconnect_peer_id(stranger.0);
        }
        let Some(mesh) = mesh_of(swarm) else {
            return Vec::new();
        };
        let (outgoing, incoming) = (self.config.wanted_neighbours, self.config.limits.kept_incoming);
        let wanted = |peer| self.wanted.contains(peer);
        let kept = shared.peers().keep(wanted, outgoing, incoming);
        for (peer, connection) in kept {
            mesh.keep.keep(peer.0, connection);
        }
        let neighbours = shared.neighbours();
        for neighbour in neighbours {
            let score = f64::from(neighbour.score);
            mesh.gossip.set_application_score(&neighbour.peer.0, score);
        }
        if shared.peers().count() < self.config.wanted_neighbours && now >= self.next_search {
            self.next_search = now + SEARCH;
            mesh.kad.get_closest_peers(libp2p::PeerId::random());
        }
        self.wanted.errands(now, |peer| shared.peers().is_neighbour(peer))
    }
}

fn mesh_of(swarm: &mut Swarm<Behaviour>) -> Option<&mut MeshBehaviour> {
    swarm.behaviour_mut().mesh.as_mut()
}

fn deliver(plane: Plane, events: Arc<EventSender>) -> Deliver {
    Box::new(move |request| events.send(MeshEvent::Asked(MeshRequest::new(plane, request))))
}

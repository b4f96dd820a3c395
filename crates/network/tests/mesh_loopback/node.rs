//! One node of a mesh for tests: it answers, it judges gossip as it is told, and it can be waited for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kofo_network::{
    Config, Fault, Identity, Inbound, Limits, Mesh, MeshConfig, MeshEvent, MeshInbound, MeshLimits, Network,
    PeerAddress, PeerId, Plane, Topic, Transport,
};
use tokio::time::Instant;

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
/// Nothing here takes this long unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(40);

/// How a node judges what it hears.
pub(crate) type Judge = fn(&[u8]) -> Word;

/// A verdict on gossip.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Accept,
    Ignore,
    Reject(Fault),
}

/// What a node has seen, in order.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) heard: Vec<(PeerId, Topic, Vec<u8>)>,
    pub(crate) asked: Vec<(PeerId, Plane, Vec<u8>)>,
    pub(crate) moved: Vec<(PeerId, bool)>,
}

pub(crate) struct Node {
    pub(crate) network: Network,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

pub(crate) fn config(listen: &[&str]) -> Config {
    Config {
        identity: Identity::generate(),
        network_id: "test".to_owned(),
        listen: listen.iter().map(|address| (*address).to_owned()).collect(),
        limits: Limits::default(),
    }
}

/// A mesh in which nobody looks for more neighbours than a test names.
pub(crate) fn mesh() -> MeshConfig {
    MeshConfig {
        wanted_neighbours: 0,
        ..MeshConfig::default()
    }
}

pub(crate) fn limited(limits: MeshLimits) -> MeshConfig {
    MeshConfig { limits, ..mesh() }
}

impl Node {
    pub(crate) async fn start(config: Config, mesh: MeshConfig, judge: Judge) -> Self {
        let started = Network::start_mesh(config, mesh).await;
        let (network, direct, inbound) = started.expect("the network starts");
        let seen = Arc::new(Mutex::new(Seen::default()));
        tokio::spawn(live(inbound, seen.clone(), judge));
        tokio::spawn(echo(direct));
        Self { network, seen }
    }

    /// A node that listens and accepts all gossip.
    pub(crate) async fn plain() -> Self {
        Self::start(config(&[TCP]), mesh(), |_| Word::Accept).await
    }

    pub(crate) fn id(&self) -> PeerId {
        self.network.peer_id()
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress::from_multiaddrs(&self.network.listen_addresses()).expect("our own addresses parse")
    }

    /// Connects both ways of knowing: each is a neighbour of the other when this returns.
    pub(crate) async fn meet(&self, other: &Self) {
        self.network.connect(&other.address()).await.expect("connected");
        until("both are neighbours", || {
            self.is_neighbour(other) && other.is_neighbour(self)
        })
        .await;
    }

    pub(crate) fn is_neighbour(&self, other: &Self) -> bool {
        self.neighbours().contains(&other.id())
    }

    pub(crate) fn neighbours(&self) -> BTreeSet<PeerId> {
        let all = self.network.neighbours();
        all.into_iter().map(|neighbour| neighbour.peer).collect()
    }

    pub(crate) fn score_of(&self, other: &Self) -> Option<i32> {
        let all = self.network.neighbours();
        let of = all.into_iter().find(|neighbour| neighbour.peer == other.id());
        of.map(|neighbour| neighbour.score)
    }

    pub(crate) fn has_heard(&self, body: &[u8]) -> bool {
        let seen = self.seen.lock().expect("not poisoned");
        seen.heard.iter().any(|(_, _, heard)| heard == body)
    }
}

/// A node's life in the mesh: it answers each request with the request, and each word with its judge's.
async fn live(mut inbound: MeshInbound, seen: Arc<Mutex<Seen>>, judge: Judge) {
    while let Some(event) = inbound.next().await {
        let mut seen = seen.lock().expect("not poisoned");
        match event {
            MeshEvent::Asked(request) => {
                seen.asked
                    .push((request.from, request.plane, request.body.clone()));
                request.responder.respond(request.body).expect("small enough");
            }
            MeshEvent::Heard(heard) => {
                let word = judge(&heard.body);
                seen.heard.push((heard.from, heard.topic, heard.body));
                match word {
                    Word::Accept => heard.verdict.accept(),
                    Word::Ignore => heard.verdict.ignore(),
                    Word::Reject(fault) => heard.verdict.reject(fault),
                }
            }
            MeshEvent::Joined(peer) => seen.moved.push((peer, true)),
            MeshEvent::Left(peer) => seen.moved.push((peer, false)),
        }
    }
}

async fn echo(mut direct: Inbound) {
    while let Some(request) = direct.next().await {
        request.responder.respond(request.body).expect("small enough");
    }
}

/// Waits for a condition; panics with its name at the deadline.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let mut polls = tokio::time::interval(Duration::from_millis(10));
    while !condition() {
        assert!(Instant::now() < end, "never came true: {what}");
        polls.tick().await;
    }
}

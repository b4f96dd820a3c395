//! What a swarm speaks beside direct messages when it is part of a mesh. [`side`] drives it.

mod gossip;
mod peers;
mod shared;
pub(crate) mod side;
mod wanted;

pub(crate) use gossip::GossipDesk;
pub(crate) use peers::Peers;
pub(crate) use shared::Shared;
pub(crate) use wanted::{MAX_WANTED, Wanted};

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{PeerId, StreamProtocol, autonat, dcutr, kad, relay};

use crate::gossip::{SEEN_FOR, gossip_id};
use crate::limits::Limits;
use crate::mesh::{MeshConfig, MeshLimits, Plane, Topic};
use crate::wire::{self, Codec};

use super::desk::Protocol;
use super::keep::Keep;

type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, gossipsub::WhitelistSubscriptionFilter>;

/// Messages that wait for a peer that does not read.
const GOSSIP_QUEUE: usize = 64;
/// Room for what wraps a body on the wire, in bytes.
const GOSSIP_WRAPPING: usize = 1024;
/// Peers at one address from which on they count as one attacker. As many circuits as a relay carries by
/// default also come from one address.
const PEERS_AT_ONE_ADDRESS: f64 = 32.0;
/// Circuits from one peer at the same time.
const CIRCUITS_PER_PEER: usize = 4;

/// Everything of the mesh that speaks on a connection.
#[derive(NetworkBehaviour)]
pub(crate) struct MeshBehaviour {
    pub(crate) claims: Protocol,
    pub(crate) returns: Protocol,
    pub(crate) gossip: Gossip,
    pub(crate) kad: Toggle<kad::Behaviour<kad::store::MemoryStore>>,
    pub(crate) keep: Keep,
    pub(crate) relay: Toggle<relay::Behaviour>,
    pub(crate) relay_client: relay::client::Behaviour,
    pub(crate) dcutr: dcutr::Behaviour,
    pub(crate) autonat: autonat::v2::client::Behaviour,
    pub(crate) autonat_server: Toggle<autonat::v2::server::Behaviour>,
}

impl MeshBehaviour {
    /// `Err` with the name of the part that could not be set up, and why.
    pub(crate) fn new(
        key: &Keypair,
        network_id: &str,
        limits: &Limits,
        mesh: &MeshConfig,
        relay_client: relay::client::Behaviour,
    ) -> Result<Self, (&'static str, String)> {
        let us = key.public().to_peer_id();
        let name = |what: &str| {
            let name = wire::protocol(network_id, what);
            name.ok_or(("protocol names", format!("{network_id:?} is no network id")))
        };
        let plane = |plane: Plane| {
            let name = wire::plane_protocol(network_id, plane);
            let name = name.ok_or(("protocol names", format!("{network_id:?} is no network id")))?;
            Ok(messages(name, &mesh.limits.for_plane(limits)))
        };
        let (looks, kad) = (mesh.wanted_neighbours > 0, name("kad")?);
        let relay = mesh.serves_relay.then(|| {
            let mut relay = relay::Behaviour::new(us, relaying(&mesh.limits));
            relay.set_status(Some(relay::Status::Enable));
            relay
        });
        Ok(Self {
            claims: plane(Plane::Claim)?,
            returns: plane(Plane::Return)?,
            gossip: gossip(network_id, &mesh.limits).map_err(|reason| ("gossip", reason))?,
            kad: Toggle::from(looks.then(|| discovery(us, kad))),
            keep: Keep::default(),
            relay: Toggle::from(relay),
            relay_client,
            dcutr: dcutr::Behaviour::new(us),
            autonat: autonat::v2::client::Behaviour::default(),
            autonat_server: Toggle::from(mesh.serves_relay.then(autonat::v2::server::Behaviour::default)),
        })
    }
}

/// One request-response protocol within its bounds.
pub(crate) fn messages(name: StreamProtocol, limits: &Limits) -> Protocol {
    let config = request_response::Config::default()
        .with_request_timeout(limits.request_timeout)
        .with_max_concurrent_streams(limits.streams_per_connection());
    let codec = Codec {
        max: limits.message_bytes,
    };
    request_response::Behaviour::with_codec(codec, [(name, ProtocolSupport::Full)], config)
}

/// The gossip topic of one network.
fn topic(network_id: &str, topic: Topic) -> IdentTopic {
    IdentTopic::new(format!("/kofo/1/{network_id}/{}", topic.name()))
}

/// Anonymous: a message names no author and carries no signature or number of its sender's, and one that
/// does is refused. Whoever has something to sign signs it inside the body.
fn gossip(network_id: &str, limits: &MeshLimits) -> Result<Gossip, String> {
    let id = |message: &gossipsub::Message| MessageId::new(&gossip_id(message.topic.as_str(), &message.data));
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id_prefix(format!("/kofo/1/{network_id}/gossip"))
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(id)
        .max_transmit_size((limits.gossip_bytes as usize).saturating_add(GOSSIP_WRAPPING))
        .duplicate_cache_time(SEEN_FOR)
        .connection_handler_queue_len(GOSSIP_QUEUE)
        .max_publish_messages(GOSSIP_QUEUE)
        .build()
        .map_err(|error| error.to_string())?;
    let topics = Topic::ALL.map(|name| topic(network_id, name));
    let ours = topics.iter().map(IdentTopic::hash).collect::<HashSet<_>>();
    let filter = gossipsub::WhitelistSubscriptionFilter(ours);
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    let (params, thresholds) = scoring();
    gossip.with_peer_score(params, thresholds)?;
    for topic in &topics {
        gossip.subscribe(topic).map_err(|error| error.to_string())?;
    }
    Ok(gossip)
}

/// Our own scores count one to one. What gossipsub notices by itself comes on top: who breaks its rules of
/// grafting or promises what it does not send, and crowds at one address.
fn scoring() -> (gossipsub::PeerScoreParams, gossipsub::PeerScoreThresholds) {
    let own_machine = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let params = gossipsub::PeerScoreParams {
        app_specific_weight: 1.0,
        ip_colocation_factor_threshold: PEERS_AT_ONE_ADDRESS,
        ip_colocation_factor_whitelist: own_machine.into(),
        behaviour_penalty_threshold: 6.0,
        ..gossipsub::PeerScoreParams::default()
    };
    // At −50, a single broken signature, a peer is told nothing more; it is banned at −100.
    (params, gossipsub::PeerScoreThresholds::default())
}

/// Finding peers and nothing else: records that others want to store with us are dropped.
fn discovery(us: PeerId, name: StreamProtocol) -> kad::Behaviour<kad::store::MemoryStore> {
    let mut config = kad::Config::new(name);
    config
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_caching(kad::Caching::Disabled)
        .set_query_timeout(Duration::from_secs(30));
    let mut kad = kad::Behaviour::with_config(us, kad::store::MemoryStore::new(us), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

fn relaying(limits: &MeshLimits) -> relay::Config {
    let minute = Duration::from_secs(60);
    let thirty = NonZeroU32::new(30).expect("not zero");
    relay::Config {
        max_reservations: limits.reservations,
        max_reservations_per_peer: 1,
        reservation_duration: limits.circuit_time,
        reservation_rate_limiters: Vec::new(),
        max_circuits: limits.circuits,
        max_circuits_per_peer: CIRCUITS_PER_PEER,
        max_circuit_duration: limits.circuit_time,
        max_circuit_bytes: limits.circuit_bytes,
        circuit_src_rate_limiters: Vec::new(),
    }
    .reservation_rate_per_peer(thirty, minute)
    .circuit_src_per_peer(thirty, minute)
}

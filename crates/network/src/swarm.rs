//! The swarm: its transports and behaviours. [`task`] drives it.

mod inbound;
mod outbound;
pub(crate) mod task;

pub(crate) use inbound::InboundDesk;
pub(crate) use outbound::{Outbound, Outgoing};

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::memory_connection_limits;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, identify, noise, ping, tcp, yamux};

use crate::error::StartError;
use crate::limits::Limits;
use crate::wire::Codec;

/// A connection without any stream is closed after this.
const IDLE: Duration = Duration::from_secs(60);

/// What a peer may send on one quic stream before we read, in bytes: as in yamux, whose window is fixed.
const STREAM_WINDOW: u32 = 256 * 1024;

/// Everything that speaks on a connection. The limits come first: a behaviour before them would
/// believe in connections that they then deny.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    connections: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    ping: ping::Behaviour,
    identify: identify::Behaviour,
    direct: request_response::Behaviour<Codec>,
}

impl Behaviour {
    fn new(key: &Keypair, protocol: StreamProtocol, limits: &Limits) -> Self {
        let connections = ConnectionLimits::default()
            .with_max_pending_incoming(Some(limits.connections_in))
            .with_max_pending_outgoing(Some(limits.connections_out))
            .with_max_established_incoming(Some(limits.connections_in))
            .with_max_established_outgoing(Some(limits.connections_out))
            .with_max_established_per_peer(Some(limits.connections_per_peer));
        let direct = request_response::Config::default()
            .with_request_timeout(limits.request_timeout)
            .with_max_concurrent_streams(limits.streams_per_connection());
        let codec = Codec {
            max: limits.message_bytes,
        };
        // Nobody has a use for our interface addresses yet, and we none for those that peers claim.
        let identify = identify::Config::new("/kofo/1".to_owned(), key.public())
            .with_agent_version(concat!("kofo/", env!("CARGO_PKG_VERSION")).to_owned())
            .with_hide_listen_addrs(true)
            .with_cache_size(0);
        Self {
            connections: connection_limits::Behaviour::new(connections),
            memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes),
            ping: ping::Behaviour::default(),
            identify: identify::Behaviour::new(identify),
            direct: request_response::Behaviour::with_codec(
                codec,
                [(protocol, ProtocolSupport::Full)],
                direct,
            ),
        }
    }
}

/// A swarm over tcp (noise, yamux) and quic that listens nowhere yet. Needs a tokio runtime.
pub(crate) fn build(
    key: Keypair,
    protocol: StreamProtocol,
    limits: &Limits,
) -> Result<Swarm<Behaviour>, StartError> {
    // Ping and identify need a few streams of their own.
    let streams = limits.streams_per_connection().saturating_add(8);
    let yamux = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(streams);
        config
    };
    let failed = |transport, reason: &dyn ToString| StartError::Transport {
        transport,
        reason: reason.to_string(),
    };
    let swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux)
        .map_err(|error| failed("tcp", &error))?
        .with_quic_config(|mut config| {
            config.max_concurrent_stream_limit = u32::try_from(streams).unwrap_or(u32::MAX);
            config.max_stream_data = STREAM_WINDOW;
            config.max_connection_data = STREAM_WINDOW.saturating_mul(8);
            config
        })
        .with_behaviour(|key| Behaviour::new(key, protocol, limits))
        .map_err(|error| failed("direct", &error))?
        .with_swarm_config(|config| {
            config
                .with_idle_connection_timeout(IDLE)
                .with_max_negotiating_inbound_streams(streams)
        })
        .with_connection_timeout(limits.request_timeout)
        .build();
    Ok(swarm)
}

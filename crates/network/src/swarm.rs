//! The swarm: its transports and behaviours. [`task`] drives it.

mod desk;
mod inbound;
mod keep;
pub(crate) mod mesh;
mod outbound;
pub(crate) mod task;

pub(crate) use desk::Desk;
pub(crate) use inbound::InboundDesk;
pub(crate) use outbound::{Errand, Outbound, Outgoing};

use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{Swarm, SwarmBuilder, identify, memory_connection_limits, noise, ping, relay, tcp, yamux};

use crate::error::StartError;
use crate::limits::Limits;
use crate::mesh::{MeshConfig, Plane};
use crate::wire;

use desk::Protocol;
use mesh::MeshBehaviour;

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
    banned: allow_block_list::Behaviour<BlockedPeers>,
    ping: ping::Behaviour,
    identify: identify::Behaviour,
    direct: Protocol,
    /// Absent in a network for direct messages only, which speaks nothing else then.
    mesh: Toggle<MeshBehaviour>,
}

/// Which network to speak in, and how much of it.
pub(crate) struct Part<'a> {
    pub(crate) network_id: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) mesh: Option<&'a MeshConfig>,
}

impl Part<'_> {
    /// Streams of a connection: those of messages, and a few for ping, identify and what else there is.
    fn streams(&self) -> usize {
        let direct = self.limits.streams_per_connection().saturating_add(8);
        let mesh = self.mesh.map_or(0, |mesh| {
            let plane = mesh.limits.for_plane(self.limits).streams_per_connection();
            plane.saturating_mul(2).saturating_add(24)
        });
        direct.saturating_add(mesh)
    }

    fn behaviour(
        &self,
        key: &Keypair,
        client: Option<relay::client::Behaviour>,
    ) -> Result<Behaviour, StartError> {
        let limits = self.limits;
        let connections = ConnectionLimits::default()
            .with_max_pending_incoming(Some(limits.connections_in))
            .with_max_pending_outgoing(Some(limits.connections_out))
            .with_max_established_incoming(Some(limits.connections_in))
            .with_max_established_outgoing(Some(limits.connections_out))
            .with_max_established_per_peer(Some(limits.connections_per_peer));
        let direct = wire::plane_protocol(self.network_id, Plane::Direct);
        let direct = direct.ok_or_else(|| StartError::NetworkId {
            got: self.network_id.to_owned(),
        })?;
        // Those who exchange direct messages know where the other is. Neighbours tell each other where they
        // listen, for others to find them; behind a NAT only the circuits are worth telling.
        let hidden = self.mesh.is_none_or(|mesh| mesh.behind_nat);
        let identify = identify::Config::new("/kofo/1".to_owned(), key.public())
            .with_agent_version(concat!("kofo/", env!("CARGO_PKG_VERSION")).to_owned())
            .with_hide_listen_addrs(hidden)
            .with_push_listen_addr_updates(self.mesh.is_some())
            .with_cache_size(0);
        let mesh = match (self.mesh, client) {
            (Some(mesh), Some(client)) => Some(
                MeshBehaviour::new(key, self.network_id, limits, mesh, client)
                    .map_err(|(transport, reason)| StartError::Transport { transport, reason })?,
            ),
            _ => None,
        };
        Ok(Behaviour {
            connections: connection_limits::Behaviour::new(connections),
            memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes),
            banned: allow_block_list::Behaviour::default(),
            ping: ping::Behaviour::default(),
            identify: identify::Behaviour::new(identify),
            direct: mesh::messages(direct, limits),
            mesh: Toggle::from(mesh),
        })
    }
}

/// A swarm over tcp (noise, yamux) and quic, and in a mesh over circuits through relays, that listens nowhere
/// yet. Needs a tokio runtime.
pub(crate) fn build(key: Keypair, part: &Part<'_>) -> Result<Swarm<Behaviour>, StartError> {
    let streams = part.streams();
    let yamux = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(streams);
        config
    };
    let failed = |transport, reason: &dyn ToString| StartError::Transport {
        transport,
        reason: reason.to_string(),
    };
    let swarm = |config: libp2p::swarm::Config| {
        config
            .with_idle_connection_timeout(IDLE)
            .with_max_negotiating_inbound_streams(streams)
    };
    let timeout = part.limits.request_timeout;
    let builder = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux)
        .map_err(|error| failed("tcp", &error))?
        .with_quic_config(|mut config| {
            config.max_concurrent_stream_limit = u32::try_from(streams).unwrap_or(u32::MAX);
            config.max_stream_data = STREAM_WINDOW;
            config.max_connection_data = STREAM_WINDOW.saturating_mul(8);
            config
        });
    if part.mesh.is_none() {
        let built = builder.with_behaviour(|key| Ok(part.behaviour(key, None)?));
        let built = built.map_err(|error| failed("direct", &error))?;
        return Ok(built
            .with_swarm_config(swarm)
            .with_connection_timeout(timeout)
            .build());
    }
    let built = builder
        .with_relay_client(noise::Config::new, yamux)
        .map_err(|error| failed("relay", &error))?
        .with_behaviour(|key, client| Ok(part.behaviour(key, Some(client))?));
    let built = built.map_err(|error| failed("mesh", &error))?;
    Ok(built
        .with_swarm_config(swarm)
        .with_connection_timeout(timeout)
        .build())
}

//! The one libp2p swarm of a node: direct messages between two peers, and a mesh of neighbours, with limits.
//!
//! **For what.** A [`Network`] carries opaque request bytes to a peer and brings its opaque answer
//! back. In a [`Mesh`] it also asks neighbours, tells everybody, and finds and keeps neighbours. What the
//! bytes mean is the business of the layers; who may send how many of them is the business of this crate.
//!
//! **Depends on** libp2p (noise, tcp, quic, yamux, identify, ping, request-response; in a mesh also gossipsub,
//! kad, relay, dcutr, autonat) and tokio; no libp2p type appears in its interface.
//!
//! **Promises.**
//! * A peer of another network id never gets a message through: the id is part of the protocol name.
//! * The sender named in an [`InboundRequest`] owns that identity: it was proven by the handshake.
//! * Message sizes, queues, connections, requests in flight and requests a second are bounded
//!   ([`Limits`]); one peer's flood does not use up the share of another.
//! * A request is delivered at most once. After [`RequestError::Timeout`] or [`RequestError::Lost`]
//!   it is not known whether it was: messages must bear repetition.
//! * When the last [`Network`] is dropped, its sockets close and [`Inbound::next`] ends.
//!
//! **In a mesh** ([`Network::start_mesh`]), moreover:
//! * Direct messages have their queues to themselves: nothing that comes or waits in the mesh delays them.
//!   (A banned peer is refused as a whole, though, its direct messages too.)
//! * Gossip goes on to nobody before the node has accepted it ([`Verdict`]), and names no author: who
//!   passed it on is all that is known. One piece of gossip is heard once, whoever sends it how often.
//! * Each fault of a peer lowers its score ([`Fault`]); at −100 it is disconnected and refused for ten
//!   minutes. An honest node is never blamed for asking or passing on too much: it holds itself to what its
//!   neighbours allow ([`MeshLimits`]).
//! * Who joined and who left is told in any case, however much else waits ([`MeshEvent`]).
//! * Wanted peers (bootstrap, [`Mesh::connect`]) are dialed anew when they are lost; further neighbours are
//!   found by asking those that are known.
//! * Whoever cannot be connected to listens through a relay, and is reached there like anybody else.
//!
//! A network that is started without a mesh speaks direct messages and nothing else.
//!
//! **Layout.** `swarm` is the task that owns the libp2p swarm: `swarm/{inbound,outbound,desk}` for one
//! request-response protocol, `swarm/mesh` for all that a mesh adds, behind one toggle. `admission` (token
//! buckets and places in flight) and `score` (faults and bans) are pure, and shared with the simulation.
//!
//! [`SimulatedNetwork`] is the same [`Transport`] and [`Mesh`] in memory, with seeded latency and loss, with
//! links and with partitions.
//!
//! ```
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(async {
//! use kofo_network::{Config, Identity, Limits, Network, PeerAddress, Transport};
//!
//! let config = |identity| Config {
//!     identity,
//!     network_id: "example".to_owned(),
//!     listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
//!     limits: Limits::default(),
//! };
//! let (server, mut inbound) = Network::start(config(Identity::generate())).await?;
//! let (client, _) = Network::start(config(Identity::generate())).await?;
//! tokio::spawn(async move {
//!     while let Some(request) = inbound.next().await {
//!         let answer = [b"hello, ", &request.body[..]].concat();
//!         request.responder.respond(answer).expect("smaller than the limit");
//!     }
//! });
//! let to = PeerAddress::from_multiaddrs(&server.listen_addresses())?;
//! assert_eq!(client.request(&to, b"peer".to_vec()).await?, b"hello, peer");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).expect("the example runs");
//! ```

mod address;
mod admission;
mod error;
mod gossip;
mod identity;
mod limits;
mod mesh;
mod network;
mod score;
mod simulated;
mod swarm;
mod transport;
mod wire;

pub use address::{AddressError, MAX_ADDRESSES, PeerAddress};
pub use error::{Attempt, RequestError, StartError};
pub use identity::{Identity, PeerId, PeerIdError};
pub use limits::Limits;
pub use mesh::{
    Heard, Mesh, MeshConfig, MeshEvent, MeshInbound, MeshLimits, MeshRequest, Neighbour, Plane, PublishError,
    Rate, Topic, Verdict,
};
pub use network::{Config, Network};
pub use score::Fault;
pub use simulated::{SimulatedNetwork, SimulatedNode};
pub use transport::{AnswerTooLarge, Inbound, InboundRequest, Responder, Transport};

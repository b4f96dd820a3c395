//! The mesh: what nodes that are connected for longer ask each other and tell everybody.

mod inbound;
mod limits;

pub(crate) use inbound::{EventSender, Judgement, events};
pub use inbound::{Heard, MeshEvent, MeshInbound, MeshRequest, Verdict};
pub use limits::{MeshLimits, Rate};

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use thiserror::Error;

use crate::address::PeerAddress;
use crate::error::RequestError;
use crate::identity::PeerId;
use crate::score::Fault;
use crate::transport::Transport;

/// Which protocol a message is of: `/kofo/1/<network id>/{direct,claim,return}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Between the two parties of a swap: [`Transport::request`], with a queue of its own.
    Direct,
    /// A claim on its way out, from neighbour to neighbour.
    Claim,
    /// What comes back along the path of a claim.
    Return,
}

/// What is told to everybody: gossipsub topics `/kofo/1/<network id>/{listing,book,cancel}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Which assets a node deals in.
    Listing,
    /// Where an order book stands.
    Book,
    /// What is off.
    Cancel,
}

impl Topic {
    pub(crate) const ALL: [Self; 3] = [Self::Listing, Self::Book, Self::Cancel];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Book => "book",
            Self::Cancel => "cancel",
        }
    }
}

/// A way to take part in the exchange: neighbours to ask and everybody to tell. What they ask and tell
/// comes by the [`MeshInbound`] that was handed out beside it.
#[async_trait]
pub trait Mesh: Transport {
    /// The peers with whom we are connected now and who speak the claim plane, by peer id.
    fn neighbours(&self) -> Vec<Neighbour>;

    /// Asks a connected neighbour on [`Plane::Claim`] or [`Plane::Return`] and waits for its answer, at
    /// most `Limits::request_timeout`. Never dials: [`RequestError::NoNeighbour`] if it is gone, and on
    /// [`Plane::Direct`], which is [`Transport::request`]'s. We keep to the rate that neighbours
    /// allow us: above it [`RequestError::TooFast`], and nothing was sent.
    async fn ask(&self, to: PeerId, plane: Plane, body: Vec<u8>) -> Result<Vec<u8>, RequestError>;

    /// Tells everybody, as far as there are neighbours now; nobody is told later. Not delivered to
    /// ourselves. The same bytes a second time within two minutes go nowhere.
    fn publish(&self, topic: Topic, body: Vec<u8>) -> Result<(), PublishError>;

    /// Notes a fault of a peer: lowers its score by the fault's weight; at the limit (−100) it is
    /// disconnected and refused for ten minutes.
    fn judge(&self, peer: PeerId, fault: Fault);

    /// Connects to a peer and keeps it as a neighbour: once it is one, it is dialed anew whenever it is
    /// lost, until the network stops (64 such peers, the bootstrap peers among them; more are connected
    /// and not kept). A peer that does not speak the claim plane is [`RequestError::WrongNetwork`].
    async fn connect(&self, to: &PeerAddress) -> Result<(), RequestError>;
}

/// A peer with whom we are connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Who it is.
    pub peer: PeerId,
    /// Where it is connected, as multiaddr with its `/p2p/` id: where we dialed it, or where it came from.
    pub address: String,
    /// Whether we dialed it.
    pub outgoing: bool,
    /// Whether all its connections run through a relay.
    pub relayed: bool,
    /// 0 for a peer without faults, down to −100, where it is banned. See [`Fault`].
    pub score: i32,
    /// Since when it is connected, in unix milliseconds.
    pub since_ms: u64,
    /// What program it says it is, such as `kofo/0.1.0`: at most 64 characters, all printable.
    pub agent: Option<String>,
}

/// Why nothing was told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// Larger than others take.
    #[error("expected gossip of at most {max} bytes, got {size}; send less")]
    TooLarge {
        /// Size of the body, in bytes.
        size: usize,
        /// The limit, in bytes.
        max: u32,
    },
    /// Too much of our own waits to be sent, or was published within a second.
    #[error("too much was published at once; try again later")]
    Busy,
    /// The network was started without a mesh.
    #[error("this network was started for direct messages only; start it with a mesh")]
    NoMesh,
    /// The network was shut down.
    #[error("the network was shut down")]
    Stopped,
}

/// How a node takes part in the mesh.
#[derive(Clone, Debug)]
pub struct MeshConfig {
    /// Peers to connect to first and always, as multiaddrs with their `/p2p/` ids. At most 64.
    pub bootstrap: Vec<String>,
    /// Whether we carry circuits for others, and dial back those who want to know whether they can be
    /// reached. Our listen addresses are then told as reachable by anybody, so they should be. Such dials
    /// take from `Limits::connections_out`: a node that serves many should not settle swaps of its own.
    pub serves_relay: bool,
    /// Whether nobody can connect to us: we then listen through every bootstrap peer that serves as a relay.
    pub behind_nat: bool,
    /// Neighbours that we look for and keep; 0: we neither look for any, nor are we found, nor do we help
    /// others to find each other, and are connected with those that are named and that name us. Others may
    /// connect to us beyond it. It should be less than half of `Limits::connections_out`, of which the rest
    /// is for direct messages.
    pub wanted_neighbours: usize,
    /// Bounds.
    pub limits: MeshLimits,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            bootstrap: Vec::new(),
            serves_relay: false,
            behind_nat: false,
            wanted_neighbours: 8,
            limits: MeshLimits::default(),
        }
    }
}

/// The wall clock, in unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

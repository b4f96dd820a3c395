//! The bounds of what neighbours can make us hold.

use std::time::Duration;

use crate::admission::Allowance;
use crate::limits::Limits;

use super::Plane;

/// How often something may happen: a bucket of `burst` tokens, in which `per_second` grow back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// On average.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

/// Bounds of a node's part in the mesh, beside its [`Limits`], which hold for connections, memory and
/// direct messages. Every one must be at least 1.
///
/// Memory in the worst case, all neighbours being attackers, by default:
/// * requests that wait for us: 2 planes × `in_flight_total` × `message_bytes` = 32 MiB;
/// * streams: one connection adds `2 × (2 × in_flight_per_peer + own_per_peer)` = 48 messages (3 MiB) and
///   48 + 24 stream windows of 256 KiB, which count in `Limits::memory_bytes`;
/// * gossip that waits for a verdict: `gossip_waiting_total` × `gossip_bytes` = 4 MiB; accepted gossip
///   stays 5 s to be asked for again, so what the application accepts, it pays for;
/// * gossip on its way to a peer that does not read: 64 messages, `gossip_bytes` each = 1 MiB a connection;
/// * seen gossip: 32-byte ids for 120 s, at most `gossip.per_second` from a neighbour = 600 KiB each;
/// * faults of 4096 peers, 1024 bans, buckets of 3 × 4096 peers: under 2 MiB;
/// * circuits for others: `circuits` × 2 × 8 KiB, and `circuit_bytes` a circuit to carry at all;
/// * peers known by discovery: 256 buckets of 20, at most 8 addresses each = 11 MiB, reached by nobody
///   who cannot choose his ids freely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshLimits {
    /// Largest request or answer on the claim and return planes, in bytes.
    pub message_bytes: u32,
    /// Largest body of gossip, in bytes.
    pub gossip_bytes: u32,
    /// Claims of one neighbour; more are told that we are busy and are [`Fault::Flood`](crate::Fault).
    /// Also how often we ask a neighbour ourselves, with three quarters of the burst.
    pub claims: Rate,
    /// Returns of one neighbour, in the same way.
    pub returns: Rate,
    /// Gossip that one neighbour brings as the first; more is ignored and is [`Fault::Flood`](crate::Fault).
    /// Also how much we publish and pass on altogether, with three quarters of the burst: what we accept
    /// beyond it stays with us, for our neighbours would blame us for it.
    pub gossip: Rate,
    /// Requests of one neighbour and plane that wait for our answer at the same time.
    pub in_flight_per_peer: u32,
    /// Requests of all neighbours on one plane that wait for our answer.
    pub in_flight_total: usize,
    /// Our own requests to one neighbour on one plane. Should not exceed its `in_flight_per_peer`.
    pub own_per_peer: usize,
    /// Our own requests to all neighbours on one plane.
    pub own_total: usize,
    /// Gossip of one neighbour that waits for our verdict.
    pub gossip_waiting_per_peer: u32,
    /// Gossip of all neighbours that waits for our verdict.
    pub gossip_waiting_total: usize,
    /// Events that wait in [`MeshInbound`](crate::MeshInbound). When they are so many, requests are told
    /// that we are busy and gossip is ignored; who joined and left is never lost.
    pub events: usize,
    /// Neighbours that connected to us whose connections are kept. Further ones are parted with after a
    /// minute, or as soon as half of `Limits::connections_in` is taken, unless direct messages move: this
    /// bound and `reservations` together must leave room there for the parties of swaps.
    pub kept_incoming: usize,
    /// Peers that may listen through us, if we serve as a relay.
    pub reservations: usize,
    /// Circuits through us at the same time, at most 4 from one peer.
    pub circuits: usize,
    /// Bytes that a circuit through us carries each way before it is closed.
    pub circuit_bytes: u64,
    /// How long a circuit through us lives, and a reservation of one.
    pub circuit_time: Duration,
}

impl Default for MeshLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            gossip_bytes: 16 * 1024,
            claims: Rate {
                per_second: 10,
                burst: 40,
            },
            returns: Rate {
                per_second: 40,
                burst: 160,
            },
            gossip: Rate {
                per_second: 50,
                burst: 200,
            },
            in_flight_per_peer: 8,
            in_flight_total: 256,
            own_per_peer: 8,
            own_total: 256,
            gossip_waiting_per_peer: 64,
            gossip_waiting_total: 256,
            events: 1024,
            kept_incoming: 24,
            reservations: 16,
            circuits: 32,
            circuit_bytes: 16 << 20,
            circuit_time: Duration::from_secs(3600),
        }
    }
}

impl MeshLimits {
    /// What a neighbour may ask on a plane.
    pub(crate) fn allowance(&self, plane: Plane) -> Allowance {
        let rate = self.rate(plane);
        Allowance {
            per_peer: self.in_flight_per_peer,
            total: self.in_flight_total,
            per_second: rate.per_second,
            burst: rate.burst,
        }
    }

    /// How often we ask a neighbour ourselves: with a smaller burst, for the network may hold some of our
    /// requests back and deliver them together with later ones.
    pub(crate) fn own_allowance(&self, plane: Plane) -> Allowance {
        let rate = self.rate(plane);
        Allowance {
            per_peer: u32::MAX,
            total: usize::MAX,
            per_second: rate.per_second,
            burst: rate.burst.saturating_mul(3) / 4,
        }
    }

    /// How much we tell everybody, of our own and of others'.
    pub(crate) fn own_gossip_allowance(&self) -> Allowance {
        Allowance {
            per_peer: u32::MAX,
            total: usize::MAX,
            per_second: self.gossip.per_second,
            burst: self.gossip.burst.saturating_mul(3) / 4,
        }
    }

    /// What a neighbour may bring as gossip.
    pub(crate) fn gossip_allowance(&self) -> Allowance {
        Allowance {
            per_peer: self.gossip_waiting_per_peer,
            total: self.gossip_waiting_total,
            per_second: self.gossip.per_second,
            burst: self.gossip.burst,
        }
    }

    /// The bounds of our own requests on one plane, in the form in which those of direct messages come.
    pub(crate) fn for_plane(&self, direct: &Limits) -> Limits {
        Limits {
            message_bytes: self.message_bytes,
            inbound_per_peer: self.in_flight_per_peer,
            inbound_total: self.in_flight_total,
            outbound_per_peer: self.own_per_peer,
            outbound_total: self.own_total,
            ..direct.clone()
        }
    }

    fn rate(&self, plane: Plane) -> Rate {
        match plane {
            Plane::Return => self.returns,
            Plane::Claim | Plane::Direct => self.claims,
        }
    }

    /// The name of a bound that is zero, if one is.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let rate = |rate: Rate| rate.per_second == 0 || rate.burst == 0;
        let checks = [
            ("mesh.message_bytes", self.message_bytes == 0),
            ("mesh.gossip_bytes", self.gossip_bytes == 0),
            ("mesh.claims", rate(self.claims)),
            ("mesh.returns", rate(self.returns)),
            ("mesh.gossip", rate(self.gossip)),
            ("mesh.in_flight_per_peer", self.in_flight_per_peer == 0),
            ("mesh.in_flight_total", self.in_flight_total == 0),
            ("mesh.own_per_peer", self.own_per_peer == 0),
            ("mesh.own_total", self.own_total == 0),
            ("mesh.gossip_waiting_per_peer", self.gossip_waiting_per_peer == 0),
            ("mesh.gossip_waiting_total", self.gossip_waiting_total == 0),
            ("mesh.events", self.events == 0),
            ("mesh.kept_incoming", self.kept_incoming == 0),
            ("mesh.reservations", self.reservations == 0),
            ("mesh.circuits", self.circuits == 0),
            ("mesh.circuit_bytes", self.circuit_bytes == 0),
            ("mesh.circuit_time", self.circuit_time.is_zero()),
        ];
        checks.iter().find(|(_, zero)| *zero).map(|(name, _)| *name)
    }
}

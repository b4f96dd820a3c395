//! The bounds of everything that a stranger can make us hold.

use std::time::Duration;

use crate::admission::Allowance;

/// Bounds of one node. Every one must be at least 1; [`Limits::default`] fits a node on a small machine.
///
/// Memory in the worst case, all connections taken by attackers: one connection holds at most
/// `s = 2 × inbound_per_peer + outbound_per_peer` messages (24, 1.5 MiB by default) and `s + 8` stream
/// windows of 256 KiB (8 MiB), so 128 connections come to 1.2 GiB; `memory_bytes` stops new connections
/// before the machine suffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request or answer, in bytes, ours and theirs.
    pub message_bytes: u32,
    /// From the call of [`request`](crate::Transport::request) until its answer must be here,
    /// connecting included.
    pub request_timeout: Duration,
    /// Requests of one peer that wait for our answer at the same time; more are told that we are busy.
    pub inbound_per_peer: u32,
    /// Requests a second of one peer, on average and at once after a pause; more are told that we are busy.
    pub inbound_per_second: u32,
    /// Requests of all peers together that wait for our answer.
    pub inbound_total: usize,
    /// Our own requests to one peer that wait for its answer. Should not exceed the peer's `inbound_per_peer`.
    pub outbound_per_peer: usize,
    /// Our own requests to all peers together.
    pub outbound_total: usize,
    /// Connections that others opened to us.
    pub connections_in: u32,
    /// Connections that we opened.
    pub connections_out: u32,
    /// Connections with one peer, whoever opened them.
    pub connections_per_peer: u32,
    /// Resident memory of the whole process, in bytes, above which no new connection is taken or made.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            request_timeout: Duration::from_secs(10),
            inbound_per_peer: 8,
            inbound_per_second: 50,
            inbound_total: 256,
            outbound_per_peer: 8,
            outbound_total: 256,
            connections_in: 64,
            connections_out: 64,
            connections_per_peer: 4,
            memory_bytes: 2 << 30,
        }
    }
}

impl Limits {
    /// Streams of direct messages on one connection. Twice the inbound share, so that a peer slightly
    /// over it is told "busy" on an open stream; beyond that, streams are dropped unread.
    pub(crate) fn streams_per_connection(&self) -> usize {
        (self.inbound_per_peer as usize)
            .saturating_mul(2)
            .saturating_add(self.outbound_per_peer)
    }

    /// What a peer may ask by direct messages: a second's worth of requests at once.
    pub(crate) fn allowance(&self) -> Allowance {
        Allowance {
            per_peer: self.inbound_per_peer,
            total: self.inbound_total,
            per_second: self.inbound_per_second,
            burst: self.inbound_per_second,
        }
    }

    /// The name of a bound that is zero, if one is: it would stop all traffic, or panic in a channel.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let checks = [
            ("message_bytes", self.message_bytes == 0),
            ("request_timeout", self.request_timeout.is_zero()),
            ("inbound_per_peer", self.inbound_per_peer == 0),
            ("inbound_per_second", self.inbound_per_second == 0),
            ("inbound_total", self.inbound_total == 0),
            ("outbound_per_peer", self.outbound_per_peer == 0),
            ("outbound_total", self.outbound_total == 0),
            ("connections_in", self.connections_in == 0),
            ("connections_out", self.connections_out == 0),
            ("connections_per_peer", self.connections_per_peer == 0),
            ("memory_bytes", self.memory_bytes == 0),
        ];
        checks.iter().find(|(_, zero)| *zero).map(|(name, _)| *name)
    }
}

//! Our own requests: those that wait for a connection and those that wait for an answer.

use std::collections::HashMap;

use libp2p::Multiaddr;
use libp2p::request_response::{OutboundFailure, OutboundRequestId};
use libp2p::swarm::{ConnectionId, DialError};
use tokio::sync::oneshot;

use crate::address::{PeerAddress, bare};
use crate::error::{Attempt, RequestError, deepest};
use crate::identity::PeerId;
use crate::limits::Limits;
use crate::wire::Reply;

/// What is wanted of a peer.
pub(crate) enum Errand {
    /// An answer to this request.
    Ask(Vec<u8>),
    /// To become a neighbour; the answer to that is empty.
    Connect,
}

/// One errand, and the way back to who sent it.
pub(crate) struct Outgoing {
    pub(crate) to: PeerAddress,
    pub(crate) errand: Errand,
    pub(crate) reply: oneshot::Sender<Result<Vec<u8>, RequestError>>,
}

impl Outgoing {
    pub(crate) fn fail(self, error: RequestError) {
        // Who asked may have given up already.
        let _gone = self.reply.send(Err(error));
    }
}

/// One attempt to connect to a peer; later requests to the same peer join it.
struct Dial {
    connection: ConnectionId,
    /// Being dialed now.
    trying: Vec<Multiaddr>,
    /// To be dialed if that fails.
    next: Vec<Multiaddr>,
    tried: Vec<Attempt>,
    waiting: Vec<Outgoing>,
}

struct Sent {
    peer: PeerId,
    reply: oneshot::Sender<Result<Vec<u8>, RequestError>>,
}

/// The bookkeeping of our requests; it moves no bytes.
pub(crate) struct Outbound {
    protocol: String,
    limits: Limits,
    dials: HashMap<PeerId, Dial>,
    sent: HashMap<OutboundRequestId, Sent>,
}

impl Outbound {
    pub(crate) fn new(protocol: String, limits: Limits) -> Self {
        Self {
            protocol,
            limits,
            dials: HashMap::new(),
            sent: HashMap::new(),
        }
    }

    /// Refuses a request for which there is no room.
    pub(crate) fn room(&self, peer: PeerId) -> Result<(), RequestError> {
        let dialing = self.dials.get(&peer).map_or(0, |dial| dial.waiting.len());
        let to_peer = dialing + self.sent.values().filter(|sent| sent.peer == peer).count();
        if to_peer >= self.limits.outbound_per_peer {
            return Err(RequestError::TooManyWaiting {
                max: self.limits.outbound_per_peer,
            });
        }
        let total = self.sent.len() + self.dials.values().map(|dial| dial.waiting.len()).sum::<usize>();
        if total >= self.limits.outbound_total {
            return Err(RequestError::TooManyWaiting {
                max: self.limits.outbound_total,
            });
        }
        Ok(())
    }

    /// Joins a dial in progress, with the addresses that it does not know; gives the request back if
    /// there is none.
    pub(crate) fn join_dial(&mut self, outgoing: Outgoing) -> Option<Outgoing> {
        let Some(dial) = self.dials.get_mut(&outgoing.to.peer()) else {
            return Some(outgoing);
        };
        for address in outgoing.to.addresses() {
            if !dial.trying.contains(address) && !dial.next.contains(address) {
                dial.next.push(address.clone());
            }
        }
        dial.waiting.push(outgoing);
        None
    }

    /// Notes that `connection` is being made for `outgoing`.
    pub(crate) fn dialing(&mut self, connection: ConnectionId, outgoing: Outgoing) {
        let dial = Dial {
            connection,
            trying: outgoing.to.addresses().to_vec(),
            next: Vec::new(),
            tried: Vec::new(),
            waiting: Vec::new(),
        };
        self.dials
            .entry(outgoing.to.peer())
            .or_insert(dial)
            .waiting
            .push(outgoing);
    }

    /// Notes that a further `connection` to `peer` is being made, to `addresses`.
    pub(crate) fn dialing_again(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        addresses: Vec<Multiaddr>,
    ) {
        if let Some(dial) = self.dials.get_mut(&peer) {
            dial.connection = connection;
            dial.trying = addresses;
        }
    }

    /// A peer is connected, whoever made the connection: its requests, to be sent now. Those whose
    /// asker has given up are left out: who was told "timeout" does not expect a delivery long after.
    pub(crate) fn connected(&mut self, peer: PeerId) -> Vec<Outgoing> {
        let mut waiting = self
            .dials
            .remove(&peer)
            .map(|dial| dial.waiting)
            .unwrap_or_default();
        waiting.retain(|outgoing| !outgoing.reply.is_closed());
        waiting
    }

    /// A dial has failed. Addresses that are left are returned, to be dialed next; otherwise its
    /// requests fail. One address with a stranger behind it must not hide the others.
    pub(crate) fn dial_failed(
        &mut self,
        connection: ConnectionId,
        error: &DialError,
    ) -> Option<(PeerId, Vec<Multiaddr>)> {
        let peer = *self
            .dials
            .iter()
            .find(|(_, dial)| dial.connection == connection)?
            .0;
        let dial = self.dials.get_mut(&peer).expect("found just now");
        let trying = std::mem::take(&mut dial.trying);
        let mut left = std::mem::take(&mut dial.next);
        match error {
            DialError::WrongPeerId { obtained, address } => {
                let reason = format!("another peer answers there, {obtained}");
                left.extend(trying.into_iter().filter(|other| *other != bare(address)));
                dial.tried.push(Attempt {
                    address: bare(address).to_string(),
                    reason,
                });
            }
            DialError::LocalPeerId { address } => {
                let reason = "we answer there ourselves".to_owned();
                left.extend(trying.into_iter().filter(|other| *other != bare(address)));
                dial.tried.push(Attempt {
                    address: bare(address).to_string(),
                    reason,
                });
            }
            DialError::Transport(failures) => {
                dial.tried.extend(failures.iter().map(|(address, error)| Attempt {
                    address: bare(address).to_string(),
                    reason: deepest(error),
                }))
            }
            other => dial.tried.extend(trying.iter().map(|address| Attempt {
                address: address.to_string(),
                reason: deepest(other),
            })),
        }
        dial.waiting.retain(|outgoing| !outgoing.reply.is_closed());
        if !left.is_empty() && !dial.waiting.is_empty() {
            return Some((peer, left));
        }
        let dial = self.dials.remove(&peer).expect("found just now");
        for outgoing in dial.waiting {
            outgoing.fail(RequestError::Unreachable {
                peer,
                tried: dial.tried.clone(),
            });
        }
        None
    }

    /// Notes that `outgoing` was handed to the swarm as `id`.
    pub(crate) fn sent(
        &mut self,
        id: OutboundRequestId,
        peer: PeerId,
        reply: oneshot::Sender<Result<Vec<u8>, RequestError>>,
    ) {
        self.sent.insert(id, Sent { peer, reply });
    }

    /// The answer to `id` is here.
    pub(crate) fn replied(&mut self, id: OutboundRequestId, reply: Reply) {
        let max = self.limits.message_bytes;
        self.finish(id, |peer| match reply {
            Reply::Answer(body) => Ok(body),
            Reply::Busy => Err(RequestError::Busy { peer }),
            Reply::TooLarge { max } => Err(RequestError::TooLargeForPeer { peer, max }),
            Reply::Nothing => Err(RequestError::NoAnswer { peer }),
            Reply::Oversized { size } => Err(RequestError::AnswerTooLarge { peer, size, max }),
        });
    }

    /// There will be no answer to `id`.
    pub(crate) fn failed(&mut self, id: OutboundRequestId, failure: OutboundFailure) {
        let (protocol, after) = (self.protocol.clone(), self.limits.request_timeout);
        self.finish(id, |peer| {
            Err(match failure {
                OutboundFailure::UnsupportedProtocols => RequestError::WrongNetwork { peer, protocol },
                OutboundFailure::Timeout => RequestError::Timeout { peer, after },
                other => RequestError::Lost {
                    peer,
                    reason: other.to_string(),
                },
            })
        });
    }

    fn finish(
        &mut self,
        id: OutboundRequestId,
        result: impl FnOnce(PeerId) -> Result<Vec<u8>, RequestError>,
    ) {
        if let Some(sent) = self.sent.remove(&id) {
            let _gone = sent.reply.send(result(sent.peer));
        }
    }
}

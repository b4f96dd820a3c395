//! One request-response protocol: what peers ask, what we ask, and the messages between.

use libp2p::request_response::{self, Message, ResponseChannel};

use crate::identity::PeerId;
use crate::score::Fault;
use crate::wire::{Ask, Codec, Reply};

use super::inbound::{InboundDesk, Taken};
use super::outbound::{Outbound, Outgoing};

pub(crate) type Protocol = request_response::Behaviour<Codec>;

/// Both directions of one protocol.
pub(crate) struct Desk {
    pub(crate) inbound: InboundDesk,
    pub(crate) outbound: Outbound,
}

impl Desk {
    /// Hands a request to the swarm; its peer must be connected.
    pub(crate) fn send(&mut self, protocol: &mut Protocol, outgoing: Outgoing, body: Vec<u8>) {
        let peer = outgoing.to.peer();
        let id = protocol.send_request(&peer.0, Ask::Body(body));
        self.outbound.sent(id, peer, outgoing.reply);
    }

    /// Takes what the protocol says. Returns the peer that did something wrong, if one did.
    pub(crate) fn on_event(
        &mut self,
        protocol: &mut Protocol,
        event: request_response::Event<Ask, Reply>,
    ) -> Option<(PeerId, Fault)> {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    let Taken { reply, fault } = self.inbound.take(PeerId(peer), request, channel);
                    respond(protocol, reply);
                    fault.map(|fault| (PeerId(peer), fault))
                }
                Message::Response { request_id, response } => {
                    self.outbound.replied(request_id, response);
                    None
                }
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                self.outbound.failed(request_id, error);
                None
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a request of a peer ended without an answer");
                None
            }
            request_response::Event::ResponseSent { .. } => None,
        }
    }
}

/// Sends an answer, if there is one.
pub(crate) fn respond(protocol: &mut Protocol, reply: Option<(ResponseChannel<Reply>, Reply)>) {
    if let Some((channel, reply)) = reply
        && protocol.send_response(channel, reply).is_err()
    {
        tracing::debug!("an answer came too late, the asker is gone");
    }
}

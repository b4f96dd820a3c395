//! Keeps connections open although nothing moves on them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::{Context, Poll, Waker};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::DeniedUpgrade;
use libp2p::swarm::handler::ConnectionEvent;
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

/// Without it, a neighbour with whom there is nothing to talk about for a minute would be lost.
#[derive(Default)]
pub(crate) struct Keep {
    told: VecDeque<(PeerId, ConnectionId)>,
    waker: Option<Waker>,
}

impl Keep {
    /// Keeps one connection open for as long as the peer does.
    pub(crate) fn keep(&mut self, peer: PeerId, connection: ConnectionId) {
        self.told.push_back((peer, connection));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl NetworkBehaviour for Keep {
    type ConnectionHandler = KeepConnection;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(KeepConnection { keep: false })
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(KeepConnection { keep: false })
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        if let Some((peer_id, connection)) = self.told.pop_front() {
            return Poll::Ready(ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::One(connection),
                event: Kept,
            });
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// The word to one connection that it is to be kept.
#[derive(Debug)]
pub(crate) struct Kept;

/// One connection's part: it speaks no protocol.
pub(crate) struct KeepConnection {
    keep: bool,
}

impl ConnectionHandler for KeepConnection {
    type FromBehaviour = Kept;
    type ToBehaviour = Infallible;
    type InboundProtocol = DeniedUpgrade;
    type OutboundProtocol = DeniedUpgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<DeniedUpgrade> {
        SubstreamProtocol::new(DeniedUpgrade, ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep
    }

    fn on_behaviour_event(&mut self, Kept: Kept) {
        self.keep = true;
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<DeniedUpgrade, (), Infallible>> {
        Poll::Pending
    }

    fn on_connection_event(&mut self, _: ConnectionEvent<'_, DeniedUpgrade, DeniedUpgrade>) {}
}

#[cfg(test)]
mod tests {
    use futures::task::noop_waker;

    use super::*;

    #[test]
    fn a_connection_is_kept_from_the_word_on() {
        let mut keep = Keep::default();
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        assert!(keep.poll(&mut context).is_pending());
        let (peer, connection) = (PeerId::random(), ConnectionId::new_unchecked(7));
        keep.keep(peer, connection);
        let Poll::Ready(ToSwarm::NotifyHandler {
            peer_id,
            handler: NotifyHandler::One(of),
            event,
        }) = keep.poll(&mut context)
        else {
            panic!("a word to one connection")
        };
        assert_eq!((peer_id, of), (peer, connection));
        assert!(keep.poll(&mut context).is_pending());
        let mut handler = KeepConnection { keep: false };
        assert!(!handler.connection_keep_alive());
        handler.on_behaviour_event(event);
        assert!(handler.connection_keep_alive());
    }
}

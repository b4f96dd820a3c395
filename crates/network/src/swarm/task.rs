//! The one task that owns the swarm.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::request_response::{self, Message, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, Swarm, ping};
use tokio::sync::{mpsc, watch};

use crate::address::full;
use crate::error::{StartError, deepest};
use crate::identity::PeerId;
use crate::wire::{Ask, Reply};

use super::{Behaviour, BehaviourEvent, InboundDesk, Outbound, Outgoing};

/// A listener that has not said where it listens by then does not work.
const LISTEN_DEADLINE: Duration = Duration::from_secs(10);

/// Time to close all connections in an orderly way at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a [`Network`](crate::Network) asks of its task.
pub(crate) enum Command {
    /// Send a request.
    Send(Outgoing),
    /// Close everything and end.
    Stop,
}

/// Drives the swarm until told to stop or until no handle is left.
pub(crate) struct SwarmTask {
    // Dropped in this order: who sees `commands` close may rely on the swarm being gone.
    swarm: Swarm<Behaviour>,
    outbound: Outbound,
    inbound: InboundDesk,
    addresses: watch::Sender<Vec<String>>,
    commands: mpsc::Receiver<Command>,
}

impl SwarmTask {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        outbound: Outbound,
        inbound: InboundDesk,
        addresses: watch::Sender<Vec<String>>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            swarm,
            outbound,
            inbound,
            addresses,
            commands,
        }
    }

    /// Listens on every address and returns once each listener has said where it is.
    pub(crate) async fn listen(&mut self, addresses: &[Multiaddr]) -> Result<(), StartError> {
        let mut awaited = HashMap::new();
        for address in addresses {
            let listener = self.swarm.listen_on(address.clone());
            let listener = listener.map_err(|error| listen_error(address, &error))?;
            awaited.insert(listener, address.clone());
        }
        match tokio::time::timeout(LISTEN_DEADLINE, self.listening(&mut awaited)).await {
            Ok(result) => result,
            Err(elapsed) => Err(awaited.values().next().map_or_else(
                || StartError::Transport {
                    transport: "listening",
                    reason: elapsed.to_string(),
                },
                |address| listen_error(address, &elapsed),
            )),
        }
    }

    async fn listening(&mut self, awaited: &mut HashMap<ListenerId, Multiaddr>) -> Result<(), StartError> {
        while !awaited.is_empty() {
            let event = self.swarm.select_next_some().await;
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    awaited.remove(listener_id);
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason: Err(error),
                    ..
                } => {
                    if let Some(address) = awaited.get(listener_id) {
                        return Err(listen_error(address, error));
                    }
                }
                SwarmEvent::ListenerError { listener_id, error } => {
                    if let Some(address) = awaited.get(listener_id) {
                        return Err(listen_error(address, error));
                    }
                }
                _ => {}
            }
            self.on_event(event);
        }
        Ok(())
    }

    /// Runs to the end.
    pub(crate) async fn run(mut self) {
        self.serve().await;
        // Without a word of farewell a quic peer would believe in us until its idle timeout.
        if tokio::time::timeout(FAREWELL, self.disconnect()).await.is_err() {
            tracing::debug!("some connections did not close in time and are dropped");
        }
    }

    async fn disconnect(&mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // An error means that it is gone already.
            let _gone = self.swarm.disconnect_peer_id(peer);
        }
        while self.swarm.connected_peers().next().is_some() {
            self.swarm.select_next_some().await;
        }
    }

    async fn serve(&mut self) {
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Send(outgoing)) => self.send(outgoing),
                    Some(Command::Stop) | None => return,
                },
                answered = self.inbound.answered() => {
                    let reply = self.inbound.settle(answered);
                    self.respond(reply);
                }
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        let peer = outgoing.to.peer();
        if outgoing.reply.is_closed() {
            return;
        }
        if let Err(error) = self.outbound.room(peer) {
            return outgoing.fail(error);
        }
        if self.swarm.behaviour().direct.is_connected(&peer.0) {
            return self.send_now(outgoing);
        }
        let Some(outgoing) = self.outbound.join_dial(outgoing) else {
            return;
        };
        let dial = dial(peer, outgoing.to.addresses().to_vec());
        self.outbound.dialing(dial.connection_id(), outgoing);
        self.dial(dial);
    }

    /// Dials, and on failure whatever other addresses the requests have brought.
    fn dial(&mut self, mut opts: DialOpts) {
        loop {
            let connection = opts.connection_id();
            let Err(error) = self.swarm.dial(opts) else { return };
            let Some((peer, left)) = self.outbound.dial_failed(connection, &error) else {
                return;
            };
            opts = dial(peer, left.clone());
            self.outbound.dialing_again(peer, opts.connection_id(), left);
        }
    }

    fn send_now(&mut self, outgoing: Outgoing) {
        let peer = outgoing.to.peer();
        let id = self
            .swarm
            .behaviour_mut()
            .direct
            .send_request(&peer.0, Ask::Body(outgoing.body));
        self.outbound.sent(id, peer, outgoing.reply);
    }

    fn respond(&mut self, reply: Option<(ResponseChannel<Reply>, Reply)>) {
        if let Some((channel, reply)) = reply
            && self
                .swarm
                .behaviour_mut()
                .direct
                .send_response(channel, reply)
                .is_err()
        {
            tracing::debug!("an answer came too late, the asker is gone");
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Direct(event)) => self.on_direct(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                for outgoing in self.outbound.connected(PeerId(peer_id)) {
                    self.send_now(outgoing);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                if let Some((peer, left)) = self.outbound.dial_failed(connection_id, &error) {
                    let opts = dial(peer, left.clone());
                    self.outbound.dialing_again(peer, opts.connection_id(), left);
                    self.dial(opts);
                }
            }
            SwarmEvent::IncomingConnectionError {
                send_back_addr,
                error,
                ..
            } => {
                tracing::debug!(from = %send_back_addr, %error, "refused a connection");
            }
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => self.publish(),
            SwarmEvent::ListenerClosed {
                addresses, reason, ..
            } => {
                tracing::error!(?addresses, ?reason, "a listener has closed");
                self.publish();
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener reports an error"),
            _ => {}
        }
    }

    fn on_direct(&mut self, event: request_response::Event<Ask, Reply>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    let reply = self.inbound.take(PeerId(peer), request, channel);
                    self.respond(reply);
                }
                Message::Response { request_id, response } => self.outbound.replied(request_id, response),
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                self.outbound.failed(request_id, error);
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a request of a peer ended without an answer");
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    /// A peer that is silently gone would swallow requests until tcp notices, which takes minutes.
    fn on_ping(&mut self, event: ping::Event) {
        if let Err(ping::Failure::Timeout | ping::Failure::Other { .. }) = event.result {
            self.swarm.close_connection(event.connection);
        }
    }

    fn publish(&self) {
        let us = PeerId(*self.swarm.local_peer_id());
        let mut addresses: Vec<_> = self.swarm.listeners().map(|address| full(address, us)).collect();
        addresses.sort();
        self.addresses.send_replace(addresses);
    }
}

/// From a fresh port each time: with the listening port, a second connection to the same address
/// would be impossible while the first one lingers.
fn dial(peer: PeerId, addresses: Vec<Multiaddr>) -> DialOpts {
    DialOpts::peer_id(peer.0)
        .condition(PeerCondition::Always)
        .allocate_new_port()
        .addresses(addresses)
        .build()
}

fn listen_error(address: &Multiaddr, error: &(dyn std::error::Error + 'static)) -> StartError {
    StartError::Listen {
        address: address.to_string(),
        reason: deepest(error),
    }
}

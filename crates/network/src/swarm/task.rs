//! The one task that owns the swarm.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, Swarm, ping, request_response};
use tokio::sync::{mpsc, watch};

use crate::address::full;
use crate::error::{StartError, deepest};
use crate::identity::PeerId;

use super::desk::respond;
use super::mesh::side::{MeshSide, Work};
use super::{Behaviour, BehaviourEvent, Desk, Errand, Outgoing};

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
    direct: Desk,
    mesh: Option<MeshSide>,
    addresses: watch::Sender<Vec<String>>,
    commands: mpsc::Receiver<Command>,
}

impl SwarmTask {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        direct: Desk,
        mesh: Option<MeshSide>,
        addresses: watch::Sender<Vec<String>>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            swarm,
            direct,
            mesh,
            addresses,
            commands,
        }
    }

    /// Listens on every address and returns once each listener has said where it is.
    pub(crate) async fn listen(&mut self, addresses: &[Multiaddr]) -> Result<(), StartError> {
        let mut awaited = HashMap::new();
        if let Some(mesh) = &mut self.mesh {
            mesh.listen_on(addresses);
        }
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
                answered = self.direct.inbound.answered() => {
                    let reply = self.direct.inbound.settle(answered);
                    respond(&mut self.swarm.behaviour_mut().direct, reply);
                }
                work = mesh_work(&mut self.mesh) => self.on_work(work),
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
    }

    fn on_work(&mut self, work: Work) {
        let Some(mesh) = &mut self.mesh else { return };
        for errand in mesh.on_work(&mut self.swarm, work) {
            self.send(errand);
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        let peer = outgoing.to.peer();
        if outgoing.reply.is_closed() {
            return;
        }
        // A connection that somebody wants takes no room from messages.
        if let (Errand::Ask(_), Err(error)) = (&outgoing.errand, self.direct.outbound.room(peer)) {
            return outgoing.fail(error);
        }
        if self.swarm.behaviour().direct.is_connected(&peer.0) {
            return self.send_now(outgoing);
        }
        let Some(outgoing) = self.direct.outbound.join_dial(outgoing) else {
            return;
        };
        let dial = dial(peer, outgoing.to.addresses().to_vec());
        self.direct.outbound.dialing(dial.connection_id(), outgoing);
        self.dial(dial);
    }

    /// Dials, and on failure whatever other addresses the requests have brought.
    fn dial(&mut self, mut opts: DialOpts) {
        loop {
            let connection = opts.connection_id();
            let Err(error) = self.swarm.dial(opts) else { return };
            let Some((peer, left)) = self.direct.outbound.dial_failed(connection, &error) else {
                return;
            };
            opts = dial(peer, left.clone());
            self.direct
                .outbound
                .dialing_again(peer, opts.connection_id(), left);
        }
    }

    fn send_now(&mut self, mut outgoing: Outgoing) {
        match std::mem::replace(&mut outgoing.errand, Errand::Connect) {
            Errand::Ask(body) => {
                if let Some(mesh) = &self.mesh {
                    mesh.used(outgoing.to.peer());
                }
                let protocol = &mut self.swarm.behaviour_mut().direct;
                self.direct.send(protocol, outgoing, body);
            }
            Errand::Connect => {
                if let Some(mesh) = &mut self.mesh {
                    mesh.reached(outgoing);
                }
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        if let Some(mesh) = &mut self.mesh {
            mesh.on_connection(&event);
        }
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                for outgoing in self.direct.outbound.connected(PeerId(peer_id)) {
                    self.send_now(outgoing);
                }
                if let Some(mesh) = &self.mesh {
                    mesh.make_room(&mut self.swarm);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                if let Some((peer, left)) = self.direct.outbound.dial_failed(connection_id, &error) {
                    let opts = dial(peer, left.clone());
                    self.direct
                        .outbound
                        .dialing_again(peer, opts.connection_id(), left);
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
            SwarmEvent::NewListenAddr { address, .. } => {
                if let Some(mesh) = &self.mesh {
                    mesh.on_listen(&mut self.swarm, &address);
                }
                self.publish();
            }
            SwarmEvent::ExpiredListenAddr { .. } => self.publish(),
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

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Direct(event) => {
                if let (Some(mesh), request_response::Event::Message { peer, .. }) = (&self.mesh, &event) {
                    mesh.used(PeerId(*peer));
                }
                let protocol = &mut self.swarm.behaviour_mut().direct;
                // Nobody is judged for direct messages: the parties of a swap need each other.
                let _blame = self.direct.on_event(protocol, event);
            }
            BehaviourEvent::Ping(event) => self.on_ping(event),
            BehaviourEvent::Identify(event) => {
                if let Some(mesh) = &mut self.mesh {
                    mesh.on_identify(&mut self.swarm, event);
                }
            }
            BehaviourEvent::Mesh(event) => {
                if let Some(mesh) = &mut self.mesh {
                    mesh.on_event(&mut self.swarm, event);
                }
            }
            _ => {}
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

/// The mesh's next thing to do. Pends for ever without a mesh.
async fn mesh_work(mesh: &mut Option<MeshSide>) -> Work {
    match mesh {
        Some(mesh) => mesh.work().await,
        None => std::future::pending().await,
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

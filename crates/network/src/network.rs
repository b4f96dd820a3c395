//! The handle on a running swarm.

use std::fmt;
use std::net::{SocketAddr, TcpListener};

use async_trait::async_trait;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{mpsc, oneshot, watch};

use crate::address::{self, PeerAddress};
use crate::error::{RequestError, StartError};
use crate::identity::{Identity, PeerId};
use crate::limits::Limits;
use crate::swarm::task::{Command, SwarmTask};
use crate::swarm::{self, InboundDesk, Outbound, Outgoing};
use crate::transport::{Inbound, Transport};
use crate::wire;

/// What a node needs to be told to take part.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are.
    pub identity: Identity,
    /// Which network: 1 to 32 characters of a-z, 0-9 and '-'. Nodes of different ids cannot talk.
    pub network_id: String,
    /// Where to listen, as multiaddrs such as `/ip4/0.0.0.0/tcp/9000` or
    /// `/ip4/0.0.0.0/udp/9000/quic-v1`; port 0 picks a free one. Empty: nobody can connect to us, and
    /// we can still ask and be asked over connections that we make.
    pub listen: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

/// A running swarm. Clones are the same swarm; when the last one is dropped, it stops.
#[derive(Clone)]
pub struct Network {
    us: PeerId,
    limits: Limits,
    addresses: watch::Receiver<Vec<String>>,
    commands: mpsc::Sender<Command>,
}

impl Network {
    /// Starts a swarm on the current tokio runtime; returns once every listener is up.
    pub async fn start(config: Config) -> Result<(Self, Inbound), StartError> {
        let Config {
            identity,
            network_id,
            listen,
            limits,
        } = config;
        if let Some(name) = limits.zero() {
            return Err(StartError::ZeroLimit { name });
        }
        let protocol = wire::direct_protocol(&network_id);
        let protocol = protocol.ok_or(StartError::NetworkId { got: network_id })?;
        let listen = listen
            .iter()
            .map(|text| Ok(address::parse(text)?.0))
            .collect::<Result<Vec<_>, StartError>>()?;
        listen.iter().try_for_each(refuse_taken_port)?;

        let us = identity.peer_id();
        let (queue, inbound) = Inbound::channel(limits.inbound_total);
        let (send_addresses, addresses) = watch::channel(Vec::new());
        let (commands, receive_commands) = mpsc::channel(limits.outbound_total);
        let outbound = Outbound::new(protocol.to_string(), limits.clone());
        let swarm = swarm::build(identity.into_keypair(), protocol, &limits)?;
        let desk = InboundDesk::new(&limits, queue);
        let mut task = SwarmTask::new(swarm, outbound, desk, send_addresses, receive_commands);
        task.listen(&listen).await?;
        tokio::spawn(task.run());
        Ok((
            Self {
                us,
                limits,
                addresses,
                commands,
            },
            inbound,
        ))
    }

    /// Stops the swarm for all clones of this handle; returns when its connections are closed, after at
    /// most a second or so. A quic port may stay taken for a moment longer, until its last packets are out.
    pub async fn shutdown(self) {
        // An error means that it has stopped already.
        let _stopped = self.commands.send(Command::Stop).await;
        self.commands.closed().await;
    }
}

#[async_trait]
impl Transport for Network {
    fn peer_id(&self) -> PeerId {
        self.us
    }

    fn listen_addresses(&self) -> Vec<String> {
        self.addresses.borrow().clone()
    }

    async fn request(&self, to: &PeerAddress, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let peer = to.peer();
        if peer == self.us {
            return Err(RequestError::Ourselves);
        }
        if body.len() > self.limits.message_bytes as usize {
            return Err(RequestError::TooLarge {
                size: body.len(),
                max: self.limits.message_bytes,
            });
        }
        let exchange = async {
            let (reply, answer) = oneshot::channel();
            let outgoing = Outgoing {
                to: to.clone(),
                body,
                reply,
            };
            self.commands
                .send(Command::Send(outgoing))
                .await
                .map_err(|_| RequestError::Stopped)?;
            answer.await.map_err(|_| RequestError::Stopped)?
        };
        let after = self.limits.request_timeout;
        tokio::time::timeout(after, exchange)
            .await
            .unwrap_or(Err(RequestError::Timeout { peer, after }))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", self.us)
    }
}

/// libp2p shares a tcp port with any other program of the same user that does the same (SO_REUSEPORT):
/// two nodes with one port in their configurations would each get half of the connections. A plain
/// bind notices.
fn refuse_taken_port(address: &Multiaddr) -> Result<(), StartError> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    let Some(Protocol::Tcp(port)) = parts.next() else {
        return Ok(());
    };
    match TcpListener::bind(SocketAddr::new(ip, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(StartError::Listen {
            address: address.to_string(),
            reason: error.to_string(),
        }),
    }
}

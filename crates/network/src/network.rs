//! The handle on a running swarm.

mod membership;

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
use crate::mesh::{MeshConfig, MeshInbound, Plane, events};
use crate::swarm::mesh::MAX_WANTED as MAX_BOOTSTRAP;
use crate::swarm::mesh::side::MeshSide;
use crate::swarm::task::{Command, SwarmTask};
use crate::swarm::{self, Desk, Errand, InboundDesk, Outbound, Outgoing, Part};
use crate::transport::{Inbound, Transport};
use crate::wire;

use membership::Membership;

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
    /// Absent in a network for direct messages only.
    membership: Option<Membership>,
}

impl Network {
    /// Starts a swarm for direct messages only on the current tokio runtime; returns once every listener
    /// is up.
    pub async fn start(config: Config) -> Result<(Self, Inbound), StartError> {
        let (network, inbound, _) = Self::launch(config, None).await?;
        Ok((network, inbound))
    }

    /// Starts a swarm that also takes part in the mesh. Returns once every listener is up; neighbours,
    /// and circuits to listen on, come later.
    pub async fn start_mesh(
        config: Config,
        mesh: MeshConfig,
    ) -> Result<(Self, Inbound, MeshInbound), StartError> {
        let (network, inbound, mesh_inbound) = Self::launch(config, Some(mesh)).await?;
        let mesh_inbound = mesh_inbound.expect("launched with a mesh");
        Ok((network, inbound, mesh_inbound))
    }

    async fn launch(
        config: Config,
        mesh: Option<MeshConfig>,
    ) -> Result<(Self, Inbound, Option<MeshInbound>), StartError> {
        let Config {
            identity,
            network_id,
            listen,
            limits,
        } = config;
        let zero = limits
            .zero()
            .or(mesh.as_ref().and_then(|mesh| mesh.limits.zero()));
        if let Some(name) = zero {
            return Err(StartError::ZeroLimit { name });
        }
        let Some(protocol) = wire::plane_protocol(&network_id, Plane::Direct) else {
            return Err(StartError::NetworkId { got: network_id });
        };
        let listen = listen
            .iter()
            .map(|text| Ok(address::parse(text)?.0))
            .collect::<Result<Vec<_>, StartError>>()?;
        listen.iter().try_for_each(refuse_taken_port)?;

        let us = identity.peer_id();
        let (queue, inbound) = Inbound::channel(limits.inbound_total);
        let (send_addresses, addresses) = watch::channel(Vec::new());
        let (commands, receive_commands) = mpsc::channel(limits.outbound_total);
        let part = Part {
            network_id: &network_id,
            limits: &limits,
            mesh: mesh.as_ref(),
        };
        let swarm = swarm::build(identity.into_keypair(), &part)?;
        // A queue without a reader drops the responder, which is an answer too: none. It cannot be
        // full, it has room for all that are admitted.
        let deliver = move |request| queue.try_send(request).map_or(true, |()| true);
        let direct = Desk {
            inbound: InboundDesk::new(&limits.allowance(), limits.message_bytes, Box::new(deliver)),
            outbound: Outbound::new(protocol.to_string(), limits.clone()),
        };
        let (side, membership, mesh_inbound) = match mesh {
            Some(mesh) => {
                let (side, membership, mesh_inbound) = take_part(&network_id, us, &limits, mesh)?;
                (Some(side), Some(membership), Some(mesh_inbound))
            }
            None => (None, None, None),
        };
        let mut task = SwarmTask::new(swarm, direct, side, send_addresses, receive_commands);
        task.listen(&listen).await?;
        tokio::spawn(task.run());
        let network = Self {
            us,
            limits,
            addresses,
            commands,
            membership,
        };
        Ok((network, inbound, mesh_inbound))
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
                errand: Errand::Ask(body),
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

/// The task's half of the mesh, the handles' half, and the queue between the network and its owner.
fn take_part(
    network_id: &str,
    us: PeerId,
    limits: &Limits,
    mut mesh: MeshConfig,
) -> Result<(MeshSide, Membership, MeshInbound), StartError> {
    if mesh.bootstrap.len() > MAX_BOOTSTRAP {
        return Err(StartError::TooManyBootstrap {
            got: mesh.bootstrap.len(),
            max: MAX_BOOTSTRAP,
        });
    }
    // One list of bootstrap peers for all of them: ours is in it too.
    let suffix = format!("/p2p/{us}");
    mesh.bootstrap.retain(|address| !address.ends_with(&suffix));
    let (sender, inbound) = events(mesh.limits.events);
    let (commands, receive_commands) = mpsc::channel(mesh.limits.own_total);
    let bounds = mesh.limits.clone();
    let side = MeshSide::new(network_id, limits, mesh, sender, receive_commands)?;
    let membership = Membership::new(side.shared(), commands, bounds);
    Ok((side, membership, inbound))
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

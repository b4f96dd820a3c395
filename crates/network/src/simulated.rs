//! A network in memory: the same [`Transport`] and [`Mesh`](crate::Mesh), with latency, loss and
//! partitions on demand.
//!
//! The fate of the n-th request from one node to another, and of its answer, is a function of the seed,
//! the two nodes and n: however tasks interleave, a link behaves the same in every run.

mod air;
mod gossip;
mod member;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::address::PeerAddress;
use crate::error::{Attempt, RequestError};
use crate::identity::{Identity, PeerId};
use crate::limits::Limits;
use crate::mesh::{MeshInbound, MeshLimits};
use crate::transport::{Inbound, InboundRequest, Responder, Transport};

use air::Air;
use member::Member;

/// The air between simulated nodes. Clones are the same air.
#[derive(Clone)]
pub struct SimulatedNetwork {
    seed: u64,
    air: Arc<Mutex<Air>>,
}

impl SimulatedNetwork {
    /// A perfect network: no latency, no loss, no partition. The same seed and settings give the same faults.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            air: Arc::new(Mutex::new(Air::default())),
        }
    }

    /// Adds a node for direct messages only. It leaves when its [`SimulatedNode`] is dropped. Of `limits`
    /// only the message size, the timeout and the length of the inbound queue apply. Joining anew replaces
    /// the former node.
    pub fn join(&self, identity: &Identity, limits: Limits) -> (SimulatedNode, Inbound) {
        self.admit(identity.peer_id(), limits, None)
    }

    /// Adds a node that also takes part in the mesh, linked with nobody yet: see
    /// [`link`](Self::link). The bounds of the mesh are those of [`set_mesh_limits`](Self::set_mesh_limits).
    pub fn join_mesh(&self, identity: &Identity, limits: Limits) -> (SimulatedNode, Inbound, MeshInbound) {
        let (member, mesh) = Member::new(self.air().mesh_limits.clone());
        let (node, inbound) = self.admit(identity.peer_id(), limits, Some(Arc::new(member)));
        (node, inbound, mesh)
    }

    fn admit(&self, us: PeerId, limits: Limits, member: Option<Arc<Member>>) -> (SimulatedNode, Inbound) {
        let (queue, inbound) = Inbound::channel(limits.inbound_total.max(1));
        self.air().enter(us, queue.clone(), member.clone());
        let node = SimulatedNode {
            us,
            limits,
            queue,
            member,
            network: self.clone(),
        };
        (node, inbound)
    }

    /// The bounds of nodes that join the mesh from now on.
    pub fn set_mesh_limits(&self, limits: MeshLimits) {
        self.air().mesh_limits = limits;
    }

    /// Makes two nodes neighbours, as if `a` had dialed `b`, for as long as both are there, on the same
    /// island, and neither bans the other. Does nothing if one bans the other now.
    pub fn link(&self, a: PeerId, b: PeerId) {
        self.air().link(a, b);
    }

    /// Ends what [`link`](Self::link) began.
    pub fn unlink(&self, a: PeerId, b: PeerId) {
        self.air().unlink(a, b);
    }

    /// From now on loses `per_mille` of all messages; requests and answers count apart. A lost message
    /// shows as [`RequestError::Timeout`].
    pub fn set_loss(&self, per_mille: u16) {
        self.air().loss_per_mille = per_mille;
    }

    /// From now on a message takes this long, each way.
    pub fn set_latency(&self, latency: RangeInclusive<Duration>) {
        self.air().latency = latency;
    }

    /// From now on nodes reach each other only on the same island. Nodes that are not named are together.
    pub fn partition(&self, islands: &[&[PeerId]]) {
        let of = |(index, island): (usize, &&[PeerId])| {
            island.iter().map(|peer| (*peer, index + 1)).collect::<Vec<_>>()
        };
        let islands = islands.iter().enumerate().flat_map(of).collect();
        self.air().divide(islands);
    }

    /// Ends the partition.
    pub fn heal(&self) {
        self.air().divide(BTreeMap::new());
    }

    fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().expect("nothing panics while it holds the air")
    }

    fn cut(&self, a: PeerId, b: PeerId) -> bool {
        self.air().cut(a, b)
    }

    /// Draws the lots of the next request from one node to another, and of its answer.
    fn draw_both(&self, from: PeerId, to: PeerId) -> (u64, u64) {
        let mut air = self.air();
        let count = air.counts.entry((from, to)).or_insert(0);
        *count += 1;
        (
            draw(self.seed, from, to, *count),
            draw(!self.seed, from, to, *count),
        )
    }

    /// One message on its way: returns when it has arrived, never if it is lost.
    async fn travel(&self, draw: u64) {
        let (lost, time) = {
            let air = self.air();
            (air.loses(draw), air.delays(draw))
        };
        if lost {
            std::future::pending::<()>().await;
        }
        if !time.is_zero() {
            sleep(time).await;
        }
    }
}

impl fmt::Debug for SimulatedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SimulatedNetwork(seed {}, {} nodes)",
            self.seed,
            self.air().len()
        )
    }
}

/// One node of a [`SimulatedNetwork`].
pub struct SimulatedNode {
    us: PeerId,
    limits: Limits,
    queue: mpsc::Sender<InboundRequest>,
    /// Its part in the mesh, if it takes part.
    member: Option<Arc<Member>>,
    network: SimulatedNetwork,
}

impl SimulatedNode {
    /// Where others find this node.
    pub fn address(&self) -> PeerAddress {
        PeerAddress::from_multiaddrs(&self.listen_addresses()).expect("the form of a memory address is fixed")
    }

    async fn exchange(&self, peer: PeerId, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let unreachable = |reason: &str| {
            let tried = vec![Attempt {
                address: "/memory/1".to_owned(),
                reason: reason.to_owned(),
            }];
            RequestError::Unreachable { peer, tried }
        };
        if self.network.cut(self.us, peer) {
            return Err(unreachable("partitioned"));
        }
        let (there, back) = self.network.draw_both(self.us, peer);
        self.network.travel(there).await;
        let queue = self.network.air().queue(peer);
        let queue = queue.ok_or_else(|| unreachable("nobody listens"))?;
        let (responder, answer) = Responder::new(self.limits.message_bytes);
        queue
            .try_send(InboundRequest {
                from: self.us,
                body,
                responder,
            })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => RequestError::Busy { peer },
                mpsc::error::TrySendError::Closed(_) => RequestError::NoAnswer { peer },
            })?;
        let answer = answer.await.map_err(|_| RequestError::NoAnswer { peer });
        if self.network.cut(self.us, peer) {
            return Err(RequestError::Lost {
                peer,
                reason: "partitioned".to_owned(),
            });
        }
        self.network.travel(back).await;
        answer
    }
}

#[async_trait]
impl Transport for SimulatedNode {
    fn peer_id(&self) -> PeerId {
        self.us
    }

    fn listen_addresses(&self) -> Vec<String> {
        vec![format!("/memory/1/p2p/{}", self.us)]
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
        let after = self.limits.request_timeout;
        timeout(after, self.exchange(peer, body))
            .await
            .unwrap_or(Err(RequestError::Timeout { peer, after }))
    }
}

impl Drop for SimulatedNode {
    fn drop(&mut self) {
        // A node that joined anew under this identity stays.
        self.network.air().leave(self.us, &self.queue);
    }
}

impl fmt::Debug for SimulatedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedNode({})", self.us)
    }
}

/// 64 evenly spread bits for the n-th request over a link: the names folded byte by byte (FNV-1a), then
/// the finalizer of SplitMix64.
fn draw(seed: u64, from: PeerId, to: PeerId, n: u64) -> u64 {
    let names = [from.0.to_bytes(), to.0.to_bytes()].concat();
    let numbers = [seed.to_be_bytes(), n.to_be_bytes()].concat();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in names.into_iter().chain(numbers) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;

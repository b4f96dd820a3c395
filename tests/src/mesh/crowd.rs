//! Many nodes in a random graph, in memory.

use super::member::{Member, Wish, network};
use super::stranger::Stranger;
use super::tap::{Tap, Tapped};
use super::{Graph, until};
use crate::sim::Dice;
use kofo_exchange::LinkRole;
use kofo_network::{Identity, Inbound, Limits, Mesh, MeshInbound, PeerId, SimulatedNetwork};
use kofo_primitives::tagged_hash;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Neighbours of each node.
pub const DEGREE: usize = 8;

/// Who is in a crowd: in this order, over the nodes of the graph.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    /// Nodes as they should be.
    pub members: Vec<Wish>,
    /// Nodes that answer that they take everything, and pass nothing on.
    pub droppers: usize,
}

/// The crowd.
pub struct Crowd {
    /// What is between them.
    pub air: SimulatedNetwork,
    /// Who is whose neighbour: members first, then droppers.
    pub graph: Graph,
    /// The nodes as they should be.
    pub members: Vec<Member>,
    /// The others.
    pub droppers: Vec<Arc<Stranger>>,
    /// Everything that members say.
    pub tap: Tap,
}

impl Crowd {
    /// Lets them join and makes them neighbours, all of which have said hello when this returns.
    pub async fn gather(air: SimulatedNetwork, seed: u64, roll: Roll, tap: Tap) -> Self {
        let graph = Graph::random(roll.members.len() + roll.droppers, DEGREE, &mut Dice::new(seed));
        let members: Vec<_> = roll
            .members
            .into_iter()
            .map(|wish| join(&air, wish, tap.clone()))
            .collect();
        let droppers = (0..roll.droppers).map(|nth| dropper(&air, (seed, nth), LinkRole::Relay));
        let crowd = Self {
            droppers: droppers.collect(),
            graph,
            members,
            tap,
            air,
        };
        for (a, b) in crowd.graph.edges() {
            crowd.air.link(crowd.peer(a), crowd.peer(b));
        }
        crowd.all_greeted().await;
        crowd
    }

    /// The name of the node with that number.
    #[must_use]
    pub fn peer(&self, node: usize) -> PeerId {
        match node.checked_sub(self.members.len()) {
            None => self.members[node].peer,
            Some(dropper) => self.droppers[dropper].mesh().peer_id(),
        }
    }

    /// Waits until all neighbours have said hello to each other, but droppers among themselves, who begin nothing.
    pub async fn all_greeted(&self) {
        for (node, member) in self.members.iter().enumerate() {
            let neighbours = self.neighbours(node);
            let (here, dropping): (Vec<_>, Vec<_>) = neighbours
                .into_iter()
                .partition(|node| *node < self.members.len());
            let peers: Vec<_> = here
                .iter()
                .chain(&dropping)
                .map(|node| self.peer(*node))
                .collect();
            let dropping = dropping
                .iter()
                .map(|node| &self.droppers[node - self.members.len()]);
            let dropping: Vec<_> = dropping.collect();
            until("a node's neighbours have said hello", || {
                member.knows_all(&peers) && dropping.iter().all(|other| other.base(member.peer).is_some())
            })
            .await;
        }
    }

    fn neighbours(&self, node: usize) -> Vec<usize> {
        let of = self.graph.edges().filter(|(a, b)| *a == node || *b == node);
        of.map(|(a, b)| if a == node { b } else { a }).collect()
    }
}

fn identity(name: &[u8]) -> Identity {
    Identity::from_secret(Zeroizing::new(tagged_hash("identity", &[name])))
}

/// One more node on the air, without neighbours.
#[must_use]
pub fn join(air: &SimulatedNetwork, wish: Wish, tap: Tap) -> Member {
    let identity = identity(&wish.secret.to_le_bytes());
    let (node, direct, inbound) = air.join_mesh(&identity, Limits::default());
    Member::start(Arc::new(Tapped::new(node, tap)), (direct, inbound), wish)
}

/// One that has a mind of its own.
#[must_use]
pub fn dropper(air: &SimulatedNetwork, (seed, nth): (u64, usize), role: LinkRole) -> Arc<Stranger> {
    let (node, inbound, _direct) = stranger_on(air, (seed, nth));
    Stranger::join(node, inbound, network(), role)
}

fn stranger_on(air: &SimulatedNetwork, (seed, nth): (u64, usize)) -> (Arc<dyn Mesh>, MeshInbound, Inbound) {
    let name = [seed.to_le_bytes(), u64::try_from(nth).unwrap().to_le_bytes()].concat();
    let (node, direct, inbound) = air.join_mesh(&identity(&name), Limits::default());
    (Arc::new(node), inbound, direct)
}

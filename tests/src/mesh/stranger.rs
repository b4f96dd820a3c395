//! A neighbour with a mind of its own: it says hello as a node does, and of everything else does what it likes.

use kofo_exchange::{
    ClaimEnvelope, ClaimMessage, ClaimReply, LINK_VERSION, LinkHello, LinkRole, ReturnMessage, ReturnReply,
};
use kofo_network::{Mesh, MeshEvent, MeshInbound, MeshRequest, PeerId, Plane, RequestError};
use kofo_primitives::{LinkBase, LinkKey, NetworkId, tagged_hash};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a stranger was told.
#[derive(Clone, Debug)]
pub enum Word {
    /// A claim.
    Claim(Box<ClaimEnvelope>),
    /// A quote, a selection or an answer.
    Return(ReturnMessage),
}

/// The neighbour. It answers that it takes everything, keeps it, and passes nothing on: neither claims nor gossip.
pub struct Stranger {
    mesh: Arc<dyn Mesh>,
    network: NetworkId,
    role: LinkRole,
    bases: Mutex<BTreeMap<PeerId, LinkBase>>,
    words: Mutex<Vec<(PeerId, Word)>>,
}

impl Stranger {
    /// Lives until its mesh shuts down.
    pub fn join(mesh: Arc<dyn Mesh>, inbound: MeshInbound, network: NetworkId, role: LinkRole) -> Arc<Self> {
        let stranger = Arc::new(Self {
            mesh,
            network,
            role,
            bases: Mutex::default(),
            words: Mutex::default(),
        });
        tokio::spawn(live(inbound, Arc::downgrade(&stranger)));
        stranger
    }

    /// Its end of the network.
    #[must_use]
    pub fn mesh(&self) -> &Arc<dyn Mesh> {
        &self.mesh
    }

    /// The network's name.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Its secret for the link to a neighbour.
    #[must_use]
    pub fn link_key(&self, peer: PeerId) -> LinkKey {
        let names = [self.mesh.peer_id(), peer].map(|peer| peer.to_string());
        LinkKey::new(&tagged_hash("stranger", &names.each_ref().map(String::as_bytes))).unwrap()
    }

    fn hello(&self, peer: PeerId) -> LinkHello {
        LinkHello {
            version: LINK_VERSION,
            network: self.network.clone(),
            epoch: 0,
            base: self.link_key(peer).base(),
            role: self.role,
        }
    }

    /// Says hello to a neighbour: its base for the link.
    pub async fn greet(&self, peer: PeerId) -> Result<LinkBase, RequestError> {
        let hello = ClaimMessage::Link(self.hello(peer)).write();
        let answer = self.mesh.ask(peer, Plane::Claim, hello).await?;
        let Ok(ClaimReply::Linked(theirs)) = ClaimReply::read(&answer) else {
            panic!("{peer} does not answer a hello as it should");
        };
        self.bases.lock().unwrap().insert(peer, theirs.base);
        Ok(theirs.base)
    }

    /// The base that a neighbour has told it.
    #[must_use]
    pub fn base(&self, peer: PeerId) -> Option<LinkBase> {
        self.bases.lock().unwrap().get(&peer).copied()
    }

    /// Everything that it was told, in order, and by whom.
    #[must_use]
    pub fn words(&self) -> Vec<(PeerId, Word)> {
        self.words.lock().unwrap().clone()
    }

    fn asked(&self, request: MeshRequest) {
        let from = request.from;
        let answer = match request.plane {
            Plane::Claim => match ClaimMessage::read(&request.body).unwrap() {
                ClaimMessage::Link(hello) => {
                    self.bases.lock().unwrap().insert(from, hello.base);
                    ClaimReply::Linked(self.hello(from)).write()
                }
                ClaimMessage::Claim(envelope) => {
                    self.words.lock().unwrap().push((from, Word::Claim(envelope)));
                    ClaimReply::Taken.write()
                }
            },
            Plane::Return => {
                let word = ReturnMessage::read(&request.body).unwrap();
                self.words.lock().unwrap().push((from, Word::Return(word)));
                ReturnReply::Taken.write()
            }
            Plane::Direct => return,
        };
        request.responder.respond(answer).unwrap();
    }
}

async fn live(mut inbound: MeshInbound, stranger: std::sync::Weak<Stranger>) {
    while let Some(event) = inbound.next().await {
        let Some(stranger) = stranger.upgrade() else {
            return;
        };
        match event {
            MeshEvent::Asked(request) => stranger.asked(request),
            // A verdict that is dropped passes nothing on.
            MeshEvent::Heard(_) | MeshEvent::Joined(_) | MeshEvent::Left(_) => {}
        }
    }
}

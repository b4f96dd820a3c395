//! The handle on a running swarm as a member of the mesh.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::address::PeerAddress;
use crate::admission::{Admission, Admit};
use crate::error::RequestError;
use crate::identity::PeerId;
use crate::mesh::{Mesh, MeshLimits, Neighbour, Plane, PublishError, Topic};
use crate::score::Fault;
use crate::swarm::mesh::Shared;
use crate::swarm::mesh::side::MeshCommand;
use crate::swarm::{Errand, Outgoing};

use super::Network;

/// What a [`Network`] needs beside direct messages. Its commands have a queue of their own, so that a
/// full one holds up no direct message.
#[derive(Clone)]
pub(crate) struct Membership {
    shared: Arc<Shared>,
    pace: Arc<Pace>,
    commands: mpsc::Sender<MeshCommand>,
    limits: MeshLimits,
}

/// How often we ask: no more than others take.
struct Pace {
    claims: Mutex<Admission>,
    returns: Mutex<Admission>,
}

impl Membership {
    pub(super) fn new(shared: Arc<Shared>, commands: mpsc::Sender<MeshCommand>, limits: MeshLimits) -> Self {
        let pace = Pace {
            claims: Mutex::new(Admission::new(&limits.own_allowance(Plane::Claim))),
            returns: Mutex::new(Admission::new(&limits.own_allowance(Plane::Return))),
        };
        Self {
            shared,
            pace: Arc::new(pace),
            commands,
            limits,
        }
    }
}

/// Takes a token of `peer`, if one is left.
fn spend(pace: &Mutex<Admission>, peer: PeerId) -> bool {
    let mut pace = pace.lock().expect("nothing panics while it holds the pace");
    pace.spend(peer, Instant::now()) == Admit::Yes
}

impl Network {
    /// One command that is answered, within the time of a request.
    async fn command(
        &self,
        membership: &Membership,
        peer: PeerId,
        command: MeshCommand,
        answer: oneshot::Receiver<Result<Vec<u8>, RequestError>>,
    ) -> Result<Vec<u8>, RequestError> {
        let exchange = async {
            let sent = membership.commands.send(command).await;
            sent.map_err(|_| RequestError::Stopped)?;
            answer.await.map_err(|_| RequestError::Stopped)?
        };
        let after = self.limits.request_timeout;
        timeout(after, exchange)
            .await
            .unwrap_or(Err(RequestError::Timeout { peer, after }))
    }
}

#[async_trait]
impl Mesh for Network {
    fn neighbours(&self) -> Vec<Neighbour> {
        let membership = self.membership.as_ref();
        membership.map_or_else(Vec::new, |membership| membership.shared.neighbours())
    }

    async fn ask(&self, to: PeerId, plane: Plane, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let nobody = RequestError::NoNeighbour { peer: to };
        let Some(membership) = &self.membership else {
            return Err(nobody);
        };
        let pace = match plane {
            Plane::Claim => &membership.pace.claims,
            Plane::Return => &membership.pace.returns,
            Plane::Direct => return Err(nobody),
        };
        if !membership.shared.peers().is_neighbour(to) {
            return Err(nobody);
        }
        let max = membership.limits.message_bytes;
        if body.len() > max as usize {
            return Err(RequestError::TooLarge {
                size: body.len(),
                max,
            });
        }
        if !spend(pace, to) {
            return Err(RequestError::TooFast { peer: to });
        }
        let (reply, answer) = oneshot::channel();
        let outgoing = Outgoing {
            to: PeerAddress::nowhere(to),
            errand: Errand::Ask(body),
            reply,
        };
        self.command(membership, to, MeshCommand::Ask(plane, outgoing), answer)
            .await
    }

    fn publish(&self, topic: Topic, body: Vec<u8>) -> Result<(), PublishError> {
        let membership = self.membership.as_ref().ok_or(PublishError::NoMesh)?;
        let max = membership.limits.gossip_bytes;
        if body.len() > max as usize {
            return Err(PublishError::TooLarge {
                size: body.len(),
                max,
            });
        }
        if !membership.shared.may_tell(self.us) {
            return Err(PublishError::Busy);
        }
        let command = MeshCommand::Publish(topic, body);
        membership
            .commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => PublishError::Busy,
                TrySendError::Closed(_) => PublishError::Stopped,
            })
    }

    fn judge(&self, peer: PeerId, fault: Fault) {
        if let Some(membership) = &self.membership {
            membership.shared.judge(peer, fault);
        }
    }

    async fn connect(&self, to: &PeerAddress) -> Result<(), RequestError> {
        let peer = to.peer();
        if peer == self.us {
            return Err(RequestError::Ourselves);
        }
        let Some(membership) = &self.membership else {
            return Err(RequestError::NoNeighbour { peer });
        };
        let (reply, answer) = oneshot::channel();
        let command = MeshCommand::Connect(to.clone(), reply);
        self.command(membership, peer, command, answer).await.map(drop)
    }
}

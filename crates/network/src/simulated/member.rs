//! A simulated node's part in the mesh: its limits, its scores and what it asks.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::time::{Instant, timeout};

use crate::address::PeerAddress;
use crate::admission::{Admission, Admit};
use crate::error::{Attempt, RequestError};
use crate::gossip::Seen;
use crate::identity::PeerId;
use crate::mesh::{
    EventSender, Mesh, MeshEvent, MeshInbound, MeshLimits, MeshRequest, Neighbour, Plane, PublishError,
    Topic, events,
};
use crate::score::{Fault, Scores};
use crate::transport::{InboundRequest, Responder};

use super::{SimulatedNetwork, SimulatedNode};

/// What others meet when they send something to a node.
pub(super) struct Member {
    pub(super) events: EventSender,
    pub(super) limits: MeshLimits,
    state: Mutex<State>,
}

/// The same bookkeeping as that of a real swarm.
pub(super) struct State {
    pub(super) scores: Scores,
    pub(super) gossip: Admission,
    pub(super) own_gossip: Admission,
    pub(super) seen: Seen,
    claims: Plan,
    returns: Plan,
}

/// One plane: what others may ask, and how often we do.
struct Plan {
    admission: Admission,
    own: Admission,
}

impl Member {
    pub(super) fn new(limits: MeshLimits) -> (Self, MeshInbound) {
        let plan = |plane| Plan {
            admission: Admission::new(&limits.allowance(plane)),
            own: Admission::new(&limits.own_allowance(plane)),
        };
        let state = State {
            scores: Scores::default(),
            gossip: Admission::new(&limits.gossip_allowance()),
            own_gossip: Admission::new(&limits.own_gossip_allowance()),
            seen: Seen::default(),
            claims: plan(Plane::Claim),
            returns: plan(Plane::Return),
        };
        let (events, inbound) = events(limits.events.max(1));
        let member = Self {
            events,
            limits,
            state: Mutex::new(state),
        };
        (member, inbound)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the state")
    }

    pub(super) fn bans(&self, peer: PeerId, now: Instant) -> bool {
        self.state().scores.is_banned(peer, now)
    }
}

impl State {
    fn plan(&mut self, plane: Plane) -> &mut Plan {
        match plane {
            Plane::Return => &mut self.returns,
            Plane::Claim | Plane::Direct => &mut self.claims,
        }
    }
}

/// A place in flight; given back when the request is answered, or given up.
struct Place {
    member: Arc<Member>,
    plane: Plane,
    peer: PeerId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.member.state();
        state.plan(self.plane).admission.release(self.peer);
    }
}

impl SimulatedNetwork {
    /// `us` notes a fault of `peer`, and is no longer its neighbour if that was one too many.
    pub(super) fn judge(&self, us: PeerId, peer: PeerId, fault: Fault) {
        let Some(member) = self.air().member(us) else {
            return;
        };
        let banned = {
            let mut state = member.state();
            let now = Instant::now();
            let banned = state.scores.judge(peer, fault, now);
            // Whether it is banned is asked when it matters; nothing here waits for the end of a ban.
            state.scores.changes(now);
            banned
        };
        if banned {
            self.unlink(us, peer);
        }
    }

    /// A request at the door of `to`: a place in its queue, or why not.
    fn knock(
        &self,
        from: PeerId,
        to: PeerId,
        plane: Plane,
        body: Vec<u8>,
    ) -> Result<impl Future<Output = Result<Vec<u8>, RequestError>> + use<>, RequestError> {
        let member = self
            .air()
            .member(to)
            .ok_or(RequestError::NoNeighbour { peer: to })?;
        let max = member.limits.message_bytes;
        let admitted = member.state().plan(plane).admission.admit(from, Instant::now());
        if admitted == Admit::TooFast {
            self.judge(to, from, Fault::Flood);
        }
        if admitted != Admit::Yes {
            return Err(RequestError::Busy { peer: to });
        }
        let place = Place {
            member: member.clone(),
            plane,
            peer: from,
        };
        if body.len() > max as usize {
            self.judge(to, from, Fault::Malformed);
            return Err(RequestError::TooLargeForPeer { peer: to, max });
        }
        let (responder, answer) = Responder::new(max);
        let request = InboundRequest {
            from,
            body,
            responder,
        };
        let event = MeshEvent::Asked(MeshRequest::new(plane, request));
        if !member.events.send(event) {
            return Err(RequestError::Busy { peer: to });
        }
        Ok(async move {
            let _place = place;
            answer.await.map_err(|_| RequestError::NoAnswer { peer: to })
        })
    }
}

impl SimulatedNode {
    async fn ask_neighbour(&self, to: PeerId, plane: Plane, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let lost = || RequestError::Lost {
            peer: to,
            reason: "no neighbour any more".to_owned(),
        };
        let (there, back) = self.network.draw_both(self.us, to);
        self.network.travel(there).await;
        if !self.network.air().are_neighbours(self.us, to) {
            return Err(lost());
        }
        let answer = match self.network.knock(self.us, to, plane, body) {
            Ok(answering) => answering.await,
            Err(refused) => Err(refused),
        };
        self.network.travel(back).await;
        if !self.network.air().are_neighbours(self.us, to) {
            return Err(lost());
        }
        answer
    }
}

#[async_trait]
impl Mesh for SimulatedNode {
    fn neighbours(&self) -> Vec<Neighbour> {
        let Some(member) = &self.member else {
            return Vec::new();
        };
        let contacts = self.network.air().neighbours(self.us);
        let (state, now) = (member.state(), Instant::now());
        let neighbour = |(peer, contact): (PeerId, super::air::Contact)| Neighbour {
            peer,
            address: format!("/memory/1/p2p/{peer}"),
            outgoing: contact.outgoing,
            relayed: false,
            score: state.scores.score(peer, now),
            since_ms: contact.since_ms,
            agent: Some("kofo/simulated".to_owned()),
        };
        contacts.into_iter().map(neighbour).collect()
    }

    async fn ask(&self, to: PeerId, plane: Plane, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let nobody = RequestError::NoNeighbour { peer: to };
        let Some(member) = &self.member else {
            return Err(nobody);
        };
        if plane == Plane::Direct || !self.network.air().are_neighbours(self.us, to) {
            return Err(nobody);
        }
        if body.len() > member.limits.message_bytes as usize {
            return Err(RequestError::TooLarge {
                size: body.len(),
                max: member.limits.message_bytes,
            });
        }
        let paced = member.state().plan(plane).own.spend(to, Instant::now());
        if paced != Admit::Yes {
            return Err(RequestError::TooFast { peer: to });
        }
        let after = self.limits.request_timeout;
        timeout(after, self.ask_neighbour(to, plane, body))
            .await
            .unwrap_or(Err(RequestError::Timeout { peer: to, after }))
    }

    fn publish(&self, topic: Topic, body: Vec<u8>) -> Result<(), PublishError> {
        let member = self.member.as_ref().ok_or(PublishError::NoMesh)?;
        self.network.publish(self.us, member, topic, body)
    }

    fn judge(&self, peer: PeerId, fault: Fault) {
        self.network.judge(self.us, peer, fault);
    }

    async fn connect(&self, to: &PeerAddress) -> Result<(), RequestError> {
        let peer = to.peer();
        if peer == self.us {
            return Err(RequestError::Ourselves);
        }
        self.network.link(self.us, peer);
        if self.network.air().are_neighbours(self.us, peer) {
            return Ok(());
        }
        let tried = vec![Attempt {
            address: "/memory/1".to_owned(),
            reason: "no node of the mesh is there, or it is out of reach, or banned".to_owned(),
        }];
        Err(RequestError::Unreachable { peer, tried })
    }
}

//! Gossip between simulated nodes: it floods over the links, each node once, after its node's word.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::admission::Admit;
use crate::gossip::gossip_id;
use crate::identity::PeerId;
use crate::mesh::{Heard, Judgement, MeshEvent, PublishError, Topic, Verdict};
use crate::score::Fault;

use super::SimulatedNetwork;
use super::member::Member;

/// Something on its way to everybody. Clones share the bytes.
#[derive(Clone)]
struct Rumour {
    topic: Topic,
    id: [u8; 32],
    body: Arc<[u8]>,
}

impl SimulatedNetwork {
    /// Must be called within a tokio runtime.
    pub(super) fn publish(
        &self,
        us: PeerId,
        member: &Member,
        topic: Topic,
        body: Vec<u8>,
    ) -> Result<(), PublishError> {
        let max = member.limits.gossip_bytes;
        if body.len() > max as usize {
            return Err(PublishError::TooLarge {
                size: body.len(),
                max,
            });
        }
        let rumour = Rumour {
            topic,
            id: gossip_id(topic.name(), &body),
            body: body.into(),
        };
        {
            let (mut state, now) = (member.state(), Instant::now());
            if state.own_gossip.spend(us, now) != Admit::Yes {
                return Err(PublishError::Busy);
            }
            if !state.seen.first(rumour.id, now) {
                return Ok(());
            }
        }
        self.spread(us, None, &rumour);
        Ok(())
    }

    /// Whether `us` may tell everybody one more thing: no more than others take from it, whoever said it.
    fn may_tell(&self, us: PeerId) -> bool {
        let member = self.air().member(us);
        member.is_some_and(|member| {
            let told = member.state().own_gossip.spend(us, Instant::now());
            told == Admit::Yes
        })
    }

    /// Sends a rumour from `us` to all neighbours but the one it came from.
    fn spread(&self, us: PeerId, source: Option<PeerId>, rumour: &Rumour) {
        for peer in self.air().neighbours(us).into_keys() {
            if Some(peer) != source {
                tokio::spawn(self.clone().carry(us, peer, rumour.clone()));
            }
        }
    }

    /// One rumour over one link, and from there on.
    fn carry(self, from: PeerId, to: PeerId, rumour: Rumour) -> BoxFuture<'static, ()> {
        async move {
            let (draw, _) = self.draw_both(from, to);
            let (lost, time) = {
                let air = self.air();
                (air.loses(draw), air.delays(draw))
            };
            if lost {
                return;
            }
            if !time.is_zero() {
                sleep(time).await;
            }
            match self.hear(from, to, &rumour).await {
                Judgement::Accept if self.may_tell(to) => self.spread(to, Some(from), &rumour),
                Judgement::Reject(fault) => self.judge(to, from, fault),
                Judgement::Accept | Judgement::Ignore => {}
            }
        }
        .boxed()
    }

    /// The word of the node at `to` on a rumour that has arrived from `from`.
    async fn hear(&self, from: PeerId, to: PeerId, rumour: &Rumour) -> Judgement {
        let member = {
            let air = self.air();
            air.member(to).filter(|_| air.are_neighbours(from, to))
        };
        let Some(member) = member else {
            return Judgement::Ignore;
        };
        if rumour.body.len() > member.limits.gossip_bytes as usize {
            return Judgement::Reject(Fault::Malformed);
        }
        let admitted = {
            let (mut state, now) = (member.state(), Instant::now());
            if !state.seen.first(rumour.id, now) {
                return Judgement::Ignore;
            }
            state.gossip.admit(from, now)
        };
        match admitted {
            Admit::TooFast => return Judgement::Reject(Fault::Flood),
            Admit::Full => return Judgement::Ignore,
            Admit::Yes => {}
        }
        let (verdict, word) = Verdict::new();
        let heard = Heard {
            from,
            topic: rumour.topic,
            body: rumour.body.to_vec(),
            verdict,
        };
        // An event that finds no room is dropped, and its verdict ignores.
        member.events.send(MeshEvent::Heard(heard));
        let judgement = word.await.unwrap_or(Judgement::Ignore);
        member.state().gossip.release(from);
        judgement
    }
}

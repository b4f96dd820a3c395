//! Gossip between the swarm and the node: nothing goes on without the node's word.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance, MessageId, PublishError};
use tokio::time::Instant;

use crate::admission::{Admission, Admit};
use crate::identity::PeerId;
use crate::mesh::{EventSender, Heard, Judgement, MeshEvent, MeshLimits, Topic, Verdict};
use crate::score::Fault;

use super::Gossip;

/// The node's word on one message.
pub(crate) struct Judged {
    from: PeerId,
    id: MessageId,
    judgement: Judgement,
}

/// Admits gossip, hands it over and waits for verdicts; bounded by the [`Admission`].
pub(crate) struct GossipDesk {
    admission: Admission,
    topics: [(Topic, IdentTopic); 3],
    events: Arc<EventSender>,
    waiting: FuturesUnordered<BoxFuture<'static, Judged>>,
    max: u32,
}

impl GossipDesk {
    pub(crate) fn new(network_id: &str, limits: &MeshLimits, events: Arc<EventSender>) -> Self {
        Self {
            admission: Admission::new(&limits.gossip_allowance()),
            topics: Topic::ALL.map(|topic| (topic, super::topic(network_id, topic))),
            events,
            waiting: FuturesUnordered::new(),
            max: limits.gossip_bytes,
        }
    }

    pub(crate) fn publish(&self, gossip: &mut Gossip, topic: Topic, body: Vec<u8>) {
        let of = self.topics.iter().find(|(other, _)| *other == topic);
        let Some((_, topic)) = of else { return };
        match gossip.publish(topic.hash(), body) {
            Ok(_) | Err(PublishError::Duplicate) => {}
            Err(error) => tracing::debug!(%topic, %error, "nobody was told"),
        }
    }

    /// Takes a message. Returns what its sender did wrong, if it did.
    pub(crate) fn hear(
        &mut self,
        gossip: &mut Gossip,
        from: PeerId,
        id: MessageId,
        message: gossipsub::Message,
    ) -> Option<Fault> {
        let refuse = |gossip: &mut Gossip, acceptance, fault| {
            gossip.report_message_validation_result(&id, &from.0, acceptance);
            fault
        };
        match self.admission.admit(from, Instant::now()) {
            Admit::Yes => {}
            Admit::Full => return refuse(gossip, MessageAcceptance::Ignore, None),
            Admit::TooFast => return refuse(gossip, MessageAcceptance::Ignore, Some(Fault::Flood)),
        }
        let topic = self
            .topics
            .iter()
            .find(|(_, topic)| topic.hash() == message.topic);
        let topic = topic.filter(|_| message.data.len() <= self.max as usize);
        let Some((topic, _)) = topic else {
            self.admission.release(from);
            return refuse(gossip, MessageAcceptance::Reject, Some(Fault::Malformed));
        };
        let (verdict, word) = Verdict::new();
        let heard = Heard {
            from,
            topic: *topic,
            body: message.data,
            verdict,
        };
        // An event that finds no room is dropped, and its verdict ignores.
        self.events.send(MeshEvent::Heard(heard));
        let judged = async move {
            Judged {
                from,
                id,
                judgement: word.await.unwrap_or(Judgement::Ignore),
            }
        };
        self.waiting.push(judged.boxed());
        None
    }

    /// The next verdict. Pends for ever while none is awaited.
    pub(crate) async fn judged(&mut self) -> Judged {
        match self.waiting.next().await {
            Some(judged) => judged,
            None => std::future::pending().await,
        }
    }

    /// Does what the verdict says; what was accepted is passed on as far as we `may_tell`. Returns who is
    /// to blame for the message, if it was rejected.
    pub(crate) fn settle(
        &mut self,
        gossip: &mut Gossip,
        judged: Judged,
        may_tell: impl Fn() -> bool,
    ) -> Option<(PeerId, Fault)> {
        let Judged { from, id, judgement } = judged;
        self.admission.release(from);
        let (acceptance, fault) = match judgement {
            Judgement::Accept if may_tell() => (MessageAcceptance::Accept, None),
            Judgement::Accept | Judgement::Ignore => (MessageAcceptance::Ignore, None),
            Judgement::Reject(fault) => (MessageAcceptance::Reject, Some((from, fault))),
        };
        gossip.report_message_validation_result(&id, &from.0, acceptance);
        fault
    }
}

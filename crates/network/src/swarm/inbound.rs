//! Requests of peers on their way to the node, and its answers on their way back.

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::request_response::ResponseChannel;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::admission::{Admission, Admit};
use crate::identity::PeerId;
use crate::limits::Limits;
use crate::transport::{InboundRequest, Responder};
use crate::wire::{Ask, Reply};

/// An answer of the node: `None` if it dropped the responder.
pub(crate) struct Answered {
    from: PeerId,
    channel: ResponseChannel<Reply>,
    answer: Option<Vec<u8>>,
}

/// Admits requests, hands them over and waits for their answers; bounded by the [`Admission`].
pub(crate) struct InboundDesk {
    admission: Admission,
    queue: mpsc::Sender<InboundRequest>,
    waiting: FuturesUnordered<BoxFuture<'static, Answered>>,
    max: u32,
}

impl InboundDesk {
    pub(crate) fn new(limits: &Limits, queue: mpsc::Sender<InboundRequest>) -> Self {
        Self {
            admission: Admission::new(&limits.allowance()),
            queue,
            waiting: FuturesUnordered::new(),
            max: limits.message_bytes,
        }
    }

    /// Takes a request. What is returned is to be sent at once.
    pub(crate) fn take(
        &mut self,
        from: PeerId,
        ask: Ask,
        channel: ResponseChannel<Reply>,
    ) -> Option<(ResponseChannel<Reply>, Reply)> {
        if self.admission.admit(from, Instant::now()) != Admit::Yes {
            return Some((channel, Reply::Busy));
        }
        let Ask::Body(body) = ask else {
            self.admission.release(from);
            return Some((channel, Reply::TooLarge { max: self.max }));
        };
        let (responder, answer) = Responder::new(self.max);
        // A queue without a reader drops the responder, which is an answer too: none. It cannot be
        // full, it has room for all that are admitted.
        let _unread = self.queue.try_send(InboundRequest {
            from,
            body,
            responder,
        });
        let answered = async move {
            Answered {
                from,
                channel,
                answer: answer.await.ok(),
            }
        };
        self.waiting.push(answered.boxed());
        None
    }

    /// The next request that the node is done with. Pends for ever while there is none.
    pub(crate) async fn answered(&mut self) -> Answered {
        match self.waiting.next().await {
            Some(answered) => answered,
            None => std::future::pending().await,
        }
    }

    /// Frees the place of an answered request. What is returned is to be sent; without it the stream
    /// ends unanswered.
    pub(crate) fn settle(&mut self, answered: Answered) -> Option<(ResponseChannel<Reply>, Reply)> {
        self.admission.release(answered.from);
        answered
            .answer
            .map(|body| (answered.channel, Reply::Answer(body)))
    }
}

//! Requests of peers on their way to the node, and its answers on their way back.

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::request_response::ResponseChannel;
use tokio::time::Instant;

use crate::admission::{Admission, Admit, Allowance};
use crate::identity::PeerId;
use crate::score::Fault;
use crate::transport::{InboundRequest, Responder};
use crate::wire::{Ask, Reply};

/// An answer of the node: `None` if it dropped the responder.
pub(crate) struct Answered {
    from: PeerId,
    channel: ResponseChannel<Reply>,
    answer: Option<Vec<u8>>,
}

/// Where requests go; `false` if there is no room, and the request is dropped.
pub(crate) type Deliver = Box<dyn Fn(InboundRequest) -> bool + Send>;

/// What becomes of a request at once.
#[derive(Default)]
pub(crate) struct Taken {
    /// To be sent; without it, the node answers later.
    pub(crate) reply: Option<(ResponseChannel<Reply>, Reply)>,
    /// What the peer did wrong.
    pub(crate) fault: Option<Fault>,
}

impl Taken {
    fn refused(channel: ResponseChannel<Reply>, reply: Reply, fault: Option<Fault>) -> Self {
        Self {
            reply: Some((channel, reply)),
            fault,
        }
    }
}

/// Admits requests, hands them over and waits for their answers; bounded by the [`Admission`].
pub(crate) struct InboundDesk {
    admission: Admission,
    deliver: Deliver,
    waiting: FuturesUnordered<BoxFuture<'static, Answered>>,
    max: u32,
}

impl InboundDesk {
    pub(crate) fn new(allowance: &Allowance, max: u32, deliver: Deliver) -> Self {
        Self {
            admission: Admission::new(allowance),
            deliver,
            waiting: FuturesUnordered::new(),
            max,
        }
    }

    /// Takes a request.
    pub(crate) fn take(&mut self, from: PeerId, ask: Ask, channel: ResponseChannel<Reply>) -> Taken {
        match self.admission.admit(from, Instant::now()) {
            Admit::Yes => {}
            Admit::Full => return Taken::refused(channel, Reply::Busy, None),
            Admit::TooFast => return Taken::refused(channel, Reply::Busy, Some(Fault::Flood)),
        }
        let body = match ask {
            Ask::Body(body) => body,
            Ask::Oversized => {
                self.admission.release(from);
                let fault = Some(Fault::Malformed);
                return Taken::refused(channel, Reply::TooLarge { max: self.max }, fault);
            }
            Ask::Malformed => {
                self.admission.release(from);
                return Taken::refused(channel, Reply::Nothing, Some(Fault::Malformed));
            }
        };
        let (responder, answer) = Responder::new(self.max);
        let request = InboundRequest {
            from,
            body,
            responder,
        };
        if !(self.deliver)(request) {
            self.admission.release(from);
            return Taken::refused(channel, Reply::Busy, None);
        }
        let answered = async move {
            Answered {
                from,
                channel,
                answer: answer.await.ok(),
            }
        };
        self.waiting.push(answered.boxed());
        Taken::default()
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

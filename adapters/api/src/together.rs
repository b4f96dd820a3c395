//! What two parties do together, and what a third one may be entrusted with. Both are savings: whoever gets no answer
//! acts alone.

use crate::AdapterError;
use kofo_primitives::{Bytes, Prepared};
use std::pin::Pin;

/// What one party asks the other one to sign, in the adapter's own form.
pub type RoundRequest = Bytes<16_384>;
/// The signatures that it gets, in the adapter's own form.
pub type RoundReply = Bytes<4_096>;
/// At most so many legs in one round.
pub const MOST_TOGETHER: usize = 32;

type Finished = Pin<Box<dyn Future<Output = Result<Vec<Prepared>, AdapterError>> + Send>>;
type Finish = dyn FnOnce(RoundReply) -> Finished + Send + Sync;

/// A signing round that waits for the other party. It is used once or dropped: whatever secret it holds (a nonce) lives
/// in the memory of the signer, and signs once. A restarted process opens another round.
pub struct Round {
    /// To be sent to the other party.
    pub request: RoundRequest,
    finish: Box<Finish>,
}

impl Round {
    /// A round, and how it ends: with what may be broadcast, one for each leg and in their order.
    pub fn new<F>(request: RoundRequest, finish: impl FnOnce(RoundReply) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Prepared>, AdapterError>> + Send + 'static,
    {
        Self {
            request,
            finish: Box::new(move |reply| Box::pin(finish(reply))),
        }
    }

    /// Takes the answer. What is not a right signature over what we asked for is refused, and nothing is left of the
    /// round.
    pub async fn finish(self, reply: &RoundReply) -> Result<Vec<Prepared>, AdapterError> {
        (self.finish)(reply.clone()).await
    }
}

impl std::fmt::Debug for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Round({} bytes asked)", self.request.as_slice().len())
    }
}

/// What a third party needs to do one act for the owner of a leg, and only to the owner: signed in advance at one
/// level of fee, or nothing at all where anyone may do it. Holds no key and no preimage.
pub type Entrusted = Bytes<4_096>;
/// At most so many levels of fee.
pub const MOST_LEVELS: usize = 8;

//! What the engine orders payloads for.

use async_trait::async_trait;
use kofo_primitives::{Certificate, Digest, DoubleVote, ValidatorKey, ValidatorSet};

/// Where a payload is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The height, from 1.
    pub height: u64,
    /// The attempt at it, from 0.
    pub round: u32,
}

/// What is committed, and who decides what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The last committed height; 0 if there is none.
    pub height: u64,
    /// The validators of the height after it.
    pub validators: ValidatorSet,
}

/// What we propose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is voted for: the id of the header. It commits to all of the payload.
    pub id: Digest,
    /// All that another node needs to judge and to commit it.
    pub payload: Vec<u8>,
}

/// How a payload reached us, which says how its time is to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Proposed in the present round: its time must be near ours.
    Proposed,
    /// Proposed in an earlier round of this height and offered again, for others may be locked on it. It may be old, as
    /// it was judged by the clock when it was new; it must not be of the future. Who refuses it for its age can keep a
    /// height from ever being decided.
    Repeated,
    /// Decided by the others, maybe long ago: never to be compared with a clock.
    Synced,
}

/// The verdict over another's payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It may be committed; this is its id.
    Valid(Digest),
    /// It must not be, for this reason: the node votes for nothing.
    Invalid(String),
}

/// What was decided at a height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Who signed it.
    pub certificate: Certificate,
    /// The validators of that height: the certificate names its signers by their places in this set.
    pub validators: ValidatorSet,
    /// What was decided.
    pub payload: Vec<u8>,
}

/// The application cannot go on: its disk failed, or what it holds contradicts itself. The engine stops for good.
#[derive(Debug, thiserror::Error)]
#[error("the application cannot go on: {0}")]
pub struct AppError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl AppError {
    /// Of whatever went wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// The owner of payloads. The engine calls it from one task, one call at a time, and waits for the answer: it may block
/// for as long as a round lasts, and should be far quicker.
#[async_trait]
pub trait Application: Send + Sync + 'static {
    /// The last committed height and the validators of the next one. Asked once, at the start.
    async fn tip(&self) -> Result<Tip, AppError>;

    /// Builds what we propose. Called at most once per slot over all restarts: what was built is kept, and offered again.
    async fn build(&self, at: Slot) -> Result<Proposal, AppError>;

    /// Judges another's payload at the height after the tip. `at` and `proposer` are those of the round in which it was
    /// first proposed. A payload that is altered in any bit is invalid or has another id.
    async fn judge(
        &self,
        at: Slot,
        origin: Origin,
        proposer: ValidatorKey,
        payload: &[u8],
    ) -> Result<Judged, AppError>;

    /// A payload is decided: it is durable when this returns. Idempotent: after a crash the same height may come again.
    /// Returns the validators of the next height.
    async fn commit(&self, certificate: Certificate, payload: Vec<u8>) -> Result<ValidatorSet, AppError>;

    /// The height is over: the certificate may have more signatures than at commit, and these validators voted twice.
    /// Not called again after a crash.
    async fn finalized(&self, certificate: Certificate, evidence: Vec<DoubleVote>) -> Result<(), AppError>;

    /// What was committed at a height, for peers that are behind; none if it is not kept or not there yet.
    async fn committed(&self, height: u64) -> Result<Option<Committed>, AppError>;

    /// The lowest height that [`Application::committed`] still has.
    async fn lowest(&self) -> Result<u64, AppError>;
}

//! What is remembered of a quote that came by: enough to pass its selection one way and the answer the other.

use crate::relay::neighbours::Peer;
use kofo_primitives::{ClaimId, Digest, Fulfil, MAX_QUOTE_LIFE_MS, NodeId};

/// A quote is remembered so much longer than it binds (ms): an answer may take its time, and nobody is blamed for a
/// clock that is a little late.
pub(super) const LINGER_MS: u64 = 2 * MAX_QUOTE_LIFE_MS;

/// So often one selection, and so many answers to it, are passed.
pub(super) const MAX_REPEATS: u8 = 16;

/// So many quotes are remembered for each claim that may be held, on average.
pub(super) const QUOTES_PER_CLAIM: usize = 4;

/// One end of a way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// We.
    Us,
    /// That neighbour.
    Peer(Peer),
}

/// One quote.
pub(super) struct Quoted {
    pub(super) claim: ClaimId,
    /// Signs selections.
    pub(super) claim_key: NodeId,
    /// Signs answers.
    pub(super) key: NodeId,
    pub(super) toward_provider: End,
    pub(super) toward_claimant: End,
    pub(super) expires_ms: u64,
    /// Forgotten after that.
    pub(super) until_ms: u64,
    /// The digest of the selection that was passed.
    pub(super) select: Option<Digest>,
    pub(super) selects: u8,
    /// The digest of the last answer that was passed.
    pub(super) answer: Option<Digest>,
    pub(super) answers: u8,
}

impl Quoted {
    /// `ends`: toward the provider, toward the claimant.
    pub(super) fn new(fulfil: &Fulfil, claim_key: NodeId, ends: (End, End)) -> Self {
        Self {
            claim: fulfil.claim,
            claim_key,
            key: fulfil.key,
            toward_provider: ends.0,
            toward_claimant: ends.1,
            expires_ms: fulfil.expires_ms,
            until_ms: fulfil.expires_ms.saturating_add(LINGER_MS),
            select: None,
            selects: 0,
            answer: None,
            answers: 0,
        }
    }
}

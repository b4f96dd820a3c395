//! A quote of ours as it is remembered and journaled.

use super::super::ledger::Change;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_exchange::Received;
use kofo_primitives::{
    Amount, Answer, Claim, Fulfil, FulfilId, FulfilTerms, HopEntry, Mode, Opening, Select, Signed, SwapId,
};

/// Names in the journal's side table begin so.
pub(in crate::market) const PLACE: &str = "market/quote/";
/// Where the journal has the provider's counter and reservations.
pub(in crate::market) const PROVIDER_PLACE: &str = "market/provider";

/// One quote that left, or is about to.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(in crate::market) struct OwnQuote {
    /// 1.
    pub(super) version: u8,
    pub(super) claim: Signed<Claim>,
    pub(super) path: Vec<HopEntry>,
    pub(super) fulfil: Signed<Fulfil>,
    pub(super) terms: FulfilTerms,
    /// Our ends of the legs.
    pub(super) opening: Opening,
    /// The selection that used it up.
    pub(super) chosen: Option<Signed<Select>>,
    /// What we said to it: the same again whenever it comes again.
    pub(super) answer: Option<Signed<Answer>>,
    pub(super) swap: Option<SwapId>,
    /// The swap has ended.
    pub(super) over: bool,
}

impl OwnQuote {
    pub(super) fn new(
        received: &Received,
        fulfil: Signed<Fulfil>,
        terms: FulfilTerms,
        opening: Opening,
    ) -> Self {
        Self {
            version: 1,
            claim: received.claim.clone(),
            path: received.path.entries().to_vec(),
            fulfil,
            terms,
            opening,
            chosen: None,
            answer: None,
            swap: None,
            over: false,
        }
    }

    /// What it promises, unless a swap came of it, which counts itself.
    pub(in crate::market) fn promised(&self) -> Option<Amount> {
        (self.swap.is_none() && !self.over).then_some(self.terms.want)
    }

    pub(super) fn id(&self) -> FulfilId {
        self.fulfil.body.id()
    }

    /// The quote as it is to be kept.
    pub(super) fn change(&self) -> Change {
        let bytes = borsh::to_vec(self).expect("writing to memory does not fail");
        Change::Put(name(&self.id()), bytes)
    }

    /// Whether nothing can come of it any more: it was selected and its swap is over, or nobody selected it in time.
    /// Until then `kept_ms` more are waited, so that who asks late is told.
    pub(super) fn is_done(&self, now_ms: u64, kept_ms: u64) -> bool {
        let late = self.claim.body.expires_ms.max(self.fulfil.body.expires_ms);
        let late = match self.claim.body.mode {
            Mode::P2P => late,
            // We may hear late that it was committed, and are bound all the same.
            Mode::Cleared => late.max(self.terms.alpha_lock_by.0.saturating_mul(1_000)),
        };
        let late = now_ms > late.saturating_add(kept_ms);
        late && (self.chosen.is_none() || self.over || self.swap.is_none())
    }
}

pub(super) fn name(id: &FulfilId) -> String {
    format!("{PLACE}{id}")
}

//! What providers say to our selections, and the swaps that begin by it.

use super::super::{Market, MarketError, State, Work};
use crate::clock::now_ms;
use kofo_exchange::{AnswerRefused, Answered};
use kofo_primitives::{Answer, ClaimId, MatchedParts, Mode, Role, SettlementOrder, Signed, SwapId, Verdict};
use std::sync::Arc;

/// After something of ours failed it is tried again so much later (ms).
pub(super) const AGAIN_MS: u64 = 1_000;

impl Market {
    /// An answer for a claim of ours.
    pub(in crate::market) fn answered(
        &self,
        state: &mut State,
        answer: &Signed<Answer>,
    ) -> Result<(), MarketError> {
        let id = answer.body.claim;
        let entry = state.claims.get_mut(&id).ok_or(MarketError::NoSuchClaim(id))?;
        let seal_key = self.seal_key(entry.claim());
        let fulfil = match entry.own.answer(answer, &seal_key) {
            Ok(Answered::Opened(parts)) => parts.fulfil.body.id(),
            Ok(Answered::Declined(verdict, fulfil)) => {
                entry.trouble(&fulfil, declined(&verdict));
                fulfil
            }
            // It is answered as often as it is selected, and an answer may be late.
            Err(AnswerRefused::Again(_) | AnswerRefused::Ended { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        entry.sent.remove(&fulfil);
        entry.changed();
        let change = entry.change();
        let begins = entry.unbegun() && !entry.busy;
        entry.busy |= begins;
        self.keep_behind(vec![change]);
        if begins {
            self.queue(Work::Begin(id));
        }
        self.tell_change();
        Ok(())
    }

    /// Begins the swaps of all orders that were opened: again what a restart interrupted, which changes nothing.
    pub(in crate::market) async fn begin(self: Arc<Self>, id: ClaimId) {
        if let Err(error) = self.begin_all(&id).await {
            tracing::warn!(claim = %id, %error, "a swap does not begin yet");
        }
        if let Some(entry) = self.state().claims.get_mut(&id) {
            entry.busy = false;
        }
        self.tell_change();
    }

    async fn begin_all(&self, id: &ClaimId) -> Result<(), MarketError> {
        // That it was opened is durable before the swap is.
        self.keep_claim(id).await?;
        let orders: Vec<_> = {
            let state = self.state();
            let entry = state.claims.get(id).ok_or(MarketError::NoSuchClaim(*id))?;
            let unbegun = |parts: &MatchedParts| !entry.begun.contains_key(&parts.fulfil.body.id());
            entry.own.orders().filter(unbegun).collect()
        };
        for parts in orders {
            self.begin_one(id, parts).await?;
        }
        Ok(self.keep_claim(id).await?)
    }

    async fn begin_one(&self, id: &ClaimId, parts: MatchedParts) -> Result<(), MarketError> {
        let fulfil = parts.fulfil.body.id();
        let begun = match SettlementOrder::matched(parts) {
            Ok(order) => self.begin_order(order).await,
            Err(error) => Err(MarketError::Claim(error)),
        };
        let mut state = self.state();
        let entry = state.claims.get_mut(id).ok_or(MarketError::NoSuchClaim(*id))?;
        match begun {
            Ok(swap) => {
                entry.begun.insert(fulfil, swap);
                entry.changed();
            }
            Err(error) if error.is_ours() => {
                entry.not_before_ms = now_ms().saturating_add(AGAIN_MS);
                entry.trouble(&fulfil, &error);
                return Err(error);
            }
            Err(error) => {
                if let Err(why) = entry.own.not_begun(&fulfil) {
                    tracing::warn!(quote = %fulfil, %why, "a swap that did not begin");
                }
                entry.trouble(&fulfil, &error);
            }
        }
        Ok(())
    }
}

impl Market {
    /// With its certificate, if it is cleared.
    async fn begin_order(&self, order: SettlementOrder) -> Result<SwapId, MarketError> {
        let mode = order.as_matched().map(|matched| matched.parts().claim.body.mode);
        let certified = match mode {
            Some(Mode::Cleared) => Some(self.certificate(order.id()).await?),
            Some(Mode::P2P) | None => None,
        };
        let begun = self
            .parts
            .settles
            .begin(order, Role::Initiator, certified.as_ref())
            .await;
        Ok(begun?)
    }
}

/// A provider's no in words.
const fn declined(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Opened(_) => "its provider said yes",
        Verdict::ReservationUsed => "its provider sold what was reserved for it to somebody else",
        Verdict::ClaimExhausted => "its provider says that other selections took all that the claim gives",
        Verdict::Expired => "its provider says that it was selected too late",
        Verdict::Refused => "its provider refused the selection",
    }
}

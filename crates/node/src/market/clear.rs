//! The claimant's side of the clearance layer: an order that we selected is handed to validators, and begins once a
//! certificate shows that it is final. Its provider is not asked: its quote was binding, and its opening comes with the
//! order's parts.
//!
//! What was selected is in the journal before it leaves, and the order is a function of it: after a restart the same order
//! is handed in again. Nothing is given up while it may still become final: only when validators say that the ledger
//! refused it, when its quote is over and they say that they have no such order, or when it would be too late to lock.

use super::{Market, MarketError};
use crate::clearing::{Clearing, ClearingError, OrderFate};
use crate::clock::now_ms;
use kofo_clearance::{Submission, SubmittedOrder};
use kofo_exchange::Selection;
use kofo_primitives::{ClaimId, FulfilId, Payment, SwapId, order_id};
use std::sync::Arc;

/// An order that is not final yet is handed in again, to the next validator, after so long (ms).
const AGAIN_MS: u64 = 1_500;
/// How long after its quote's end an order may still come to light (ms): clocks differ, and batches take a moment.
const GRACE_MS: u64 = 10_000;

/// One order that waits for its certificate.
struct Waiting {
    fulfil: FulfilId,
    order: SwapId,
    submitted: SubmittedOrder,
    /// When it was last handed in (unix ms); 0: not since this start.
    sent_ms: u64,
}

/// What became of it.
enum Cleared {
    /// Nothing yet.
    Waits,
    /// Its parts are taken; the swap can begin.
    Final,
    /// It never becomes final, or too late.
    Never(String),
}

impl Market {
    /// The clearance layer, if this node knows it.
    pub(super) fn clearing(&self) -> Result<&Arc<Clearing>, MarketError> {
        self.parts.clearing.as_ref().ok_or(MarketError::Fee)
    }

    /// Looks what became of all selections of a claim that wait.
    pub(super) async fn clear(self: Arc<Self>, id: ClaimId) {
        for waiting in self.waiting(&id) {
            let fulfil = waiting.fulfil;
            let cleared = self.clear_one(&id, waiting).await;
            if let Err(error) = self.cleared(&id, &fulfil, cleared).await {
                tracing::warn!(claim = %id, quote = %fulfil, %error, "an order is not cleared yet");
            }
        }
        // What is final now begins at the next tick.
        if let Some(entry) = self.state().claims.get_mut(&id) {
            entry.busy = false;
        }
        self.tell_change();
    }

    /// What is handed in of a claim.
    #[cfg(test)]
    pub(super) fn orders_waiting(&self, id: &ClaimId) -> Vec<SubmittedOrder> {
        self.waiting(id).into_iter().map(|one| one.submitted).collect()
    }

    /// The selections without an answer that are in the journal.
    fn waiting(&self, id: &ClaimId) -> Vec<Waiting> {
        let state = self.state();
        let Some(entry) = state.claims.get(id) else {
            return Vec::new();
        };
        let open = entry.own.selections().filter(|s| s.provider.is_none());
        let durable = open.filter(|s| self.is_durable(&state, id, &s.quote.id()));
        let one = |selection: &Selection| {
            let fulfil = selection.quote.id();
            let order = order_id(
                entry.claim(),
                &selection.quote.fulfil.body,
                &selection.select.body,
            );
            Waiting {
                fulfil,
                order,
                submitted: self.submitted(entry.own.claim().clone(), selection, order),
                sent_ms: entry.sent_ms.get(&fulfil).copied().unwrap_or(0),
            }
        };
        durable.map(one).collect()
    }

    fn submitted(
        &self,
        claim: kofo_primitives::Signed<kofo_primitives::Claim>,
        selection: &Selection,
        order: SwapId,
    ) -> SubmittedOrder {
        let quote = &selection.quote;
        // Our account stands behind every order of ours: what it owes, the ledger says.
        let payment = Payment {
            version: 1,
            network: self.parts.network.clone(),
            order,
            account: self.bond.id(),
        };
        SubmittedOrder {
            claim,
            path: quote.path.clone(),
            fulfil: quote.fulfil.clone(),
            terms: quote.terms.clone(),
            returns: quote.returns.clone(),
            select: selection.select.clone(),
            claimant: selection.opening.clone(),
            payment: Some(payment.sign(&self.bond)),
        }
    }

    async fn clear_one(&self, id: &ClaimId, waiting: Waiting) -> Result<Cleared, MarketError> {
        let clearing = self.clearing()?;
        let Waiting {
            fulfil,
            order,
            submitted,
            sent_ms,
        } = waiting;
        let now = now_ms();
        let ends_ms = submitted.fulfil.body.expires_ms;
        let lock_by_ms = submitted.terms.alpha_lock_by.0.saturating_mul(1_000);
        let mut refused = None;
        if now < ends_ms && now.saturating_sub(sent_ms) >= AGAIN_MS {
            if let Some(entry) = self.state().claims.get_mut(id) {
                entry.sent_ms.insert(fulfil, now);
            }
            let submission = Submission::Order(Box::new(submitted));
            match clearing.submit(submission).await {
                Ok(_) => {}
                Err(error) if error.may_pass() => {
                    tracing::info!(%order, %error, "no validator takes an order now");
                }
                // Handed in again it may be refused because it is final already.
                Err(error) => refused = Some(error.to_string()),
            }
        }
        let fate = match refused.is_some() || now >= ends_ms || now.saturating_sub(sent_ms) >= AGAIN_MS {
            true => clearing.order(order).await?,
            false => clearing.glance(order).await?,
        };
        match (fate, refused) {
            (OrderFate::Committed(committed), _) => {
                self.take_parts(clearing, (id, order), &committed).await?;
                Ok(Cleared::Final)
            }
            (OrderFate::Refused(why), _) => Ok(Cleared::Never(why)),
            (OrderFate::Open { .. }, Some(why)) => Ok(Cleared::Never(why)),
            (OrderFate::Open { sure: true }, None) if now >= ends_ms.saturating_add(GRACE_MS) => Ok(
                Cleared::Never("it was not committed while its quote bound".to_owned()),
            ),
            (OrderFate::Open { .. }, None) if now >= lock_by_ms => Ok(Cleared::Never(
                "no validator said what became of it until it was too late to lock".to_owned(),
            )),
            (OrderFate::Open { .. }, None) => Ok(Cleared::Waits),
        }
    }

    /// The certificate is durable before its order is.
    async fn take_parts(
        &self,
        clearing: &Clearing,
        (id, order): (&ClaimId, SwapId),
        committed: &crate::clearing::Committed,
    ) -> Result<(), MarketError> {
        let key = {
            let state = self.state();
            let entry = state.claims.get(id).ok_or(MarketError::NoSuchClaim(*id))?;
            self.claim_key(entry.claim())
        };
        let matched = clearing.parts(order, &key).await?;
        clearing.keep(committed).await?;
        let mut state = self.state();
        let entry = state.claims.get_mut(id).ok_or(MarketError::NoSuchClaim(*id))?;
        Ok(entry.own.committed(&matched)?)
    }

    /// Writes what became of an order.
    async fn cleared(
        &self,
        id: &ClaimId,
        fulfil: &FulfilId,
        cleared: Result<Cleared, MarketError>,
    ) -> Result<(), MarketError> {
        let now = now_ms();
        let pending = {
            let mut state = self.state();
            let entry = state.claims.get_mut(id).ok_or(MarketError::NoSuchClaim(*id))?;
            match cleared {
                Ok(Cleared::Waits) => return Ok(()),
                Ok(Cleared::Final) => {}
                Ok(Cleared::Never(why)) => {
                    entry.own.not_committed(fulfil)?;
                    entry.trouble(fulfil, format!("its order was not cleared: {why}"));
                }
                Err(error) => {
                    entry.trouble(fulfil, &error);
                    entry.not_before_ms = now.saturating_add(500);
                    return Err(error);
                }
            }
            entry.changed();
            self.ledger.commit(vec![entry.change()])?
        };
        Ok(pending.durable().await?)
    }

    /// A swap is over: its certificate is of no use any more.
    pub(super) async fn forget_certificate(&self, order: SwapId) {
        if let Some(clearing) = &self.parts.clearing
            && let Err(error) = clearing.forget(order).await
        {
            tracing::debug!(%order, %error, "a certificate is kept longer than it is needed");
        }
    }

    /// The certificate of an order that is to begin: the one that was kept, verified again, or else asked for.
    pub(super) async fn certificate(&self, order: SwapId) -> Result<kofo_clearance::Certified, MarketError> {
        let clearing = self.clearing()?;
        if let Some(certified) = clearing.kept(order)? {
            return Ok(certified);
        }
        match clearing.order(order).await? {
            OrderFate::Committed(committed) => Ok(committed.certified),
            OrderFate::Open { .. } | OrderFate::Refused(_) => {
                Err(ClearingError::Late("the order was not certified").into())
            }
        }
    }
}

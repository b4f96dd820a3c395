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
    /// Its quote binds until then (unix ms).
    ends_ms: u64,
    /// After that it is too late to lock (unix ms).
    lock_by_ms: u64,
    /// When it was last handed in, or all were asked about it (unix ms); 0: not since this start.
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
            let cleared = self.clear_one(&id, &waiting).await;
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
        let waiting = self.waiting(id);
        let submitted = waiting.iter().map(|one| self.submitted(id, one));
        submitted.collect::<Result<_, _>>().expect("the claim is there")
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
            let (fulfil, quote) = (selection.quote.id(), &selection.quote);
            Waiting {
                fulfil,
                order: order_id(entry.claim(), &quote.fulfil.body, &selection.select.body),
                ends_ms: quote.fulfil.body.expires_ms,
                lock_by_ms: quote.terms.alpha_lock_by.0.saturating_mul(1_000),
                sent_ms: entry.sent_ms.get(&fulfil).copied().unwrap_or(0),
            }
        };
        durable.map(one).collect()
    }

    /// What is handed in of it.
    fn submitted(&self, id: &ClaimId, waiting: &Waiting) -> Result<SubmittedOrder, MarketError> {
        let (
            claim,
            Selection {
                quote,
                select,
                opening,
                ..
            },
        ) = {
            let state = self.state();
            let entry = state.claims.get(id).ok_or(MarketError::NoSuchClaim(*id))?;
            let mut selections = entry.own.selections();
            let selection = selections.find(|s| s.quote.id() == waiting.fulfil);
            let selection = selection.ok_or(MarketError::NoSuchQuote(waiting.fulfil))?;
            (entry.own.claim().clone(), selection.clone())
        };
        // Our account stands behind every order of ours: what it owes, the ledger says.
        let payment = Payment {
            version: 1,
            network: self.parts.network.clone(),
            order: waiting.order,
            account: self.bond.id(),
        };
        Ok(SubmittedOrder {
            claim,
            path: quote.path,
            fulfil: quote.fulfil,
            terms: quote.terms,
            returns: quote.returns,
            select,
            claimant: opening,
            payment: Some(payment.sign(&self.bond)),
        })
    }

    /// Hands an order in; why validators refuse it, if they do.
    async fn hand_in(&self, id: &ClaimId, waiting: &Waiting) -> Result<Option<String>, MarketError> {
        let submission = Submission::Order(Box::new(self.submitted(id, waiting)?));
        match self.clearing()?.submit(submission).await {
            Ok(_) => Ok(None),
            Err(error) if error.may_pass() => {
                tracing::info!(order = %waiting.order, %error, "no validator takes an order now");
                Ok(None)
            }
            // Handed in again it may be refused because it is final already.
            Err(error) => Ok(Some(error.to_string())),
        }
    }

    async fn clear_one(&self, id: &ClaimId, waiting: &Waiting) -> Result<Cleared, MarketError> {
        let (clearing, order, now) = (self.clearing()?, waiting.order, now_ms());
        let binds = now < waiting.ends_ms;
        let due = now.saturating_sub(waiting.sent_ms) >= AGAIN_MS;
        if due && let Some(entry) = self.state().claims.get_mut(id) {
            entry.sent_ms.insert(waiting.fulfil, now);
        }
        let refused = match due && binds {
            true => self.hand_in(id, waiting).await?,
            false => None,
        };
        // Nobody has made final what was handed in a moment ago for the first time.
        let first = binds && waiting.sent_ms == 0;
        let too_late = now >= waiting.lock_by_ms;
        let fate = match refused.is_some() || too_late || due && !first {
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
            (OrderFate::Open { sure: true }, None) if now >= waiting.ends_ms.saturating_add(GRACE_MS) => Ok(
                Cleared::Never("it was not committed while its quote bound".to_owned()),
            ),
            (OrderFate::Open { .. }, None) if too_late => Ok(Cleared::Never(
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

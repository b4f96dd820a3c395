//! Selecting quotes: which, whether they suit, and what their providers are told.

use super::super::{Market, MarketError, State, Work};
use super::Entry;
use super::answer::AGAIN_MS;
use crate::clock::now_ms;
use crate::rpc::types::ClaimState;
use kofo_exchange::{Chosen, GossipMessage, Passed, ReturnMessage, SelectEnvelope};
use kofo_network::{Plane, Topic};
use kofo_primitives::{Claim, ClaimId, FulfilId, FulfilTerms, Mode};
use std::sync::Arc;

/// Validators are asked so often what became of a claim's orders (ms).
const BEAT_MS: u64 = 300;

impl Market {
    /// The owner's own choice.
    pub async fn select_quote(&self, claim: ClaimId, fulfil: FulfilId) -> Result<(), MarketError> {
        self.select(&claim, &fulfil).await
    }

    /// Selects the best quotes of a claim, until none is left or the claim is covered.
    pub(in crate::market) async fn pick(self: Arc<Self>, id: ClaimId) {
        self.count_providers(&id).await;
        let picked = {
            let state = self.state();
            state.claims.get(&id).map(|entry| {
                let mode = entry.claim().mode;
                let reliability = |bond: &_| state.reliability(mode, bond);
                entry.own.pick(&reliability, now_ms())
            })
        };
        for fulfil in picked.unwrap_or_default() {
            if let Err(error) = self.select(&id, &fulfil).await {
                tracing::info!(claim = %id, quote = %fulfil, %error, "a quote was not selected");
            }
        }
        if let Some(entry) = self.state().claims.get_mut(&id) {
            entry.busy = false;
        }
    }

    async fn select(&self, id: &ClaimId, fulfil: &FulfilId) -> Result<(), MarketError> {
        let (claim, terms, pay_to) = self.quoted(id, fulfil)?;
        if let Err(error) = self.parts.settles.suits(&claim, &terms).await {
            return Err(self.unsuited(id, fulfil, error.into()).await);
        }
        let opened = self
            .parts
            .settles
            .opening(&claim, &terms, pay_to.as_deref())
            .await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(self.unsuited(id, fulfil, error.into()).await),
        };
        let chosen = Chosen {
            hashlock: opened.hashlock,
            nonce: opened.nonce,
            opening: opened.opening,
        };
        let pending = {
            let mut state = self.state();
            let entry = state.claims.get_mut(id).ok_or(MarketError::NoSuchClaim(*id))?;
            let key = self.claim_key(&claim);
            let select = entry.own.select(fulfil, chosen, &key, now_ms())?;
            // What validators make final is told to them alone.
            if claim.mode == Mode::P2P {
                let selection = entry.own.selections().find(|s| s.quote.id() == *fulfil);
                let selection = selection.ok_or(MarketError::NoSuchQuote(*fulfil))?;
                let to = selection.quote.fulfil.body.key;
                let part = selection.part().seal(id, &to, &super::super::random()?);
                let part = part.map_err(|e| MarketError::Seal(e.to_string()))?;
                entry.sent.insert(*fulfil, SelectEnvelope { select, part });
            }
            entry.changed();
            self.ledger.commit(vec![entry.change()])?
        };
        pending.durable().await?;
        match claim.mode {
            Mode::P2P => self.send_selection(&mut self.state(), id, fulfil),
            Mode::Cleared => {
                if let Some(entry) = self.state().claims.get_mut(id) {
                    // From now on it may leave.
                    entry.sent_ms.insert(*fulfil, 0);
                }
            }
        }
        self.tell_change();
        Ok(())
    }

    fn quoted(
        &self,
        id: &ClaimId,
        fulfil: &FulfilId,
    ) -> Result<(Claim, FulfilTerms, Option<String>), MarketError> {
        let state = self.state();
        let entry = state.claims.get(id).ok_or(MarketError::NoSuchClaim(*id))?;
        let quote = entry.own.quotes().find(|quote| quote.id() == *fulfil);
        let quote = quote.ok_or(MarketError::NoSuchQuote(*fulfil))?;
        Ok((entry.claim().clone(), quote.terms.clone(), entry.pay_to.clone()))
    }

    /// A quote that could not be settled is not picked again.
    async fn unsuited(&self, id: &ClaimId, fulfil: &FulfilId, error: MarketError) -> MarketError {
        if let Some(entry) = self.state().claims.get_mut(id) {
            entry.trouble(fulfil, &error);
            if error.is_ours() {
                entry.not_before_ms = now_ms().saturating_add(AGAIN_MS);
                return error;
            }
            if let Err(why) = entry.own.give_up(fulfil) {
                tracing::debug!(quote = %fulfil, %why, "a quote that does not suit");
            }
        }
        if let Err(failed) = self.keep_claim(id).await {
            return failed.into();
        }
        self.tell_change();
        error
    }

    /// Sends a selection that is durable, for the first time or again.
    fn send_selection(&self, state: &mut State, id: &ClaimId, fulfil: &FulfilId) {
        let now_ms = now_ms();
        let Some(entry) = state.claims.get_mut(id) else {
            return;
        };
        let Some(envelope) = entry.sent.get(fulfil).cloned() else {
            return;
        };
        entry.sent_ms.insert(*fulfil, now_ms);
        let selection = entry.own.selections().find(|s| s.quote.id() == *fulfil);
        let hop = selection.and_then(Self::first_hop);
        let message = ReturnMessage::Select(Box::new(envelope.clone()));
        match state.relay.select(None, envelope, now_ms) {
            Ok(Passed::On(link, _)) => state.send_back(link, message),
            Ok(Passed::Ours(_)) => tracing::warn!(claim = %id, "a quote of our own for a claim of our own"),
            Err(error) => {
                // After a restart the relay knows no ways; the neighbour is the one whose pseudonym the path names.
                let known = hop.and_then(|hop| state.neighbour_named(id, &hop));
                match known {
                    Some(peer) => drop(state.links.send(peer, Plane::Return, message.write())),
                    None => tracing::info!(claim = %id, %error, "a selection cannot be sent now"),
                }
            }
        }
    }

    /// What time brings: selections are sent again or given up, and quotes are picked.
    pub(in crate::market) fn tend_claims(&self, state: &mut State, now_ms: u64) {
        let ids: Vec<_> = state.claims.iter().map(|(id, _)| *id).collect();
        for id in ids {
            self.tend_selections(state, &id, now_ms);
            let Some(entry) = state.claims.get_mut(&id) else {
                continue;
            };
            let idle = !entry.busy && entry.not_before_ms <= now_ms;
            if idle && entry.unbegun() {
                entry.busy = true;
                self.queue(Work::Begin(id));
            } else if idle && entry.clears(now_ms) {
                entry.busy = true;
                self.queue(Work::Clear(id));
            } else if idle && !entry.manual && entry.own.ready(now_ms) && entry.has_open(now_ms) {
                entry.busy = true;
                self.queue(Work::Pick(id));
            }
            if entry.moved(now_ms) {
                entry.changed();
                if entry.state(now_ms) == ClaimState::Filled {
                    self.release_others(state, &id, now_ms);
                }
                self.tell_change();
            }
        }
    }

    /// A claim that is filled: whoever reserved something for it need not any longer.
    fn release_others(&self, state: &mut State, id: &ClaimId, now_ms: u64) {
        let Some(entry) = state.claims.get_mut(id) else {
            return;
        };
        let key = self.claim_key(entry.claim());
        let Ok(cancel) = entry.own.cancel(&key) else {
            return;
        };
        let change = entry.change();
        if let Err(error) = state.relay.cancel(&cancel, now_ms) {
            tracing::debug!(claim = %id, %error, "our own cancel");
        }
        state.guards_changed = true;
        self.keep_behind(vec![change]);
        self.publish(Topic::Cancel, &GossipMessage::Cancel(cancel));
    }

    fn tend_selections(&self, state: &mut State, id: &ClaimId, now_ms: u64) {
        let timing = self.parts.timing;
        let (answer_ms, repeat_ms) = (
            super::super::millis(timing.answer),
            super::super::millis(timing.repeat),
        );
        let Some(entry) = state.claims.get(id) else {
            return;
        };
        if entry.claim().mode == Mode::Cleared {
            return;
        }
        let waiting = entry.own.selections().filter(|s| s.provider.is_none());
        let waiting: Vec<_> = waiting
            .map(|s| (s.quote.id(), s.quote.terms.reservation.bond, s.at_ms))
            .collect();
        for (fulfil, bond, at_ms) in waiting {
            if now_ms.saturating_sub(at_ms) >= answer_ms {
                let Some(entry) = state.claims.get_mut(id) else {
                    continue;
                };
                if entry.own.give_up(&fulfil).is_err() {
                    continue;
                }
                entry.sent.remove(&fulfil);
                entry.trouble(&fulfil, "its provider did not answer the selection");
                let change = entry.change();
                state.history.count(bond, false);
                let history = state.history.change(&bond);
                self.keep_behind(vec![change, history]);
                self.tell_change();
            } else {
                let last = state.claims.get(id).and_then(|e| e.sent_ms.get(&fulfil).copied());
                if now_ms.saturating_sub(last.unwrap_or(0)) >= repeat_ms
                    && self.is_durable(state, id, &fulfil)
                {
                    self.send_selection(state, id, &fulfil);
                }
            }
        }
    }

    /// Whether the selection was sent before, or is from before this start: then it is in the journal.
    pub(in crate::market) fn is_durable(&self, state: &State, id: &ClaimId, fulfil: &FulfilId) -> bool {
        let entry = state.claims.get(id);
        entry.is_some_and(|e| e.sent_ms.contains_key(fulfil) || e.restored(fulfil, self.started_ms))
    }

    /// What becomes durable some time; nothing waits for it.
    pub(in crate::market) fn keep_behind(&self, changes: Vec<super::super::ledger::Change>) {
        if let Err(error) = self.ledger.commit(changes) {
            tracing::warn!(%error, "the market's notes are not written");
        }
    }
}

impl Entry {
    /// Whether something can be picked.
    fn has_open(&self, now_ms: u64) -> bool {
        let selected = |id: &FulfilId| self.own.selections().any(|s| s.quote.id() == *id);
        self.own
            .quotes()
            .any(|quote| quote.binds(now_ms) && !selected(&quote.id()))
    }

    /// Whether selections wait for validators, and it is time to ask what became of them.
    fn clears(&mut self, now_ms: u64) -> bool {
        let waits = self.own.selections().any(|s| s.provider.is_none());
        let due =
            self.claim().mode == Mode::Cleared && waits && self.asked_ms.saturating_add(BEAT_MS) <= now_ms;
        if due {
            self.asked_ms = now_ms;
        }
        due
    }

    /// Whether an order was opened whose swap has not begun.
    pub(super) fn unbegun(&self) -> bool {
        let opened = self.own.selections().filter(|s| s.provider.is_some());
        opened
            .into_iter()
            .any(|s| !self.begun.contains_key(&s.quote.id()))
    }

    /// Whether a selection was made before this start.
    fn restored(&self, fulfil: &FulfilId, started_ms: u64) -> bool {
        let selection = self.own.selections().find(|s| s.quote.id() == *fulfil);
        selection.is_some_and(|s| s.at_ms < started_ms)
    }

    /// Whether people see another state than before.
    fn moved(&mut self, now_ms: u64) -> bool {
        let state = self.state(now_ms);
        self.shown.replace(state).is_some_and(|before| before != state)
    }
}

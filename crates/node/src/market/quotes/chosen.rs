//! A quote of ours is selected: from here on it is a swap, or a no that says why. The same selection gets the same
//! answer as often as it comes, also after a restart.

use super::super::settles::Settles;
use super::super::{Market, MarketError};
use super::stored::OwnQuote;
use crate::clock::now_ms;
use kofo_exchange::{ReturnMessage, SelectEnvelope, SelectionRefused};
use kofo_network::{PeerId, Plane};
use kofo_primitives::{
    Answer, ClaimantPart, FulfilId, MatchedParts, Mode, NodeKey, Opening, Role, Select, SettlementOrder,
    Signed, Verdict, order_id,
};
use std::sync::Arc;

/// What is to be done about a selection.
enum Step {
    /// It was answered before.
    Answered(Box<Signed<Answer>>),
    /// A job is at it: its answer comes.
    Busy,
    /// To be begun: the order, and what of us it opens.
    Begin(Box<SettlementOrder>),
    /// No.
    No(Verdict),
}

impl Market {
    /// A neighbour brought a selection of a quote of ours.
    pub(in crate::market) async fn chosen(self: Arc<Self>, from: PeerId, envelope: SelectEnvelope) {
        let fulfil = envelope.select.body.fulfil;
        match self.answer_to(&fulfil, envelope).await {
            Ok(Some(answer)) => {
                let message = ReturnMessage::Answer(Box::new(answer)).write();
                if !self.state().links.send(from, Plane::Return, message) {
                    tracing::info!(quote = %fulfil, "an answer cannot be sent now; it is given again when asked for");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(quote = %fulfil, %error, "a selection is not answered"),
        }
        self.tell_change();
    }

    pub(in crate::market) async fn answer_to(
        &self,
        fulfil: &FulfilId,
        envelope: SelectEnvelope,
    ) -> Result<Option<Signed<Answer>>, MarketError> {
        let select = envelope.select.clone();
        let (quote, step) = self.step(fulfil, envelope)?;
        let key = self.fulfil_key(&quote.terms.nonce);
        match step {
            Step::Busy => Ok(None),
            Step::Answered(answer) => Ok(Some(*answer)),
            Step::No(verdict) => Ok(Some(answer(&quote, &select.body, verdict, &key))),
            Step::Begin(order) => {
                let begun = self.begin_chosen(&quote, &select, (*order, &key)).await;
                if let Some(dealing) = self.state().dealing.as_mut() {
                    dealing.busy.remove(fulfil);
                }
                begun.map(Some)
            }
        }
    }

    /// Looks at a selection; a quote that can be begun is busy from then on.
    fn step(&self, fulfil: &FulfilId, envelope: SelectEnvelope) -> Result<(OwnQuote, Step), MarketError> {
        let quote = {
            let state = self.state();
            let dealing = state.dealing.as_ref().ok_or(MarketError::NoProvider)?;
            let quote = dealing.quotes.get(fulfil);
            quote.cloned().ok_or(MarketError::NoSuchQuote(*fulfil))?
        };
        if quote.claim.body.mode == Mode::Cleared {
            // Validators make such an order, and nobody else.
            return Ok((quote, Step::No(Verdict::Refused)));
        }
        if let Some(step) = quote.known(&envelope.select) {
            return Ok((quote, step));
        }
        let key = self.fulfil_key(&quote.terms.nonce);
        // Curve arithmetic, without the state.
        let select = envelope.select.clone();
        let order = match quote.order(envelope, &key) {
            Ok(order) => (order, select),
            Err(error) => {
                tracing::info!(quote = %fulfil, %error, "a selection makes no order");
                return Ok((quote, Step::No(Verdict::Refused)));
            }
        };
        let mut state = self.state();
        let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
        // Meanwhile another job may have answered.
        let quote = dealing.quotes.get(fulfil).cloned();
        let quote = quote.ok_or(MarketError::NoSuchQuote(*fulfil))?;
        let step = match quote.known(&order.1) {
            Some(step) => step,
            None if dealing.busy.insert(*fulfil) => Step::Begin(Box::new(order.0)),
            None => Step::Busy,
        };
        Ok((quote, step))
    }

    /// Uses the reservation up, begins the swap, and says so: each durable before the next.
    async fn begin_chosen(
        &self,
        quote: &OwnQuote,
        select: &Signed<Select>,
        (order, key): (SettlementOrder, &NodeKey),
    ) -> Result<Signed<Answer>, MarketError> {
        let (id, claim) = (quote.id(), &quote.claim.body);
        let used = {
            let mut state = self.state();
            let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
            // Chosen before this start, perhaps begun: to be begun again, which changes nothing.
            let again = quote.chosen.as_ref() == Some(select);
            match dealing.provider.select(&id, claim, now_ms()) {
                Ok(()) => {}
                Err(SelectionRefused::ReservationUsed { by }) if again && by == id => {}
                Err(no) => return Ok(answer(quote, &select.body, no.verdict(), key)),
            }
            let snapshot = dealing.snapshot();
            let kept = dealing.quotes.get_mut(&id).ok_or(MarketError::NoSuchQuote(id))?;
            kept.chosen = Some(select.clone());
            let change = kept.change();
            self.ledger.commit(vec![change, snapshot])?
        };
        used.durable().await?;
        let settles: &dyn Settles = self.parts.settles.as_ref();
        let swap = match settles.begin(order, Role::Participant, None).await {
            Ok(swap) => Ok(swap),
            Err(error) => {
                let error = MarketError::from(error);
                // Asked again, we try again.
                if error.is_ours() {
                    return Err(error);
                }
                tracing::info!(quote = %id, %error, "a selection cannot be settled");
                Err(())
            }
        };
        let verdict = match swap {
            Ok(_) => Verdict::Opened(self.opened(quote)?),
            Err(()) => Verdict::Refused,
        };
        let said = answer(quote, &select.body, verdict, key);
        let pending = {
            let mut state = self.state();
            let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
            let mut changes = Vec::new();
            if swap.is_err() {
                changes.extend(dealing.over(&id, false));
            }
            let kept = dealing.quotes.get_mut(&id).ok_or(MarketError::NoSuchQuote(id))?;
            (kept.answer, kept.swap) = (Some(said.clone()), swap.ok());
            changes.push(kept.change());
            self.ledger.commit(changes)?
        };
        pending.durable().await?;
        Ok(said)
    }

    fn opened(
        &self,
        quote: &OwnQuote,
    ) -> Result<kofo_primitives::Bytes<{ kofo_primitives::MAX_SEALED_OPENING }>, MarketError> {
        let claim = &quote.claim.body;
        let sealed = Opening::seal(
            &quote.opening,
            &quote.fulfil.body.claim,
            &claim.seal_key,
            &super::super::random()?,
        );
        sealed.map_err(|e| MarketError::Seal(e.to_string()))
    }
}

impl OwnQuote {
    /// What is to be done about a selection if another came before it.
    fn known(&self, select: &Signed<Select>) -> Option<Step> {
        match (&self.chosen, &self.answer) {
            (Some(chosen), Some(answer)) if chosen == select => {
                Some(Step::Answered(Box::new(answer.clone())))
            }
            (Some(chosen), _) if chosen != select => Some(Step::No(Verdict::ReservationUsed)),
            _ => None,
        }
    }

    /// The order that the selection makes, if its parts fit.
    fn order(&self, envelope: SelectEnvelope, key: &NodeKey) -> Result<SettlementOrder, MarketError> {
        let part = ClaimantPart::unseal(&self.fulfil.body.claim, key, &envelope.part)
            .map_err(|e| MarketError::Seal(e.to_string()))?;
        let parts = MatchedParts {
            claim: self.claim.clone(),
            path: self.path.clone(),
            fulfil: self.fulfil.clone(),
            terms: self.terms.clone(),
            returns: part.returns,
            select: envelope.select,
            claimant: part.opening,
            provider: self.opening.clone(),
        };
        SettlementOrder::matched(parts).map_err(MarketError::Claim)
    }
}

fn answer(quote: &OwnQuote, select: &Select, verdict: Verdict, key: &NodeKey) -> Signed<Answer> {
    let (claim, fulfil) = (&quote.claim.body, &quote.fulfil.body);
    Answer {
        version: 1,
        network: claim.network.clone(),
        claim: fulfil.claim,
        fulfil: quote.id(),
        order: order_id(claim, fulfil, select),
        verdict,
    }
    .sign(key)
}

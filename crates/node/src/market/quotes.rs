//! The provider's side: what we offer on claims that came, as quotes that bind, and what is behind them.

mod chosen;
mod deal;
mod stored;

use super::reserve::fee_fits;
use super::{Market, MarketError};
use crate::clock::now_ms;
pub(super) use deal::Dealing;
use kofo_exchange::{Offered, Received, ReturnMessage};
use kofo_primitives::{
    Amount, AssetId, Bytes, Fulfil, FulfilTerms, MAX_FOR_VALIDATORS, Mode, NodeKey, Reservation, Signed,
    SwapNonce,
};
use std::sync::Arc;
use stored::OwnQuote;
pub(super) use stored::{PLACE, PROVIDER_PLACE};

use super::settles::Drafted;

/// We hear of a commit so much later at most, as a rule (ms).
const HEARD_MS: u64 = 5_000;

impl Market {
    /// Looks whether there is something to quote for a copy of a claim, and quotes it.
    pub(super) async fn offer(self: Arc<Self>, received: Received) {
        let id = received.id;
        match self.quote(received).await {
            Ok(true) => {}
            Ok(false) => tracing::trace!(claim = %id, "nothing to offer on a claim"),
            Err(error) => tracing::debug!(claim = %id, %error, "a claim is not quoted for"),
        }
    }

    pub(super) async fn quote(&self, received: Received) -> Result<bool, MarketError> {
        let claim = &received.claim.body;
        fee_fits(
            claim,
            self.parts.clearing.as_ref().map(|clearing| clearing.genesis()),
        )?;
        self.parts.settles.fits(claim)?;
        let Some(offered) = self.offered(&received) else {
            return Ok(false);
        };
        let settles = &self.parts.settles;
        let drafted = settles
            .draft(claim, offered.give, offered.want, offered.until_ms)
            .await;
        let drafted = match drafted {
            Ok(drafted) => drafted,
            Err(error) => {
                self.take_back(&received);
                return Err(error.into());
            }
        };
        let quote = match self.draft_quote(&received, &offered, drafted) {
            Ok(quote) => quote,
            Err(error) => {
                self.take_back(&received);
                return Err(error);
            }
        };
        let fulfil = quote.fulfil.clone();
        let pending = {
            let mut state = self.state();
            let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
            let changes = dealing.keep(quote)?;
            self.ledger.commit(changes)?
        };
        pending.durable().await?;
        let mut state = self.state();
        let (link, envelope) = state.relay.quote(&received, fulfil, now_ms())?;
        state.send_back(link, ReturnMessage::Fulfil(Box::new(envelope)));
        Ok(true)
    }

    /// What signs our quote with that nonce. Quotes of another network are never kept.
    fn fulfil_key(&self, nonce: &SwapNonce) -> NodeKey {
        self.parts.seed.fulfil_key(&self.parts.network, nonce)
    }

    fn offered(&self, received: &Received) -> Option<Offered> {
        let mut state = self.state();
        let dealing = state.dealing.as_mut()?;
        dealing
            .provider
            .offers(&received.claim.body, &received.id, now_ms())
    }

    /// What was offered cannot be settled: it is free again, unless another copy of the claim was quoted for.
    fn take_back(&self, received: &Received) {
        let mut state = self.state();
        let dealing = state.dealing.as_mut();
        if let Some(dealing) = dealing.filter(|dealing| !dealing.has_quoted(&received.id)) {
            dealing.provider.withdraw(&received.id);
        }
    }

    fn draft_quote(
        &self,
        received: &Received,
        offered: &Offered,
        drafted: Drafted,
    ) -> Result<OwnQuote, MarketError> {
        let claim = &received.claim.body;
        let key = self.fulfil_key(&drafted.nonce);
        let cover = self.cover(received, offered, &drafted)?;
        let reservation = Reservation::sign(&self.bond, offered.seq, cover.reserve, &received.id, &key.id());
        let terms = FulfilTerms {
            give: offered.give,
            want: offered.want,
            alpha_timelock: drafted.alpha_timelock,
            beta_timelock: drafted.beta_timelock,
            alpha_lock_by: drafted.alpha_lock_by,
            beta_lock_by: drafted.beta_lock_by,
            redeem_by: drafted.redeem_by,
            premium_bps: cover.premium_bps,
            nonce: drafted.nonce,
            opening: drafted.opening.commit(),
            reservation,
        };
        let sealed = terms.seal(&received.id, &claim.seal_key, &super::random()?);
        let fulfil: Signed<Fulfil> = Fulfil {
            version: 1,
            network: claim.network.clone(),
            claim: received.id,
            path: received.path.digest(),
            key: key.id(),
            terms: terms.digest(),
            sealed: sealed.map_err(|e| MarketError::Seal(e.to_string()))?,
            for_validators: cover.for_validators,
            expires_ms: cover.expires_ms,
        }
        .sign(&key);
        Ok(OwnQuote::new(received, fulfil, terms, drafted.opening))
    }
}

/// What a quote has beside its terms, for the clearance layer.
struct Cover {
    reserve: Option<(AssetId, Amount)>,
    premium_bps: u16,
    for_validators: Option<Bytes<MAX_FOR_VALIDATORS>>,
    expires_ms: u64,
}

impl Market {
    /// Nothing for a claim between two alone.
    fn cover(&self, received: &Received, offered: &Offered, drafted: &Drafted) -> Result<Cover, MarketError> {
        let claim = &received.claim.body;
        if claim.mode == Mode::P2P {
            return Ok(Cover {
                reserve: None,
                premium_bps: 0,
                for_validators: None,
                expires_ms: offered.until_ms,
            });
        }
        let validators = self.clearing()?.genesis().seal_key;
        let (reserve, premium_bps) = {
            let state = self.state();
            let rules = state
                .dealing
                .as_ref()
                .and_then(|dealing| dealing.reserve.as_ref());
            let rules = rules
                .filter(|rules| rules.pays(claim))
                .ok_or(MarketError::Uncovered)?;
            let reserve = rules.of(claim, offered.want).ok_or(MarketError::Uncovered)?;
            rules.covered(reserve.1)?;
            (reserve, rules.premium_bps)
        };
        let sealed = drafted.opening.seal(&received.id, &validators, &super::random()?);
        let sealed = sealed.map_err(|e| MarketError::Seal(e.to_string()))?;
        let sealed = Bytes::new(sealed.as_slice()).map_err(|e| MarketError::Seal(e.to_string()))?;
        let life_ms = offered.until_ms.saturating_sub(now_ms());
        Ok(Cover {
            reserve: Some(reserve),
            premium_bps,
            for_validators: Some(sealed),
            // What is behind it is held a little longer: we hear of a commit in its last moment later.
            expires_ms: offered.until_ms.saturating_sub(HEARD_MS.min(life_ms / 3)),
        })
    }
}

/// Uses the reservation of a quote up by another selection.
#[cfg(test)]
pub(super) fn use_up(market: &Market, fulfil: &kofo_primitives::FulfilId) {
    let mut state = market.state();
    let quote = state
        .dealing
        .as_mut()
        .and_then(|dealing| dealing.quotes.get_mut(fulfil));
    let quote = quote.expect("the quote is there");
    let select = kofo_primitives::Select {
        version: 1,
        network: quote.claim.body.network.clone(),
        claim: quote.fulfil.body.claim,
        fulfil: quote.id(),
        hashlock: kofo_primitives::Hashlock::new([1; 32]),
        nonce: kofo_primitives::SwapNonce::new([1; 32]),
        opening: [1; 32],
        limit: None,
        returns: [1; 32],
        fee_root: [0; 32],
        for_validators: None,
    };
    let key = NodeKey::new(&[9; 32]).expect("a key");
    quote.chosen = Some(select.sign(&key));
}

/// The quotes that a provider stands by.
#[cfg(test)]
pub(super) fn ids(dealing: &Dealing) -> Vec<kofo_primitives::FulfilId> {
    dealing.quotes.keys().copied().collect()
}

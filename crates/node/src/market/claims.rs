//! Our own claims: made, journaled, sent, taken back, and read back after a restart.

mod answer;
mod select;
mod show;
mod stored;

use super::reserve::fee_fits;
use super::{LedgerError, Market, MarketError, Settles, State};
use crate::clock::now_ms;
use crate::rpc::api::{ClaimFee, ClaimTerms};
use kofo_exchange::{FulfilEnvelope, GossipMessage, OwnClaim, SeenReservations, SelectEnvelope};
use kofo_network::Topic;
use kofo_primitives::{
    Claim, ClaimId, FeeTerms, FulfilId, Limit, LimitOpening, Mode, NodeKey, Ratio, Signed, SwapId,
};
use std::collections::{BTreeMap, BTreeSet};
pub(super) use stored::{Glimpse, PLACE};

/// So many claims of ours go on at a time.
pub const MAX_LIVE_CLAIMS: usize = 64;
/// So many are remembered; those that ended first are forgotten.
pub const MAX_CLAIMS: usize = 256;

/// One claim of ours, with all that is known of it.
pub(super) struct Entry {
    pub(super) own: OwnClaim,
    pub(super) manual: bool,
    pub(super) pay_to: Option<String>,
    /// Quotes that came, for people: also those that ended.
    pub(super) seen: BTreeMap<FulfilId, Glimpse>,
    /// What was sent to select a quote: the same bytes again if no answer comes.
    pub(super) sent: BTreeMap<FulfilId, SelectEnvelope>,
    /// The swaps that began.
    pub(super) begun: BTreeMap<FulfilId, SwapId>,
    /// Swaps that ended and are in the history.
    pub(super) counted: BTreeSet<FulfilId>,
    /// Counts changes.
    pub(super) seq: u64,
    /// When each selection was last sent, or all validators were asked what became of it (unix ms).
    pub(super) sent_ms: BTreeMap<FulfilId, u64>,
    /// A job is at it.
    pub(super) busy: bool,
    /// When validators were last asked what became of its orders (unix ms).
    asked_ms: u64,
    /// Something of ours failed: no new try before then (unix ms).
    pub(super) not_before_ms: u64,
    /// The state that people were shown last.
    pub(super) shown: Option<crate::rpc::types::ClaimState>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Claims {
    entries: BTreeMap<ClaimId, Entry>,
    pub(super) reservations: SeenReservations,
}

impl Claims {
    pub(super) fn get(&self, id: &ClaimId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &ClaimId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ClaimId, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn insert(&mut self, id: ClaimId, entry: Entry) {
        self.entries.insert(id, entry);
    }

    fn live(&self, now_ms: u64) -> usize {
        let live = |entry: &&Entry| !entry.is_over(now_ms);
        self.entries.values().filter(live).count()
    }

    /// The claims that are forgotten so that there is room for one more.
    fn make_room(&mut self, now_ms: u64) -> Vec<ClaimId> {
        let mut gone = Vec::new();
        while self.entries.len() >= MAX_CLAIMS {
            let over = self.entries.iter().filter(|(_, entry)| entry.is_done(now_ms));
            let oldest = over.min_by_key(|(_, entry)| entry.own.claim().body.created_ms);
            let Some(id) = oldest.map(|(id, _)| *id) else {
                break;
            };
            self.entries.remove(&id);
            gone.push(id);
        }
        gone
    }
}

impl Entry {
    pub(super) fn new(own: OwnClaim, manual: bool, pay_to: Option<String>) -> Self {
        Self {
            own,
            manual,
            pay_to,
            seen: BTreeMap::new(),
            sent: BTreeMap::new(),
            begun: BTreeMap::new(),
            counted: BTreeSet::new(),
            seq: 1,
            sent_ms: BTreeMap::new(),
            busy: false,
            asked_ms: 0,
            not_before_ms: 0,
            shown: None,
        }
    }

    pub(super) fn claim(&self) -> &Claim {
        &self.own.claim().body
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.state(now_ms).is_over()
    }

    /// Whether it is over and how its swaps ended is in the history.
    fn is_done(&self, now_ms: u64) -> bool {
        self.is_over(now_ms) && self.begun.keys().all(|fulfil| self.counted.contains(fulfil))
    }

    /// After a restart: our ends of what is selected and has not begun stay ours.
    pub(super) fn hold(&self, settles: &dyn Settles) {
        let open = self
            .own
            .selections()
            .filter(|s| !self.begun.contains_key(&s.quote.id()));
        for selection in open {
            let until_ms = selection.quote.terms.alpha_lock_by.0.saturating_mul(1_000);
            settles.hold(self.claim(), &selection.opening, until_ms);
        }
    }

    /// Something changed that people see.
    pub(super) fn changed(&mut self) {
        self.seq = self.seq.saturating_add(1);
    }
}

impl Market {
    pub(super) fn claim_key(&self, claim: &Claim) -> NodeKey {
        self.parts.seed.claim_key(&claim.network, &claim.nonce)
    }

    pub(super) fn seal_key(&self, claim: &Claim) -> NodeKey {
        self.parts.seed.seal_key(&claim.network, &claim.nonce)
    }

    /// Makes a claim, and sends it to neighbours once it is durable.
    pub async fn claim(&self, terms: ClaimTerms) -> Result<ClaimId, MarketError> {
        let (signed, limit, opening) = self.draft_claim(&terms)?;
        fee_fits(
            &signed.body,
            self.parts.clearing.as_ref().map(|clearing| clearing.genesis()),
        )?;
        self.parts.settles.fits(&signed.body)?;
        if let Some(pay_to) = &terms.pay_to {
            self.parts.settles.pays(&terms.want.0, pay_to).await?;
        }
        let window_ms = super::millis(self.parts.timing.window);
        let own = OwnClaim::new(signed, limit, opening, window_ms).map_err(MarketError::Claim)?;
        let (id, now_ms) = (own.id(), now_ms());
        let pending = {
            let mut state = self.state();
            if !state.links.anybody() {
                return Err(MarketError::Alone);
            }
            if state.claims.live(now_ms) >= MAX_LIVE_CLAIMS {
                return Err(MarketError::TooManyClaims);
            }
            let gone = state.claims.make_room(now_ms);
            let entry = Entry::new(own, terms.manual, terms.pay_to);
            let mut changes = vec![entry.change()];
            changes.extend(gone.iter().map(stored::forgotten));
            let pending = self.ledger.commit(changes)?;
            state.claims.insert(id, entry);
            pending
        };
        if let Err(error) = pending.durable().await {
            self.state().claims.entries.remove(&id);
            return Err(error.into());
        }
        let mut state = self.state();
        self.originate(&mut state, &id, now_ms);
        drop(state);
        self.tell_change();
        Ok(id)
    }

    pub(super) fn draft_claim(
        &self,
        terms: &ClaimTerms,
    ) -> Result<(Signed<Claim>, Ratio, Option<LimitOpening>), MarketError> {
        let nonce: [u8; 32] = super::random()?;
        let network = &self.parts.network;
        let key = self.parts.seed.claim_key(network, &nonce);
        let seal_key = self.parts.seed.seal_key(network, &nonce);
        let ratio = Ratio::new(terms.want.1.units(), terms.give.1.units()).ok_or(MarketError::Nothing)?;
        let opening = if terms.hide_limit {
            let salt = super::random()?;
            Some(LimitOpening { ratio, salt })
        } else {
            None
        };
        let now_ms = now_ms();
        let (mode, fee) = terms.fee.as_ref().map_or((Mode::P2P, FeeTerms::Free), |fee| {
            let ClaimFee { asset, amount, payer } = fee.clone();
            (Mode::Cleared, FeeTerms::Pool { asset, amount, payer })
        });
        let claim = Claim {
            version: 1,
            network: network.clone(),
            mode,
            key: key.id(),
            seal_key: seal_key.id(),
            nonce,
            give: self.parts.settles.claimed(&terms.give.0)?,
            want: self.parts.settles.claimed(&terms.want.0)?,
            give_amount: terms.give.1,
            limit: opening.map_or(Limit::Stated(ratio), |opening| Limit::Hidden(opening.commit())),
            partial: terms.partial,
            fee,
            balance: None,
            max_hops: terms.max_hops,
            created_ms: now_ms,
            expires_ms: now_ms.saturating_add(terms.expires_in.0.saturating_mul(1_000)),
        };
        Ok((claim.sign(&key), ratio, opening))
    }

    /// Sends a claim of ours to neighbours that do not have it.
    fn originate(&self, state: &mut State, id: &ClaimId, now_ms: u64) {
        let Some(entry) = state.claims.entries.get(id) else {
            return;
        };
        let (claim, key) = (entry.own.claim().clone(), self.claim_key(entry.claim()));
        match state.relay.originate(&claim, &key, now_ms) {
            Ok(sent) => state.pass_on(sent),
            Err(error) => tracing::warn!(claim = %id, %error, "a claim of ours is not sent"),
        }
    }

    /// The same of all that live: somebody has joined.
    pub(super) fn originate_all(&self, state: &mut State, now_ms: u64) {
        let live = |(id, entry): (&ClaimId, &Entry)| (!entry.is_over(now_ms)).then_some(*id);
        let live: Vec<_> = state.claims.entries.iter().filter_map(live).collect();
        for id in live {
            self.originate(state, &id, now_ms);
        }
    }

    /// A quote for a claim of ours came back.
    pub(super) fn quote_came(&self, state: &mut State, envelope: FulfilEnvelope) -> Result<(), MarketError> {
        let Claims {
            entries,
            reservations,
        } = &mut state.claims;
        let id = envelope.fulfil.body.claim;
        let entry = entries.get_mut(&id).ok_or(MarketError::NoSuchClaim(id))?;
        let seal_key = self.seal_key(entry.claim());
        let quote = entry.own.quote(envelope, &seal_key, reservations, now_ms())?;
        let (fulfil, glimpse) = (quote.id(), Glimpse::of(quote));
        entry.see(fulfil, glimpse);
        entry.changed();
        // Nothing leaves by it: whoever selects it waits until all of this is durable.
        drop(self.ledger.commit(vec![entry.change()])?);
        self.tell_change();
        Ok(())
    }

    /// Takes a claim back, and tells everybody.
    pub async fn cancel_claim(&self, id: ClaimId) -> Result<(), MarketError> {
        let (cancel, pending) = {
            let mut state = self.state();
            let entry = state.claims.get_mut(&id).ok_or(MarketError::NoSuchClaim(id))?;
            if entry.is_over(now_ms()) {
                return Err(MarketError::ClaimOver(id));
            }
            let key = self.claim_key(entry.claim());
            let cancel = entry.own.cancel(&key)?;
            entry.changed();
            let pending = self.ledger.commit(vec![entry.change()])?;
            let news = state.relay.cancel(&cancel, now_ms());
            state.guards_changed = true;
            if let Err(error) = news {
                tracing::debug!(claim = %id, %error, "our own cancel");
            }
            (cancel, pending)
        };
        pending.durable().await?;
        self.publish(Topic::Cancel, &GossipMessage::Cancel(cancel));
        self.tell_change();
        Ok(())
    }

    /// Writes an entry, and waits until that is durable.
    pub(super) async fn keep_claim(&self, id: &ClaimId) -> Result<(), LedgerError> {
        let pending = {
            let state = self.state();
            match state.claims.get(id) {
                Some(entry) => self.ledger.commit(vec![entry.change()])?,
                None => return Ok(()),
            }
        };
        pending.durable().await
    }
}

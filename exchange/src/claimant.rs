//! The claimant's side of one claim: its quotes, what was selected of them, and what came of that. Never more than the
//! claim gives is selected at once, and what was given up is never begun.
//!
//! [`OwnClaim`] is a value: the shell makes it durable before a selection leaves, and after a restart goes on with what
//! it finds.

mod answer;
mod quote;
mod reservations;
mod selection;

pub use answer::{AnswerRefused, Answered};
pub use quote::{CLOCK_SKEW_MS, MAX_QUOTES, Quote, QuoteRefused};
pub use reservations::SeenReservations;
pub use selection::{Chosen, Ending, MAX_SELECTED, SelectRefused, Selection};

use crate::choice::{Candidate, Reliability, choose};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, Cancel, Claim, ClaimId, CodecError, FulfilId, Hashlock, LimitOpening, MatchError, Mode, NodeId,
    NodeKey, Ratio, Signed, UnixTime, encode,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Read};

/// One claim of ours. Holds no secret but the opening of a hidden limit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct OwnClaim {
    claim: Signed<Claim>,
    limit: Ratio,
    limit_opening: Option<LimitOpening>,
    window_ms: u64,
    /// Not selected.
    quotes: BTreeMap<FulfilId, Quote>,
    /// Without an answer, or opened: what they give is not free.
    selections: BTreeMap<FulfilId, Selection>,
    /// What can never be begun any more.
    ended: BTreeMap<FulfilId, Ending>,
    /// Of every selection there ever was.
    hashlocks: BTreeSet<Hashlock>,
    cancelled: bool,
}

/// How a claim of ours stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// Quotes may come, and some of it may already be filled.
    Quoting,
    /// A provider is to answer our selection.
    Selected,
    /// Nothing more is to come: so much of it was filled.
    Filled {
        /// So much was given.
        give: Amount,
        /// For so much.
        want: Amount,
    },
    /// Nobody filled any of it in time.
    Expired,
    /// We took it back before any of it was filled.
    Cancelled,
}

impl OwnClaim {
    /// A claim that we made. `limit` is what it states, or hides and `limit_opening` opens. Quotes are collected until
    /// `window_ms` after the claim was made.
    pub fn new(
        claim: Signed<Claim>,
        limit: Ratio,
        limit_opening: Option<LimitOpening>,
        window_ms: u64,
    ) -> Result<Self, MatchError> {
        claim.check()?;
        if claim.body.limit(limit_opening.as_ref())? != limit {
            return Err(MatchError::Limit);
        }
        Ok(Self {
            claim,
            limit,
            limit_opening,
            window_ms,
            quotes: BTreeMap::new(),
            selections: BTreeMap::new(),
            ended: BTreeMap::new(),
            hashlocks: BTreeSet::new(),
            cancelled: false,
        })
    }

    /// The claim.
    #[must_use]
    pub const fn claim(&self) -> &Signed<Claim> {
        &self.claim
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ClaimId {
        self.claim.body.id()
    }

    /// The least that is taken for what is given.
    #[must_use]
    pub const fn limit(&self) -> Ratio {
        self.limit
    }

    /// Every quote that can be or was selected, and was not given up.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        let selected = self.selections.values().map(|selection| &selection.quote);
        self.quotes.values().chain(selected)
    }

    /// What was selected and not given up, opened or not.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        self.selections.values()
    }

    /// The quotes that were given up or declined, and why.
    pub fn ended(&self) -> impl Iterator<Item = (&FulfilId, Ending)> {
        self.ended.iter().map(|(id, ending)| (id, *ending))
    }

    /// How much no selection has taken.
    #[must_use]
    pub fn left(&self) -> Amount {
        let taken = self.selections.values();
        let all = self.claim.body.give_amount;
        taken.fold(all, |left, s| {
            let rest = left.checked_sub(s.quote.terms.give);
            rest.expect("a selection takes no more than is left")
        })
    }

    /// What was opened by its provider: so much is given for so much.
    #[must_use]
    pub fn filled(&self) -> (Amount, Amount) {
        let opened = self.selections.values().filter(|s| s.provider.is_some());
        opened.fold((Amount::ZERO, Amount::ZERO), |(give, want), s| {
            let add = |sum: Amount, more: Amount| Amount::new(sum.units().saturating_add(more.units()));
            (add(give, s.quote.terms.give), add(want, s.quote.terms.want))
        })
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now_ms: u64) -> ClaimState {
        let (give, want) = self.filled();
        let waiting = self.selections.values().any(|s| s.provider.is_none());
        match (waiting, self.wants_more(now_ms)) {
            (true, _) => ClaimState::Selected,
            (false, true) => ClaimState::Quoting,
            (false, false) if give > Amount::ZERO => ClaimState::Filled { give, want },
            (false, false) if self.cancelled => ClaimState::Cancelled,
            (false, false) => ClaimState::Expired,
        }
    }

    /// Neither taken back nor expired, and so much is free that one more provider could fill some of it.
    fn wants_more(&self, now_ms: u64) -> bool {
        !self.closed(now_ms) && self.left() >= self.least()
    }

    /// The same of what is not filled: while a selection is without an answer, quotes are kept for when it gets none.
    fn takes_quotes(&self, now_ms: u64) -> bool {
        let unfilled = self.claim.body.give_amount.checked_sub(self.filled().0);
        !self.closed(now_ms) && unfilled.is_some_and(|rest| rest >= self.least())
    }

    /// The least that one provider may fill.
    fn least(&self) -> Amount {
        self.claim.body.partial.unwrap_or(self.claim.body.give_amount)
    }

    fn closed(&self, now_ms: u64) -> bool {
        self.cancelled || now_ms >= self.claim.body.expires_ms
    }

    /// Whether it is time to pick: the window is over and something is left. Quotes never shorten the window, or whoever
    /// sends many would end it before a better one comes.
    #[must_use]
    pub fn ready(&self, now_ms: u64) -> bool {
        let window_over = self.claim.body.created_ms.saturating_add(self.window_ms);
        now_ms >= window_over && self.wants_more(now_ms)
    }

    /// The best quotes that still bind for what is left ([`choose`]). `reliability` is asked for each one's bond. Not on a
    /// reservation on which something is selected.
    #[must_use]
    pub fn pick(&self, reliability: &dyn Fn(&NodeId) -> Reliability, now_ms: u64) -> Vec<FulfilId> {
        if !self.wants_more(now_ms) {
            return Vec::new();
        }
        let taken: BTreeSet<_> = self.selections.values().map(|s| s.quote.reservation()).collect();
        let live = self
            .quotes
            .iter()
            .filter(|(_, q)| q.binds(now_ms) && !taken.contains(&q.reservation()));
        let candidates: Vec<_> = live
            .map(|(id, quote)| Candidate {
                fulfil: *id,
                give: quote.terms.give,
                want: quote.terms.want,
                reliability: reliability(&quote.terms.reservation.bond),
                beta_window: UnixTime(now_ms / 1_000).until(quote.terms.beta_timelock),
                reservation: quote.reservation(),
            })
            .collect();
        choose(self.left(), self.claim.body.partial, &candidates)
    }

    /// Takes the claim back: no more quotes, and what was selected without an answer is given up. What was opened goes
    /// on, and so does an order that validators have: it may be final already. Gives what everybody is to be told; again the same if called again.
    pub fn cancel(&mut self, key: &NodeKey) -> Result<Signed<Cancel>, SelectRefused> {
        self.ours(key)?;
        self.cancelled = true;
        let mode = self.claim.body.mode;
        let given_up = |s: &Selection| s.provider.is_none() && mode == Mode::P2P;
        let waiting = self.selections.iter().filter(|(_, s)| given_up(s));
        for id in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end(&id, Ending::GivenUp);
        }
        let cancel = Cancel {
            version: 1,
            network: self.claim.body.network.clone(),
            claim: self.id(),
            key: self.claim.body.key,
            expires_ms: self.claim.body.expires_ms,
        };
        Ok(cancel.sign(key))
    }

    fn ours(&self, key: &NodeKey) -> Result<(), SelectRefused> {
        let (claim, got) = (self.claim.body.key, key.id());
        if got != claim {
            return Err(SelectRefused::Key { claim, got });
        }
        Ok(())
    }

    fn end(&mut self, fulfil: &FulfilId, ending: Ending) {
        self.quotes.remove(fulfil);
        self.selections.remove(fulfil);
        self.ended.insert(*fulfil, ending);
    }

    /// The bytes to keep: usually some 10 KB, but more than a message may have if many quotes of long paths are kept.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`OwnClaim::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        borsh::from_slice(bytes).map_err(|e| CodecError::Malformed {
            what: "OwnClaim",
            why: e.to_string(),
        })
    }

    /// What no sequence of calls breaks.
    fn sound(&self) -> Result<(), &'static str> {
        let selected = self.selections.iter();
        let quotes = self.quotes.iter().chain(selected.map(|(id, s)| (id, &s.quote)));
        if !quotes.clone().all(|(id, quote)| quote.fulfil.body.id() == *id) {
            return Err("a quote stands under another's id");
        }
        if self.quotes.len() > MAX_QUOTES || self.hashlocks.len() > MAX_SELECTED {
            return Err("more quotes or selections than are ever kept");
        }
        let mut ids = BTreeSet::new();
        if !quotes
            .map(|(id, _)| id)
            .chain(self.ended.keys())
            .all(|id| ids.insert(id))
        {
            return Err("a quote is in two states");
        }
        let give = |left: Amount, s: &Selection| left.checked_sub(s.quote.terms.give);
        let all = Some(self.claim.body.give_amount);
        if self
            .selections
            .values()
            .fold(all, |left, s| give(left?, s))
            .is_none()
        {
            return Err("more is selected than the claim gives");
        }
        Ok(())
    }
}

impl BorshDeserialize for OwnClaim {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let own = Self {
            claim: BorshDeserialize::deserialize_reader(reader)?,
            limit: BorshDeserialize::deserialize_reader(reader)?,
            limit_opening: BorshDeserialize::deserialize_reader(reader)?,
            window_ms: BorshDeserialize::deserialize_reader(reader)?,
            quotes: BorshDeserialize::deserialize_reader(reader)?,
            selections: BorshDeserialize::deserialize_reader(reader)?,
            ended: BorshDeserialize::deserialize_reader(reader)?,
            hashlocks: BorshDeserialize::deserialize_reader(reader)?,
            cancelled: BorshDeserialize::deserialize_reader(reader)?,
        };
        let sound = own.sound();
        sound.map_err(|why| Error::new(ErrorKind::InvalidData, why))?;
        Ok(own)
    }
}

#[cfg(test)]
mod tests;

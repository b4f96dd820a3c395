//! A claim of ours as the journal has it.

use super::super::ledger::Change;
use super::super::{Market, MarketError};
use super::{Claims, Entry};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_exchange::{OwnClaim, Quote, SeenReservations, SelectEnvelope};
use kofo_primitives::{Amount, ClaimId, FulfilId, NodeId, SwapId};
use std::collections::{BTreeMap, BTreeSet};

/// Names in the journal's side table begin so.
pub(in crate::market) const PLACE: &str = "market/claim/";
/// So many quotes of one claim are remembered for people.
const MAX_SEEN: usize = 64;

/// What people are shown of a quote, whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(in crate::market) struct Glimpse {
    pub(in crate::market) give: Amount,
    pub(in crate::market) want: Amount,
    pub(in crate::market) bond: NodeId,
    /// The relays' pseudonyms, from us on.
    pub(in crate::market) path: Vec<NodeId>,
    pub(in crate::market) came_ms: u64,
    pub(in crate::market) expires_ms: u64,
    /// Why nothing came of it.
    pub(in crate::market) trouble: Option<String>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Stored {
    /// 1.
    version: u8,
    own: Vec<u8>,
    manual: bool,
    pay_to: Option<String>,
    seen: BTreeMap<FulfilId, Glimpse>,
    sent: BTreeMap<FulfilId, SelectEnvelope>,
    begun: BTreeMap<FulfilId, SwapId>,
    counted: BTreeSet<FulfilId>,
}

impl Glimpse {
    pub(super) fn of(quote: &Quote) -> Self {
        Self {
            give: quote.terms.give,
            want: quote.terms.want,
            bond: quote.terms.reservation.bond,
            path: quote.path.iter().map(|entry| entry.next_key).collect(),
            came_ms: quote.came_ms,
            expires_ms: quote.fulfil.body.expires_ms,
            trouble: None,
        }
    }
}

impl Entry {
    /// Remembers a quote for people; the oldest of which nothing came goes if there are too many.
    pub(super) fn see(&mut self, fulfil: FulfilId, glimpse: Glimpse) {
        if self.seen.len() >= MAX_SEEN {
            let idle = self.seen.iter().filter(|(id, _)| !self.begun.contains_key(*id));
            let oldest = idle.min_by_key(|(_, seen)| seen.came_ms).map(|(id, _)| *id);
            oldest.and_then(|id| self.seen.remove(&id));
        }
        self.seen.insert(fulfil, glimpse);
    }

    /// Why nothing came of a quote.
    pub(in crate::market) fn trouble(&mut self, fulfil: &FulfilId, why: impl std::fmt::Display) {
        if let Some(seen) = self.seen.get_mut(fulfil) {
            seen.trouble = Some(why.to_string().chars().take(300).collect());
        }
        self.changed();
    }

    /// The entry as it is to be kept.
    pub(in crate::market) fn change(&self) -> Change {
        let stored = Stored {
            version: 1,
            own: self.own.write(),
            manual: self.manual,
            pay_to: self.pay_to.clone(),
            seen: self.seen.clone(),
            sent: self.sent.clone(),
            begun: self.begun.clone(),
            counted: self.counted.clone(),
        };
        let bytes = borsh::to_vec(&stored).expect("writing to memory does not fail");
        Change::Put(name(&self.own.id()), bytes)
    }
}

pub(super) fn forgotten(id: &ClaimId) -> Change {
    Change::Remove(name(id))
}

fn name(id: &ClaimId) -> String {
    format!("{PLACE}{id}")
}

impl Claims {
    /// What the journal has.
    pub(in crate::market) fn read(
        values: Vec<(String, kofo_journal::Value)>,
        now_ms: u64,
    ) -> Result<Self, MarketError> {
        let mut claims = Self::default();
        for (name, value) in values {
            let broken = || MarketError::Stored(name.clone());
            let stored: Stored = borsh::from_slice(&value).map_err(|_| broken())?;
            let own = OwnClaim::read(&stored.own).map_err(|_| broken())?;
            if stored.version != 1 {
                return Err(broken());
            }
            let entry = Entry {
                seen: stored.seen,
                sent: stored.sent,
                begun: stored.begun,
                counted: stored.counted,
                ..Entry::new(own, stored.manual, stored.pay_to)
            };
            claims.insert(entry.own.id(), entry);
        }
        let all = claims.iter().map(|(_, entry)| &entry.own);
        claims.reservations = SeenReservations::of(all, now_ms);
        Ok(claims)
    }
}

impl Market {
    /// The pseudonym of the neighbour that brought a quote.
    pub(super) fn first_hop(envelope: &kofo_exchange::Selection) -> Option<NodeId> {
        envelope.quote.path.first().map(|entry| entry.next_key)
    }
}

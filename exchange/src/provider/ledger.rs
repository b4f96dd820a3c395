//! What of a provider must survive a restart: its counter, so that no number repeats, and what still binds.

use super::orders::{AWAITED, Used};
use super::promise::{ClaimRecord, Promise, QuoteRecord};
use super::{Provider, QuoteState};
use crate::book::Fill;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, ClaimId, Digest, FulfilId};

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct StoredPromise {
    seq: u64,
    claim: ClaimId,
    asset: AssetId,
    give: Amount,
    want: Amount,
    fills: Vec<Fill>,
    until_ms: u64,
    selected: Option<FulfilId>,
    quotes: Vec<FulfilId>,
}

/// The counter and the live reservations. May be longer than a message: write and read it with borsh itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProviderSnapshot {
    next_seq: u64,
    claims: Vec<(ClaimId, ClaimRecord)>,
    promises: Vec<StoredPromise>,
    quotes: Vec<(FulfilId, QuoteRecord)>,
    used: Vec<(Digest, Used)>,
}

impl Provider {
    /// What must be durable before a quote leaves and before a selection is answered.
    #[must_use]
    pub fn snapshot(&self) -> ProviderSnapshot {
        let promises = self.promises.iter().map(|(seq, promise)| StoredPromise {
            seq: *seq,
            claim: promise.claim,
            asset: promise.asset.clone(),
            give: promise.give,
            want: promise.want,
            fills: promise.fills.clone(),
            until_ms: promise.until_ms,
            selected: promise.selected,
            quotes: promise.quotes.clone(),
        });
        ProviderSnapshot {
            next_seq: self.next_seq,
            claims: self
                .claims
                .iter()
                .map(|(id, record)| (*id, record.clone()))
                .collect(),
            promises: promises.collect(),
            quotes: self.quotes.iter().map(|(id, quote)| (*id, *quote)).collect(),
            used: self.used.iter().map(|(id, used)| (*id, *used)).collect(),
        }
    }

    /// Takes up what bound before the restart; call it once. Orders that are behind a quote are taken out again, those
    /// that are not in the book yet when they come; until then the quote is refused. Inventory is held even where less
    /// is allowed now. A book that is restored too must be of the same moment.
    pub fn restore(&mut self, snapshot: ProviderSnapshot) {
        self.number_from(snapshot.next_seq);
        self.claims.extend(snapshot.claims);
        self.quotes.extend(snapshot.quotes);
        self.used.extend(snapshot.used);
        for stored in snapshot.promises {
            let until_ms = match stored.selected {
                Some(_) => u64::MAX,
                None => stored.until_ms,
            };
            let mut fills = stored.fills;
            for fill in &mut fills {
                if !self.book.take_again(fill) {
                    fill.place = AWAITED;
                }
            }
            let hold = self.inventory.hold_again(&stored.asset, stored.want, until_ms);
            let promise = Promise {
                claim: stored.claim,
                asset: stored.asset,
                give: stored.give,
                want: stored.want,
                fills,
                until_ms: stored.until_ms,
                selected: stored.selected,
                quotes: stored.quotes,
                hold,
            };
            self.begin(stored.seq, promise);
        }
        self.due_ms = 0;
    }

    pub(super) fn refuse(&mut self, claim: &ClaimId, quotes: &[FulfilId]) {
        if let Some(record) = self.claims.get_mut(claim) {
            record.open = None;
        }
        for quote in quotes {
            if let Some(quote) = self.quotes.get_mut(quote) {
                quote.state = QuoteState::Withdrawn;
            }
        }
    }

    /// No number below this is given from now on: for whoever keeps its quotes elsewhere and has a later number than the
    /// snapshot.
    pub fn number_from(&mut self, seq: u64) {
        self.next_seq = self.next_seq.max(seq);
    }

    /// The next reservation number.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// When something ends next (unix ms); selected promises end when their swaps do.
    pub(super) fn next_due(&self) -> u64 {
        let open = self
            .promises
            .values()
            .filter(|promise| promise.selected.is_none());
        let open = open.map(|promise| promise.until_ms);
        let quotes = self.quotes.values().map(QuoteRecord::forget_ms);
        let claims = self.claims.values().map(|record| record.expires_ms);
        let used = self.used.values().map(|used| used.expires_ms);
        open.chain(quotes)
            .chain(claims)
            .chain(used)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Which quote of the claim was selected of us, if one is being settled.
    #[must_use]
    pub fn selected(&self, claim: &ClaimId) -> Option<FulfilId> {
        let of = |promise: &&Promise| promise.claim == *claim && promise.selected.is_some();
        self.promises.values().find(of)?.selected
    }

    /// Whether the quote can still be selected at that time (unix ms).
    #[must_use]
    pub fn binds(&self, fulfil: &FulfilId, now_ms: u64) -> bool {
        let quote = self.quotes.get(fulfil);
        quote.is_some_and(|quote| quote.state == QuoteState::Open && quote.expires_ms > now_ms)
    }
}

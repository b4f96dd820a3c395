//! The provider's side: what it offers on a claim, and that it never promises twice what it has once.
//!
//! One claim gets one reservation number, however many paths it came by; every path's quote shares it, and the first
//! selection uses it up. Until then orders and inventory behind the offer are held.

mod ledger;
mod offer;
mod orders;
mod promise;
mod refused;

#[cfg(test)]
mod tests;

use crate::book::{Book, Fill};
use crate::inventory::Inventory;
use crate::pricing::PriceTable;
use kofo_primitives::{Amount, AssetId, Claim, ClaimId, Digest, FulfilId, FulfilTerms, MAX_QUOTE_LIFE_MS};
use orders::Used;
use promise::{ClaimRecord, Promise, QuoteRecord, QuoteState};
use std::collections::{BTreeMap, BTreeSet};

pub use ledger::ProviderSnapshot;
pub use orders::MAX_USED;
pub use refused::{QuotedRefused, SelectionRefused};

/// A quote is remembered so much longer than it binds (ms), so that who is late is told so.
pub const REMEMBERED_MS: u64 = 60_000;

/// What a provider is told at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// How long an offer is held, and a quote binds at most (ms): at most [`MAX_QUOTE_LIFE_MS`].
    pub quote_ms: u64,
    /// So many promises at once.
    pub max_promises: usize,
    /// So many quotes of one promise: one for each path.
    pub max_quotes: usize,
    /// So many claims are remembered until they expire.
    pub max_claims: usize,
}

impl Default for ProviderConfig {
    /// 30 s; 4,096 promises; 8 quotes each; 16,384 claims.
    fn default() -> Self {
        Self {
            quote_ms: 30_000,
            max_promises: 4_096,
            max_quotes: 8,
            max_claims: 16_384,
        }
    }
}

/// What is offered on a claim; the same for every copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// So much of what the claimant gives.
    pub give: Amount,
    /// For so much of what it wants.
    pub want: Amount,
    /// The reservation number.
    pub seq: u64,
    /// No quote of it may bind longer (unix ms).
    pub until_ms: u64,
    /// The orders that are filled; none if it is quoted by the price table.
    pub fills: Vec<Fill>,
}

/// Book, prices, inventory and reservations of one provider.
#[derive(Debug)]
pub struct Provider {
    config: ProviderConfig,
    book: Book,
    prices: PriceTable,
    inventory: Inventory,
    next_seq: u64,
    claims: BTreeMap<ClaimId, ClaimRecord>,
    promises: BTreeMap<u64, Promise>,
    /// Which orders are behind which promises.
    behind: BTreeSet<(Digest, u64)>,
    quotes: BTreeMap<FulfilId, QuoteRecord>,
    used: BTreeMap<Digest, Used>,
    /// Nothing of the above ends earlier.
    due_ms: u64,
}

impl Provider {
    /// A provider with this book, which promises nothing before [`Provider::allow`].
    #[must_use]
    pub fn new(config: ProviderConfig, book: Book) -> Self {
        Self {
            config: ProviderConfig {
                quote_ms: config.quote_ms.min(MAX_QUOTE_LIFE_MS),
                ..config
            },
            book,
            prices: PriceTable::default(),
            inventory: Inventory::default(),
            next_seq: 1,
            claims: BTreeMap::new(),
            promises: BTreeMap::new(),
            behind: BTreeSet::new(),
            quotes: BTreeMap::new(),
            used: BTreeMap::new(),
            due_ms: u64::MAX,
        }
    }

    /// Quotes at these prices from now on, and at no others.
    pub fn set_prices(&mut self, prices: PriceTable) {
        self.prices = prices;
    }

    /// So much of the asset may be promised at once: see [`Inventory::allow`].
    pub fn allow(&mut self, asset: AssetId, amount: Amount) {
        self.inventory.allow(asset, amount);
    }

    /// The book.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The prices.
    #[must_use]
    pub const fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// The inventory.
    #[must_use]
    pub const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// A quote of the offer on that claim is about to leave. Make it durable with [`Provider::snapshot`] first.
    pub fn quoted(
        &mut self,
        fulfil: FulfilId,
        claim: &ClaimId,
        expires_ms: u64,
    ) -> Result<(), QuotedRefused> {
        let seq = self.claims.get(claim).and_then(|record| record.open);
        let seq = seq.ok_or(QuotedRefused::NotOffered)?;
        let promise = self.promises.get_mut(&seq).ok_or(QuotedRefused::NotOffered)?;
        if expires_ms > promise.until_ms {
            let until_ms = promise.until_ms;
            return Err(QuotedRefused::TooLong { expires_ms, until_ms });
        }
        if promise.quotes.contains(&fulfil) {
            return Ok(());
        }
        if promise.quotes.len() >= self.config.max_quotes {
            return Err(QuotedRefused::TooMany(promise.quotes.len()));
        }
        promise.quotes.push(fulfil);
        let quote = QuoteRecord {
            claim: *claim,
            seq,
            expires_ms,
            state: QuoteState::Open,
        };
        self.quotes.insert(fulfil, quote);
        Ok(())
    }

    /// A quote was selected: uses its reservation up, once. What is behind it is held until [`Provider::over`]. That
    /// the selection fits claim and quote is for whoever makes the order of it.
    pub fn select(&mut self, fulfil: &FulfilId, claim: &Claim, now_ms: u64) -> Result<(), SelectionRefused> {
        let id = claim.id();
        let quote = self.quotes.get(fulfil).filter(|quote| quote.claim == id);
        let quote = *quote.ok_or(SelectionRefused::Unknown)?;
        match quote.state {
            QuoteState::Used(by) => return Err(SelectionRefused::ReservationUsed { by }),
            QuoteState::Withdrawn => return Err(SelectionRefused::Withdrawn),
            QuoteState::Open => {}
        }
        if quote.expires_ms <= now_ms {
            let expires_ms = quote.expires_ms;
            return Err(SelectionRefused::Expired { expires_ms });
        }
        let promise = self.promises.get_mut(&quote.seq);
        let record = self.claims.get_mut(&id);
        let (Some(promise), Some(record)) = (promise, record) else {
            return Err(SelectionRefused::Withdrawn);
        };
        if !promise.stands(&self.book) {
            self.withdraw(&id);
            return Err(SelectionRefused::Withdrawn);
        }
        let all = claim.give_amount;
        let selected = record.selected.checked_add(promise.give);
        let selected = selected.filter(|sum| *sum <= all);
        record.selected = selected.ok_or(SelectionRefused::ClaimExhausted { all })?;
        record.open = None;
        promise.selected = Some(*fulfil);
        self.inventory.hold_until(promise.hold, u64::MAX);
        for other in &promise.quotes {
            if let Some(quote) = self.quotes.get_mut(other) {
                quote.state = QuoteState::Used(*fulfil);
            }
        }
        Ok(())
    }

    /// An order of a quote of ours is committed. Nobody asks us any more: whatever became of the quote meanwhile, we are
    /// bound by it. What was behind it is held until [`Provider::over`], all of it, even beyond what is allowed.
    pub fn committed(&mut self, fulfil: FulfilId, claim: &Claim, terms: &FulfilTerms) {
        let (id, seq) = (claim.id(), terms.reservation.seq);
        let known = self.promises.get(&seq).and_then(|promise| promise.selected);
        if known.is_some() {
            return;
        }
        let promise = self.end(seq).filter(|promise| promise.claim == id);
        let promise = promise.unwrap_or_else(|| Promise {
            claim: id,
            asset: claim.want.asset.clone(),
            give: terms.give,
            want: terms.want,
            fills: Vec::new(),
            until_ms: u64::MAX,
            selected: None,
            quotes: vec![fulfil],
            hold: self.inventory.hold_again(&claim.want.asset, terms.want, u64::MAX),
        });
        self.inventory.hold_until(promise.hold, u64::MAX);
        for quote in &promise.quotes {
            if let Some(quote) = self.quotes.get_mut(quote) {
                quote.state = QuoteState::Used(fulfil);
            }
        }
        if let Some(record) = self.claims.get_mut(&id) {
            record.open = None;
            let sum = record.selected.checked_add(promise.give);
            record.selected = sum.unwrap_or(record.selected);
        }
        let selected = Some(fulfil);
        self.begin(seq, Promise { selected, ..promise });
    }

    /// The swap of a selected quote is over: what was behind it is gone if it settled, and free again if it did not.
    /// Its number stays used. Whether there was one.
    pub fn over(&mut self, fulfil: &FulfilId, settled: bool) -> bool {
        let by = |promise: &Promise| promise.selected == Some(*fulfil);
        let found = self.promises.iter().find(|(_, promise)| by(promise));
        let Some(seq) = found.map(|(seq, _)| *seq) else {
            return false;
        };
        let Some(promise) = self.end(seq) else {
            return false;
        };
        if settled {
            self.use_up(seq, &promise);
            self.inventory.spent(promise.hold);
        } else {
            self.free(&promise);
        }
        true
    }

    fn begin(&mut self, seq: u64, promise: Promise) {
        let orders = promise.fills.iter().map(|fill| (fill.order, seq));
        self.behind.extend(orders);
        self.promises.insert(seq, promise);
    }

    fn end(&mut self, seq: u64) -> Option<Promise> {
        let promise = self.promises.remove(&seq)?;
        for fill in &promise.fills {
            self.behind.remove(&(fill.order, seq));
        }
        Some(promise)
    }

    fn free(&mut self, promise: &Promise) {
        for fill in &promise.fills {
            self.book.put_back(fill);
        }
        self.inventory.release(promise.hold);
    }

    /// The claim was cancelled: nothing more is offered on it, and what nobody has selected is free again. A selection
    /// that was made stays.
    pub fn cancelled(&mut self, claim: &ClaimId) {
        self.withdraw(claim);
        if let Some(record) = self.claims.get_mut(claim) {
            record.cancelled = true;
        }
    }

    /// Nobody will select the open offer on this claim: what is behind it is free again and its quotes are refused.
    pub fn withdraw(&mut self, claim: &ClaimId) {
        let open = self.claims.get(claim).and_then(|record| record.open);
        if let Some(promise) = open.and_then(|seq| self.end(seq)) {
            self.free(&promise);
            self.refuse(claim, &promise.quotes);
        }
    }

    /// Frees what nobody selected in time, and forgets claims that expired and quotes that did a while ago. Cheap when
    /// nothing has.
    pub fn expire(&mut self, now_ms: u64) {
        self.book.expire(now_ms);
        if now_ms < self.due_ms {
            return;
        }
        let unselected = |p: &Promise| p.selected.is_none() && p.until_ms <= now_ms;
        let late: Vec<u64> = self
            .promises
            .iter()
            .filter(|(_, promise)| unselected(promise))
            .map(|(seq, _)| *seq)
            .collect();
        for promise in late
            .into_iter()
            .filter_map(|seq| self.end(seq))
            .collect::<Vec<_>>()
        {
            self.free(&promise);
            if let Some(record) = self.claims.get_mut(&promise.claim) {
                record.open = None;
            }
        }
        self.quotes.retain(|_, quote| quote.forget_ms() > now_ms);
        self.claims.retain(|_, record| record.expires_ms > now_ms);
        self.used.retain(|_, used| used.expires_ms > now_ms);
        self.due_ms = self.next_due();
    }
}

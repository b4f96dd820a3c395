//! The provider's side: what it offers on a claim, and that it never promises twice what it has once.
//!
//! One claim gets one reservation number, however many paths it came by; every path's quote shares it, and the first
//! selection uses it up. Until then orders and inventory behind the offer are held.

mod ledger;
mod promise;

#[cfg(test)]
mod tests;

use crate::beacon::{Level, MAX_LEVELS, Sides, shown};
use crate::book::{Book, Fill, Order, OrderRefused, Wanted};
use crate::inventory::Inventory;
use crate::pricing::PriceTable;
use kofo_primitives::{Amount, AssetId, Claim, ClaimId, Digest, FulfilId, Limit, MAX_QUOTE_LIFE_MS, Verdict};
use promise::{ClaimRecord, Promise, QuoteRecord, QuoteState};
use std::collections::BTreeMap;

pub use ledger::ProviderSnapshot;

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

/// Why a quote is not to be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotedRefused {
    /// Nothing is offered on that claim, or no more.
    #[error("nothing is offered on this claim now: ask for an offer first")]
    NotOffered,
    /// It would bind longer than what is behind it is held.
    #[error("the quote binds until {expires_ms}, what is behind it is held until {until_ms} (unix ms)")]
    TooLong {
        /// The quote's.
        expires_ms: u64,
        /// The offer's.
        until_ms: u64,
    },
    /// As many quotes as there may be.
    #[error("the offer has {0} quotes: no further path of this claim is quoted")]
    TooMany(usize),
}

/// Why a selection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SelectionRefused {
    /// We made no such quote for this claim, or have forgotten it.
    #[error("no quote of ours for this claim has this id")]
    Unknown,
    /// The reservation was used: by that quote. If it is the same one, the selection was only repeated.
    #[error("the reservation of this quote is used up")]
    ReservationUsed {
        /// The quote that used it.
        by: FulfilId,
    },
    /// It would take more than the claim gives.
    #[error("the selections of this claim would take more than the {all} that it gives")]
    ClaimExhausted {
        /// What the claim gives.
        all: Amount,
    },
    /// Too late.
    #[error("the quote bound until {expires_ms} (unix ms)")]
    Expired {
        /// Until when it bound.
        expires_ms: u64,
    },
    /// The claim was cancelled, or an order behind the quote was.
    #[error("what was behind this quote was cancelled")]
    Withdrawn,
}

impl SelectionRefused {
    /// What the claimant is answered.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::ReservationUsed { .. } => Verdict::ReservationUsed,
            Self::ClaimExhausted { .. } => Verdict::ClaimExhausted,
            Self::Expired { .. } => Verdict::Expired,
            Self::Unknown | Self::Withdrawn => Verdict::Refused,
        }
    }
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
    quotes: BTreeMap<FulfilId, QuoteRecord>,
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
            quotes: BTreeMap::new(),
            due_ms: u64::MAX,
        }
    }

    /// Puts an order into the book.
    pub fn add(&mut self, order: Order, now_ms: u64) -> Result<(), OrderRefused> {
        self.book.add(order, now_ms)
    }

    /// Takes an order out at once; quotes with it that nobody has selected are refused from then on. Whether it was
    /// there.
    pub fn cancel_order(&mut self, id: &Digest) -> bool {
        self.book.cancel(id)
    }

    /// The same for all orders of one source.
    pub fn cancel_source(&mut self, source: &Digest) -> usize {
        self.book.cancel_source(source)
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

    /// What is offered on a claim, held from now on; the same again for another copy of it. `None` if nothing is. The
    /// claim itself is the relay's to check, and whether it can be settled is the shell's.
    pub fn offers(&mut self, claim: &Claim, id: &ClaimId, now_ms: u64) -> Option<Offered> {
        self.expire(now_ms);
        if claim.expires_ms <= now_ms {
            return None;
        }
        if let Some(record) = self.claims.get(id) {
            if record.cancelled {
                return None;
            }
            if let Some(seq) = record.open {
                if let Some(promise) = self.promises.get(&seq).filter(|p| p.stands(&self.book)) {
                    return Some(promise.offered(seq));
                }
                self.withdraw(id);
            }
        }
        self.promise(claim, id, now_ms)
    }

    fn promise(&mut self, claim: &Claim, id: &ClaimId, now_ms: u64) -> Option<Offered> {
        let known = self.claims.get(id);
        let full = known.is_none() && self.claims.len() >= self.config.max_claims;
        if full || self.promises.len() >= self.config.max_promises {
            return None;
        }
        let selected = known.map_or(Amount::ZERO, |record| record.selected);
        let seq = self.next_seq;
        let next_seq = seq.checked_add(1)?;
        let until_ms = now_ms.saturating_add(self.config.quote_ms).min(claim.expires_ms);
        let (give, want, fills) = self.best(claim, selected, now_ms, until_ms)?;
        let asset = &claim.want.asset;
        let hold = self.inventory.hold(asset, want, until_ms).ok()?;
        for fill in &fills {
            // What was matched a moment ago can be taken.
            let _ = self.book.take(fill);
        }
        self.next_seq = next_seq;
        let record = self.claims.entry(*id).or_insert_with(|| ClaimRecord {
            open: None,
            selected: Amount::ZERO,
            cancelled: false,
            expires_ms: claim.expires_ms,
        });
        record.open = Some(seq);
        let promise = Promise {
            claim: *id,
            asset: asset.clone(),
            give,
            want,
            fills,
            until_ms,
            selected: None,
            quotes: Vec::new(),
            hold,
        };
        let offered = promise.offered(seq);
        self.promises.insert(seq, promise);
        self.due_ms = self.due_ms.min(until_ms);
        Some(offered)
    }

    /// The book's fills or the table's price: whichever gives more. Orders that would expire before the quote are left.
    fn best(
        &self,
        claim: &Claim,
        selected: Amount,
        now_ms: u64,
        until_ms: u64,
    ) -> Option<(Amount, Amount, Vec<Fill>)> {
        let limit = match &claim.limit {
            Limit::Stated(limit) => Some(*limit),
            Limit::Hidden(_) => None,
        };
        let wanted = Wanted {
            give: &claim.give.asset,
            want: &claim.want.asset,
            amount: claim.give_amount.checked_sub(selected)?,
            limit,
            least: claim.partial.or(Some(claim.give_amount)),
            most: Some(self.inventory.free(&claim.want.asset)),
        };
        let fills = self.book.matches(&wanted, until_ms);
        let sum = |of: fn(&Fill) -> Amount| {
            let add = |sum: Amount, fill: &Fill| sum.checked_add(of(fill));
            fills.iter().try_fold(Amount::ZERO, add)
        };
        let (give, want) = (sum(|fill| fill.give)?, sum(|fill| fill.want)?);
        match self.prices.quote(&wanted, now_ms) {
            Some(quotation) if quotation.want > want => Some((quotation.give, quotation.want, Vec::new())),
            _ if fills.is_empty() => None,
            _ => Some((give, want, fills)),
        }
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

    /// The swap of a selected quote is over: what was behind it is gone if it settled, and free again if it did not.
    /// Its number stays used. Whether there was one.
    pub fn over(&mut self, fulfil: &FulfilId, settled: bool) -> bool {
        let by = |promise: &Promise| promise.selected == Some(*fulfil);
        let found = self.promises.iter().find(|(_, promise)| by(promise));
        let Some(seq) = found.map(|(seq, _)| *seq) else {
            return false;
        };
        let Some(promise) = self.promises.remove(&seq) else {
            return false;
        };
        if settled {
            promise.fills.iter().for_each(|fill| {
                self.book.spent(fill);
            });
            self.inventory.spent(promise.hold);
        } else {
            self.free(&promise);
        }
        true
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
        if let Some(promise) = open.and_then(|seq| self.promises.remove(&seq)) {
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
            .iter()
            .filter_map(|seq| self.promises.remove(seq))
            .collect::<Vec<_>>()
        {
            self.free(&promise);
            if let Some(record) = self.claims.get_mut(&promise.claim) {
                record.open = None;
            }
        }
        self.quotes.retain(|_, quote| quote.forget_ms() > now_ms);
        self.claims.retain(|_, record| record.expires_ms > now_ms);
        self.due_ms = self.next_due();
    }

    /// What this provider gives for `takes`, best first, as far as it may promise it.
    #[must_use]
    pub fn levels(&self, takes: &AssetId, gives: &AssetId, now_ms: u64) -> Vec<Level> {
        let mut levels = self.book.levels((takes, gives), MAX_LEVELS, now_ms);
        let priced = self.prices.get(takes, gives);
        levels.extend(priced.and_then(|price| price.level(now_ms)));
        shown(levels, self.inventory.free(gives))
    }

    /// Both sides of a pair, for a beacon.
    #[must_use]
    pub fn sides(&self, base: &AssetId, quote: &AssetId, now_ms: u64) -> Sides {
        let for_base = self.levels(base, quote, now_ms);
        Sides::of_levels(for_base, &self.levels(quote, base, now_ms))
    }
}

//! What a provider offers on a claim, and what it shows to everybody.

use super::promise::{ClaimRecord, Promise};
use super::{Offered, Provider};
use crate::beacon::{Level, MAX_LEVELS, Sides, shown};
use crate::book::{Fill, Wanted};
use kofo_primitives::{Amount, AssetId, Claim, ClaimId, Limit};

impl Provider {
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
        self.begin(seq, promise);
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

    /// What this provider gives for `takes`, best first, as far as it may promise it.
    #[must_use]
    pub fn levels(&self, takes: &AssetId, gives: &AssetId, now_ms: u64) -> Vec<Level> {
        let mut levels = self.book.levels((takes, gives), MAX_LEVELS, now_ms);
        let priced = self.prices.get(takes, gives);
        levels.extend(priced.and_then(|price| price.level(now_ms)));
        shown(levels, self.inventory.free(gives))
    }

    /// The least of that asset that any price or order of ours fills in part; `None`: what there is, is filled whole.
    #[must_use]
    pub fn least(&self, takes: &AssetId, now_ms: u64) -> Option<Amount> {
        let prices = self.prices.prices().filter(|price| price.takes() == takes);
        let priced = prices.filter(|price| price.fresh().until_ms() > now_ms);
        let orders = self.book.orders().filter(|order| order.takes == *takes);
        let partial = orders
            .filter(|order| order.expires_ms > now_ms)
            .filter_map(|order| order.least);
        priced.map(|price| price.sizes().least).chain(partial).min()
    }

    /// Both sides of a pair, for a beacon.
    #[must_use]
    pub fn sides(&self, base: &AssetId, quote: &AssetId, now_ms: u64) -> Sides {
        let for_base = self.levels(base, quote, now_ms);
        Sides::of_levels(for_base, &self.levels(quote, base, now_ms))
    }
}

//! What a provider deals in, and the quotes that it stands by.

use super::super::gossip::Maker;
use super::super::ledger::Change;
use super::super::prices::{PriceRow, table};
use super::super::reserve::Reserve;
use super::super::{MarketError, millis};
use super::stored::{OwnQuote, PROVIDER_PLACE, name};
use crate::assets::Assets;
use crate::config::ProviderConfig;
use borsh::BorshDeserialize;
use kofo_exchange::{Book, Provider, ProviderSnapshot};
use kofo_primitives::{Amount, AssetId, ClaimId, FulfilId, NodeId, SwapId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So many offers at once: each is written whenever one changes.
const MAX_PROMISES: usize = 512;
/// So many claims are remembered until they expire.
const MAX_CLAIMS: usize = 4_096;
/// Quotes are remembered for so much longer than they bind (ms).
const KEPT_MS: u64 = 120_000;

/// A provider at work.
pub(in crate::market) struct Dealing {
    pub(in crate::market) provider: Provider,
    pub(super) quotes: BTreeMap<FulfilId, OwnQuote>,
    /// Selections that a job is at.
    pub(super) busy: BTreeSet<FulfilId>,
    /// What we show of our book.
    pub(in crate::market) maker: Maker,
    /// What stands behind quotes to cleared claims.
    pub(in crate::market) reserve: Option<Reserve>,
    /// How much of each asset may be promised at a time.
    limits: Vec<(AssetId, Amount)>,
    fixed: Vec<PriceRow>,
    fed: Vec<PriceRow>,
    stale_after_ms: u64,
}

impl Dealing {
    /// A provider as it is configured, with what it promised before.
    pub(in crate::market) fn new(
        config: &ProviderConfig,
        assets: &Assets,
        (maker, reserve): (Maker, Option<Reserve>),
    ) -> Result<Self, MarketError> {
        let bounds = kofo_exchange::ProviderConfig {
            quote_ms: millis(Duration::from_secs(config.quote_life.0)),
            max_promises: MAX_PROMISES,
            max_claims: MAX_CLAIMS,
            ..kofo_exchange::ProviderConfig::default()
        };
        let mut limits = Vec::new();
        for asset in assets.iter() {
            // Whether the wallet has it is seen when a quote is drafted.
            let limit = config
                .inventory
                .iter()
                .find(|l| l.symbol.eq_ignore_ascii_case(&asset.symbol));
            let most = match limit {
                Some(limit) => assets.parse(&format!("{} {}", limit.most, limit.symbol))?.1,
                None => Amount::new(u128::MAX),
            };
            limits.push((asset.id.clone(), most));
        }
        let fixed = config.prices.iter().map(|line| line.read(assets));
        let mut dealing = Self {
            provider: Provider::new(bounds, Book::default()),
            quotes: BTreeMap::new(),
            busy: BTreeSet::new(),
            maker,
            reserve,
            limits,
            fixed: fixed.collect::<Result<_, _>>().map_err(MarketError::Price)?,
            fed: Vec::new(),
            stale_after_ms: millis(Duration::from_secs(config.stale_after.0)),
        };
        dealing.set_fed(Vec::new());
        dealing.allow();
        Ok(dealing)
    }

    /// The limits are of what is promised at a time, whatever was paid out before.
    fn allow(&mut self) {
        for (asset, most) in &self.limits {
            self.provider.allow(asset.clone(), *most);
        }
    }

    /// Takes up what the journal has of quotes and reservations.
    pub(in crate::market) fn restore(
        &mut self,
        quotes: Vec<(String, kofo_journal::Value)>,
        snapshot: Option<&[u8]>,
    ) -> Result<(), MarketError> {
        for (name, value) in quotes {
            let quote: OwnQuote = borsh::from_slice(&value).map_err(|_| MarketError::Stored(name.clone()))?;
            if quote.version != 1 {
                return Err(MarketError::Stored(name));
            }
            self.quotes.insert(quote.id(), quote);
        }
        if let Some(snapshot) = snapshot {
            let broken = |_| MarketError::Stored(PROVIDER_PLACE.to_owned());
            let snapshot = ProviderSnapshot::try_from_slice(snapshot).map_err(broken)?;
            self.provider.restore(snapshot);
        }
        Ok(())
    }

    /// The quotes that still bind, or whose swaps go on: with until when our ends of them are ours.
    pub(in crate::market) fn held(&self, now_ms: u64) -> impl Iterator<Item = (&OwnQuote, u64)> {
        let binds = move |quote: &&OwnQuote| quote.fulfil.body.expires_ms > now_ms || quote.unanswered();
        let until = |quote: &OwnQuote| match quote.unanswered() {
            // It may still begin, until it would be too late for the claimant to lock.
            true => quote.terms.alpha_lock_by.0.saturating_mul(1_000),
            false => quote.fulfil.body.expires_ms,
        };
        let quotes = self.quotes.values().filter(binds);
        quotes.map(move |quote| (quote, until(quote)))
    }

    /// New prices of the file or feed, instead of all former ones. Says what makes no price.
    pub(in crate::market) fn set_fed(&mut self, fed: Vec<PriceRow>) -> Option<String> {
        self.fed = fed;
        let (table, refused) = table(&self.fixed, &self.fed, self.stale_after_ms);
        self.provider.set_prices(table);
        refused.first().map(ToString::to_string)
    }

    /// How old a price or an imported book may be (ms).
    pub(in crate::market) const fn stale_after_ms(&self) -> u64 {
        self.stale_after_ms
    }

    pub(in crate::market) fn knows(&self, fulfil: &FulfilId) -> bool {
        self.quotes.contains_key(fulfil)
    }

    /// Whether we quoted for a claim that this key signed.
    pub(in crate::market) fn is_claim_of(&self, claim: &ClaimId, key: &NodeId) -> bool {
        let of = |quote: &OwnQuote| quote.fulfil.body.claim == *claim && quote.claim.body.key == *key;
        self.quotes.values().any(of)
    }

    /// Whether an order on a quote of ours is a swap already.
    pub(in crate::market) fn has_begun(&self, order: SwapId) -> bool {
        self.quotes.values().any(|quote| quote.swap == Some(order))
    }

    pub(super) fn has_quoted(&self, claim: &ClaimId) -> bool {
        self.quotes
            .values()
            .any(|quote| quote.fulfil.body.claim == *claim)
    }

    /// Books a quote that is about to leave.
    pub(super) fn keep(&mut self, quote: OwnQuote) -> Result<Vec<Change>, MarketError> {
        let (id, body) = (quote.id(), &quote.fulfil.body);
        self.provider.quoted(id, &body.claim, body.expires_ms)?;
        let changes = vec![quote.change(), self.snapshot()];
        self.quotes.insert(id, quote);
        Ok(changes)
    }

    pub(in crate::market) fn quote(&self, fulfil: &FulfilId) -> Option<&OwnQuote> {
        self.quotes.get(fulfil)
    }

    /// Alters a quote; gives it as it is to be kept.
    pub(in crate::market) fn change(
        &mut self,
        fulfil: &FulfilId,
        alter: impl FnOnce(&mut OwnQuote),
    ) -> Option<Change> {
        let quote = self.quotes.get_mut(fulfil)?;
        alter(quote);
        Some(quote.change())
    }

    pub(in crate::market) fn snapshot(&self) -> Change {
        let bytes = borsh::to_vec(&self.provider.snapshot()).expect("writing to memory does not fail");
        Change::Put(PROVIDER_PLACE.to_owned(), bytes)
    }

    /// The swaps whose outcome is awaited.
    pub(in crate::market) fn awaited(&self) -> impl Iterator<Item = (FulfilId, SwapId)> {
        let open = self.quotes.iter().filter(|(_, quote)| !quote.over);
        open.filter_map(|(id, quote)| Some((*id, quote.swap?)))
    }

    /// A swap ended.
    pub(in crate::market) fn over(&mut self, fulfil: &FulfilId, settled: bool) -> Vec<Change> {
        self.provider.over(fulfil, settled);
        self.allow();
        let mut changes = vec![self.snapshot()];
        if let Some(quote) = self.quotes.get_mut(fulfil) {
            quote.over = true;
            changes.push(quote.change());
        }
        changes
    }

    /// Frees what nobody selected, and forgets what is over.
    pub(in crate::market) fn expire(&mut self, now_ms: u64) -> Vec<Change> {
        self.provider.expire(now_ms);
        let done = self
            .quotes
            .iter()
            .filter(|(_, quote)| quote.is_done(now_ms, KEPT_MS));
        let done: Vec<_> = done.map(|(id, _)| *id).collect();
        for id in &done {
            self.quotes.remove(id);
        }
        done.iter().map(|id| Change::Remove(name(id))).collect()
    }
}

impl OwnQuote {
    /// Selected or committed, and neither answered nor begun: what a restart interrupted.
    pub(super) const fn unanswered(&self) -> bool {
        self.chosen.is_some() && self.answer.is_none() && self.swap.is_none() && !self.over
    }

    /// Whether a committed order is one on this very quote, and nothing else came of the quote before.
    pub(in crate::market) fn may_begin(&self, order: &kofo_primitives::MatchedOrder) -> bool {
        let parts = order.parts();
        let same = self.fulfil == parts.fulfil && self.terms == parts.terms && self.claim == parts.claim;
        let unused = match &self.chosen {
            None => true,
            Some(chosen) => *chosen == parts.select && self.unanswered(),
        };
        same && unused
    }

    #[cfg(test)]
    pub(in crate::market) const fn is_chosen(&self) -> bool {
        self.chosen.is_some()
    }

    /// An order on it is committed.
    pub(in crate::market) fn choose(&mut self, select: kofo_primitives::Signed<kofo_primitives::Select>) {
        self.chosen = Some(select);
    }

    /// Its swap has begun.
    pub(in crate::market) const fn began(&mut self, swap: SwapId) {
        self.swap = Some(swap);
    }

    /// What [`crate::market::Settles::hold`] is told of it.
    pub(in crate::market) const fn parts(&self) -> (&kofo_primitives::Claim, &kofo_primitives::Opening) {
        (&self.claim.body, &self.opening)
    }
}

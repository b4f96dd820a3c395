//! Claims as their owner sees them.

use super::super::State;
use super::{Entry, Glimpse};
use crate::assets::Assets;
use crate::rpc::types::{AssetAmount, ClaimState, ClaimStatus, Id, QuoteState, QuoteStatus};
use kofo_exchange::Ending;
use kofo_primitives::{Amount, ClaimId, FulfilId, Ratio};

impl Entry {
    /// How far the claim has come.
    pub(in crate::market) fn state(&self, now_ms: u64) -> ClaimState {
        use kofo_exchange::ClaimState as Own;
        match self.own.state(now_ms) {
            Own::Quoting if self.own.filled().0 > Amount::ZERO => ClaimState::Selected,
            Own::Quoting => ClaimState::Quoting,
            Own::Selected => ClaimState::Selected,
            // Until its swaps have begun, which is a moment.
            Own::Filled { .. } if self.unbegun() => ClaimState::Selected,
            Own::Filled { .. } => ClaimState::Filled,
            Own::Expired => ClaimState::Expired,
            Own::Cancelled => ClaimState::Cancelled,
        }
    }

    /// The claim with its quotes: the best first, those that failed or expired last.
    pub(in crate::market) fn status(&self, assets: &Assets, market: &State, now_ms: u64) -> ClaimStatus {
        let claim = self.claim();
        let (give, want) = (&claim.give.asset, &claim.want.asset);
        let least = self.own.limit().of_rounded_up(claim.give_amount);
        let taken = claim.give_amount.checked_sub(self.own.left());
        let mut quotes: Vec<_> = self
            .seen
            .iter()
            .map(|(id, seen)| self.quote_status(id, seen, (assets, market), now_ms))
            .collect();
        let rank = |quote: &QuoteStatus| match quote.state {
            QuoteState::Begun => 0,
            QuoteState::Selected => 1,
            QuoteState::Open => 2,
            QuoteState::Failed | QuoteState::Expired => 3,
        };
        quotes.sort_by(|(a, a_rate), (b, b_rate)| rank(a).cmp(&rank(b)).then(b_rate.cmp(a_rate)));
        let quotes: Vec<_> = quotes.into_iter().map(|(quote, _)| quote).collect();
        ClaimStatus {
            id: claim_id(&self.own.id()),
            seq: self.seq,
            state: self.state(now_ms),
            give: assets.money(give, claim.give_amount),
            want: assets.money(want, least.unwrap_or(Amount::ZERO)),
            filled: assets.money(give, taken.unwrap_or(Amount::ZERO)),
            partial: claim.partial.map(|least| assets.money(give, least)),
            hidden: matches!(claim.limit, kofo_primitives::Limit::Hidden(_)),
            manual: self.manual,
            max_hops: claim.max_hops,
            pay_to: self.pay_to.clone(),
            trouble: self.why(&quotes, now_ms),
            quotes,
            created_ms: claim.created_ms,
            expires_ms: claim.expires_ms,
        }
    }

    /// What keeps the claim from going on.
    fn why(&self, quotes: &[QuoteStatus], now_ms: u64) -> Option<String> {
        let state = self.state(now_ms);
        match state {
            ClaimState::Quoting if quotes.is_empty() => Some("no quote has come yet".to_owned()),
            ClaimState::Expired if quotes.is_empty() => {
                Some("no provider quoted for it: ask for less, or wait for more neighbours".to_owned())
            }
            ClaimState::Quoting | ClaimState::Expired => {
                quotes.iter().rev().find_map(|quote| quote.trouble.clone())
            }
            ClaimState::Selected | ClaimState::Filled | ClaimState::Cancelled => None,
        }
    }

    /// With its rate, by which quotes are sorted.
    fn quote_status(
        &self,
        id: &FulfilId,
        seen: &Glimpse,
        (assets, market): (&Assets, &State),
        now_ms: u64,
    ) -> (QuoteStatus, Option<Ratio>) {
        let claim = self.claim();
        let (give, want) = (&claim.give.asset, &claim.want.asset);
        let (known, rate) = (
            market.reliability(claim.mode, &seen.bond),
            Ratio::new(seen.want.units(), seen.give.units()),
        );
        let state = self.quote_state(id, seen, now_ms);
        let symbol = |money: AssetAmount| money.symbol;
        let pair = (
            symbol(assets.money(want, Amount::ZERO)),
            symbol(assets.money(give, Amount::ZERO)),
        );
        let price = rate.and_then(|rate| assets.show_price(give, want, rate));
        let price = price.map_or_else(
            || "?".to_owned(),
            |price| format!("{price} {} per {}", pair.0, pair.1),
        );
        let selected = matches!(state, QuoteState::Selected | QuoteState::Begun);
        let status = QuoteStatus {
            fulfil: fulfil_id(id),
            give: assets.money(give, seen.give),
            want: assets.money(want, seen.want),
            price,
            net: assets.money(want, seen.want),
            reliability: u32::from(known.per_mille()),
            settled: known.settled,
            failed: known.failed,
            provider: seen.bond.to_string(),
            path: seen.path.iter().map(ToString::to_string).collect(),
            expires_ms: seen.expires_ms,
            state,
            selected,
            swap: self.begun.get(id).copied().map(Id::from),
            trouble: seen.trouble.clone(),
        };
        (status, rate)
    }

    fn quote_state(&self, id: &FulfilId, seen: &Glimpse, now_ms: u64) -> QuoteState {
        if self.begun.contains_key(id) {
            return QuoteState::Begun;
        }
        if self.own.selections().any(|s| s.quote.id() == *id) {
            return QuoteState::Selected;
        }
        let ended = self.own.ended().find(|(ended, _)| *ended == id);
        match ended.map(|(_, ending)| ending) {
            Some(Ending::Expired) => QuoteState::Expired,
            Some(_) => QuoteState::Failed,
            None if seen.expires_ms <= now_ms || self.is_over(now_ms) => QuoteState::Expired,
            None => QuoteState::Open,
        }
    }
}

/// A claim's id as the RPC has it.
pub(in crate::market) fn claim_id(id: &ClaimId) -> Id {
    Id(*id.as_bytes())
}

fn fulfil_id(id: &FulfilId) -> Id {
    Id(*id.as_bytes())
}

//! The provider's side of the clearance layer: orders on our quotes are final before we hear of them. We look for them,
//! verify the certificate and the parts, and begin: there is no last look, for our bond stands behind the quote.

use super::ledger::Change;
use super::{Market, MarketError};
use crate::clearing::{Clearing, Committed, OrderFate};
use futures::future::join_all;
use kofo_primitives::{FulfilId, MatchedOrder, Role, SettlementOrder, SwapId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often we look.
const BEAT: Duration = Duration::from_millis(500);
/// So many orders are looked at at a time.
const AT_ONCE: usize = 8;
/// So many orders are remembered as dealt with, and as not: beyond, the lowest ids are forgotten and looked at again.
const REMEMBERED: usize = 8_192;
/// An order that a validator names and nobody proves is looked at so often.
const TRIES: u32 = 40;
/// After a restart we look again from so many heights before the last order that began.
const HEIGHTS_BACK: u64 = 7_200;

/// Which orders wait to be dealt with, and which were.
#[derive(Default)]
struct Orders {
    open: BTreeMap<SwapId, Tries>,
    done: BTreeSet<SwapId>,
}

/// How often an order was tried.
#[derive(Clone, Copy, Default)]
struct Tries {
    all: u32,
    /// How often nobody proved that it is final.
    unproved: u32,
}

impl Orders {
    fn add(&mut self, order: SwapId) {
        if !self.done.contains(&order) && self.open.len() < REMEMBERED {
            self.open.entry(order).or_default();
        }
    }

    /// The next ones to be dealt with: those that were tried least.
    fn next(&self) -> Vec<SwapId> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|(_, tries)| tries.all);
        open.into_iter().map(|(order, _)| *order).take(AT_ONCE).collect()
    }

    fn over(&mut self, order: SwapId) {
        self.open.remove(&order);
        self.done.insert(order);
        if self.done.len() > REMEMBERED {
            self.done.pop_first();
        }
    }

    /// What nobody proves is forgotten some time: who named it may name it again. What is proved is tried until it begins.
    fn failed(&mut self, order: SwapId, why: &MarketError) {
        let Some(tries) = self.open.get_mut(&order) else {
            return;
        };
        tries.all = tries.all.saturating_add(1);
        if matches!(why, MarketError::NotFinal(_)) {
            tries.unproved = tries.unproved.saturating_add(1);
        }
        if tries.unproved >= TRIES {
            self.open.remove(&order);
        }
    }
}

impl Market {
    /// Looks for orders on our quotes until the node ends.
    pub(super) async fn follow_orders(self: Arc<Self>, clearing: Arc<Clearing>) {
        let mut orders = Orders::default();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            match clearing.new_orders().await {
                Ok(found) => {
                    for (order, _) in found {
                        orders.add(order);
                    }
                }
                Err(error) => tracing::debug!(%error, "orders on our quotes cannot be looked for now"),
            }
            self.deal_with(&clearing, &mut orders).await;
        }
    }

    async fn deal_with(&self, clearing: &Clearing, orders: &mut Orders) {
        let open = orders.next();
        let dealt = open.iter().map(|order| self.deal_with_one(clearing, *order));
        let dealt = join_all(dealt).await;
        let mut last = None;
        for (order, dealt) in open.into_iter().zip(dealt) {
            match dealt {
                Ok(height) => {
                    orders.over(order);
                    last = last.max(height);
                }
                Err(error) => {
                    tracing::info!(swap = %order, %error, "an order on a quote of ours does not begin yet");
                    orders.failed(order, &error);
                }
            }
        }
        if let Some(height) = last
            && let Err(error) = clearing.raise_cursor(height.saturating_sub(HEIGHTS_BACK)).await
        {
            tracing::warn!(%error, "how far we looked for orders is not kept");
        }
    }

    /// Begins an order if it is final and on a quote of ours; at which height it was committed, if that had to be asked.
    /// What is none of ours is done with.
    async fn deal_with_one(&self, clearing: &Clearing, order: SwapId) -> Result<Option<u64>, MarketError> {
        if self.has_begun(order) {
            return Ok(None);
        }
        let OrderFate::Committed(committed) = clearing.glance(order).await? else {
            return Err(MarketError::NotFinal(order));
        };
        let height = Some(committed.certified.height());
        if committed.receipt.is_some() {
            return Ok(height);
        }
        let matched = clearing.parts(order, &self.bond).await?;
        let fulfil = matched.parts().fulfil.body.id();
        if !self.is_ours(&fulfil, &matched) {
            tracing::warn!(swap = %order, quote = %fulfil, "an order is on a quote that we do not stand by, or began before");
            return Ok(height);
        }
        self.take_committed(clearing, &fulfil, &matched, &committed)
            .await?;
        self.begin_committed(&fulfil, matched, &committed).await?;
        Ok(height)
    }

    /// Whether an order began before, as after a restart most have.
    fn has_begun(&self, order: SwapId) -> bool {
        let state = self.state();
        state
            .dealing
            .as_ref()
            .is_some_and(|dealing| dealing.has_begun(order))
    }

    /// Whether an order is on a quote of ours, and nothing else came of that.
    fn is_ours(&self, fulfil: &FulfilId, order: &MatchedOrder) -> bool {
        let state = self.state();
        let quote = state.dealing.as_ref().and_then(|dealing| dealing.quote(fulfil));
        quote.is_some_and(|quote| quote.may_begin(order))
    }

    /// The certificate and the use of the quote are durable before the swap is.
    async fn take_committed(
        &self,
        clearing: &Clearing,
        fulfil: &FulfilId,
        order: &MatchedOrder,
        committed: &Committed,
    ) -> Result<(), MarketError> {
        clearing.keep(committed).await?;
        let pending = {
            let mut state = self.state();
            let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
            let parts = order.parts();
            dealing
                .provider
                .committed(*fulfil, &parts.claim.body, &parts.terms);
            let snapshot = dealing.snapshot();
            let change = dealing.change(fulfil, |kept| kept.choose(parts.select.clone()));
            self.ledger
                .commit([change, Some(snapshot)].into_iter().flatten().collect())?
        };
        Ok(pending.durable().await?)
    }

    async fn begin_committed(
        &self,
        fulfil: &FulfilId,
        order: MatchedOrder,
        committed: &Committed,
    ) -> Result<(), MarketError> {
        let order = SettlementOrder::Matched(Box::new(order));
        let begun = self
            .parts
            .settles
            .begin(order, Role::Participant, Some(&committed.certified))
            .await
            .map_err(MarketError::from);
        let pending = {
            let mut state = self.state();
            let dealing = state.dealing.as_mut().ok_or(MarketError::NoProvider)?;
            let changes: Vec<Change> = match begun {
                Ok(swap) => dealing
                    .change(fulfil, |kept| kept.began(swap))
                    .into_iter()
                    .collect(),
                Err(error) if error.is_ours() => return Err(error),
                Err(error) => {
                    tracing::error!(quote = %fulfil, %error, "a committed order cannot be settled: our bond pays for it");
                    dealing.over(fulfil, false)
                }
            };
            self.ledger.commit(changes)?
        };
        pending.durable().await?;
        self.tell_change();
        Ok(())
    }
}

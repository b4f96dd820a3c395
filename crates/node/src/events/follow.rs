//! Looks whenever something changed, and has the log told of what is new.

use super::log::News;
use super::{EventError, EventLog, Subject, SwapFacts, Told, claim_events, swap_events};
use crate::assets::Assets;
use crate::clock::now_ms;
use crate::engine::{Core, Engine};
use crate::market::Market;
use crate::rpc::types::{AssetAmount, DeadlineStatus, EventName, Id};
use crate::status;
use kofo_primitives::SwapId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Looks have at least this between them: what happens meanwhile is told together, in one sync of the journal.
const PAUSE: Duration = Duration::from_millis(50);
/// So many events are written at a time.
const AT_A_TIME: usize = 512;

/// What is followed.
pub struct Followed {
    /// Where swaps are.
    pub engine: Engine,
    /// Where claims are.
    pub market: Option<Arc<Market>>,
    /// How amounts are shown.
    pub assets: Assets,
}

/// Follows claims and swaps until the engine stops. If the journal fails it ends: the engine will too.
pub async fn follow(log: Arc<EventLog>, followed: Followed) {
    let mut swaps = followed.engine.changes();
    let claims = followed.market.as_ref().map(|market| market.changes());
    // Without a market nobody holds the other end's sender, and nothing ever changes.
    let (_never, still) = watch::channel(0);
    let mut claims = claims.unwrap_or(still);
    let mut all = true;
    loop {
        swaps.borrow_and_update();
        claims.borrow_and_update();
        match look(&log, &followed, all).await {
            Ok(Some(())) => all = false,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "events are not told any more");
                return;
            }
        }
        let changed = tokio::select! {
            changed = swaps.changed() => changed,
            changed = claims.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks once; `None` when the engine has stopped. `all`: also at swaps that nothing has touched.
async fn look(log: &EventLog, followed: &Followed, all: bool) -> Result<Option<()>, EventError> {
    // Swaps first: a swap that is seen here began after its claim was selected, which is then seen below.
    let found = followed.engine.call(move |core| swaps_of(core, all)).await;
    let Ok(swaps) = found else {
        return Ok(None);
    };
    let claims = followed.market.as_ref().map(|market| market.claims_reached());
    let claims = claims.unwrap_or_default();
    if log.is_new() {
        begin(log, &swaps)?;
    }
    if all {
        let known: BTreeSet<_> = claims.iter().map(|(id, _)| Subject::Claim(*id)).collect();
        let gone = log.claims().into_iter().filter(|claim| !known.contains(claim));
        log.forget(&gone.collect::<Vec<_>>())?;
    }
    let mut news = Vec::new();
    for (id, facts) in claims {
        for event in claim_events(log.told(&Subject::Claim(id)), facts) {
            news.push(News {
                swap: None,
                claim: Some(id),
                event,
                at_risk: Vec::new(),
                until: None,
            });
        }
    }
    let changed = swaps.into_iter().filter_map(|(id, facts)| {
        let events = swap_events(log.told(&Subject::Swap(id.into())), facts);
        (!events.is_empty()).then_some((id, events))
    });
    let changed: BTreeMap<SwapId, Vec<EventName>> = changed.collect();
    if !changed.is_empty() {
        let assets = followed.assets.clone();
        let told = followed.engine.call(move |core| dressed(core, &assets, changed));
        let Ok(dressed) = told.await else {
            return Ok(None);
        };
        news.extend(dressed);
    }
    while !news.is_empty() {
        let rest = news.split_off(news.len().min(AT_A_TIME));
        let batch = std::mem::replace(&mut news, rest);
        // The journal blocks. In place, so that a follower that is aborted is not still writing.
        tokio::task::block_in_place(|| log.append(batch, now_ms()))?;
    }
    Ok(Some(()))
}

fn swaps_of(core: &mut Core, all: bool) -> Vec<(SwapId, SwapFacts)> {
    let touched = std::mem::take(&mut core.touched);
    let swaps = core.driver.swaps();
    let of = |(id, live): (&SwapId, &crate::driver::Live)| (*id, SwapFacts::of(live));
    if all {
        return swaps.iter().map(of).collect();
    }
    let found = touched.iter().filter_map(|id| swaps.get_key_value(id));
    found.map(of).collect()
}

/// The events with all that belongs to them.
fn dressed(core: &mut Core, assets: &Assets, changed: BTreeMap<SwapId, Vec<EventName>>) -> Vec<News> {
    let mut news = Vec::new();
    for (id, events) in changed {
        let Some(live) = core.driver.swaps().get(&id) else {
            continue;
        };
        let claim = live.order().as_matched();
        let claim = claim.map(|matched| Id(*matched.parts().claim.body.id().as_bytes()));
        let shown = status::of_swap(live, &core.book.page(id), assets);
        let (at_risk, until): (Vec<AssetAmount>, Option<DeadlineStatus>) = (shown.at_risk, shown.deadline);
        news.extend(events.into_iter().map(|event| News {
            swap: Some(id.into()),
            claim,
            event,
            at_risk: at_risk.clone(),
            until: until.clone(),
        }));
    }
    news
}

/// The first log of this data folder: what was over before is not told now.
fn begin(log: &EventLog, swaps: &[(SwapId, SwapFacts)]) -> Result<(), EventError> {
    let over = swaps.iter().filter(|(_, facts)| facts.outcome.is_some());
    let over = over.map(|(id, facts)| {
        let mut told = Told::default();
        for event in swap_events(told, *facts) {
            told.add(event);
        }
        (Subject::Swap((*id).into()), told)
    });
    let over: Vec<_> = over.collect();
    tokio::task::block_in_place(|| log.begin(&over))
}

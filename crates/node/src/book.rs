//! What was seen of each swap, and when by our clock: for people and for figures, never for decisions.

use crate::driver::{Driver, Live};
use kofo_journal::Journal;
use kofo_primitives::{At, LegId, SwapId, TxId};
use kofo_settlement::{Ended, LegState, Phase, Sighting, Swap};
use std::collections::{BTreeMap, BTreeSet};

/// Something that was seen of one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// `lock`, `redeem`, `refund` or `cancel`.
    pub act: &'static str,
    /// In which transaction, where the chain tells.
    pub tx: Option<TxId>,
    /// The height of its block; `None` in the mempool.
    pub height: Option<u64>,
    /// First seen, in milliseconds by our clock.
    pub seen_ms: u64,
    /// Final, in milliseconds by our clock.
    pub final_ms: Option<u64>,
}

/// The history of one swap since this process started.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Grows with each change.
    pub seq: u64,
    /// The last change, in milliseconds by our clock.
    pub updated_ms: u64,
    /// What is seen of each leg.
    pub legs: BTreeMap<LegId, Vec<Sight>>,
    /// What keeps it from going on.
    pub trouble: Option<String>,
    last: Option<(Phase, BTreeMap<LegId, LegState>)>,
}

/// The histories of all swaps.
#[derive(Clone, Debug, Default)]
pub struct Book(BTreeMap<SwapId, Page>);

impl Book {
    /// Looks at the swaps that were touched.
    pub fn note<J: Journal>(&mut self, driver: &Driver<J>, touched: &BTreeSet<SwapId>, now_ms: u64) {
        for id in touched {
            if let Some(live) = driver.swaps().get(id) {
                self.0.entry(*id).or_default().note(live, now_ms);
            }
        }
    }

    /// The history of one swap.
    #[must_use]
    pub fn page(&self, swap: SwapId) -> Page {
        self.0.get(&swap).cloned().unwrap_or_default()
    }

    /// Notes what keeps a swap from going on, or that nothing does.
    pub fn trouble(&mut self, swap: SwapId, trouble: Option<String>, now_ms: u64) {
        let page = self.0.entry(swap).or_default();
        page.trouble = trouble;
        page.turn(now_ms);
    }
}

impl Page {
    fn note(&mut self, live: &Live, now_ms: u64) {
        let swap: &Swap = live.swap();
        let state = (swap.phase(), swap.legs().clone());
        if self.last.as_ref() == Some(&state) {
            return;
        }
        for (id, leg) in swap.legs() {
            let sights = self.legs.entry(*id).or_default();
            see(sights, "lock", leg.locked.as_ref(), now_ms);
            let (redeem, refund, cancel) = match &leg.ended {
                Some(Ended::Redeemed(s)) => (Some(s), None, None),
                Some(Ended::Refunded(s)) => (None, Some(s), None),
                Some(Ended::Cancelled(s)) => (None, None, Some(s)),
                Some(Ended::Dead) | None => (None, None, None),
            };
            see(sights, "redeem", redeem, now_ms);
            see(sights, "refund", refund, now_ms);
            see(sights, "cancel", cancel, now_ms);
        }
        self.last = Some(state);
        self.turn(now_ms);
    }

    fn turn(&mut self, now_ms: u64) {
        self.seq = self.seq.saturating_add(1);
        self.updated_ms = now_ms;
    }
}

fn see(sights: &mut Vec<Sight>, act: &'static str, now: Option<&Sighting>, now_ms: u64) {
    let Some(now) = now else {
        sights.retain(|sight| sight.act != act);
        return;
    };
    let height = match now.at {
        At::Mempool => None,
        At::Block(height) => Some(height),
    };
    let fresh = || Sight {
        act,
        tx: now.tx,
        height,
        seen_ms: now_ms,
        final_ms: None,
    };
    let known = sights.iter().position(|sight| sight.act == act);
    let sight = match known.and_then(|i| sights.get_mut(i)) {
        Some(sight) => sight,
        None => {
            sights.push(fresh());
            sights.last_mut().expect("just pushed")
        }
    };
    sight.tx = now.tx;
    sight.height = height;
    sight.final_ms = if now.is_final {
        sight.final_ms.or(Some(now_ms))
    } else {
        None
    };
}

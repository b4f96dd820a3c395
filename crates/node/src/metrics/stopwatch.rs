//! How long swaps stay in each state, and how they end, while they go through the engine.

use super::Labels;
use crate::driver::Driver;
use crate::status;
use kofo_journal::Journal;
use kofo_primitives::SwapId;
use kofo_settlement::Phase;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};

/// From a second to a day, in seconds.
const BUCKETS: [f64; 10] = [
    1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 7200.0, 28800.0, 86400.0,
];

/// The time in each state that was left, in seconds, by the state.
pub(super) type StateTimes = Family<Labels<1>, Histogram, fn() -> Histogram>;
/// Swaps that ended since this process started, by their outcome.
pub(super) type Ends = Family<Labels<1>, Counter>;

/// The live swaps, each with its state and since when it is in it.
#[derive(Debug)]
pub struct Stopwatch {
    /// `None`: since before this process started.
    live: BTreeMap<SwapId, (Phase, Option<u64>)>,
    times: StateTimes,
    ends: Ends,
}

impl Default for Stopwatch {
    /// No swap goes on.
    fn default() -> Self {
        let ends = Ends::default();
        for outcome in status::OUTCOMES {
            // All of them from the beginning: what is not there cannot be seen to rise.
            let _zero = ends.get_or_create_owned(&[("outcome", outcome.to_string())]);
        }
        Self {
            live: BTreeMap::new(),
            times: StateTimes::new_with_constructor(|| Histogram::new(BUCKETS)),
            ends,
        }
    }
}

impl Stopwatch {
    /// The swaps that go on already; since when they are in their states is not known.
    pub fn start<J: Journal>(driver: &Driver<J>) -> Self {
        let swaps = driver.swaps().iter().filter(|(_, live)| live.goes_on());
        Self {
            live: swaps
                .map(|(id, live)| (*id, (live.swap().phase(), None)))
                .collect(),
            ..Self::default()
        }
    }

    /// Looks at the swaps that were touched.
    pub fn look<J: Journal>(&mut self, driver: &Driver<J>, touched: &BTreeSet<SwapId>, now_ms: u64) {
        for id in touched {
            if let Some(live) = driver.swaps().get(id) {
                self.see(*id, live.swap().phase(), now_ms);
            }
        }
    }

    /// A swap is in this phase now.
    pub(super) fn see(&mut self, id: SwapId, phase: Phase, now_ms: u64) {
        let before = match self.live.get(&id) {
            Some((before, _)) if *before == phase => return,
            Some(before) => Some(*before),
            None => None,
        };
        if let Some((before, Some(since_ms))) = before {
            let spent = std::time::Duration::from_millis(now_ms.saturating_sub(since_ms));
            self.times
                .get_or_create_owned(&[("state", status::state(before).to_owned())])
                .observe(spent.as_secs_f64());
        }
        match status::outcome(phase) {
            None => {
                tracing::info!(swap = %id, state = status::state(phase), "a swap goes on");
                self.live.insert(id, (phase, Some(now_ms)));
            }
            // What had ended before it was ever seen to go on was counted by an earlier process.
            Some(outcome) => {
                if self.live.remove(&id).is_some() {
                    tracing::info!(swap = %id, %outcome, "a swap is over");
                    self.ends
                        .get_or_create_owned(&[("outcome", outcome.to_string())])
                        .inc();
                }
            }
        }
    }

    /// How many swaps are in each state now.
    #[must_use]
    pub fn states(&self) -> BTreeMap<&'static str, u64> {
        let mut states: BTreeMap<_, u64> = status::STATES.into_iter().map(|state| (state, 0)).collect();
        for (phase, _) in self.live.values() {
            let count = states.entry(status::state(*phase)).or_default();
            *count = count.saturating_add(1);
        }
        states
    }

    /// The swaps that go on.
    pub fn live(&self) -> impl Iterator<Item = &SwapId> {
        self.live.keys()
    }

    /// What it counts into; a clone is the same.
    pub(super) fn figures(&self) -> (StateTimes, Ends) {
        (self.times.clone(), self.ends.clone())
    }
}

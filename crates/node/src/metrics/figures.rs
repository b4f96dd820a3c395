//! The figures and their names.

use super::Labels;
use super::depth::Depth;
use super::judge::Judgement;
use super::look::{Look, NEAR};
use super::stopwatch::Stopwatch;
use super::timed::SyncTimes;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use std::sync::atomic::AtomicU64;

type Count = Gauge<u64, AtomicU64>;
type Measure = Gauge<f64, AtomicU64>;
type Counts<const N: usize> = Family<Labels<N>, Count>;
type Measures<const N: usize> = Family<Labels<N>, Measure>;

/// All figures of a node. What counts by itself is always up to date; what is looked at is as of the last look.
pub struct Figures {
    registry: Registry,
    swaps: Counts<1>,
    offers: Count,
    deadlines: Counts<1>,
    nearest: Measures<0>,
    neighbours: Counts<1>,
    levels: Counts<2>,
    size: Measures<2>,
    sources: Count,
    journal_bytes: Count,
    journal_free: Count,
    chain_up: Counts<1>,
    chain_height: Counts<1>,
    chain_age: Measures<1>,
    spendable: Measures<2>,
    healthy: Count,
    ready: Count,
    uptime: Measure,
}

/// Registers figures, each with its name and its meaning.
struct Names(Registry);

impl Names {
    fn of<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }
}

impl Figures {
    /// All at nothing, except what the stopwatch and the journal count.
    #[must_use]
    pub fn new(stopwatch: &Stopwatch, syncs: &SyncTimes) -> Self {
        let mut names = Names(Registry::with_prefix("kofo"));
        let build: Counts<1> = names.of("build_info", "1, with the version of the program");
        build
            .get_or_create_owned(&[("version", env!("CARGO_PKG_VERSION").to_owned())])
            .set(1);
        let (times, ends) = stopwatch.figures();
        let registry = &mut names.0;
        registry.register(
            "swap_state_seconds",
            "How long swaps were in a state that they left",
            times,
        );
        registry.register(
            "swaps_ended",
            "Swaps that ended since the process started, by outcome",
            ends,
        );
        registry.register(
            "journal_sync_seconds",
            "How long syncs of the journal took",
            syncs.0.clone(),
        );
        Self {
            swaps: names.of("swaps", "Swaps that go on, by state"),
            offers: names.of("offers_open", "Offers of ours that somebody can accept"),
            deadlines: names.of(
                "deadlines_near",
                "Swaps with something of ours locked and a deadline within so many seconds",
            ),
            nearest: names.of(
                "deadline_nearest_seconds",
                "Time to the nearest deadline of a swap with something of ours locked, by its chain's time",
            ),
            neighbours: names.of("neighbours", "Neighbours in the mesh, by role"),
            levels: names.of("book_levels", "Prices in the book, by pair and side"),
            size: names.of(
                "book_size",
                "What is offered in the book, in whole units of the pair's first asset, rounded",
            ),
            sources: names.of(
                "price_sources_troubled",
                "Sources of prices and orders with which something is wrong",
            ),
            journal_bytes: names.of("journal_bytes", "Bytes that the journal takes"),
            journal_free: names.of("journal_free_bytes", "Bytes free on the journal's disk"),
            chain_up: names.of(
                "chain_up",
                "1 if the chain's node answers and is not contradicted",
            ),
            chain_height: names.of("chain_height", "Height of the chain's best block"),
            chain_age: names.of(
                "chain_tip_age_seconds",
                "Age of the chain's best block, by our clock",
            ),
            spendable: names.of(
                "wallet_spendable",
                "What the wallet can spend, in whole units, rounded",
            ),
            healthy: names.of("healthy", "1 if /health says yes"),
            ready: names.of("ready", "1 if /ready says yes"),
            uptime: names.of("uptime_seconds", "How long the process has run"),
            registry: names.0,
        }
    }

    /// Takes what was seen.
    pub fn take(&self, look: &Look, uptime: std::time::Duration) {
        self.healthy.set(u64::from(Judgement::health(look).is_well()));
        self.ready.set(u64::from(Judgement::ready(look).is_well()));
        self.uptime.set(uptime.as_secs_f64());
        self.take_swaps(look);
        self.take_chains(look);
        for (role, count) in &look.neighbours.by_role {
            self.neighbours
                .get_or_create_owned(&[("role", role.clone())])
                .set(*count);
        }
        // Pairs come and go with who quotes them.
        self.levels.clear();
        self.size.clear();
        for book in &look.books {
            self.take_side(&book.pair, "ask", &book.asks);
            self.take_side(&book.pair, "bid", &book.bids);
        }
        self.sources.set(look.troubles);
        if let Ok(journal) = &look.journal {
            self.journal_bytes.set(journal.used);
            self.journal_free.set(journal.free);
        }
    }

    fn take_swaps(&self, look: &Look) {
        let Some(swaps) = &look.swaps else {
            return;
        };
        for (state, count) in &swaps.states {
            self.swaps
                .get_or_create_owned(&[("state", (*state).to_owned())])
                .set(*count);
        }
        self.offers.set(swaps.offers);
        for (most, count) in NEAR.iter().zip(swaps.near) {
            self.deadlines
                .get_or_create_owned(&[("within", most.0.to_string())])
                .set(count);
        }
        self.nearest.clear();
        if let Some(left) = swaps.nearest {
            self.nearest
                .get_or_create_owned(&[])
                .set(std::time::Duration::from_secs(left.0).as_secs_f64());
        }
    }

    fn take_chains(&self, look: &Look) {
        self.spendable.clear();
        for seen in &look.chains {
            let chain = || [("chain", seen.chain.to_string())];
            let up = seen.tip.is_ok() && !seen.faulty;
            self.chain_up.get_or_create_owned(&chain()).set(u64::from(up));
            if let Ok((height, age)) = seen.tip {
                self.chain_height.get_or_create_owned(&chain()).set(height);
                let age = std::time::Duration::from_secs(age.0);
                self.chain_age
                    .get_or_create_owned(&chain())
                    .set(age.as_secs_f64());
            }
            for (symbol, have) in &seen.spendable {
                let [chain] = chain();
                self.spendable
                    .get_or_create_owned(&[chain, ("asset", symbol.clone())])
                    .set(*have);
            }
        }
    }

    fn take_side(&self, pair: &str, side: &str, depth: &Depth) {
        let labels = [("pair", pair.to_owned()), ("side", side.to_owned())];
        self.levels.get_or_create_owned(&labels).set(depth.levels);
        self.size.get_or_create_owned(&labels).set(depth.size);
    }

    /// The figures as Prometheus reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to memory does not fail");
        text
    }
}

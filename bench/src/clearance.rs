//! What the clearance layer takes: orders a second and how long each waits, certificates, a follower, and the ledger after
//! a million orders.

mod bare;
mod certificates;
mod history;
mod load;
mod orders;
mod town;

use std::time::Duration;

use anyhow::Result;
use kofo_consensus::Pace;
use kofo_validator::Clock;
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::Report;
use crate::process::cpu_ms;
use crate::table::{grouped, markdown};
use town::Town;

/// Of what the curve alone would allow, the validators reach at least so much.
const LEAST_RATIO: f64 = 0.7;
/// At half of what they reach, half of all orders wait at most so long (ms).
const MOST_WAIT_MS: f64 = 1_000.0;
/// Heights a second of the largest set, at least: one, but for what the clock of the measurement is off.
const LEAST_HEIGHTS: f64 = 0.9;

/// How much of each is measured.
struct Scale {
    /// Orders of one round, and how many rounds.
    orders: u64,
    rounds: usize,
    /// Orders of the measurement of waits.
    waiting: u64,
    checks: usize,
    settled: u64,
    /// Validators of the large set, and how many of its heights.
    many: usize,
    heights: u64,
}

const FULL: Scale = Scale {
    orders: 12_000,
    rounds: 3,
    waiting: 6_000,
    checks: 501,
    settled: 1_000_000,
    many: 25,
    heights: 20,
};
const FEW: Scale = Scale {
    orders: 40,
    rounds: 1,
    waiting: 20,
    checks: 11,
    settled: 40,
    many: 5,
    heights: 2,
};
/// The validators that share this machine.
const VALIDATORS: usize = 4;

/// Heights as often as in a test, and waits as on a network: these four have two cores together, and a round that ends
/// before they have judged its batch is done again for nothing.
fn pace() -> Pace {
    Pace {
        target: Pace::dev().target,
        ..Pace::default()
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Waits {
    p50: f64,
    p95: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    orders_per_s: u64,
    limit_orders_per_s: u64,
    ratio: f64,
    latency_ms: Waits,
    cert_bytes: certificates::Bytes,
    light_17_of_25_ms: f64,
    follower_orders_per_s: u64,
    ledger1m: history::Figures,
    #[serde(skip)]
    four: Four,
    #[serde(skip)]
    heights_per_s: f64,
}

/// Measures all of it.
pub(crate) async fn run(few: bool, settled: Option<u64>) -> Result<Report> {
    let mut scale = if few { FEW } else { FULL };
    scale.settled = settled.unwrap_or(scale.settled);
    // The ledger comes first: the process has freed nothing yet.
    let (settled, checks) = (scale.settled, scale.checks);
    let ledger1m = spawn_blocking(move || history::measure(settled)).await??;
    let certificates = spawn_blocking(move || certificates::measure(checks)).await??;
    let four = four(&scale).await?;
    let figures = Figures {
        orders_per_s: four.orders_per_s as u64,
        limit_orders_per_s: four.limit as u64,
        ratio: (four.orders_per_s / four.limit * 1_000.0).round() / 1_000.0,
        latency_ms: four.waits,
        cert_bytes: certificates.bytes,
        light_17_of_25_ms: certificates.light_ms,
        follower_orders_per_s: four.follower as u64,
        ledger1m,
        four,
        heights_per_s: many(&scale).await?,
    };
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures, &scale),
        missed: missed(&figures),
    })
}

/// The orders alone, so many in each round: for whoever works on their speed.
pub(crate) async fn orders_alone(orders: u64) -> Result<Report> {
    let scale = Scale {
        orders,
        waiting: orders,
        rounds: 3,
        ..FULL
    };
    let four = four(&scale).await?;
    Ok(Report {
        json: serde_json::to_string(&four)?,
        text: markdown(
            &["4 validators on this machine, path of 3", "measured", "limit"],
            &four.rows(),
        ),
        missed: Vec::new(),
    })
}

/// What four validators did.
#[derive(Clone, Copy, Debug, Serialize)]
struct Four {
    orders_per_s: f64,
    limit: f64,
    /// Of the bare loop, and of everything in the process: processor time of one order (ms).
    limit_cpu_ms: f64,
    cpu_ms: f64,
    /// Heights of the load, and those that took more than one round of votes.
    heights: u64,
    again: u64,
    waits: Waits,
    waits_again: u64,
    follower: f64,
}

fn row(what: &str, is: String, limit: &str) -> Vec<String> {
    vec![what.to_owned(), is, limit.to_owned()]
}

impl Four {
    /// Which part of the cores waited under full load.
    fn idle(&self) -> f64 {
        1.0 - self.cpu_ms * self.orders_per_s / (threads() as f64 * 1_000.0)
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let ratio = self.orders_per_s / self.limit;
        vec![
            row("orders a second", grouped(self.orders_per_s as u64), ""),
            row("the curve alone", grouped(self.limit as u64), ""),
            row("ratio", format!("{:.1}%", ratio * 100.0), "at least 70%"),
            row(
                "processor time of an order, ms",
                format!("{:.2}", self.cpu_ms),
                "",
            ),
            row(
                "the curve's part of it, ms",
                format!("{:.2}", self.limit_cpu_ms),
                "",
            ),
            row("of the cores, idle", format!("{:.1}%", self.idle() * 100.0), ""),
            row(
                "heights of more than one round",
                format!("{} of {}", self.again, self.heights),
                "",
            ),
            row(
                "wait at half the rate, median, ms",
                format!("{:.0}", self.waits.p50),
                "at most 1,000",
            ),
            row(
                "the same, 95th percentile, ms",
                format!("{:.0}", self.waits.p95),
                "",
            ),
            row(
                "a follower fetches, orders a second",
                grouped(self.follower as u64),
                "",
            ),
        ]
    }
}

/// Bare loop and validators in turn, so that both meet the same machine; medians of the rounds. Then at half the rate,
/// then somebody who comes late.
async fn four(scale: &Scale) -> Result<Four> {
    let mut town = Town::start(VALIDATORS, pace()).await?;
    let (mut limits, mut bares, mut rates, mut cpus) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut next, mut heights, mut again) = (0, 0, 0);
    for _ in 0..scale.rounds {
        let orders = signed(&mut next, scale.orders).await?;
        let bare: Vec<_> = orders.iter().map(bare::Bare::of).collect::<Result<_>>()?;
        let spent = cpu_ms()?;
        let alone = spawn_blocking(move || bare::time(&bare, VALIDATORS)).await??;
        bares.push((cpu_ms()? - spent) as f64 / scale.orders as f64);
        limits.push(scale.orders as f64 / alone.as_secs_f64());
        let load = load::load(&town, orders, None).await?;
        rates.push(load.per_second);
        cpus.push(load.cpu_ms);
        heights += load.heights;
        again += load.again;
    }
    let (limit, orders_per_s) = (middle(limits), middle(rates));
    let orders = signed(&mut next, scale.waiting).await?;
    let every = Duration::from_secs_f64(2.0 / orders_per_s.max(1.0));
    let slow = load::load(&town, orders, Some(every)).await?;
    let mut waits = slow.waits;
    waits.sort_unstable();
    let (follower, took) = town.follower().await?;
    follower.stop().await;
    town.stop().await;
    Ok(Four {
        orders_per_s,
        limit,
        limit_cpu_ms: middle(bares),
        cpu_ms: middle(cpus),
        heights,
        again,
        waits_again: slow.again,
        waits: Waits {
            p50: part(&waits, 50),
            p95: part(&waits, 95),
        },
        follower: next as f64 / took.as_secs_f64(),
    })
}

async fn signed(next: &mut u64, count: u64) -> Result<Vec<kofo_clearance::SubmittedOrder>> {
    let from = *next;
    *next += count;
    spawn_blocking(move || orders::orders(from, count, Clock::system().now_ms())).await?
}

/// Heights a second of a large set that has nothing to do.
async fn many(scale: &Scale) -> Result<f64> {
    let town = Town::start(scale.many, Pace::default()).await?;
    let (from, start) = (town.height(), std::time::Instant::now());
    town.reach(from + scale.heights).await?;
    let took = start.elapsed();
    let heights = town.height() - from;
    town.stop().await;
    Ok(heights as f64 / took.as_secs_f64())
}

fn text(figures: &Figures, scale: &Scale) -> String {
    let mut four = figures.four.rows();
    four.push(row(
        &format!("{} validators, heights a second", scale.many),
        format!("{:.2}", figures.heights_per_s),
        "1",
    ));
    let light = [
        row(
            "certificate, 3 of 4, bytes",
            figures.cert_bytes.of_4.to_string(),
            "",
        ),
        row(
            "certificate, 17 of 25, bytes",
            grouped(figures.cert_bytes.of_25 as u64),
            "",
        ),
        row(
            "light check of 17 of 25, ms",
            format!("{:.2}", figures.light_17_of_25_ms),
            "",
        ),
    ];
    let ledger = [
        row("memory, bytes", grouped(figures.ledger1m.rss_bytes), ""),
        row("snapshot, bytes", grouped(figures.ledger1m.snapshot_bytes), ""),
        row("restart, ms", format!("{:.0}", figures.ledger1m.restart_ms), ""),
        row(
            "ledger alone, µs an order",
            format!("{:.0}", figures.ledger1m.ledger_us),
            "",
        ),
    ];
    let orders = format!("the ledger after {} settled orders", grouped(scale.settled));
    [
        markdown(
            &["4 validators on this machine, path of 3", "measured", "limit"],
            &four,
        ),
        markdown(&["light", "measured", ""], &light),
        markdown(&[&orders, "measured", ""], &ledger),
    ]
    .join("\n\n")
}

fn missed(figures: &Figures) -> Vec<String> {
    let (ratio, wait, heights) = (figures.ratio, figures.latency_ms.p50, figures.heights_per_s);
    let mut missed = Vec::new();
    if ratio < LEAST_RATIO {
        missed.push(format!(
            "LIMIT MISSED: orders a second: expected at least {LEAST_RATIO} of what the curve alone allows, measured {ratio}"
        ));
    }
    if wait > MOST_WAIT_MS {
        missed.push(format!(
            "LIMIT MISSED: wait at half the rate: expected at most {MOST_WAIT_MS} ms, measured {wait}"
        ));
    }
    if heights < LEAST_HEIGHTS {
        missed.push(format!(
            "LIMIT MISSED: heights of the largest set: expected {LEAST_HEIGHTS} a second, measured {heights:.2}"
        ));
    }
    missed
}

/// How many threads work on the curve: as many as there are cores.
fn threads() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// So many per cent of all are at most this (ms).
fn part(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    millis(sorted.get(at).copied().unwrap_or_default())
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_percentile_is_one_that_was_measured() {
        let sorted: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!((part(&sorted, 50), part(&sorted, 95)), (51.0, 96.0));
        assert_eq!(part(&[], 50), 0.0);
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), 2.0);
    }
}

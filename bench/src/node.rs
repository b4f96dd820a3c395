//! What a node takes of a machine: memory of a light node in a program of somebody else's and of a provider, calls and
//! events, and how long a start takes.

mod calls;
mod light;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kofo_cli::demo::{Daemons, Map, Place, Town};
use kofo_node::rpc::types::OutcomeName;
use kofo_node::rpc::{NodeFile, NodeRpcClient};
use kofo_regtest::Options;
use kofo_sdk::{Wallet, Wish};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Report;
use crate::process::resident_bytes_of;
use crate::table::{grouped, markdown};
pub(crate) use light::be_a_node;

/// An embedded light node takes less than this, loaded or not.
const MOST_LIGHT: u64 = 100 << 20;
/// The light node gives these in turn, each for at least that.
const WISHES: [[&str; 2]; 2] = [["0.01btc", "0.15eth"], ["0.2eth", "0.01btc"]];
/// A swap is over within so long.
const SWAP: Duration = Duration::from_secs(120);
/// A node that was started follows all its chains within so long.
const READY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(5);

/// How much is measured.
struct Scale {
    /// Idle nodes are looked at for so long.
    idle: Duration,
    swaps: usize,
    starts: usize,
    rounds: usize,
}

const FULL: Scale = Scale {
    idle: Duration::from_secs(20),
    swaps: 20,
    starts: 5,
    rounds: 5,
};
const FEW: Scale = Scale {
    idle: Duration::from_secs(2),
    swaps: 2,
    starts: 1,
    rounds: 1,
};

#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    light_idle_rss: u64,
    light_loaded_rss: u64,
    provider_rss: u64,
    rpc_per_s: u64,
    events_per_s: u64,
    cold_start_ms: u64,
    #[serde(skip)]
    provider_idle_rss: u64,
    #[serde(skip)]
    provider_start_ms: u64,
    #[serde(skip)]
    swaps: usize,
}

/// Runs a wallet without chain nodes and its provider in processes of their own, on real daemons.
pub(crate) async fn run(few: bool) -> Result<Report> {
    let scale = if few { FEW } else { FULL };
    let program = std::env::current_exe().context("cannot find our own program")?;
    let daemons = Arc::new(Daemons::up(Options::default()).await?);
    let mut town = Town::found(Arc::clone(&daemons), &program, Map::Fork)?;
    town.configure(Place::Wallet, |config| light::without_nodes(&daemons, config))?;
    town.inhabit().await?;
    // Whoever could quote in the provider's place.
    town.kill(Place::ProviderB).await?;
    let idle = most_resident(&town, sleep(scale.idle)).await?;
    let loaded = most_resident(&town, swaps(&town, scale.swaps)).await?;
    loaded.1?;
    let figures = Figures {
        light_idle_rss: idle.0[0],
        provider_idle_rss: idle.0[1],
        light_loaded_rss: loaded.0[0],
        provider_rss: loaded.0[1],
        rpc_per_s: calls::rpc_per_s(&town.data(Place::Wallet), scale.rounds).await?,
        events_per_s: calls::events_per_s(&town.data(Place::Wallet), scale.rounds).await?,
        cold_start_ms: start_ms(&mut town, Place::Wallet, scale.starts).await?,
        provider_start_ms: start_ms(&mut town, Place::ProviderA, scale.starts).await?,
        swaps: scale.swaps,
    };
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures),
        missed: missed(&figures),
    })
}

/// The most that the light node and its provider held in memory until something was done.
async fn most_resident<T>(town: &Town, done: impl Future<Output = T>) -> Result<([u64; 2], T)> {
    let mut processes = Vec::new();
    for place in [Place::Wallet, Place::ProviderA] {
        processes.push(NodeFile::load(&town.data(place))?.pid.to_string());
    }
    let mut most = [0; 2];
    let mut done = std::pin::pin!(done);
    loop {
        for (most, process) in most.iter_mut().zip(&processes) {
            *most = resident_bytes_of(process)?.max(*most);
        }
        if let Ok(done) = timeout(LOOK, &mut done).await {
            return Ok((most, done));
        }
    }
}

/// The wallet asks, takes the best quote and sees the swap through, two wishes at a time.
async fn swaps(town: &Town, swaps: usize) -> Result<()> {
    let wallet = Arc::new(Wallet::connect(&town.data(Place::Wallet))?);
    for _ in 0..swaps / WISHES.len() {
        let mut both = JoinSet::new();
        for [give, want] in WISHES {
            let wallet = Arc::clone(&wallet);
            both.spawn(async move {
                let swap = wallet.swap(&Wish::new(give, want)).await?;
                let outcome = timeout(SWAP, swap.done()).await;
                let outcome = outcome.with_context(|| format!("{give} for {want} is not over in time"))??;
                let redeemed = outcome == OutcomeName::Redeemed;
                ensure!(redeemed, "{give} for {want}: expected a redeem, got {outcome}");
                Ok(())
            });
        }
        while let Some(ended) = both.join_next().await {
            ended??;
        }
    }
    Ok(())
}

/// From the start of the process until the node answers and sees all its chains: the median of so many, each after a
/// `kill -9`.
async fn start_ms(town: &mut Town, place: Place, starts: usize) -> Result<u64> {
    let mut took = Vec::new();
    for _ in 0..starts {
        town.kill(place).await?;
        let start = Instant::now();
        town.start(place).await?;
        let client = town.client(place)?;
        loop {
            let status = client.node_status().await?;
            let sees = |chain: &kofo_node::rpc::types::ChainStatus| {
                chain.height.is_some() && chain.trouble.is_none()
            };
            if status.chains.iter().all(sees) {
                break;
            }
            if start.elapsed() > READY {
                bail!(
                    "the {} does not see its chains: {:?}",
                    place.name(),
                    status.chains
                );
            }
            sleep(POLL).await;
        }
        took.push(u64::try_from(start.elapsed().as_millis())?);
    }
    took.sort_unstable();
    took.get(took.len() / 2).copied().context("nothing was started")
}

fn text(figures: &Figures) -> String {
    let row =
        |what: &str, measured: u64, limit: &str| vec![what.to_owned(), grouped(measured), limit.to_owned()];
    let most = format!("below {}", grouped(MOST_LIGHT));
    let loaded = format!("the same, most during {} swaps, two at a time", figures.swaps);
    markdown(
        &[
            "a wallet without chain nodes, and its provider",
            "measured",
            "limit",
        ],
        &[
            row("embedded light node, idle, bytes", figures.light_idle_rss, &most),
            row(&loaded, figures.light_loaded_rss, &most),
            row("provider, idle, bytes", figures.provider_idle_rss, ""),
            row("provider, most during the swaps, bytes", figures.provider_rss, ""),
            row("calls a second, to the light node", figures.rpc_per_s, ""),
            row("events a second, each of 4 subscribers", figures.events_per_s, ""),
            row(
                "light node, from its start until it sees its chains, ms",
                figures.cold_start_ms,
                "",
            ),
            row("provider, the same, ms", figures.provider_start_ms, ""),
        ],
    )
}

fn missed(figures: &Figures) -> Vec<String> {
    let light = [
        ("idle", figures.light_idle_rss),
        ("loaded", figures.light_loaded_rss),
    ];
    let above = light.into_iter().filter(|(_, bytes)| *bytes >= MOST_LIGHT);
    let line = |(when, bytes)| {
        let (most, bytes) = (grouped(MOST_LIGHT), grouped(bytes));
        format!("LIMIT MISSED: a light node, {when}: expected less than {most} bytes, measured {bytes}")
    };
    above.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_node_of_a_hundred_megabytes_is_too_large_idle_or_loaded() {
        let of = |idle, loaded| {
            missed(&Figures {
                light_idle_rss: idle,
                light_loaded_rss: loaded,
                provider_rss: MOST_LIGHT * 2,
                rpc_per_s: 1,
                events_per_s: 1,
                cold_start_ms: 1,
                provider_idle_rss: MOST_LIGHT * 2,
                provider_start_ms: 1,
                swaps: 2,
            })
        };
        assert_eq!(of(MOST_LIGHT - 1, MOST_LIGHT - 1), Vec::<String>::new());
        assert!(
            of(MOST_LIGHT, 0)
                .concat()
                .contains("idle: expected less than 104,857,600")
        );
        assert!(of(0, MOST_LIGHT).concat().contains("loaded"));
    }
}

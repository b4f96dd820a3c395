//! What the node adds to a swap, and what many swaps at once take of it.

mod counter;
mod crowd;
mod ground;
mod overhead;
mod sim;

use anyhow::{Context, Result};
use kofo_node::config::TimelockPolicy;
use serde::Serialize;

use crate::Report;
use crate::table::{grouped, markdown};

/// The nodes add at most so much to a swap.
const MOST_OVERHEAD_MS: u64 = 1_000;
/// A node is back from its journal within so long.
const MOST_RESTART_MS: u64 = 2_000;
/// A hundred open swaps ask at most so many times as much of a daemon as one: the calls are those of polling, and their
/// number in a second varies a little.
const MOST_GROWTH: f64 = 1.2;

/// How many swaps of each kind are played.
struct Scale {
    overhead: usize,
    sim: u64,
    real: usize,
}

const FULL: Scale = Scale {
    overhead: 5,
    sim: 1_000,
    real: 100,
};
const FEW: Scale = Scale {
    overhead: 1,
    sim: 30,
    real: 8,
};

#[derive(Clone, Debug, Serialize)]
struct Figures {
    #[serde(flatten)]
    overhead: overhead::Overhead,
    sim_1000: sim::Crowd,
    real_100: Real,
    rpc_calls_per_block: Calls,
    restart_1000_ms: u64,
    #[serde(skip)]
    crowds: [crowd::Crowd; 2],
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Real {
    ok: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Calls {
    #[serde(rename = "1")]
    one: f64,
    #[serde(rename = "100")]
    hundred: f64,
}

/// Plays swaps one after the other, a hundred at once on real daemons, a thousand at once on simulated chains, and
/// starts a node again in the middle of these.
pub(crate) async fn run(few: bool) -> Result<Report> {
    let scale = if few { FEW } else { FULL };
    let kofo = std::env::current_exe().context("cannot find our own program")?;
    let daemons = ground::daemons().await?;
    // Nodes that ask for news as they do on real chains.
    let config = ground::config(&daemons, TimelockPolicy::Standard)?;
    let overhead = overhead::measure(&daemons, &kofo, config, scale.overhead).await?;
    let crowds = [
        crowd::measure(&daemons, &kofo, 1).await?,
        crowd::measure(&daemons, &kofo, scale.real).await?,
    ];
    drop(daemons);
    let (sim_1000, restart_1000_ms) = tokio::task::spawn_blocking(move || sim::measure(scale.sim)).await??;
    let figures = Figures {
        overhead,
        sim_1000,
        real_100: Real {
            ok: crowds.iter().all(|crowd| crowd.ok),
        },
        rpc_calls_per_block: Calls {
            one: crowds[0].calls_per_block,
            hundred: crowds[1].calls_per_block,
        },
        restart_1000_ms,
        crowds,
    };
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures),
        missed: missed(&figures),
    })
}

fn text(figures: &Figures) -> String {
    let row = |what: &str, measured: String, limit: &str| vec![what.to_owned(), measured, limit.to_owned()];
    let yes = |ok: bool| if ok { "yes" } else { "no" }.to_owned();
    let overhead = figures.overhead;
    let seconds = format!(
        "BTC for ETH, a block every {} s and {} s",
        ground::BITCOIN_EVERY.as_secs(),
        ground::EVM_EVERY.as_secs()
    );
    let single = [
        row(
            "what the nodes add, ms (median)",
            grouped(overhead.overhead_ms),
            &grouped(MOST_OVERHEAD_MS),
        ),
        row("wall time, ms (mean)", grouped(overhead.wall_ms), ""),
        row(
            "what the nodes add, of the wall time",
            format!("{:.1}%", overhead.overhead_share * 100.0),
            "",
        ),
    ];
    let crowd = figures.sim_1000;
    let simulated = [
        row("all redeemed by both, books balance", yes(crowd.ok), "yes"),
        row("memory per swap, bytes", grouped(crowd.bytes_per_swap), ""),
        row(
            "processor time per block, ms",
            format!("{:.1}", crowd.cpu_ms_per_block),
            "",
        ),
        row(
            "restart until all that is owed is asked for, ms",
            grouped(figures.restart_1000_ms),
            &grouped(MOST_RESTART_MS),
        ),
    ];
    let real = [row(
        "all redeemed by both, balances conserve",
        yes(figures.real_100.ok),
        "yes",
    )];
    [
        markdown(&[&seconds, "measured", "limit"], &single),
        markdown(&["100 swaps at once on real daemons", "measured", "limit"], &real),
        calls(figures),
        markdown(
            &["1,000 swaps at once, simulated", "measured", "limit"],
            &simulated,
        ),
    ]
    .join("\n\n")
}

/// What a node asked of its daemons, by method.
fn calls(figures: &Figures) -> String {
    let Calls { one, hundred } = figures.rpc_calls_per_block;
    let [few, many] = &figures.crowds;
    let mut rows = vec![vec![
        "all, for each block".to_owned(),
        format!("{one:.1}"),
        format!("{hundred:.1}"),
    ]];
    let methods: std::collections::BTreeSet<_> = few.calls.keys().chain(many.calls.keys()).collect();
    for method in methods {
        let of = |calls: &counter::Calls| calls.get(method).copied().unwrap_or(0);
        let shown = |calls| format!("{:.1}", of(calls) as f64 / f64::from(crowd::BLOCKS));
        rows.push(vec![
            format!("{method}, for each block of its chain"),
            shown(&few.calls),
            shown(&many.calls),
        ]);
    }
    markdown(
        &["calls of a node to its daemons", "1 open swap", "100 open swaps"],
        &rows,
    )
}

fn missed(figures: &Figures) -> Vec<String> {
    let mut lines = Vec::new();
    if !figures.sim_1000.ok || !figures.real_100.ok {
        lines.push("MISSED: expected that all swaps are redeemed and the books balance".to_owned());
    }
    let mut limit = |what: &str, most: u64, measured: u64| {
        if measured > most {
            lines.push(format!(
                "LIMIT MISSED: {what}: expected at most {} ms, measured {}",
                grouped(most),
                grouped(measured)
            ));
        }
    };
    limit(
        "restart with 1,000 swaps",
        MOST_RESTART_MS,
        figures.restart_1000_ms,
    );
    limit(
        "what the nodes add to a swap",
        MOST_OVERHEAD_MS,
        figures.overhead.overhead_ms,
    );
    let Calls { one, hundred } = figures.rpc_calls_per_block;
    if hundred > one * MOST_GROWTH {
        lines.push(format!(
            "MISSED: expected as many calls a block with 100 open swaps as with 1, which are {one}, measured {hundred}"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let crowd = crowd::Crowd {
            ok: true,
            calls_per_block: 10.0,
            calls: counter::Calls::new(),
        };
        let overhead = overhead::Overhead {
            overhead_ms: MOST_OVERHEAD_MS,
            overhead_share: 0.1,
            wall_ms: 1,
        };
        Figures {
            overhead,
            sim_1000: sim::Crowd {
                ok: true,
                bytes_per_swap: 1,
                cpu_ms_per_block: 1.0,
            },
            real_100: Real { ok: true },
            rpc_calls_per_block: Calls {
                one: 10.0,
                hundred: 12.0,
            },
            restart_1000_ms: MOST_RESTART_MS,
            crowds: [crowd.clone(), crowd],
        }
    }

    #[test]
    fn figures_at_their_limits_are_no_miss() {
        assert_eq!(missed(&figures()), Vec::<String>::new());
    }

    #[test]
    fn each_figure_beyond_its_limit_is_told() {
        let told = |change: &dyn Fn(&mut Figures)| {
            let mut figures = figures();
            change(&mut figures);
            missed(&figures).concat()
        };
        let restart = told(&|f| f.restart_1000_ms += 1);
        assert!(
            restart.contains("restart") && restart.contains("at most 2,000 ms"),
            "{restart}"
        );
        assert!(told(&|f| f.overhead.overhead_ms += 1).contains("at most 1,000 ms, measured 1,001"));
        assert!(told(&|f| f.sim_1000.ok = false).contains("all swaps are redeemed"));
        assert!(told(&|f| f.real_100.ok = false).contains("all swaps are redeemed"));
        assert!(told(&|f| f.rpc_calls_per_block.hundred = 12.1).contains("measured 12.1"));
    }
}

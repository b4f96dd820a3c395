//! What many swaps at once take of a node.

mod process;
mod sim;

use anyhow::Result;
use serde::Serialize;

use crate::Report;
use crate::table::{grouped, markdown};

/// A node is back from its journal within so long.
const MOST_RESTART_MS: u64 = 2_000;

#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    sim_1000: sim::Crowd,
    restart_1000_ms: u64,
}

/// Plays a thousand swaps at once, and starts a node again in the middle of them.
pub(crate) async fn run() -> Result<Report> {
    let (sim_1000, restart_1000_ms) = tokio::task::spawn_blocking(sim::measure).await??;
    let figures = Figures {
        sim_1000,
        restart_1000_ms,
    };
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures),
        missed: missed(&figures),
    })
}

fn text(figures: &Figures) -> String {
    let row = |what: &str, measured: String, limit: &str| vec![what.to_owned(), measured, limit.to_owned()];
    let Figures {
        sim_1000: crowd,
        restart_1000_ms,
    } = figures;
    let ok = if crowd.ok { "yes" } else { "no" };
    let rows = [
        row("all redeemed by both, books balance", ok.to_owned(), "yes"),
        row("memory per swap, bytes", grouped(crowd.bytes_per_swap), ""),
        row(
            "processor time per block, ms",
            format!("{:.1}", crowd.cpu_ms_per_block),
            "",
        ),
        row(
            "restart until all that is owed is asked for, ms",
            grouped(*restart_1000_ms),
            &grouped(MOST_RESTART_MS),
        ),
    ];
    markdown(&["1,000 swaps at once", "measured", "limit"], &rows)
}

fn missed(figures: &Figures) -> Vec<String> {
    let mut lines = Vec::new();
    if !figures.sim_1000.ok {
        lines.push("MISSED: expected that all swaps are redeemed and the books balance".to_owned());
    }
    if figures.restart_1000_ms > MOST_RESTART_MS {
        lines.push(format!(
            "LIMIT MISSED: restart with 1,000 swaps: expected at most {} ms, measured {}",
            grouped(MOST_RESTART_MS),
            grouped(figures.restart_1000_ms)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_restart_and_a_lost_swap_are_told() {
        let figures = |ok, restart_1000_ms| Figures {
            sim_1000: sim::Crowd {
                ok,
                bytes_per_swap: 1,
                cpu_ms_per_block: 1.0,
            },
            restart_1000_ms,
        };
        assert!(missed(&figures(true, MOST_RESTART_MS)).is_empty());
        assert!(missed(&figures(true, MOST_RESTART_MS + 1))[0].contains("expected at most 2,000 ms"));
        assert!(missed(&figures(false, 1))[0].contains("all swaps are redeemed"));
    }
}

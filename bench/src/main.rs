//! Measures what this project says about itself. Method and results are in `docs/benchmarks.md` and
//! `docs/reliability.md`.
//!
//! * `onchain`: gas and virtual bytes of every on-chain act, of transactions mined by real daemons.
//! * `faults`: simulated swaps under faults that a seed chooses, and a death at every crash point.
//! * `exchange`: claims checked and booked, a book of a hundred thousand orders, a hundred nodes.
//! * `clearance`: orders that validators agree on, certificates, and the ledger after a million orders.
//! * `node`: memory of a light node and of a provider, calls and events a second, and how long a start takes.
//! * `swaps`: what the node adds to a swap, and what many of them at once take, on simulated chains and on real daemons.
//!
//! Exits with 1 when a figure misses its limit or money was lost, and says which.

mod clearance;
mod exchange;
mod faults;
mod node;
mod onchain;
mod process;
mod swaps;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::task::spawn_blocking;

/// Measures what this project says about itself.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Gas and virtual bytes of every on-chain act, on real anvil and bitcoind.
    Onchain {
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Simulated swaps under faults, one a seed, and a death at every journal sync and every effect.
    Faults {
        /// How many seeds, from 0.
        #[arg(long, default_value_t = faults::SEEDS)]
        seeds: u64,
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
    },
    /// What the node adds to a swap, and what many swaps at once take.
    Swaps {
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
        /// Play fewer swaps of each kind, to see that it works. Names and limits stay; no figure of it is one to quote.
        #[arg(long)]
        few: bool,
    },
    /// Claims checked and booked, a book of a hundred thousand orders, and a hundred nodes that trade claims for quotes.
    Exchange {
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
        /// Measure less of each, to see that it works. Names and limits stay; no figure of it is one to quote.
        #[arg(long)]
        few: bool,
    },
    /// Orders that four validators agree on, beside the curve alone; certificates; the ledger after a million orders.
    Clearance {
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
        /// Measure less of each, to see that it works. Names and limits stay; no figure of it is one to quote.
        #[arg(long)]
        few: bool,
        /// How many orders the ledger settles before it is measured, if not the million.
        #[arg(long)]
        settled: Option<u64>,
        /// Measure the orders of the four validators alone, so many in each of three rounds, to work on their speed.
        #[arg(long, conflicts_with_all = ["few", "settled"])]
        orders: Option<u64>,
    },
    /// Memory of an embedded light node and of a provider, calls and events a second, and how long a start takes.
    Node {
        /// Print the figures as one JSON object and nothing else on stdout.
        #[arg(long)]
        json: bool,
        /// Measure less of each, to see that it works. Names and limits stay; no figure of it is one to quote.
        #[arg(long)]
        few: bool,
        /// Run the node of this folder until it is killed: measurements start this program as their nodes.
        #[arg(long, hide = true)]
        data: Option<PathBuf>,
    },
}

/// What a benchmark has to say.
struct Report {
    /// The figures, for programs.
    json: String,
    /// The same and more, for people.
    text: String,
    /// A sentence for each figure that is not as it must be.
    missed: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (report, json) = match Arguments::parse().benchmark {
        Benchmark::Onchain { json } => (onchain::run().await?.report()?, json),
        Benchmark::Faults { seeds, json } => (spawn_blocking(move || faults::run(seeds)).await??, json),
        Benchmark::Swaps { json, few } => (swaps::run(few).await?, json),
        Benchmark::Exchange { json, few } => (exchange::run(few).await?, json),
        Benchmark::Clearance {
            json,
            orders: Some(orders),
            ..
        } => (clearance::orders_alone(orders).await?, json),
        Benchmark::Clearance {
            json, few, settled, ..
        } => (clearance::run(few, settled).await?, json),
        Benchmark::Node { data: Some(data), .. } => {
            node::be_a_node(data).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Benchmark::Node { json, few, .. } => (node::run(few).await?, json),
    };
    let text = if json { &report.json } else { &report.text };
    writeln!(std::io::stdout(), "{text}")?;
    for line in &report.missed {
        writeln!(std::io::stderr(), "{line}")?;
    }
    Ok(if report.missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

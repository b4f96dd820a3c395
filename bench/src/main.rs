//! Measures what this project says about itself. Method and results are in `docs/benchmarks.md`.
//!
//! * `onchain`: gas and virtual bytes of every on-chain act, of transactions mined by real daemons.
//!
//! Exits with 1 when a figure misses its limit, and says which.

mod onchain;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Benchmark::Onchain { json } = Arguments::parse().benchmark;
    let outcome = onchain::run().await?;
    let text = if json { outcome.json()? } else { outcome.text()? };
    writeln!(std::io::stdout(), "{text}")?;
    let missed = outcome.missed();
    for line in &missed {
        writeln!(std::io::stderr(), "{line}")?;
    }
    Ok(if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

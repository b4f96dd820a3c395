//! `kofo demo`: nodes swap on real daemons, or in memory, from nothing to a table of what became of the money.

mod books;
mod clearance;
mod daemons;
mod exchange;
mod follow;
mod ground;
mod memory;
mod play;
mod pools;
mod process;
mod row;
mod stage;
mod story;
mod table;

pub use books::{Books, Moved, balance};
pub use clearance::{Abandoned, City, Cleared, Council, FEE, Paid, SEATS, SYMBOL, Slashed, Twist};
pub use clearance::{abandon, check_sum, slashed, trade};
pub use daemons::{Daemons, NETWORK};
pub use exchange::{Asked, EXCHANGE, Map, Place, Settled, Town, TownBooks, Wish, claim, follow_claim};
pub use follow::{Follow, Tell};
pub use ground::{Cost, Ground, Purse, Units, Wallet};
pub use play::{Played, figures, last_timelock, play, waits};
pub use process::NodeProcess;
pub use row::{LegRow, Row, Sheet, Verdict, outside};
pub use stage::Stage;
pub use story::{Act, DIRECT, Ending, Who};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use kofo_regtest::Options;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// Brings up daemons and nodes, swaps, and shows what became of the money.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Which story; all of them if none is named.
    #[arg(value_enum)]
    pub story: Option<StoryName>,
    /// On chains in memory: no daemon, no child process, a few seconds. Only the story `direct`.
    #[arg(long)]
    pub sim: bool,
    /// One JSON object per swap, and per event of a claim, on standard output; all else goes to standard error.
    #[arg(long)]
    pub json: bool,
}

/// The stories there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoryName {
    /// Two nodes that agreed on a price swap without anybody between them.
    Direct,
    /// A wallet that knows one relay finds two providers through three relays, and swaps with them.
    Exchange,
    /// Validators make a trade final and divide its fee; a provider that does not lock is slashed.
    Clearance,
}

/// Plays the demo; an error if anything did not end as announced. Told to stop half-way, by Ctrl-C or TERM, it takes
/// daemons, nodes and their folders with it.
pub async fn run(args: DemoArgs) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch signals")?;
    tokio::select! {
        played = play_all(&args) => played,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("cannot listen for Ctrl-C")?;
            bail!("interrupted: daemons and nodes are stopped");
        }
        _ = terminate.recv() => bail!("told to end: daemons and nodes are stopped"),
    }
}

async fn play_all(args: &DemoArgs) -> Result<()> {
    let started = Instant::now();
    // Progress goes to people; standard output is for the figures alone.
    let tell: Tell = Arc::new(|line| {
        // Nobody reads: the demo goes on all the same.
        let _unread = writeln!(std::io::stderr().lock(), "{line}");
    });
    let sheet = Sheet { json: args.json };
    let stories: &[StoryName] = match (args.story, args.sim) {
        (Some(StoryName::Exchange | StoryName::Clearance), true) => {
            bail!("this story runs on daemons only: leave out --sim")
        }
        (Some(StoryName::Direct), _) | (None, true) => &[StoryName::Direct],
        (Some(StoryName::Exchange), false) => &[StoryName::Exchange],
        (Some(StoryName::Clearance), false) => &[StoryName::Clearance],
        (None, false) => &[StoryName::Direct, StoryName::Exchange, StoryName::Clearance],
    };
    for story in stories {
        match story {
            StoryName::Direct => play_direct(args.sim, sheet, &tell).await?,
            // On daemons of its own: the direct story leaves the chains' time hours ahead of our clock.
            StoryName::Exchange => {
                let (daemons, kofo) = (daemons(&tell).await?, kofo()?);
                exchange::play_exchange(daemons, &kofo, sheet, &tell).await?;
            }
            StoryName::Clearance => {
                let (daemons, kofo) = (daemons(&tell).await?, kofo()?);
                clearance::play_clearance(daemons, &kofo, sheet, &tell).await?;
            }
        }
    }
    (tell)(&format!(
        "done after {:.1} s; nothing is left running",
        started.elapsed().as_secs_f32()
    ));
    sheet.row(&Verdict { demo: "ok" })
}

async fn play_direct(sim: bool, sheet: Sheet, tell: &Tell) -> Result<()> {
    let started = Instant::now();
    let mut stage = if sim {
        Stage::in_memory().await?
    } else {
        let daemons = daemons(tell).await?;
        (tell)("two nodes are started");
        Stage::on_daemons(daemons, &kofo()?, NETWORK).await?
    };
    (tell)(&format!(
        "two nodes are ready after {:.1} s",
        started.elapsed().as_secs_f32()
    ));
    let before = stage.purses().await?;
    let mut played = Vec::new();
    for act in DIRECT {
        let swap = play(&mut stage, &act, tell).await?;
        sheet.row(&swap.row)?;
        played.push(swap);
    }
    let books = balance(&mut stage, before, &played).await?;
    let rows: Vec<_> = played.iter().map(|swap| &swap.row).collect();
    let names = Who::BOTH.map(Who::name);
    let assets = stage.ground().assets();
    for line in table::lines(assets, &rows, &names, [&books.before, &books.after])? {
        (tell)(&line);
    }
    for who in Who::BOTH {
        stage.stop(who).await?;
    }
    Ok(())
}

async fn daemons(tell: &Tell) -> Result<Arc<Daemons>> {
    let progress = Arc::clone(tell);
    let options = Options {
        progress: Arc::new(move |line| (progress)(line)),
        ..Options::default()
    };
    (tell)("bitcoind and two anvils are started; the first time they are fetched");
    let daemons = Arc::new(Daemons::up(options).await?);
    (tell)("the contracts are deployed");
    Ok(daemons)
}

fn kofo() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find our own program")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> Tell {
        Arc::new(|_| {})
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_swap_of_the_story_ends_as_announced_in_memory_and_no_unit_is_lost() {
        let mut stage = Stage::in_memory().await.unwrap();
        let before = stage.purses().await.unwrap();
        let mut played = Vec::new();
        for act in DIRECT {
            played.push(play(&mut stage, &act, &silent()).await.unwrap());
        }
        let books = balance(&mut stage, before, &played).await.unwrap();
        assert_ne!(books.before, books.after, "something was swapped");
        for Played { row, .. } in &played {
            assert!(
                row.alpha.lock_txid.is_some() && row.alpha.end_txid.is_some(),
                "{row:?}"
            );
            assert!(row.wall_ms >= row.overhead_ms, "{row:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_figure_that_is_wrong_by_one_unit_is_found() {
        let mut stage = Stage::in_memory().await.unwrap();
        let mut before = stage.purses().await.unwrap();
        let swap = play(&mut stage, &DIRECT[0], &silent()).await.unwrap();
        *before[0].has.get_mut("BTC").unwrap() += 1;
        let error = balance(&mut stage, before, &[swap])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the initiator has") && error.contains("BTC"),
            "{error}"
        );
    }
}

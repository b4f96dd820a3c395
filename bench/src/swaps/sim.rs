//! A thousand swaps at once between two nodes on simulated chains, and a node that starts again in the middle of them.

use std::time::Instant;

use anyhow::{Result, ensure};
use kofo_journal::{JournalKey, Store};
use kofo_settlement::{Outcome, Phase};
use kofo_tests::sim::{Who, World, copy_journal, restart};
use serde::Serialize;

use crate::process::{cpu_ms, resident_bytes};

const GIVE: [&str; 1] = ["bitcoin.btc"];
const WANT: [&str; 1] = ["ethereum.eth"];
/// Two hours of blocks: far more than a swap takes.
const MOST_STEPS: u64 = 720;

/// What a thousand swaps at once took.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Crowd {
    /// All were redeemed by both, and the books balance.
    pub(super) ok: bool,
    /// By how much this process had grown for each swap when the initiator's locks were sent: both nodes, their
    /// journals in memory, and the simulated chains.
    pub(super) bytes_per_swap: u64,
    /// Processor time for each block of each chain, from the first to the last: both nodes, and the chains.
    pub(super) cpu_ms_per_block: f64,
}

/// The swaps, and the milliseconds of a restart when all of them go on.
pub(super) fn measure(swaps: u64) -> Result<(Crowd, u64)> {
    let before = resident_bytes()?;
    let mut world = World::crowded(&GIVE, &WANT, swaps);
    let (mut cpu, mut steps) = (0, 0);
    let mut step = |world: &mut World| -> Result<()> {
        let start = cpu_ms()?;
        world.step();
        cpu += cpu_ms()? - start;
        steps += 1;
        ensure!(
            steps < MOST_STEPS,
            "the swaps are not over after {MOST_STEPS} blocks"
        );
        Ok(())
    };
    let sent = |phase: &Option<Phase>| *phase >= Some(Phase::LockSent);
    while !world.phases(Who::Initiator).iter().all(sent) {
        step(&mut world)?;
    }
    let grown = resident_bytes()?.saturating_sub(before);
    let restart_ms = restart_ms(&mut world, swaps)?;
    while !world.over() {
        step(&mut world)?;
    }
    let blocks = steps * u64::try_from(world.chains.len())?;
    let crowd = Crowd {
        ok: all_redeemed(&world),
        bytes_per_swap: grown / swaps.max(1),
        cpu_ms_per_block: (cpu as f64 / blocks as f64 * 10.0).round() / 10.0,
    };
    Ok((crowd, restart_ms))
}

fn all_redeemed(world: &World) -> bool {
    let redeemed = |phase: &Option<Phase>| *phase == Some(Phase::Done(Outcome::Redeemed));
    let ended = Who::BOTH
        .iter()
        .all(|who| world.phases(*who).iter().all(redeemed));
    ended && world.books(&GIVE, &WANT, true).is_ok()
}

/// From opening the initiator's journal, on disk, until all that its swaps owe was asked of the chains.
fn restart_ms(world: &mut World, swaps: u64) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let key = JournalKey::from_bytes([7; 32]);
    let mut store = Store::create(folder.path(), &key)?;
    copy_journal(world, Who::Initiator, &mut store)?;
    drop(store);
    let started = Instant::now();
    let store = Store::open(folder.path(), &key)?;
    let (live, effects) = restart(world, Who::Initiator, store)?;
    let took = started.elapsed();
    ensure!(
        u64::try_from(live)? == swaps,
        "expected that {swaps} swaps go on, got {live}"
    );
    // Two legs of each are watched again; what is owed beyond that differs.
    ensure!(
        effects >= 2 * swaps,
        "expected that all legs are watched, got {effects} effects"
    );
    Ok(u64::try_from(took.as_millis())?)
}

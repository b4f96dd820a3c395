//! Orders that validators take in, agree on and write down: how many a second, and how long each waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kofo_clearance::{Submission, SubmittedOrder};
use kofo_primitives::{Digest, order_id};
use kofo_validator::{Intake, Validator};
use tokio::task::{JoinHandle, spawn_blocking};

use super::town::Town;
use crate::process::cpu_ms;

/// So many orders wait at one validator at most while as many as possible are submitted.
const AHEAD: usize = 1_000;
/// So often somebody looks whether fewer wait.
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Which orders one validator was given and has not committed.
type Open = Arc<Mutex<HashMap<Digest, Instant>>>;

/// When each order was final at the validator that took it, and how long after it was submitted.
type Done = Arc<Mutex<Vec<(Instant, Duration)>>>;

struct Watched {
    intake: Arc<Intake>,
    open: Open,
    task: JoinHandle<()>,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees to it that what was committed counts as done.
fn watch(one: &Validator, done: &Done) -> Watched {
    let (intake, open, done) = (Arc::clone(one.intake()), Open::default(), Arc::clone(done));
    let mut head = one.head();
    let (pool, of) = (Arc::clone(intake.pool()), Arc::clone(&open));
    let task = tokio::spawn(async move {
        while head.changed().await.is_ok() {
            head.borrow_and_update();
            let now = Instant::now();
            let mut open = lock(&of);
            let gone = open.extract_if(|leaf, _| !pool.has(leaf));
            lock(&done).extend(gone.map(|(_, since)| (now, now.duration_since(since))));
        }
    });
    Watched { intake, open, task }
}

/// Submits one, as the validator's service does.
fn submit(to: &Watched, order: SubmittedOrder) -> Result<()> {
    let since = Instant::now();
    let leaf = to.intake.submit(Submission::Order(Box::new(order)))?;
    lock(&to.open).insert(leaf, since);
    Ok(())
}

/// What came of a load.
pub(super) struct Load {
    /// Committed a second, from the first submission to the last commit.
    pub(super) per_second: f64,
    /// How long each took, from being submitted to its certificate.
    pub(super) waits: Vec<Duration>,
    /// Processor time of all that this process did for one order (ms).
    pub(super) cpu_ms: f64,
    /// Heights, and those of them that took more than one round.
    pub(super) heights: u64,
    pub(super) again: u64,
}

/// Submits orders in turn to all validators, as fast as they take them (`every` none) or one every so often.
pub(super) async fn load(town: &Town, orders: Vec<SubmittedOrder>, every: Option<Duration>) -> Result<Load> {
    let (count, done) = (orders.len(), Done::default());
    let ids: Vec<_> = orders
        .iter()
        .map(|one| order_id(&one.claim.body, &one.fulfil.body, &one.select.body))
        .collect();
    let watched: Vec<_> = town.validators.iter().map(|one| watch(one, &done)).collect();
    let watched = Arc::new(watched);
    let to = Arc::clone(&watched);
    let (first, spent, start) = (town.height(), cpu_ms()?, Instant::now());
    let submitted = spawn_blocking(move || submit_all(&to, orders, every));
    submitted.await??;
    let begin = Instant::now();
    while lock(&done).len() < count {
        ensure!(
            begin.elapsed() < PATIENCE,
            "{} of {count} orders were committed within {PATIENCE:?} after the last was submitted",
            lock(&done).len()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (cpu, heights) = (cpu_ms()? - spent, town.height() - first);
    for one in watched.iter() {
        one.task.abort();
    }
    let store = town.validators.first().context("a validator")?.replica().store();
    town.reach(town.height() + 1).await?;
    for id in ids {
        ensure!(
            store.order(id)?.is_some(),
            "order {id} left the pool and was not committed"
        );
    }
    let mut again = 0;
    for height in first + 1..=first + heights {
        let certificate = store.certificate(height)?;
        again += u64::from(certificate.is_some_and(|one| one.round > 0));
    }
    let done = std::mem::take(&mut *lock(&done));
    let last = done.iter().map(|one| one.0).max().context("an order")?;
    Ok(Load {
        per_second: count as f64 / last.duration_since(start).as_secs_f64(),
        waits: done.into_iter().map(|(_, wait)| wait).collect(),
        cpu_ms: cpu as f64 / count as f64,
        heights,
        again,
    })
}

fn submit_all(to: &[Watched], orders: Vec<SubmittedOrder>, every: Option<Duration>) -> Result<()> {
    let start = Instant::now();
    // One thread for each validator, as its service has.
    let mut shares: Vec<Vec<(u32, SubmittedOrder)>> = to.iter().map(|_| Vec::new()).collect();
    for (nth, order) in (0..).zip(orders) {
        let share = shares.get_mut(nth as usize % to.len()).context("a share")?;
        share.push((nth, order));
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = to
            .iter()
            .zip(shares)
            .map(|(one, share)| scope.spawn(move || submit_share(one, share, start, every)))
            .collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread that submits died"))??;
        }
        Ok(())
    })
}

fn submit_share(
    to: &Watched,
    share: Vec<(u32, SubmittedOrder)>,
    start: Instant,
    every: Option<Duration>,
) -> Result<()> {
    for (nth, order) in share {
        match every {
            Some(every) => {
                std::thread::sleep((start + every * nth).saturating_duration_since(Instant::now()))
            }
            None => {
                while lock(&to.open).len() >= AHEAD {
                    std::thread::sleep(LOOK);
                }
            }
        }
        submit(to, order)?;
    }
    Ok(())
}

//! Swaps under attack, in simulation: as many seeds as wanted, and every crash point. An honest node ends with its asset or
//! with theirs; anything else is a violation.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use kofo_tests::sim::{ASSETS, CrashPoint, Story, TownCrash, Who, crash_points, run_seed};
use serde::Serialize;

use crate::Report;
use crate::table::{grouped, markdown};

/// So many seeds unless another number is wanted.
pub(crate) const SEEDS: u64 = 60_000;

/// Progress is told this often.
const TELL: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// More stories than these are not printed.
const MOST_STORIES: usize = 10;

/// Which node dies in which story.
const ENDINGS: [(Who, Story); 4] = [
    (Who::Initiator, Story::BothRedeem),
    (Who::Participant, Story::BothRedeem),
    (Who::Initiator, Story::TheParticipantNeverComes),
    (Who::Participant, Story::TheInitiatorGoesAfterItsLock),
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Figures {
    seeds: u64,
    violations: u64,
    crash_points: u64,
    crash_points_survived: u64,
}

/// One crash point of one pair of assets.
enum Point {
    /// Of two nodes that act alone.
    Alone {
        give: &'static str,
        want: &'static str,
        point: CrashPoint,
    },
    /// Of two nodes that help each other.
    Together(TownCrash),
}

impl Point {
    /// Whether the node died there and all ended well.
    fn survive(&self) -> Result<(), String> {
        let (died, name) = match self {
            Self::Alone { give, want, point } => (
                point.survive(&[give], &[want])?,
                format!("{point:?}, {give} for {want}"),
            ),
            Self::Together(crash) => (crash.survive()?, format!("{crash:?}")),
        };
        if died {
            Ok(())
        } else {
            Err(format!("{name}: not reached"))
        }
    }
}

/// What went wrong so far: how often, and the first stories.
#[derive(Default)]
struct Wrong {
    times: AtomicU64,
    stories: Mutex<Vec<String>>,
}

impl Wrong {
    fn tell(&self, story: String) {
        self.times.fetch_add(1, Ordering::Relaxed);
        let mut stories = self.stories.lock().expect("nobody panics while holding it");
        if stories.len() < MOST_STORIES {
            stories.push(story);
        }
    }
}

/// Runs the seeds from 0 and every crash point of four pairs of assets, on all cores.
pub(crate) fn run(seeds: u64) -> Result<Report> {
    let points = all_points()?;
    let started = Instant::now();
    let (lost, dead) = (Wrong::default(), Wrong::default());
    let crash_points = u64::try_from(points.len())?;
    side_by_side("crash points", crash_points, |nth| {
        let Some(at) = usize::try_from(nth).ok().and_then(|nth| points.get(nth)) else {
            return;
        };
        if let Err(wrong) = at.survive() {
            dead.tell(wrong);
        }
    });
    let points_took = started.elapsed();
    side_by_side("seeds", seeds, |seed| {
        if let Err(violation) = run_seed(seed) {
            lost.tell(violation.story);
        }
    });
    let figures = Figures {
        seeds,
        violations: lost.times.load(Ordering::Relaxed),
        crash_points,
        crash_points_survived: crash_points.saturating_sub(dead.times.load(Ordering::Relaxed)),
    };
    let took = (points_took, started.elapsed().saturating_sub(points_took));
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures, took),
        missed: missed(&figures, &dead, &lost),
    })
}

fn all_points() -> Result<Vec<Point>> {
    let mut points = Vec::new();
    // In a ring: every asset is given once and wanted once, one pair is of one chain.
    for (give, want) in ASSETS.into_iter().zip(ASSETS.into_iter().cycle().skip(1)) {
        for (who, story) in ENDINGS {
            let found = crash_points(who, story, &[give], &[want]);
            let found = found.map_err(|wrong| anyhow!("{story:?} without a crash: {wrong}"))?;
            points.extend(found.into_iter().map(|point| Point::Alone { give, want, point }));
        }
        let found = TownCrash::all(give, want);
        let found = found.map_err(|wrong| anyhow!("without a crash: {wrong}"))?;
        points.extend(found.into_iter().map(Point::Together));
    }
    Ok(points)
}

/// Does a job for every number below `all`, on every core, and tells on standard error how far it is.
fn side_by_side(what: &str, all: u64, job: impl Fn(u64) + Sync) {
    let (next, done, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= all {
                return;
            }
            job(nth);
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let tell = || {
        let mut told = Instant::now();
        while !over.load(Ordering::Relaxed) {
            thread::sleep(POLL);
            if told.elapsed() >= TELL {
                told = Instant::now();
                let done = grouped(done.load(Ordering::Relaxed));
                // Nobody reads: the work goes on all the same.
                let _unread = writeln!(std::io::stderr(), "{done} of {} {what}", grouped(all));
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        scope.spawn(tell);
        thread::scope(|workers| (0..cores).for_each(|_| drop(workers.spawn(work))));
        over.store(true, Ordering::Relaxed);
    });
}

fn text(figures: &Figures, (points_took, seeds_took): (Duration, Duration)) -> String {
    let row = |what: &str, tried: u64, survived: u64, took: Duration| {
        let seconds = format!("{:.1} s", took.as_secs_f64());
        vec![what.to_owned(), grouped(tried), grouped(survived), seconds]
    };
    let survived = figures.seeds.saturating_sub(figures.violations);
    let rows = [
        row(
            "swaps with faults chosen by a seed",
            figures.seeds,
            survived,
            seeds_took,
        ),
        row(
            "deaths at a sync, an effect or a message",
            figures.crash_points,
            figures.crash_points_survived,
            points_took,
        ),
    ];
    markdown(&["simulated", "tried", "survived", "took"], &rows)
}

fn missed(figures: &Figures, dead: &Wrong, lost: &Wrong) -> Vec<String> {
    let mut lines = Vec::new();
    for wrong in [dead, lost] {
        lines.extend(
            wrong
                .stories
                .lock()
                .expect("nobody panics while holding it")
                .iter()
                .cloned(),
        );
    }
    let died = figures.crash_points.saturating_sub(figures.crash_points_survived);
    if figures.violations > 0 || died > 0 {
        lines.push(format!(
            "{} seeds violated what must always hold and {died} crash points were not survived; the first of them are above",
            figures.violations
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_worked_on_once() {
        let seen = Mutex::new(Vec::new());
        side_by_side("numbers", 1_000, |nth| seen.lock().unwrap().push(nth));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_violation_is_counted_and_told_and_no_more_than_ten_are_told() {
        let (dead, lost) = (Wrong::default(), Wrong::default());
        (0..12).for_each(|seed| lost.tell(format!("seed {seed}: gone")));
        let figures = Figures {
            seeds: 20,
            violations: lost.times.load(Ordering::Relaxed),
            ..Figures::default()
        };
        let lines = missed(&figures, &dead, &lost);
        assert_eq!(figures.violations, 12);
        assert_eq!(
            (lines.len(), lines[0].as_str()),
            (MOST_STORIES + 1, "seed 0: gone")
        );
        assert!(missed(&Figures::default(), &dead, &Wrong::default()).is_empty());
    }
}

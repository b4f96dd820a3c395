//! One swap as a figure: what `--json` prints, and how the overhead is reckoned.

use super::ground::Cost;
use anyhow::{Context, Result};
use kofo_node::rpc::types::{ActSeen, LegStatus, OutcomeName, SwapStatus};
use serde::Serialize;
use std::io::Write;

/// One swap that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The story that it is part of.
    pub story: &'static str,
    /// What was given and what was got, such as `BTC/ETH`.
    pub pair: String,
    /// How it ended for the initiator.
    pub outcome: OutcomeName,
    /// What the initiator locked.
    pub alpha: LegRow,
    /// What the participant locked.
    pub beta: LegRow,
    /// From the acceptance until both nodes are done, in milliseconds.
    pub wall_ms: u64,
    /// `wall_ms` without the time in which a transaction was in a mempool or not yet as deep as it must be.
    pub overhead_ms: u64,
}

/// One leg of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegRow {
    /// The chain, by CAIP-2.
    pub chain: String,
    /// What was to be locked, such as `0.1 BTC`.
    pub amount: String,
    /// The transaction that locked it; none if nothing was locked.
    pub lock_txid: Option<String>,
    /// What the lock cost.
    pub lock_cost: Option<Cost>,
    /// `redeem`, `refund` or `cancel`.
    pub end: Option<String>,
    /// The transaction that ended it.
    pub end_txid: Option<String>,
    /// What that cost.
    pub end_cost: Option<Cost>,
}

/// The last row.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Verdict {
    /// Always `ok`: a demo that went wrong prints none.
    pub demo: &'static str,
}

/// Standard output of a demo: one JSON object a line, or nothing.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// Whether anything is printed.
    pub json: bool,
}

impl Sheet {
    /// Prints a row, if rows are printed.
    pub fn row(self, row: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let line = serde_json::to_string(row)?;
        writeln!(std::io::stdout().lock(), "{line}").context("cannot write to standard output")
    }
}

/// What both nodes saw of one act: its transaction and its height, where either of them knows.
#[must_use]
pub(super) fn act<'a>(both: &'a [SwapStatus; 2], leg: &str, kinds: &[&str]) -> Option<&'a ActSeen> {
    let seen = both.iter().flat_map(|status| acts(status, leg));
    let mut wanted = seen.filter(|act| kinds.contains(&act.act.as_str()));
    let first = wanted.next()?;
    if first.txid.is_some() {
        return Some(first);
    }
    Some(wanted.find(|act| act.txid.is_some()).unwrap_or(first))
}

fn acts<'a>(status: &'a SwapStatus, leg: &str) -> impl Iterator<Item = &'a ActSeen> {
    let legs = status.legs.iter().filter(move |l| l.leg.starts_with(leg));
    legs.flat_map(|l: &LegStatus| &l.acts)
}

/// Wall time and overhead of a swap that both nodes have ended. A transaction was waited for from when it was seen until
/// it was final, and in `waits`.
#[must_use]
pub(super) fn times(both: &[SwapStatus; 2], mut waits: Vec<(u64, u64)>) -> (u64, u64) {
    let [initiator, participant] = both;
    let start = participant.created_ms;
    let end = initiator.updated_ms.max(participant.updated_ms);
    let legs = both.iter().flat_map(|status| &status.legs);
    let seen = legs.flat_map(|leg| &leg.acts);
    waits.extend(seen.map(|act| (act.seen_ms, act.final_ms.unwrap_or(end))));
    (end.saturating_sub(start), outside(start, end, waits))
}

/// How much of `start..end` lies in none of the intervals.
#[must_use]
pub fn outside(start: u64, end: u64, mut intervals: Vec<(u64, u64)>) -> u64 {
    intervals.sort_unstable();
    let (mut at, mut sum) = (start, 0u64);
    for (from, to) in intervals {
        sum = sum.saturating_add(from.min(end).saturating_sub(at));
        at = at.max(to.min(end));
    }
    sum.saturating_add(end.saturating_sub(at))
}

#[cfg(test)]
mod tests {
    use super::outside;

    #[test]
    fn overhead_is_what_the_union_of_the_waits_leaves_over() {
        assert_eq!(outside(100, 200, vec![]), 100);
        assert_eq!(outside(100, 200, vec![(100, 200)]), 0);
        assert_eq!(
            outside(100, 200, vec![(150, 170), (110, 120)]),
            70,
            "in any order"
        );
        assert_eq!(
            outside(100, 200, vec![(110, 150), (120, 130), (140, 160)]),
            50,
            "overlaps count once"
        );
        assert_eq!(
            outside(100, 200, vec![(0, 110), (190, 900)]),
            80,
            "what is before and after does not count"
        );
        assert_eq!(outside(100, 200, vec![(300, 400), (0, 50)]), 100);
    }
}

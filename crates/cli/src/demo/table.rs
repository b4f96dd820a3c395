//! The table at the end of the demo.

use super::books::Books;
use super::ground::{Cost, Ground};
use super::row::{LegRow, Row};
use super::story::Who;
use anyhow::Result;
use kofo_primitives::Amount;

/// All swaps and both nodes' balances, as lines for people.
pub(super) fn lines(ground: &Ground, rows: &[&Row], books: &Books) -> Result<Vec<String>> {
    let mut lines = vec![String::new(), "swaps".to_owned()];
    for row in rows {
        let seconds = |ms: u64| format!("{}.{:01} s", ms / 1000, ms % 1000 / 100);
        let (wall, overhead) = (seconds(row.wall_ms), seconds(row.overhead_ms));
        lines.push(format!(
            "  {:<9} {:<8} in {wall}, {overhead} of it without waiting for a block",
            row.pair,
            row.outcome.to_string()
        ));
        for (name, leg) in [("alpha", &row.alpha), ("beta", &row.beta)] {
            leg_lines(&mut lines, name, leg);
        }
    }
    lines.push(String::new());
    lines.push(format!(
        "{:<12} {:<5} {:>28} {:>28}",
        "balances", "", "before", "after"
    ));
    for (who, (before, after)) in Who::BOTH.into_iter().zip(books.before.iter().zip(&books.after)) {
        for asset in ground.assets().iter() {
            let of =
                |units: Option<&u128>| Amount::new(units.copied().unwrap_or(0)).display_units(asset.decimals);
            let (then, now) = (
                of(before.has.get(&asset.symbol)),
                of(after.has.get(&asset.symbol)),
            );
            lines.push(format!(
                "{:<12} {:<5} {then:>28} {now:>28}",
                who.name(),
                asset.symbol
            ));
        }
    }
    for (who, after) in Who::BOTH.into_iter().zip(&books.after) {
        for (symbol, units) in after.gas.iter().filter(|(_, units)| **units > 0) {
            let asset = ground.assets().by_symbol(symbol)?;
            let paid = ground.assets().show(&asset.id, Amount::new(*units));
            lines.push(format!("{:<12} paid {paid} for gas in all", who.name()));
        }
    }
    lines.push(
        "every balance is what it was before, and what was swapped, less these fees, to the last unit"
            .to_owned(),
    );
    Ok(lines)
}

fn leg_lines(lines: &mut Vec<String>, name: &str, leg: &LegRow) {
    lines.push(format!("    {name:<6} {} on {}", leg.amount, leg.chain));
    let end = leg.end.as_deref().unwrap_or("no end");
    for (act, txid, cost) in [
        ("lock", &leg.lock_txid, &leg.lock_cost),
        (end, &leg.end_txid, &leg.end_cost),
    ] {
        let Some(txid) = txid else {
            continue;
        };
        let cost = cost
            .as_ref()
            .map(|Cost { size, unit, fee, .. }| format!("{size} {unit}, {fee}"));
        lines.push(format!("      {act:<7} {txid}  {}", cost.unwrap_or_default()));
    }
}

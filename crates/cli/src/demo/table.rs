//! The table at the end of the demo.

use super::ground::{Cost, Purse};
use super::row::{LegRow, Row};
use anyhow::Result;
use kofo_node::assets::Assets;
use kofo_primitives::Amount;

/// All swaps and what these nodes had before and have after, as lines for people.
pub(super) fn lines(
    assets: &Assets,
    rows: &[&Row],
    names: &[&str],
    [before, after]: [&[Purse]; 2],
) -> Result<Vec<String>> {
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
    for (name, (before, after)) in names.iter().zip(before.iter().zip(after)) {
        for asset in assets.iter() {
            let of =
                |units: Option<&u128>| Amount::new(units.copied().unwrap_or(0)).display_units(asset.decimals);
            let (then, now) = (
                of(before.has.get(&asset.symbol)),
                of(after.has.get(&asset.symbol)),
            );
            lines.push(format!("{name:<12} {:<5} {then:>28} {now:>28}", asset.symbol));
        }
    }
    for (name, after) in names.iter().zip(after) {
        for (symbol, units) in after.gas.iter().filter(|(_, units)| **units > 0) {
            let asset = assets.by_symbol(symbol)?;
            let paid = assets.show(&asset.id, Amount::new(*units));
            lines.push(format!("{name:<12} paid {paid} for gas in all"));
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

//! Conservation: what nodes must have after some swaps, to the smallest unit, and whether they do.

use super::ground::{Ground, Purse, Units};
use super::play::Played;
use super::row::{LegRow, Row};
use super::stage::Stage;
use super::story::Who;
use anyhow::{Context, Result, bail};
use kofo_node::assets::Assets;
use kofo_primitives::Amount;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A wallet on a daemon has seen its last transaction within so long.
pub(super) const SETTLED: Duration = Duration::from_secs(20);
pub(super) const POLL: Duration = Duration::from_millis(100);

/// What both nodes had before and have after.
#[derive(Debug)]
pub struct Books {
    /// Before the first swap.
    pub before: [Purse; 2],
    /// After the last.
    pub after: [Purse; 2],
}

/// A swap between two of some nodes.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a> {
    /// Its figures.
    pub row: &'a Row,
    /// Who locked alpha and who locked beta, by their places among the nodes.
    pub lockers: [usize; 2],
}

/// Waits until both nodes have what the swaps left them, less what they paid; an error with both figures if they never
/// do.
pub async fn balance(stage: &mut Stage, before: [Purse; 2], played: &[Played]) -> Result<Books> {
    let patience = match stage.ground() {
        Ground::Daemons(_) => SETTLED,
        Ground::Memory(_) => POLL,
    };
    let deadline = Instant::now() + patience;
    let moved: Vec<_> = played.iter().map(|swap| both(&swap.row)).collect();
    loop {
        let after = stage.purses().await?;
        let names = Who::BOTH.map(Who::name);
        let wrong = differences(stage.ground().assets(), &names, [&before, &after], &moved)?;
        if wrong.is_empty() {
            return Ok(Books { before, after });
        }
        if Instant::now() > deadline {
            bail!("balances are not conserved: {}", wrong.join("; "));
        }
        tokio::time::sleep(POLL).await;
    }
}

const fn both(row: &Row) -> Moved<'_> {
    let lockers = [Who::Initiator.index(), Who::Participant.index()];
    Moved { row, lockers }
}

/// What any of these nodes has, after these swaps, that it should not have, or has not and should have: a sentence each.
pub(super) fn differences(
    assets: &Assets,
    names: &[&str],
    [before, after]: [&[Purse]; 2],
    moved: &[Moved],
) -> Result<Vec<String>> {
    let mut expected: Vec<_> = before.iter().map(|purse| purse.has.clone()).collect();
    for (node, (then, now)) in expected.iter_mut().zip(before.iter().zip(after)) {
        for (symbol, paid) in &now.gas {
            let earlier = then.gas.get(symbol).copied().unwrap_or(0);
            take(node, symbol, paid.saturating_sub(earlier))?;
        }
    }
    let mut paid = BTreeSet::new();
    for Moved { row, lockers } in moved {
        let [first, second] = *lockers;
        settle(assets, &mut expected, [first, second], &row.alpha, &mut paid)?;
        settle(assets, &mut expected, [second, first], &row.beta, &mut paid)?;
    }
    let mut wrong = Vec::new();
    for (name, (expected, after)) in names.iter().zip(expected.iter().zip(after)) {
        for (symbol, units) in expected {
            let have = after.has.get(symbol).copied().unwrap_or(0);
            if have != *units {
                wrong.push(format!(
                    "the {name} has {have} units of {symbol}, expected {units}"
                ));
            }
        }
    }
    Ok(wrong)
}

/// What one leg moved from its locker to the other one, and the fees that came out of it. `paid` has the transactions
/// whose fee was counted: one may end the legs of many swaps.
fn settle(
    assets: &Assets,
    nodes: &mut [Units],
    [locker, other]: [usize; 2],
    leg: &LegRow,
    paid: &mut BTreeSet<String>,
) -> Result<()> {
    let (asset, amount) = assets.parse(&leg.amount)?;
    let symbol = assets.by_id(&asset)?.symbol.clone();
    let redeemed = leg.end.as_deref() == Some("redeem");
    if redeemed {
        take(&mut nodes[locker], &symbol, amount.units())?;
        give(&mut nodes[other], &symbol, amount)?;
    }
    let ender = if redeemed { other } else { locker };
    let (lock, end) = ((&leg.lock_txid, &leg.lock_cost), (&leg.end_txid, &leg.end_cost));
    for (payer, (txid, cost)) in [(locker, lock), (ender, end)] {
        let counted = txid.as_ref().is_some_and(|txid| paid.contains(txid));
        // Gas is in the accounts' purses already.
        if let Some(cost) = cost.as_ref().filter(|cost| cost.unit != "gas" && !counted) {
            take(&mut nodes[payer], &cost.symbol, cost.units)?;
            paid.extend(txid.clone());
        }
    }
    Ok(())
}

fn take(node: &mut Units, symbol: &str, units: u128) -> Result<()> {
    let has = node.entry(symbol.to_owned()).or_default();
    *has = has
        .checked_sub(units)
        .with_context(|| format!("more {symbol} was spent than there was"))?;
    Ok(())
}

fn give(node: &mut Units, symbol: &str, amount: Amount) -> Result<()> {
    let has = node.entry(symbol.to_owned()).or_default();
    *has = has
        .checked_add(amount.units())
        .with_context(|| format!("more {symbol} than a number holds"))?;
    Ok(())
}

//! The rules of a new network, by profile.

use anyhow::{Context, Result};
use clap::ValueEnum;
use kofo_clearance::{LedgerAsset, PairRule, Params};
use kofo_primitives::{Amount, AssetId, NetworkId, NodeId, Text};

/// The decimals of an asset that is told none: with 6 a fee of 0.3 is 300,000 units.
pub const DECIMALS: u8 = 6;
/// An asset has at most so many decimals: more would leave no room for whole units beside the weights.
pub const MOST_DECIMALS: u8 = 18;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// Which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// 25 seats, no power over 12 %, epochs of a day.
    Council,
    /// For trials: 4 seats, epochs of a minute.
    Dev,
}

/// An asset of a network's ledger, whose least amounts are round sums; `None` if its symbol is no word.
#[must_use]
pub fn ledger_asset(network: &NetworkId, symbol: &str, decimals: u8) -> Option<LedgerAsset> {
    let id = format!("kofo:{network}/ledger:{symbol}").to_ascii_lowercase();
    let asset = AssetId::new(&id).ok()?;
    let unit = 10u128.checked_pow(u32::from(decimals))?;
    let whole = |count: u128| unit.checked_mul(count).map(Amount::new);
    Some(LedgerAsset {
        asset,
        symbol: Text::new(&symbol.to_ascii_uppercase())?,
        decimals,
        min_fee: Amount::new((unit / 1_000).max(1)),
        min_bond: whole(1)?,
        weight_cap: whole(1_000_000)?,
        double_quote: whole(10)?,
    })
}

pub(super) fn params(
    profile: Profile,
    foundation: NodeId,
    assets: Vec<LedgerAsset>,
    pairs: Vec<PairRule>,
) -> Result<Params> {
    let dev = profile == Profile::Dev;
    let of = |council: u64, trial: u64| if dev { trial } else { council };
    let stake = assets.first().context("a ledger has an asset")?;
    Ok(Params {
        seats: if dev { 4 } else { 25 },
        // A cap of all is none.
        power_cap_bps: if dev { 10_000 } else { 1_200 },
        epoch_ms: of(DAY, MINUTE),
        unbond_ms: of(7 * DAY, 2 * MINUTE),
        unstake_ms: of(21 * DAY, 5 * MINUTE),
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation,
        stake: stake.asset.clone(),
        min_stake: stake.min_bond,
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 100,
        cancel_bps: 1_000,
        double_vote_bps: 120,
        // Twenty minutes at a height a second; in a trial whoever was killed may come back.
        missed_heights: if dev { 100_000 } else { 1_200 },
        missed_bps: if dev { 0 } else { 120 },
        jail_ms: of(DAY, MINUTE),
        unobserved_ms: of(DAY, 10 * MINUTE),
        unclear_ms: of(DAY, 10 * MINUTE),
        points_trades: 10_000_000,
        clock_ms: 10 * SECOND,
        max_batch_bytes: 1 << 20,
        assets,
        pairs,
        proofs: Vec::new(),
    })
}

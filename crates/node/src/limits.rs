//! How much may leave without a second word of the owner: per swap, per hour and in flight, of each asset.
//!
//! What was given away so far is read off the swaps, which are replayed from the journal: no restart forgets it. Money is in
//! flight from the moment a swap begins, or a quote of ours binds, until the swap has ended. Whatever is above a limit is
//! not refused: it waits, with nothing locked, for [`crate::driver::Driver::approve`], and no longer than there is time for
//! our lock. Quotes are another thing: above a limit there is none.

mod used;

use crate::assets::{AssetError, Assets};
use crate::config::LimitConfig;
use crate::driver::Driver;
use crate::rpc::types::AssetAmount;
use kofo_journal::Journal;
use kofo_primitives::{Amount, AssetId};
use kofo_settlement::Terms;
use std::collections::BTreeMap;
use used::{plus, used};

/// The limits of a node, by asset. What has none is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    of: BTreeMap<AssetId, AssetLimit>,
    assets: Assets,
}

/// The limits of one asset, in its smallest unit; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetLimit {
    /// Of one swap.
    pub per_swap: Option<Amount>,
    /// Of all swaps that began within an hour.
    pub per_hour: Option<Amount>,
    /// Of all swaps that go on.
    pub in_flight: Option<Amount>,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of one swap.
    PerSwap,
    /// Of an hour.
    PerHour,
    /// Of what is in flight.
    InFlight,
}

/// More than a limit lets go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{have} would {what}, the limit is {most}", what = which.what())]
pub struct Over {
    /// Which limit.
    pub which: Which,
    /// What it would come to.
    pub have: AssetAmount,
    /// The limit.
    pub most: AssetAmount,
}

impl Which {
    const fn what(self) -> &'static str {
        match self {
            Self::PerSwap => "be given in one swap",
            Self::PerHour => "be given within an hour",
            Self::InFlight => "be in flight",
        }
    }
}

impl Limits {
    /// The limits of a configuration.
    pub fn new(config: &[LimitConfig], assets: &Assets) -> Result<Self, AssetError> {
        let mut of = BTreeMap::new();
        for line in config {
            let asset = assets.by_symbol(&line.symbol)?;
            let read = |text: &Option<String>| {
                let units = text
                    .as_deref()
                    .map(|text| Amount::parse_units(text, asset.decimals));
                units.transpose().map_err(|why| AssetError::Amount {
                    symbol: asset.symbol.clone(),
                    why,
                })
            };
            let limit = AssetLimit {
                per_swap: read(&line.per_swap)?,
                per_hour: read(&line.per_hour)?,
                in_flight: read(&line.in_flight)?,
            };
            of.insert(asset.id.clone(), limit);
        }
        let assets = assets.clone();
        Ok(Self { of, assets })
    }

    /// The limits of an asset, if it has any.
    #[must_use]
    pub fn of(&self, asset: &AssetId) -> Option<AssetLimit> {
        self.of.get(asset).copied()
    }

    /// The first limit that a swap with these terms would exceed, if it began now (unix ms); `promised` is what quotes of
    /// ours promise besides.
    pub fn over<J: Journal>(
        &self,
        driver: &Driver<J>,
        terms: &Terms,
        promised: &BTreeMap<AssetId, Amount>,
        now_ms: u64,
    ) -> Option<Over> {
        let mut give: BTreeMap<&AssetId, Amount> = BTreeMap::new();
        for (_, leg) in terms.outgoing() {
            let sum = give.entry(&leg.spec.asset).or_insert(Amount::ZERO);
            *sum = plus(*sum, leg.spec.amount);
        }
        let exceeds = |(asset, give): (&AssetId, Amount)| {
            let promised = promised.get(asset).copied().unwrap_or(Amount::ZERO);
            self.exceeds(driver, (asset, give), promised, now_ms)
        };
        give.into_iter().find_map(exceeds)
    }

    /// The first limit that is exceeded if so much more of an asset is given away now (unix ms), beside what is promised.
    pub fn exceeds<J: Journal>(
        &self,
        driver: &Driver<J>,
        (asset, give): (&AssetId, Amount),
        promised: Amount,
        now_ms: u64,
    ) -> Option<Over> {
        let limit = self.of.get(asset)?;
        let so_far = used(driver, asset, now_ms);
        let more = plus(promised, give);
        let all = [
            (Which::PerSwap, limit.per_swap, give),
            (Which::PerHour, limit.per_hour, plus(so_far.hour, more)),
            (Which::InFlight, limit.in_flight, plus(so_far.in_flight, more)),
        ];
        let (which, most, have) = all.into_iter().find_map(|(which, most, have)| {
            most.filter(|most| have > *most).map(|most| (which, most, have))
        })?;
        let money = |amount| self.assets.money(asset, amount);
        Some(Over {
            which,
            have: money(have),
            most: money(most),
        })
    }
}

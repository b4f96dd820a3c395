//! What makes an offer acceptable now.

use kofo_primitives::{
    AssetId, LegId, NetworkId, NodeId, Offer, OfferedLeg, OrderError, Place, Seconds, Side,
};
use kofo_primitives::{Signed, UnixTime};

/// No offer is good for longer. Until it expires its maker is bound to a price and its taker is not.
pub const MAX_VALIDITY: Seconds = Seconds(7 * 24 * 3600);

/// What an offer is held against: our network, our clock, who we are, and what we know.
#[derive(Clone, Copy)]
pub struct Now<'a> {
    /// The network of our node.
    pub network: &'a NetworkId,
    /// See [`trading_time`].
    pub time: UnixTime,
    /// Ourselves.
    pub us: NodeId,
    /// Where our node locks an asset, or `None` if it does not know the asset or its chain.
    pub place: &'a dyn Fn(&AssetId) -> Option<Place>,
}

/// The time by which offers expire: the later of our clock and the slowest chain's own time. A clock that is set back
/// does not bring an offer to life again while the chains go on.
#[must_use]
pub fn trading_time(clock: UnixTime, chains: impl IntoIterator<Item = UnixTime>) -> UnixTime {
    chains
        .into_iter()
        .min()
        .map_or(clock, |slowest| slowest.max(clock))
}

/// An offer that was right when it was looked at. Only [`acceptable`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptable(Signed<Offer>);

impl Acceptable {
    /// The offer.
    #[must_use]
    pub const fn offer(&self) -> &Offer {
        &self.0.body
    }

    /// The offer as it was signed, for the acceptance and the order.
    #[must_use]
    pub const fn signed(&self) -> &Signed<Offer> {
        &self.0
    }

    /// The same, given away.
    #[must_use]
    pub fn into_signed(self) -> Signed<Offer> {
        self.0
    }
}

/// Why an offer is not to be accepted now. Nothing was changed and nothing locked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Wrong by itself, at any time and for anyone: altered, unsigned, without legs, with a fee.
    #[error("this is no offer: {0}")]
    Wrong(#[from] OrderError),
    /// Of another set of chains and nodes.
    #[error(
        "the offer is of network {theirs}, this node is on {ours}: use a node of {theirs}, or ask for another offer"
    )]
    Network {
        /// Ours.
        ours: NetworkId,
        /// The offer's.
        theirs: NetworkId,
    },
    /// We made it.
    #[error("the offer is our own ({0}): send it to whom you want to swap with")]
    Own(NodeId),
    /// Too late.
    #[error("the offer expired {ago} ago: ask its maker for a new one")]
    Expired {
        /// How long ago.
        ago: Seconds,
    },
    /// Bound for longer than anybody should be.
    #[error(
        "the offer is good for {left} more, expected at most {MAX_VALIDITY}: check both clocks, or ask for a shorter one"
    )]
    TooLong {
        /// How long it would still be good.
        left: Seconds,
    },
    /// An asset, or its chain, that we are not set up for.
    #[error(
        "{leg} is in {asset}, which this node does not know: check the id, or add the asset to the configuration"
    )]
    UnknownAsset {
        /// The leg.
        leg: LegId,
        /// Its asset.
        asset: AssetId,
    },
    /// The same asset is given and wanted.
    #[error("{asset} is on both sides: expected two different assets")]
    SameAsset {
        /// The asset.
        asset: AssetId,
    },
    /// Locked elsewhere than this network locks: perhaps in a contract that its maker controls.
    #[error("{leg} would be locked at {theirs:?}, this network locks {asset} at {ours:?}: do not accept it")]
    Place {
        /// The leg.
        leg: LegId,
        /// Its asset.
        asset: AssetId,
        /// Ours.
        ours: Place,
        /// The offer's.
        theirs: Place,
    },
}

/// Whether the offer may be accepted now. Rules in the order in which they are checked: right by itself, our network,
/// not our own, not expired, not good for too long, two different assets, each asset known and locked where this
/// network locks it.
///
/// What a chain says about it (dust, fees, funds, timelocks) is asked of the adapters and the settlement layer after
/// this; whether offer and hashlock are fresh, of [`crate::Seen`].
pub fn acceptable(offer: Signed<Offer>, now: &Now<'_>) -> Result<Acceptable, Refused> {
    offer.check()?;
    let body = &offer.body;
    if &body.network != now.network {
        return Err(Refused::Network {
            ours: now.network.clone(),
            theirs: body.network.clone(),
        });
    }
    if body.maker == now.us {
        return Err(Refused::Own(now.us));
    }
    if now.time > body.expires {
        return Err(Refused::Expired {
            ago: body.expires.until(now.time),
        });
    }
    let left = now.time.until(body.expires);
    if left > MAX_VALIDITY {
        return Err(Refused::TooLong { left });
    }
    if let Some(both) = body
        .give
        .iter()
        .find(|g| body.want.iter().any(|w| w.asset == g.asset))
    {
        return Err(Refused::SameAsset {
            asset: both.asset.clone(),
        });
    }
    for (side, legs) in [(Side::Alpha, &body.give), (Side::Beta, &body.want)] {
        for (index, leg) in (0..).zip(legs) {
            known(LegId { side, index }, leg, now)?;
        }
    }
    Ok(Acceptable(offer))
}

fn known(leg: LegId, offered: &OfferedLeg, now: &Now<'_>) -> Result<(), Refused> {
    let asset = offered.asset.clone();
    match (now.place)(&asset) {
        None => Err(Refused::UnknownAsset { leg, asset }),
        Some(ours) if ours != offered.place => Err(Refused::Place {
            leg,
            asset,
            ours,
            theirs: offered.place.clone(),
        }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;

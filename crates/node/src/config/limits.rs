//! How much may leave without a second word of the owner, as the configuration says it.

use crate::assets::Assets;

/// The limits of one asset: decimal text in whole units; what is `None` is not limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitConfig {
    /// The asset's symbol.
    pub symbol: String,
    /// Of one swap.
    pub per_swap: Option<String>,
    /// Of all swaps that began within an hour.
    pub per_hour: Option<String>,
    /// Of all swaps that go on.
    pub in_flight: Option<String>,
}

/// What a new folder begins with: the last part of the asset's name with its chain's family, per swap, per hour and in
/// flight. Sums that are a nuisance to lose and no ruin.
const USUAL: [(&str, &str, [&str; 3]); 2] = [
    ("bip122:", "/slip44:0", ["1", "5", "5"]),
    ("eip155:", "/slip44:60", ["20", "100", "100"]),
];

impl LimitConfig {
    /// What a new folder begins with. Coins of which nobody knows the worth have no limit.
    #[must_use]
    pub fn usual(assets: &Assets) -> Vec<Self> {
        let limit = |asset: &crate::assets::Asset| {
            let id = asset.id.as_str();
            let of = |(family, coin, _): &&(&str, &str, _)| id.starts_with(family) && id.ends_with(coin);
            let (_, _, [per_swap, per_hour, in_flight]) = USUAL.iter().find(of)?;
            Some(Self {
                symbol: asset.symbol.clone(),
                per_swap: Some((*per_swap).to_owned()),
                per_hour: Some((*per_hour).to_owned()),
                in_flight: Some((*in_flight).to_owned()),
            })
        };
        let mut usual: Vec<_> = assets.iter().filter_map(limit).collect();
        usual.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        usual
    }
}

//! Book beacons: what somebody would trade at now, as a hint for everybody. Only a quote binds.

#[cfg(test)]
pub(crate) mod tests;

use crate::listing::GossipError;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, Digest, NetworkId, NodeId, NodeKey, Ratio, Signed, message_id};

/// Levels on each side of a beacon, at most.
pub const MAX_LEVELS: usize = 16;

/// A beacon is good for so long at most (ms).
pub const MAX_BEACON_TTL_MS: u64 = 60_000;

/// So much at that price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Level {
    /// In a beacon: so much of the quote asset for so much of the base asset, in smallest units. In a provider's own
    /// levels: what is given for what is taken.
    pub price: Ratio,
    /// In a beacon: of the base asset, in smallest units. In a provider's own levels: of what is taken.
    pub size: Amount,
}

impl Level {
    /// The same level seen from the other asset, rounded down; `None` if that is nothing or beyond 128 bits.
    #[must_use]
    pub fn flipped(self) -> Option<Self> {
        let size = self.price.of(self.size).filter(|size| *size != Amount::ZERO)?;
        let price = self.price.inverse();
        Some(Self { price, size })
    }
}

/// Both sides of a book, the best level first.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sides {
    /// At which base is sold: rising prices.
    pub asks: Vec<Level>,
    /// At which base is bought: falling prices.
    pub bids: Vec<Level>,
}

impl Sides {
    /// The sides of a pair, out of what is given for base (`bids`) and what is given for quote (`asks`), each as
    /// [`crate::Provider::levels`] has them. Asks that cross a bid are left out: several sources may disagree.
    #[must_use]
    pub fn of_levels(for_base: Vec<Level>, for_quote: &[Level]) -> Self {
        let best = for_base.first().map(|bid| bid.price);
        let asks = for_quote.iter().filter_map(|level| level.flipped());
        Self {
            asks: asks
                .filter(|ask| best.is_none_or(|bid| bid < ask.price))
                .collect(),
            bids: for_base,
        }
    }
}

/// The two assets of a pair as a beacon names them: base and quote.
#[must_use]
pub fn base_and_quote<'a>(a: &'a AssetId, b: &'a AssetId) -> (&'a AssetId, &'a AssetId) {
    if a < b { (a, b) } else { (b, a) }
}

/// What a maker would trade at now. Its key is made for beacons alone, so that a beacon tells nobody whose it is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BookBeacon {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The asset that is priced: of the two the one whose id sorts first, so that one pair has one book.
    pub base: AssetId,
    /// The asset that it is priced in.
    pub quote: AssetId,
    /// The levels; none at all withdraws an earlier beacon.
    pub sides: Sides,
    /// When it was made (unix ms).
    pub created_ms: u64,
    /// How long it is good for (ms): 1 … [`MAX_BEACON_TTL_MS`].
    pub ttl_ms: u64,
    /// Counts up: of two beacons of one key and pair the higher number is the newer.
    pub sequence: u64,
    /// Who signs it.
    pub key: NodeId,
}

impl BookBeacon {
    /// From then on it says nothing (unix ms).
    #[must_use]
    pub const fn expires_ms(&self) -> u64 {
        self.created_ms.saturating_add(self.ttl_ms)
    }

    /// `H("kofo/beacon/v1", network, beacon)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        message_id("kofo/beacon/v1", &self.network, self)
    }

    /// Signs the beacon with its own key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.digest(), self)
    }

    /// Whether the beacon is right by itself; the signature, which costs most, is checked last.
    pub fn check(signed: &Signed<Self>) -> Result<(), GossipError> {
        signed.body.shape()?;
        let digest = signed.body.digest();
        Ok(signed.body.key.verify(&digest, &signed.signature)?)
    }

    /// All of [`BookBeacon::check`] but the signature.
    pub(crate) fn shape(&self) -> Result<(), GossipError> {
        if self.version != 1 {
            return Err(GossipError::Version(self.version));
        }
        if self.base >= self.quote {
            return Err(GossipError::Pair);
        }
        if self.ttl_ms == 0 || self.ttl_ms > MAX_BEACON_TTL_MS {
            return Err(GossipError::Life {
                ttl_ms: self.ttl_ms,
                most_ms: MAX_BEACON_TTL_MS,
            });
        }
        let Sides { asks, bids } = &self.sides;
        let have = asks.len().max(bids.len());
        if have > MAX_LEVELS {
            return Err(GossipError::TooMany {
                what: "levels on a side",
                have,
                most: MAX_LEVELS,
            });
        }
        let rises = |side: &[Level], up: bool| {
            side.windows(2).all(|two| match two {
                [a, b] if up => a.price < b.price,
                [a, b] => a.price > b.price,
                _ => true,
            })
        };
        if !rises(asks, true) || !rises(bids, false) {
            return Err(GossipError::Levels(
                "each side's best price first, each price once",
            ));
        }
        if asks.iter().chain(bids).any(|level| level.size == Amount::ZERO) {
            return Err(GossipError::Levels("sizes above 0"));
        }
        let crossed = asks.first().zip(bids.first());
        if crossed.is_some_and(|(ask, bid)| bid.price >= ask.price) {
            return Err(GossipError::Levels("to buy below what it sells at"));
        }
        Ok(())
    }
}

/// Levels of one side as a provider may show them: best first, one of each price, at most [`MAX_LEVELS`], and together
/// not more than `most` of what is given.
#[must_use]
pub(crate) fn shown(mut levels: Vec<Level>, most: Amount) -> Vec<Level> {
    levels.sort_by_key(|level| std::cmp::Reverse(level.price));
    let (mut shown, mut left): (Vec<Level>, Amount) = (Vec::new(), most);
    for level in levels {
        let affordable = level.price.inverse().of(left).unwrap_or(level.size);
        let size = level.size.min(affordable);
        let Some(given) = level.price.of(size).filter(|given| *given != Amount::ZERO) else {
            continue;
        };
        left = left.checked_sub(given).unwrap_or(Amount::ZERO);
        match shown.last_mut().filter(|last| last.price == level.price) {
            Some(last) => last.size = last.size.checked_add(size).unwrap_or(last.size),
            None => shown.push(Level { size, ..level }),
        }
    }
    shown.truncate(MAX_LEVELS);
    shown
}

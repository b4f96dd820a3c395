//! The board: what was heard of listings and beacons, and is still good.
//!
//! Anybody may write on it under as many keys as they like, so everything has a bound and a time; nothing on it binds
//! anybody.

mod view;

#[cfg(test)]
mod tests;

use crate::beacon::BookBeacon;
use crate::listing::{AssetListing, GossipError, GossipMessage};
use crate::relay::Blame;
use kofo_primitives::{AssetId, NetworkId, NodeId, Signed};
use std::collections::BTreeMap;

pub use view::{BookView, MAX_VIEW_LEVELS, ViewLevel, default_pairs};

/// Clocks of two nodes may differ by so much (ms).
const SKEW_MS: u64 = 30_000;

/// Who passes on what expired longer ago (ms) replays it; less is the way it took.
const LATE_MS: u64 = 60_000;

/// How much is kept: 14 MB if every message is as long as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardBounds {
    /// Listings in all.
    pub listings: usize,
    /// Beacons in all.
    pub beacons: usize,
    /// Listings, and beacons, of one key.
    pub per_key: u32,
    /// Makers of one pair.
    pub per_pair: usize,
}

impl Default for BoardBounds {
    /// 2,048 listings and 4,096 beacons; 16 of each by one key; 64 makers of one pair.
    fn default() -> Self {
        Self {
            listings: 2_048,
            beacons: 4_096,
            per_key: 16,
            per_pair: 64,
        }
    }
}

/// Why a listing or beacon is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GossipRefused {
    /// Wrong by itself.
    #[error(transparent)]
    Wrong(#[from] GossipError),
    /// Of another network.
    #[error("expected a message of {ours}, got one of {theirs}")]
    Network {
        /// This node's.
        ours: NetworkId,
        /// The message's.
        theirs: NetworkId,
    },
    /// Made in the future.
    #[error("made at {created_ms}, now is {now_ms} (unix ms): set one of the two clocks")]
    Early {
        /// When it says.
        created_ms: u64,
        /// Now.
        now_ms: u64,
    },
    /// No longer good.
    #[error("it was good until {expires_ms}, now is {now_ms} (unix ms)")]
    Expired {
        /// Until when.
        expires_ms: u64,
        /// Now.
        now_ms: u64,
    },
    /// A newer one of the same key is known.
    #[error("number {have} is known of this key, got {got}: an older or another one of the same number")]
    Old {
        /// The number (of a listing: its time) that is known.
        have: u64,
        /// That of the message.
        got: u64,
    },
    /// The key has as many as one may have.
    #[error("this key has {0} on the board, which is all that one may have")]
    TooManyOfKey(u32),
    /// The board is full.
    #[error("the board is full: at most {most} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
}

impl GossipRefused {
    /// What the neighbour that passed it on is blamed for; `None` where an honest one may have.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Wrong(GossipError::Signature(_)) => Some(Blame::Signature),
            Self::Wrong(_) | Self::Network { .. } => Some(Blame::Malformed),
            Self::Expired { expires_ms, now_ms } if now_ms.saturating_sub(*expires_ms) > LATE_MS => {
                Some(Blame::Replay)
            }
            Self::TooManyOfKey(_) => Some(Blame::Flood),
            // Clocks differ, ways differ in length, and a full board is nobody's fault.
            Self::Expired { .. } | Self::Early { .. } | Self::Old { .. } | Self::Full { .. } => None,
        }
    }
}

#[derive(Debug)]
struct Kept<T> {
    message: Signed<T>,
    /// By which of two is the newer.
    number: u64,
    expires_ms: u64,
    /// Until every message of this key that was on the board has expired, or an older one could come back.
    forget_ms: u64,
}

/// When a message was made, until when it is good, and its number.
struct Stamp {
    created_ms: u64,
    expires_ms: u64,
    number: u64,
}

impl Stamp {
    fn is_now(&self, now_ms: u64) -> Result<(), GossipRefused> {
        let Self {
            created_ms,
            expires_ms,
            ..
        } = *self;
        if created_ms > now_ms.saturating_add(SKEW_MS) {
            return Err(GossipRefused::Early { created_ms, now_ms });
        }
        if expires_ms <= now_ms {
            return Err(GossipRefused::Expired { expires_ms, now_ms });
        }
        Ok(())
    }

    /// Whether it is newer than what is kept; `false` if it is the same.
    fn is_news<T: PartialEq>(
        &self,
        kept: Option<&Kept<T>>,
        message: &Signed<T>,
    ) -> Result<bool, GossipRefused> {
        match kept {
            Some(kept) if kept.message == *message => Ok(false),
            Some(kept) if kept.number >= self.number => Err(GossipRefused::Old {
                have: kept.number,
                got: self.number,
            }),
            Some(_) | None => Ok(true),
        }
    }

    fn keep<T>(&self, message: Signed<T>, before: Option<&Kept<T>>) -> Kept<T> {
        Kept {
            message,
            number: self.number,
            expires_ms: self.expires_ms,
            forget_ms: before.map_or(0, |kept| kept.forget_ms).max(self.expires_ms),
        }
    }
}

type Pair = (AssetId, AssetId);

/// What was heard and is still good.
#[derive(Debug)]
pub struct Board {
    network: NetworkId,
    bounds: BoardBounds,
    listings: BTreeMap<(AssetId, NodeId), Kept<AssetListing>>,
    listings_of: BTreeMap<NodeId, u32>,
    beacons: BTreeMap<Pair, BTreeMap<NodeId, Kept<BookBeacon>>>,
    beacons_of: BTreeMap<NodeId, u32>,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(network: NetworkId, bounds: BoardBounds) -> Self {
        Self {
            network,
            bounds,
            listings: BTreeMap::new(),
            listings_of: BTreeMap::new(),
            beacons: BTreeMap::new(),
            beacons_of: BTreeMap::new(),
        }
    }

    fn ours(&self, theirs: &NetworkId) -> Result<(), GossipRefused> {
        if *theirs == self.network {
            return Ok(());
        }
        Err(GossipRefused::Network {
            ours: self.network.clone(),
            theirs: theirs.clone(),
        })
    }

    /// Takes a listing; whether it is news, to be passed on. The signature is checked last.
    pub fn add_listing(&mut self, signed: Signed<AssetListing>, now_ms: u64) -> Result<bool, GossipRefused> {
        let listing = &signed.body;
        self.ours(&listing.network)?;
        let stamp = Stamp {
            created_ms: listing.created_ms,
            expires_ms: listing.expires_ms(),
            number: listing.created_ms,
        };
        stamp.is_now(now_ms)?;
        let place = (listing.asset.clone(), listing.key);
        let before = self.listings.get(&place);
        if !stamp.is_news(before, &signed)? {
            return Ok(false);
        }
        if before.is_none() {
            let bounds = self.bounds;
            has_room(&self.listings_of, &listing.key, bounds.per_key)?;
            below(self.listings.len(), bounds.listings, "listings")?;
        }
        AssetListing::check(&signed)?;
        if before.is_none() {
            count(&mut self.listings_of, listing.key);
        }
        let kept = stamp.keep(signed, before);
        self.listings.insert(place, kept);
        Ok(true)
    }

    /// Takes a beacon; whether it is news, to be passed on. The signature is checked last.
    pub fn add_beacon(&mut self, signed: Signed<BookBeacon>, now_ms: u64) -> Result<bool, GossipRefused> {
        let beacon = &signed.body;
        self.ours(&beacon.network)?;
        let stamp = Stamp {
            created_ms: beacon.created_ms,
            expires_ms: beacon.expires_ms(),
            number: beacon.sequence,
        };
        stamp.is_now(now_ms)?;
        let (pair, key) = ((beacon.base.clone(), beacon.quote.clone()), beacon.key);
        let makers = self.beacons.get(&pair);
        let before = makers.and_then(|makers| makers.get(&key));
        if !stamp.is_news(before, &signed)? {
            return Ok(false);
        }
        if before.is_none() {
            let bounds = self.bounds;
            let all = self.beacons.values().map(BTreeMap::len).sum();
            has_room(&self.beacons_of, &key, bounds.per_key)?;
            below(all, bounds.beacons, "beacons")?;
            below(
                makers.map_or(0, BTreeMap::len),
                bounds.per_pair,
                "makers of one pair",
            )?;
        }
        BookBeacon::check(&signed)?;
        if before.is_none() {
            count(&mut self.beacons_of, key);
        }
        let kept = stamp.keep(signed, before);
        self.beacons.entry(pair).or_default().insert(key, kept);
        Ok(true)
    }

    /// Forgets what is no longer good.
    pub fn expire(&mut self, now_ms: u64) {
        let of = &mut self.listings_of;
        self.listings.retain(|(_, key), kept| {
            let good = kept.forget_ms > now_ms;
            if !good {
                uncount(of, key);
            }
            good
        });
        let of = &mut self.beacons_of;
        self.beacons.retain(|_, makers| {
            makers.retain(|key, kept| {
                let good = kept.forget_ms > now_ms;
                if !good {
                    uncount(of, key);
                }
                good
            });
            !makers.is_empty()
        });
    }

    /// The listings that are good now, by asset.
    pub fn listings(&self, now_ms: u64) -> impl Iterator<Item = &AssetListing> {
        let good = self
            .listings
            .values()
            .filter(move |kept| kept.expires_ms > now_ms);
        good.map(|kept| &kept.message.body)
    }

    /// All that is good now, as it came: for a neighbour that has just joined.
    pub fn messages(&self, now_ms: u64) -> impl Iterator<Item = GossipMessage> {
        let listings = self
            .listings
            .values()
            .filter(move |kept| kept.expires_ms > now_ms);
        let listings = listings.map(|kept| GossipMessage::Listing(Box::new(kept.message.clone())));
        let beacons = self.beacons.values().flat_map(BTreeMap::values);
        let beacons = beacons.filter(move |kept| kept.expires_ms > now_ms);
        listings.chain(beacons.map(|kept| GossipMessage::Beacon(Box::new(kept.message.clone()))))
    }
}

fn has_room(of: &BTreeMap<NodeId, u32>, key: &NodeId, most: u32) -> Result<(), GossipRefused> {
    match of.get(key) {
        Some(have) if *have >= most => Err(GossipRefused::TooManyOfKey(*have)),
        Some(_) | None => Ok(()),
    }
}

fn below(have: usize, most: usize, what: &'static str) -> Result<(), GossipRefused> {
    if have < most {
        return Ok(());
    }
    Err(GossipRefused::Full { what, most })
}

fn count(of: &mut BTreeMap<NodeId, u32>, key: NodeId) {
    let have = of.entry(key).or_insert(0);
    *have = have.saturating_add(1);
}

fn uncount(of: &mut BTreeMap<NodeId, u32>, key: &NodeId) {
    if let Some(have) = of.get_mut(key) {
        *have = have.saturating_sub(1);
        if *have == 0 {
            of.remove(key);
        }
    }
}

//! What is told to everybody: listings and book beacons, our own and others', and cancels.

use super::quotes::Dealing;
use super::{Market, MarketError, State, millis};
use crate::assets::Assets;
use crate::clock::now_ms;
use kofo_exchange::{
    AssetListing, BookBeacon, CancelRefused, GossipMessage, GossipRefused, ListedPair, MAX_LISTED_PAIRS,
    PartialRule,
};
use kofo_network::{Fault, Heard, Topic, Verdict};
use kofo_primitives::{AssetId, Cancel, FeeTerms, NetworkId, NodeKey, Signed, Text};
use std::collections::BTreeSet;

use super::inbound::fault;

/// A beacon is good for three times the pause between two: one may be lost.
const BEACON_LIVES: u64 = 3;
/// A listing is good for a day and told each hour.
const LISTING_TTL_MS: u64 = 86_400_000;
/// A neighbour that joins hears of our book at once, but not more often than this (ms).
const SHOWN_AGAIN_MS: u64 = 60_000;
/// More pairs are not shown: nobody keeps more of one key.
const MAX_SHOWN_PAIRS: usize = 16;

/// What shows a provider's book. Its key is new at each start and signs nothing but beacons.
pub(super) struct Maker {
    key: NodeKey,
    sequence: u64,
    beacons_ms: u64,
    listings_ms: u64,
    /// What imported books deal in.
    pub(super) imported: BTreeSet<(AssetId, AssetId)>,
}

impl Maker {
    /// With fresh randomness.
    pub(super) fn new() -> Result<Self, MarketError> {
        let secret = zeroize::Zeroizing::new(super::random::<32>()?);
        let key = NodeKey::new(&secret).ok_or_else(|| MarketError::Random("no key".to_owned()))?;
        Ok(Self {
            key,
            sequence: 0,
            beacons_ms: 0,
            listings_ms: 0,
            imported: BTreeSet::new(),
        })
    }
}

impl Dealing {
    /// The pairs that we deal in, each as everybody names it.
    fn pairs(&self) -> BTreeSet<(AssetId, AssetId)> {
        let priced = self.provider.prices().prices();
        let priced = priced.map(|price| (price.takes().clone(), price.gives().clone()));
        let all = priced.chain(self.maker.imported.iter().cloned());
        let named = all.map(|(a, b)| if a < b { (a, b) } else { (b, a) });
        named
            .take(MAX_SHOWN_PAIRS.saturating_mul(2))
            .collect::<BTreeSet<_>>()
    }

    fn beacons(&mut self, network: &NetworkId, ttl_ms: u64, now_ms: u64) -> Vec<Signed<BookBeacon>> {
        let mut beacons = Vec::new();
        for (base, quote) in self.pairs().into_iter().take(MAX_SHOWN_PAIRS) {
            self.maker.sequence = self.maker.sequence.saturating_add(1);
            let sides = self.provider.sides(&base, &quote, now_ms);
            let beacon = BookBeacon {
                version: 1,
                network: network.clone(),
                base,
                quote,
                sides,
                created_ms: now_ms,
                ttl_ms,
                sequence: self.maker.sequence,
                key: self.maker.key.id(),
            }
            .sign(&self.maker.key);
            match BookBeacon::check(&beacon) {
                Ok(()) => beacons.push(beacon),
                Err(error) => tracing::debug!(%error, "our book cannot be shown"),
            }
        }
        beacons
    }

    fn listings(&self, network: &NetworkId, assets: &Assets, key: &NodeKey) -> Vec<Signed<AssetListing>> {
        let now_ms = now_ms();
        let pairs = self.pairs();
        let mut listings = Vec::new();
        for asset in assets.iter() {
            let against = pairs.iter().filter_map(|(a, b)| match &asset.id {
                id if id == a => Some(b),
                id if id == b => Some(a),
                _ => None,
            });
            let priced = against.filter_map(|against| {
                let level = self
                    .provider
                    .levels(&asset.id, against, now_ms)
                    .into_iter()
                    .next();
                let (against, price) = (against.clone(), level?.price);
                Some(ListedPair { against, price })
            });
            let mut pairs: Vec<_> = priced.take(MAX_LISTED_PAIRS).collect();
            pairs.sort_by(|a, b| a.against.cmp(&b.against));
            let (family, _) = asset.id.as_str().split_once(':').unwrap_or_default();
            let Some(adapter) = Text::new(family).filter(|_| !pairs.is_empty()) else {
                continue;
            };
            let least = self.provider.least(&asset.id, now_ms);
            let listing = AssetListing {
                version: 1,
                network: network.clone(),
                asset: asset.id.clone(),
                adapter,
                decimals: asset.decimals,
                freezable: asset.freezable,
                pairs,
                fee: FeeTerms::Free,
                partial: least.map_or(PartialRule::Whole, PartialRule::AtLeast),
                created_ms: now_ms,
                ttl_ms: LISTING_TTL_MS,
                key: key.id(),
            };
            listings.push(listing.sign(key));
        }
        listings.truncate(MAX_SHOWN_PAIRS);
        listings
    }
}

impl Market {
    /// Tells everybody; what cannot be told now is told by the next beacon, or not at all.
    pub(super) fn publish(&self, topic: Topic, message: &GossipMessage) {
        if let Err(error) = self.parts.mesh.publish(topic, message.write()) {
            tracing::debug!(?topic, %error, "nothing is told to everybody");
        }
    }

    /// Shows our book as often as it is due.
    pub(super) fn show_when_due(&self, now_ms: u64) {
        let (every, hourly) = (
            millis(self.parts.timing.beacon),
            millis(self.parts.timing.listing),
        );
        self.show_after((every, hourly), now_ms);
    }

    /// Shows our book to a neighbour that has joined.
    pub(super) fn show_book(&self) {
        let every = millis(self.parts.timing.beacon).min(1_000);
        self.show_after((every, SHOWN_AGAIN_MS), now_ms());
    }

    fn show_after(&self, (beacon_ms, listing_ms): (u64, u64), now_ms: u64) {
        let (mut beacons, mut listings) = (Vec::new(), Vec::new());
        {
            let mut state = self.state();
            // Nobody is told later what nobody heard.
            if state.links.is_alone() {
                return;
            }
            let State { dealing, board, .. } = &mut *state;
            let Some(dealing) = dealing else {
                return;
            };
            let network = &self.parts.network;
            if now_ms.saturating_sub(dealing.maker.beacons_ms) >= beacon_ms {
                dealing.maker.beacons_ms = now_ms;
                let ttl_ms = millis(self.parts.timing.beacon).saturating_mul(BEACON_LIVES);
                let ttl_ms = ttl_ms.clamp(1, kofo_exchange::MAX_BEACON_TTL_MS);
                beacons = dealing.beacons(network, ttl_ms, now_ms);
            }
            if now_ms.saturating_sub(dealing.maker.listings_ms) >= listing_ms {
                dealing.maker.listings_ms = now_ms;
                listings = dealing.listings(network, &self.parts.assets, &self.listing_key);
            }
            // Our own part of the book is shown to our owner too.
            for beacon in &beacons {
                drop(board.add_beacon(beacon.clone(), now_ms));
            }
            for listing in &listings {
                drop(board.add_listing(listing.clone(), now_ms));
            }
        }
        for listing in listings {
            self.publish(Topic::Listing, &GossipMessage::Listing(Box::new(listing)));
        }
        for beacon in beacons {
            self.publish(Topic::Book, &GossipMessage::Beacon(Box::new(beacon)));
        }
    }

    /// A neighbour passed on what somebody told everybody.
    pub(super) fn heard(&self, heard: Heard) {
        let Heard {
            topic, body, verdict, ..
        } = heard;
        let now_ms = now_ms();
        match (topic, GossipMessage::read(&body)) {
            (Topic::Listing, Ok(GossipMessage::Listing(listing))) => {
                say(
                    verdict,
                    self.state().board.add_listing(*listing, now_ms),
                    GossipRefused::blame,
                );
            }
            (Topic::Book, Ok(GossipMessage::Beacon(beacon))) => {
                say(
                    verdict,
                    self.state().board.add_beacon(*beacon, now_ms),
                    GossipRefused::blame,
                );
            }
            (Topic::Cancel, Ok(GossipMessage::Cancel(cancel))) => {
                say(verdict, self.cancelled(&cancel, now_ms), CancelRefused::blame);
            }
            (Topic::Listing | Topic::Book | Topic::Cancel, _) => verdict.reject(Fault::Malformed),
        }
    }

    /// A claimant takes its claim back.
    fn cancelled(&self, cancel: &Signed<Cancel>, now_ms: u64) -> Result<bool, CancelRefused> {
        let mut state = self.state();
        let news = state.relay.cancel(cancel, now_ms)?;
        state.guards_changed |= news;
        let (claim, key) = (&cancel.body.claim, &cancel.body.key);
        let dealing = state.dealing.as_mut().filter(|_| news);
        if let Some(dealing) = dealing.filter(|dealing| dealing.is_claim_of(claim, key)) {
            dealing.provider.cancelled(claim);
        }
        Ok(news)
    }
}

fn say<E>(verdict: Verdict, news: Result<bool, E>, blame: fn(&E) -> Option<kofo_exchange::Blame>) {
    match news {
        Ok(true) => verdict.accept(),
        Ok(false) => verdict.ignore(),
        Err(error) => match blame(&error) {
            Some(blame) => verdict.reject(fault(blame)),
            None => verdict.ignore(),
        },
    }
}

//! The market as its owner sees it.

use super::{Market, MarketError, State, links};
use crate::assets::Assets;
use crate::clock::now_ms;
use crate::rpc::types::{BookShown, ClaimStatus, LevelShown, ListingShown, PeerStatus};
use kofo_exchange::{AssetListing, LinkRole, ViewLevel};
use kofo_primitives::{AssetId, ClaimId};

/// So many listings are shown of one pair.
const MAX_LISTINGS: usize = 100;
/// So many claims are listed: all of them with all of their quotes would be more than an answer may have.
const MAX_LISTED: usize = 100;
/// So many quotes of each.
const LISTED_QUOTES: usize = 4;
/// So many pairs are shown.
const MAX_PAIRS: usize = 100;

impl Market {
    /// One claim of ours with its quotes.
    pub fn claim_status(&self, id: &ClaimId) -> Result<ClaimStatus, MarketError> {
        let state = self.state();
        let entry = state.claims.get(id).ok_or(MarketError::NoSuchClaim(*id))?;
        Ok(entry.status(&self.parts.assets, &state, now_ms()))
    }

    /// The claims of ours, youngest first: at most 100, each with at most its four best quotes.
    #[must_use]
    pub fn claim_statuses(&self) -> Vec<ClaimStatus> {
        let (state, now_ms) = (self.state(), now_ms());
        let all = state.claims.iter();
        let mut all: Vec<_> = all
            .map(|(_, entry)| entry.status(&self.parts.assets, &state, now_ms))
            .collect();
        all.sort_by_key(|claim| std::cmp::Reverse(claim.created_ms));
        all.truncate(MAX_LISTED);
        for claim in &mut all {
            claim.quotes.truncate(LISTED_QUOTES);
        }
        all
    }

    /// What is known of a pair's books.
    #[must_use]
    pub fn book(&self, base: &AssetId, quote: &AssetId) -> BookShown {
        let (state, now_ms, assets) = (self.state(), now_ms(), &self.parts.assets);
        let of_pair = |listing: &&AssetListing| listing.asset == *base || listing.asset == *quote;
        let listings = state.board.listings(now_ms).filter(of_pair).take(MAX_LISTINGS);
        let ids: Vec<_> = assets.iter().map(|asset| asset.id.clone()).collect();
        let pairs = state.board.pairs(&anchors(assets), &ids, now_ms);
        BookShown {
            listings: listings.map(|listing| shown(listing, assets)).collect(),
            pairs: pairs
                .iter()
                .take(MAX_PAIRS)
                .map(|(base, quote)| assets.show_pair(base, quote))
                .collect(),
            ..self.sides(&state, (base, quote), now_ms)
        }
    }

    /// The books of the pairs of which this node knows both assets, without listings: at most 100.
    #[must_use]
    pub fn books(&self) -> Vec<BookShown> {
        let (state, now_ms, assets) = (self.state(), now_ms(), &self.parts.assets);
        let ids: Vec<_> = assets.iter().map(|asset| asset.id.clone()).collect();
        let mut pairs = state.board.pairs(&anchors(assets), &ids, now_ms);
        pairs.retain(|(base, quote)| ids.contains(base) && ids.contains(quote));
        let pairs = pairs.iter().take(MAX_PAIRS);
        pairs
            .map(|(base, quote)| self.sides(&state, (base, quote), now_ms))
            .collect()
    }

    fn sides(&self, state: &State, (base, quote): (&AssetId, &AssetId), now_ms: u64) -> BookShown {
        let assets = &self.parts.assets;
        let view = state.board.book(base, quote, now_ms);
        let level = |level: ViewLevel| LevelShown {
            price: assets
                .show_price(base, quote, level.price)
                .unwrap_or_else(|| level.price.to_string()),
            size: assets.money(base, level.size),
        };
        BookShown {
            pair: assets.show_pair(base, quote),
            asks: view.asks.into_iter().map(level).collect(),
            bids: view.bids.into_iter().map(level).collect(),
            listings: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// All that this node holds of claims on their way, its own part as a claimant or provider aside: what somebody reads
    /// who takes the machine of a relay.
    #[must_use]
    pub fn dump(&self) -> String {
        self.state().relay.dump()
    }

    /// The neighbours.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        let neighbours = self.parts.mesh.neighbours();
        let state = self.state();
        let statistics = state.relay.statistics().links;
        let one = |neighbour: kofo_network::Neighbour| {
            let known = state.links.known(neighbour.peer);
            let of_link = |link: &links::Known| statistics.iter().find(|s| s.link == link.link);
            let counts = known.and_then(of_link);
            PeerStatus {
                peer: neighbour.peer.to_string(),
                address: neighbour.address,
                role: known.and_then(|known| known.role).map(role),
                score: neighbour.score,
                direction: if neighbour.outgoing { "out" } else { "in" }.to_owned(),
                relayed: neighbour.relayed,
                since_ms: neighbour.since_ms,
                agent: neighbour.agent,
                passed: counts.map_or(0, |counts| counts.passed),
                quoted: counts.map_or(0, |counts| counts.quotes),
            }
        };
        neighbours.into_iter().map(one).collect()
    }

    /// What is wrong with sources of prices and orders, a sentence each.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let state = self.state();
        let all = state.troubles.iter();
        all.map(|(source, what)| format!("{source}: {what}")).collect()
    }
}

fn role(role: LinkRole) -> String {
    match role {
        LinkRole::Wallet => "wallet",
        LinkRole::Relay => "relay",
        LinkRole::Provider => "provider",
    }
    .to_owned()
}

/// The native coin of Echoin, against which all else is paired by default.
fn anchors(assets: &Assets) -> Vec<AssetId> {
    let coin = |asset: &&crate::assets::Asset| asset.symbol == "EC";
    assets.iter().filter(coin).map(|asset| asset.id.clone()).collect()
}

fn shown(listing: &AssetListing, assets: &Assets) -> ListingShown {
    let known = assets.by_id(&listing.asset);
    ListingShown {
        asset: listing.asset.to_string(),
        symbol: known.map_or_else(|_| String::new(), |asset| asset.symbol.clone()),
        decimals: listing.decimals,
        by: listing.key.to_string(),
        expires_ms: listing.expires_ms(),
    }
}

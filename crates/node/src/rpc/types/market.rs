//! What goes over the RPC about the market: claims, quotes, books and neighbours.

use super::{AssetAmount, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `claim.make` takes. All but `give` and `want` may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimAsked {
    /// What is given in all, such as `0.1btc`.
    pub give: String,
    /// The least that is taken for all of it, such as `1.6eth`.
    pub want: String,
    /// The least of `give` that one provider may fill, such as `0.02btc`; `None`: all or nothing.
    #[serde(default)]
    pub partial: Option<String>,
    /// How long it is answered, in seconds: 1 to 600; `None`: 300.
    #[serde(default)]
    pub expires_in: Option<u64>,
    /// The longest path, our own hop included: 1 to 8; `None`: 8.
    #[serde(default)]
    pub max_hops: Option<u8>,
    /// What relays, validators and the foundation get together, in an asset of the ledger, such as `0.3kofo`: then the
    /// order is cleared. `none` or `None`: the swap is between two alone, and free.
    #[serde(default)]
    pub fee: Option<String>,
    /// Who pays the fee: `claimant`, `provider`, or the claimant's part of it in basis points, such as `5000`; `None`:
    /// the claimant.
    #[serde(default)]
    pub fee_payer: Option<String>,
    /// Whether nobody sees the least that is wanted before a quote is selected.
    #[serde(default)]
    pub hide_limit: bool,
    /// Whether quotes wait for `claim.select`; else the node selects itself.
    #[serde(default)]
    pub manual: bool,
    /// Whom the wanted asset is paid to, in its chain's own notation; `None`: our own wallet.
    #[serde(default)]
    pub pay_to: Option<String>,
}

/// How far a claim of ours has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// It is out, and quotes come.
    Quoting,
    /// At least one quote is selected, and not all that is given is filled yet.
    Selected,
    /// Swaps have begun for all that is given, or for all of it that quotes will fill.
    Filled,
    /// Its time is over and nothing was filled.
    Expired,
    /// It was taken back before anything was filled.
    Cancelled,
}

impl ClaimState {
    /// Whether nothing changes any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Filled | Self::Expired | Self::Cancelled)
    }
}

impl std::fmt::Display for ClaimState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Quoting => "quoting",
            Self::Selected => "selected",
            Self::Filled => "filled",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        })
    }
}

/// How far a quote has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuoteState {
    /// It can be selected.
    Open,
    /// It was selected, and its provider has not answered yet.
    Selected,
    /// Its provider said yes: a swap has begun.
    Begun,
    /// Its provider said no, or not a word; `trouble` says which.
    Failed,
    /// It binds no longer, and was not selected.
    Expired,
}

impl std::fmt::Display for QuoteState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Selected => "selected",
            Self::Begun => "begun",
            Self::Failed => "failed",
            Self::Expired => "expired",
        })
    }
}

/// One quote for a claim of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteStatus {
    /// The quote's id, which `claim.select` takes.
    pub fulfil: Id,
    /// How much of the claim it fills.
    pub give: AssetAmount,
    /// For how much.
    pub want: AssetAmount,
    /// The price in words, such as `16.2 ETH per BTC`, rounded down.
    pub price: String,
    /// What is left of `want` after fees; all of it, without clearance.
    pub net: AssetAmount,
    /// How reliable we hold its provider, in thousandths.
    pub reliability: u32,
    /// Swaps with this provider that settled, as far as we know ourselves.
    pub settled: u32,
    /// Swaps with it that failed, and selections that it did not answer.
    pub failed: u32,
    /// The provider's bond, by which its history is kept: 64 hexadecimal digits.
    pub provider: String,
    /// The way that the quote came, from us to the provider: the pseudonyms of the relays for this claim, and at last the
    /// provider's own; as many as there are hops.
    pub path: Vec<String>,
    /// Until when it binds, in milliseconds.
    pub expires_ms: u64,
    /// How far it has come.
    pub state: QuoteState,
    /// Whether we selected it.
    pub selected: bool,
    /// The swap that came of it.
    pub swap: Option<Id>,
    /// Why nothing came of it.
    pub trouble: Option<String>,
}

/// A claim of ours with its quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimStatus {
    /// The claim's id.
    pub id: Id,
    /// Grows with each change of this status: the cursor of `claim.quotes`.
    pub seq: u64,
    /// How far it has come.
    pub state: ClaimState,
    /// What is given in all.
    pub give: AssetAmount,
    /// The least that is wanted for all of it.
    pub want: AssetAmount,
    /// How much of what is given is selected or filled.
    pub filled: AssetAmount,
    /// The least of it that one provider may fill; `None`: all or nothing.
    pub partial: Option<AssetAmount>,
    /// Whether relays and providers do not see the least that is wanted.
    pub hidden: bool,
    /// Whether quotes wait for `claim.select`; else the node selects itself.
    pub manual: bool,
    /// The longest path that it may take, our own hop included.
    pub max_hops: u8,
    /// Whom the wanted asset is paid to, if not to our own wallet.
    pub pay_to: Option<String>,
    /// The quotes that came, the best first.
    pub quotes: Vec<QuoteStatus>,
    /// What keeps it from going on.
    pub trouble: Option<String>,
    /// When it was made, in milliseconds.
    pub created_ms: u64,
    /// Until when it is answered, in milliseconds.
    pub expires_ms: u64,
}

/// Our claims, youngest first: at most 100, each with at most its four best quotes; `claim.quotes` has all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimList {
    /// The claims.
    pub claims: Vec<ClaimStatus>,
}

/// One price of a book and what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LevelShown {
    /// Whole units of the pair's second asset for one of the first, as decimal text.
    pub price: String,
    /// How much of the first asset.
    pub size: AssetAmount,
}

/// An asset that somebody deals in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListingShown {
    /// The asset, by CAIP-19.
    pub asset: String,
    /// What the listing calls it; who lists chooses freely.
    pub symbol: String,
    /// Digits behind the point.
    pub decimals: u8,
    /// Who lists it: 64 hexadecimal digits.
    pub by: String,
    /// Until when the listing holds, in milliseconds.
    pub expires_ms: u64,
}

/// What is known of a pair's books, from what providers tell everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookShown {
    /// The pair, such as `BTC/ETH`.
    pub pair: String,
    /// Who takes the second asset and gives the first, the cheapest first.
    pub asks: Vec<LevelShown>,
    /// Who takes the first asset and gives the second, the dearest first.
    pub bids: Vec<LevelShown>,
    /// Who deals in either asset.
    pub listings: Vec<ListingShown>,
    /// The pairs that are dealt in most, such as `BTC/ETH`.
    pub pairs: Vec<String>,
}

/// A neighbour in the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerStatus {
    /// Its name among peers.
    pub peer: String,
    /// Where it is connected.
    pub address: String,
    /// `wallet`, `relay` or `provider`, as it says; `None` until it has said so.
    pub role: Option<String>,
    /// 0 without faults, down to −100, where it is banned.
    pub score: i32,
    /// `in` or `out`: who dialed.
    pub direction: String,
    /// Whether it is reached through another node.
    pub relayed: bool,
    /// Since when it is connected, in milliseconds.
    pub since_ms: u64,
    /// What program it says it is.
    pub agent: Option<String>,
    /// Claims that we passed to it.
    pub passed: u64,
    /// Quotes that came back from it.
    pub quoted: u64,
}

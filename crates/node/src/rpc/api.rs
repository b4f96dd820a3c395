//! What the RPC asks of the node, behind the reading of texts: amounts and ids are values here already.

mod clearing;
mod keys;
mod market;

pub use clearing::{ClearingApi, LedgerUnits};
pub use keys::{KeysApi, MAX_COPY_PLACES};
pub use market::{ClaimFee, ClaimTerms, DEFAULT_CLAIM_LIFE, MAX_CLAIM_LIFE, MAX_PAY_TO, MarketApi};

use super::error::ApiError;
use super::types::{Balance, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress};
use async_trait::async_trait;
use kofo_primitives::{Amount, AssetId, Seconds};

/// What an offer shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferTerms {
    /// The alpha legs: 1 to [`kofo_primitives::MAX_LEGS`], no amount is 0.
    pub give: Vec<(AssetId, Amount)>,
    /// The beta legs: likewise.
    pub want: Vec<(AssetId, Amount)>,
    /// How long it can be accepted.
    pub expires_in: Seconds,
}

/// Which part of the list of swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Skip so many of the youngest.
    pub skip: u32,
    /// At most so many, 1 to [`MAX_PAGE`].
    pub limit: u32,
    /// Only those that go on.
    pub live_only: bool,
}

/// A page of the list has at most so many swaps.
pub const MAX_PAGE: u32 = 100;
/// An offer's text, URI or file, has at most so many bytes.
pub const MAX_OFFER_TEXT: usize = kofo_exchange::MAX_TEXT;
/// An offer can be accepted for at most so long.
pub const MAX_EXPIRY: Seconds = kofo_exchange::MAX_VALIDITY;
/// An offer that says nothing else can be accepted for an hour.
pub const DEFAULT_EXPIRY: Seconds = Seconds::minutes(60);

/// The node as its owner commands it. Ids are a swap's, or an offer's of ours.
#[async_trait]
pub trait NodeApi: MarketApi + ClearingApi + KeysApi {
    /// Makes an offer and waits for whoever accepts it.
    async fn offer(&self, terms: OfferTerms) -> Result<OfferMade, ApiError>;

    /// Accepts an offer that another node made: checks it, agrees with its maker, and starts the swap.
    async fn accept(&self, offer: &str) -> Result<SwapStatus, ApiError>;

    /// Offers and swaps, youngest first.
    async fn list(&self, page: Page) -> Result<SwapList, ApiError>;

    /// One offer or swap.
    async fn show(&self, id: Id) -> Result<SwapStatus, ApiError>;

    /// As [`NodeApi::show`], but waits until the status' `seq` is more than `after_seq`. The server stops waiting
    /// after [`super::MAX_WATCH`] and shows what there is: dropping the call must be harmless.
    async fn watch(&self, id: Id, after_seq: u64) -> Result<SwapStatus, ApiError>;

    /// Gives up an offer or swap of which nothing of ours is locked.
    async fn abort(&self, id: Id) -> Result<SwapStatus, ApiError>;

    /// The owner's second word for a swap above a limit, which waits for it.
    async fn approve(&self, id: Id) -> Result<SwapStatus, ApiError>;

    /// Ends a swap that waits to be approved; nothing is locked for it.
    async fn decline(&self, id: Id) -> Result<SwapStatus, ApiError>;

    /// Asks for our lock back as soon as its timelock has passed. The node does so by itself too.
    async fn refund(&self, id: Id) -> Result<SwapStatus, ApiError>;

    /// How the node is.
    async fn status(&self) -> Result<NodeStatus, ApiError>;

    /// What the wallet has, of all assets that are configured.
    async fn balances(&self) -> Result<Vec<Balance>, ApiError>;

    /// Where the wallet receives an asset.
    async fn address(&self, asset: AssetId) -> Result<WalletAddress, ApiError>;

    /// Adds a tower, which must answer and serve us; it is given every swap that goes on.
    async fn tower_add(&self, address: &str) -> Result<TowerStatus, ApiError>;

    /// All towers.
    async fn tower_list(&self) -> Result<Vec<TowerStatus>, ApiError>;

    /// Gives a tower nothing any more, by its address or peer id.
    async fn tower_remove(&self, tower: &str) -> Result<TowerStatus, ApiError>;

    /// Stops the node in good order; returns at once.
    async fn stop(&self) -> Result<(), ApiError>;
}

//! What the RPC asks of the node's part in the market.

use super::super::error::ApiError;
use super::super::types::{BookShown, ClaimList, ClaimStatus, Id, PeerStatus};
use async_trait::async_trait;
use kofo_primitives::{Amount, AssetId, FeePayer, Seconds};

/// A claim that says nothing else is answered for five minutes.
pub const DEFAULT_CLAIM_LIFE: Seconds = Seconds::minutes(5);
/// No claim is answered for longer.
pub const MAX_CLAIM_LIFE: Seconds = Seconds(kofo_primitives::MAX_CLAIM_LIFE_MS / 1000);
/// The text of an address to pay to has at most so many bytes.
pub const MAX_PAY_TO: usize = 128;

/// What relays, validators and the foundation get together, if the swap comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFee {
    /// In which asset of the ledger.
    pub asset: AssetId,
    /// All of it; not 0.
    pub amount: Amount,
    /// Who pays it.
    pub payer: FeePayer,
}

/// What a claim shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimTerms {
    /// What is given in all; not 0.
    pub give: (AssetId, Amount),
    /// The least that is taken for all of it; not 0.
    pub want: (AssetId, Amount),
    /// The least of what is given that one provider may fill; `None`: all or nothing.
    pub partial: Option<Amount>,
    /// How long it is answered: 1 s to [`MAX_CLAIM_LIFE`].
    pub expires_in: Seconds,
    /// The longest path, our own hop included: 1 to [`kofo_primitives::MAX_HOPS`].
    pub max_hops: u8,
    /// Whether nobody sees the least that is wanted before we select.
    pub hide_limit: bool,
    /// Whether the owner selects; else the node does.
    pub manual: bool,
    /// Whom the wanted asset is paid to, if not to our own wallet, in the chain's own notation.
    pub pay_to: Option<String>,
    /// The fee, with which the swap is cleared; `None`: it is between two alone, and free.
    pub fee: Option<ClaimFee>,
}

/// The node's part in the market as its owner commands it. Ids are claims'.
#[async_trait]
pub trait MarketApi: Send + Sync + 'static {
    /// Makes a claim and sends it to neighbours.
    async fn claim(&self, terms: ClaimTerms) -> Result<ClaimStatus, ApiError>;

    /// One claim with its quotes.
    async fn claim_show(&self, id: Id) -> Result<ClaimStatus, ApiError>;

    /// As [`MarketApi::claim_show`], but waits until the status' `seq` is more than `after_seq` or the claim is over.
    /// Dropping the call must be harmless.
    async fn claim_watch(&self, id: Id, after_seq: u64) -> Result<ClaimStatus, ApiError>;

    /// Selects a quote of a claim. Its provider's answer shows in the status.
    async fn claim_select(&self, id: Id, fulfil: Id) -> Result<ClaimStatus, ApiError>;

    /// Takes a claim back: no quote is selected any more. Swaps that began go on.
    async fn claim_cancel(&self, id: Id) -> Result<ClaimStatus, ApiError>;

    /// The claims that are remembered, youngest first, each with its best quotes.
    async fn claim_list(&self) -> Result<ClaimList, ApiError>;

    /// What is known of the books of a pair: of the first asset in the second.
    async fn book(&self, base: AssetId, quote: AssetId) -> Result<BookShown, ApiError>;

    /// The neighbours in the mesh.
    async fn peers(&self) -> Result<Vec<PeerStatus>, ApiError>;
}

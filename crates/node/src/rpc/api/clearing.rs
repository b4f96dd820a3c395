//! What the RPC asks of the node's part in the clearance layer.

use super::super::error::ApiError;
use super::super::types::{AccountShown, ActDone, ClearanceShown, Id, OrderProved, OrderShown};
use crate::assets::Assets;
use async_trait::async_trait;
use kofo_clearance::Act;
use kofo_primitives::{AssetId, LegId};

/// How amounts of the ledger are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerUnits {
    /// The assets of the ledger.
    pub assets: Assets,
    /// What validators stake.
    pub stake: AssetId,
}

/// The node's part in the clearance layer as its owner commands it.
#[async_trait]
pub trait ClearingApi: Send + Sync + 'static {
    /// How amounts are read; `None` if the node has no genesis: then everything else is an error.
    fn ledger(&self) -> Option<LedgerUnits>;

    /// What became of an order; with `proof`, the proofs as bytes too.
    async fn order(&self, id: Id, proof: bool) -> Result<OrderShown, ApiError>;

    /// Proves to validators how the legs of an order of ours ended, or that one alone, by the blocks of their chains.
    async fn prove(&self, id: Id, leg: Option<LegId>) -> Result<OrderProved, ApiError>;

    /// What an account has; our own without one.
    async fn account(&self, key: Option<Id>) -> Result<AccountShown, ApiError>;

    /// Has our account do something, and waits until that is in the ledger.
    async fn act(&self, act: Act) -> Result<ActDone, ApiError>;

    /// The validators and how far they are.
    async fn clearance(&self) -> Result<ClearanceShown, ApiError>;
}

//! The node's part in the clearance layer, as its owner commands it.

use super::Service;
use crate::clearing::{Clearing, ledger_assets};
use crate::rpc::api::LedgerUnits;
use crate::rpc::types::{AccountShown, ActDone, ClearanceShown, Id, OrderShown};
use crate::rpc::{ApiError, ApiErrorKind, ClearingApi};
use async_trait::async_trait;
use kofo_clearance::Act;
use kofo_primitives::NodeId;

impl Service {
    fn clearing(&self) -> Result<&Clearing, ApiError> {
        let without = || ApiError::new(ApiErrorKind::NoClearance, "this node runs without clearance");
        self.clearing.as_deref().ok_or_else(without)
    }
}

#[async_trait]
impl ClearingApi for Service {
    fn ledger(&self) -> Option<LedgerUnits> {
        let genesis = self.clearing.as_ref()?.genesis();
        Some(LedgerUnits {
            assets: ledger_assets(genesis),
            stake: genesis.params.stake.clone(),
        })
    }

    async fn order(&self, id: Id, proof: bool) -> Result<OrderShown, ApiError> {
        Ok(self.clearing()?.show_order(id.into(), proof).await?)
    }

    async fn account(&self, key: Option<Id>) -> Result<AccountShown, ApiError> {
        let clearing = self.clearing()?;
        let account = key.map_or_else(|| clearing.account_id(), |key| NodeId::new(key.0));
        let view = clearing.account(account).await?;
        Ok(clearing.show_account(&view))
    }

    async fn act(&self, act: Act) -> Result<ActDone, ApiError> {
        let clearing = self.clearing()?;
        let (sequence, view) = clearing.act(act).await?;
        let account = clearing.show_account(&view);
        Ok(ActDone { sequence, account })
    }

    async fn clearance(&self) -> Result<ClearanceShown, ApiError> {
        Ok(self.clearing()?.show().await)
    }
}

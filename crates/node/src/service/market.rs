//! The node's part in the market, as its owner commands it.

use super::Service;
use crate::config::NodeRole;
use crate::engine::Stopped;
use crate::market::Market;
use crate::rpc::api::ClaimTerms;
use crate::rpc::types::{BookShown, ClaimList, ClaimStatus, Id, PeerStatus};
use crate::rpc::{ApiError, ApiErrorKind, MarketApi};
use async_trait::async_trait;
use kofo_primitives::{AssetId, ClaimId, FulfilId};

impl Service {
    fn market(&self) -> Result<&Market, ApiError> {
        let without = || ApiError::new(ApiErrorKind::WrongState, "this node runs without a market");
        self.market.as_deref().ok_or_else(without)
    }

    pub(super) fn role(&self) -> NodeRole {
        self.market
            .as_ref()
            .map(|market| market.role())
            .unwrap_or_default()
    }

    pub(super) fn neighbours(&self) -> usize {
        self.market.as_ref().map_or(0, |market| market.peers().len())
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.market
            .as_ref()
            .map(|market| market.troubles())
            .unwrap_or_default()
    }
}

const fn claim(id: Id) -> ClaimId {
    ClaimId::new(id.0)
}

#[async_trait]
impl MarketApi for Service {
    async fn claim(&self, terms: ClaimTerms) -> Result<ClaimStatus, ApiError> {
        let market = self.market()?;
        let id = market.claim(terms).await?;
        Ok(market.claim_status(&id)?)
    }

    async fn claim_show(&self, id: Id) -> Result<ClaimStatus, ApiError> {
        Ok(self.market()?.claim_status(&claim(id))?)
    }

    async fn claim_watch(&self, id: Id, after_seq: u64) -> Result<ClaimStatus, ApiError> {
        let market = self.market()?;
        let mut changes = market.changes();
        loop {
            changes.borrow_and_update();
            let status = market.claim_status(&claim(id))?;
            if status.seq > after_seq || status.state.is_over() {
                return Ok(status);
            }
            changes.changed().await.map_err(|_| ApiError::from(Stopped))?;
        }
    }

    async fn claim_select(&self, id: Id, fulfil: Id) -> Result<ClaimStatus, ApiError> {
        let market = self.market()?;
        market.select_quote(claim(id), FulfilId::new(fulfil.0)).await?;
        Ok(market.claim_status(&claim(id))?)
    }

    async fn claim_cancel(&self, id: Id) -> Result<ClaimStatus, ApiError> {
        let market = self.market()?;
        market.cancel_claim(claim(id)).await?;
        Ok(market.claim_status(&claim(id))?)
    }

    async fn claim_list(&self) -> Result<ClaimList, ApiError> {
        let claims = self.market()?.claim_statuses();
        Ok(ClaimList { claims })
    }

    async fn book(&self, base: AssetId, quote: AssetId) -> Result<BookShown, ApiError> {
        Ok(self.market()?.book(&base, &quote))
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, ApiError> {
        Ok(self.market()?.peers())
    }
}

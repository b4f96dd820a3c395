//! The node's part in the market, as its owner commands it.

use super::Service;
use crate::rpc::api::ClaimTerms;
use crate::rpc::types::{BookShown, ClaimList, ClaimStatus, Id, PeerStatus};
use crate::rpc::{ApiError, ApiErrorKind, MarketApi};
use async_trait::async_trait;
use kofo_primitives::AssetId;

fn without<T>() -> Result<T, ApiError> {
    Err(ApiError::new(
        ApiErrorKind::WrongState,
        "this node runs without a market",
    ))
}

#[async_trait]
impl MarketApi for Service {
    async fn claim(&self, _terms: ClaimTerms) -> Result<ClaimStatus, ApiError> {
        without()
    }

    async fn claim_show(&self, _id: Id) -> Result<ClaimStatus, ApiError> {
        without()
    }

    async fn claim_watch(&self, _id: Id, _after_seq: u64) -> Result<ClaimStatus, ApiError> {
        without()
    }

    async fn claim_select(&self, _id: Id, _fulfil: Id) -> Result<ClaimStatus, ApiError> {
        without()
    }

    async fn claim_cancel(&self, _id: Id) -> Result<ClaimStatus, ApiError> {
        without()
    }

    async fn claim_list(&self) -> Result<ClaimList, ApiError> {
        without()
    }

    async fn book(&self, _base: AssetId, _quote: AssetId) -> Result<BookShown, ApiError> {
        without()
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, ApiError> {
        without()
    }
}

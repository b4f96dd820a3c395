//! A settlement without chains whose parties say where they can be reached, as in life.

use async_trait::async_trait;
use kofo_node::agree::AgreeError;
use kofo_node::market::{Certified, Drafted, Opened, Settles, SimulatedSettlement};
use kofo_primitives::{
    Amount, AssetId, Claim, ClaimedAsset, Contact, FulfilTerms, Opening, Role, SettlementOrder, SwapId,
};
use kofo_settlement::Outcome;
use std::sync::Arc;

/// The settlement of a node that is found there.
pub(super) struct Reachable {
    pub(super) inner: Arc<SimulatedSettlement>,
    pub(super) contact: Contact,
}

#[async_trait]
impl Settles for Reachable {
    fn claimed(&self, asset: &AssetId) -> Result<ClaimedAsset, AgreeError> {
        self.inner.claimed(asset)
    }

    fn fits(&self, claim: &Claim) -> Result<(), AgreeError> {
        self.inner.fits(claim)
    }

    async fn draft(
        &self,
        claim: &Claim,
        give: Amount,
        want: Amount,
        until_ms: u64,
    ) -> Result<Drafted, AgreeError> {
        let mut drafted = self.inner.draft(claim, give, want, until_ms).await?;
        drafted.opening.contacts.push(self.contact.clone());
        Ok(drafted)
    }

    async fn pays(&self, asset: &AssetId, pay_to: &str) -> Result<(), AgreeError> {
        self.inner.pays(asset, pay_to).await
    }

    async fn suits(&self, claim: &Claim, terms: &FulfilTerms) -> Result<(), AgreeError> {
        self.inner.suits(claim, terms).await
    }

    async fn opening(
        &self,
        claim: &Claim,
        terms: &FulfilTerms,
        pay_to: Option<&str>,
    ) -> Result<Opened, AgreeError> {
        let mut opened = self.inner.opening(claim, terms, pay_to).await?;
        opened.opening.contacts.push(self.contact.clone());
        Ok(opened)
    }

    async fn begin(
        &self,
        order: SettlementOrder,
        role: Role,
        certified: Option<&Certified>,
    ) -> Result<SwapId, AgreeError> {
        self.inner.begin(order, role, certified).await
    }

    async fn outcome(&self, swap: SwapId) -> Result<Option<Outcome>, AgreeError> {
        self.inner.outcome(swap).await
    }

    fn promise(&self, claim: &Claim, want: Amount, until_ms: u64) {
        self.inner.promise(claim, want, until_ms);
    }

    fn hold(&self, claim: &Claim, opening: &Opening, until_ms: u64) {
        self.inner.hold(claim, opening, until_ms);
    }
}

//! What the market asks of the settlement side: to state, to check and to begin swaps.

use crate::agree::AgreeError;
use async_trait::async_trait;
use kofo_clearance::Certified;
use kofo_primitives::{
    Amount, AssetId, Claim, ClaimedAsset, FulfilTerms, Hashlock, Mode, Opening, Role, SettlementOrder,
    SwapId, SwapNonce, UnixTime,
};
use kofo_settlement::Outcome;

/// A quote as the settlement side drafts it; the market adds amounts and the reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// Freshly drawn: our keys of the swap come from it.
    pub nonce: SwapNonce,
    /// Our ends of both legs.
    pub opening: Opening,
    /// The timelock of what the claimant locks.
    pub alpha_timelock: UnixTime,
    /// The timelock of what we lock.
    pub beta_timelock: UnixTime,
    /// Alpha is to be seen by then.
    pub alpha_lock_by: UnixTime,
    /// Beta is to be seen by then.
    pub beta_lock_by: UnixTime,
    /// The claimant is to redeem by then.
    pub redeem_by: UnixTime,
}

/// A claimant's part of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Freshly drawn: the preimage and our keys come from it.
    pub nonce: SwapNonce,
    /// Of the preimage.
    pub hashlock: Hashlock,
    /// Our ends of both legs.
    pub opening: Opening,
}

/// Whether an order may begin: between two alone always, cleared only if that very order is certified. What is certified
/// was verified: nothing else makes a [`Certified`].
pub fn may_begin(order: &SettlementOrder, certified: Option<&Certified>) -> Result<(), AgreeError> {
    let mode = order.as_matched().map(|matched| matched.parts().claim.body.mode);
    match (mode, certified) {
        (None | Some(Mode::P2P), _) => Ok(()),
        (Some(Mode::Cleared), None) => Err(AgreeError::NotCertified(order.id())),
        (Some(Mode::Cleared), Some(certified)) if certified.order() == order.id() => Ok(()),
        (Some(Mode::Cleared), Some(certified)) => Err(AgreeError::OtherCertificate {
            order: order.id(),
            of: certified.order(),
        }),
    }
}

/// The settlement side, as the market sees it.
#[async_trait]
pub trait Settles: Send + Sync {
    /// Where and how deep this network locks the asset.
    fn claimed(&self, asset: &AssetId) -> Result<ClaimedAsset, AgreeError>;

    /// Whether a claim is one that we could settle: its assets, places, depths, mode and fee.
    fn fits(&self, claim: &Claim) -> Result<(), AgreeError>;

    /// As provider: timelocks, deadlines, and our ends of both legs, which nothing else uses until `until_ms` (unix ms).
    /// Checks that we could lock so much today.
    async fn draft(
        &self,
        claim: &Claim,
        give: Amount,
        want: Amount,
        until_ms: u64,
    ) -> Result<Drafted, AgreeError>;

    /// As claimant: whether the asset can be paid to that address, in the chain's own notation.
    async fn pays(&self, asset: &AssetId, pay_to: &str) -> Result<(), AgreeError>;

    /// As claimant: whether terms could be settled if they were selected now.
    async fn suits(&self, claim: &Claim, terms: &FulfilTerms) -> Result<(), AgreeError>;

    /// As claimant: our part of the swap. `pay_to`: whom the wanted asset goes to, if not to our own wallet, in the
    /// chain's own notation.
    async fn opening(
        &self,
        claim: &Claim,
        terms: &FulfilTerms,
        pay_to: Option<&str>,
    ) -> Result<Opened, AgreeError>;

    /// Begins the swap; durable when it returns. The same order again changes nothing. A cleared order begins with its own
    /// certificate alone ([`may_begin`]); from then on nothing of it needs a validator.
    async fn begin(
        &self,
        order: SettlementOrder,
        role: Role,
        certified: Option<&Certified>,
    ) -> Result<SwapId, AgreeError>;

    /// How a swap ended; `None` while it goes on.
    async fn outcome(&self, swap: SwapId) -> Result<Option<Outcome>, AgreeError>;

    /// After a restart: so much of what the claim wants is promised by a quote that still binds, until `until_ms` (unix ms).
    fn promise(&self, claim: &Claim, want: Amount, until_ms: u64);

    /// After a restart: our ends of a quote that still binds are used by nothing else until `until_ms` (unix ms).
    fn hold(&self, claim: &Claim, opening: &Opening, until_ms: u64);
}

//! What a token would do: asked of the chain, without any preimage, before anything of it is locked.

use super::{Purse, Shortage, Trouble};
use crate::calls;
use crate::htlc::Htlc;
use crate::node::NodeError;
use alloy::primitives::U256;

/// A lane that no lock of ours uses, so that a trial meets an empty one.
const TRIAL_LANE: u16 = u16::MAX;

fn refused(why: String) -> Trouble {
    Trouble::Short(Shortage::Refused(why))
}

impl Purse {
    /// Whether the token would pay the redeemer out of the contract.
    pub(crate) async fn pays(&self, it: &Htlc) -> Result<(), Trouble> {
        if it.is_coin() {
            return Ok(());
        }
        // More than the contract has would fail for another reason.
        let has = self.node.tokens(it.token, it.contract).await?;
        let amount = U256::from(it.amount.units()).min(has);
        match self
            .node
            .would_pay(it.token, it.contract, it.redeemer, amount)
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused("its transfer says false".to_owned())),
            Err(error) => Err(said_by_token(error)),
        }
    }

    /// Whether a lock of ours would hold exactly the amount: the lock itself is tried, after the approval if that is
    /// missing. The owner must have the amount.
    pub(crate) async fn takes(&self, it: &Htlc) -> Result<(), Trouble> {
        if it.is_coin() {
            return Ok(());
        }
        let owner = self.owner.address();
        let lock = calls::lock(&Htlc {
            lane: TRIAL_LANE,
            ..it.clone()
        });
        let allowance = self.node.allowance(it.token, owner, it.contract).await?;
        if allowance >= U256::from(it.amount.units()) {
            let tried = self.node.try_call(owner, &lock).await;
            return tried.map_err(said_by_token);
        }
        let approve = |amount| calls::approve(it.token, it.contract, amount);
        let calls = [approve(U256::ZERO), approve(U256::MAX), lock];
        match self.node.try_calls(owner, &calls).await {
            // A node that cannot try several calls is asked again about the lock alone, when the token is approved.
            Err(error @ (NodeError::Refused { .. } | NodeError::Odd(_))) => {
                tracing::debug!(%error, "whether the token can be locked is known when it is approved");
                Ok(())
            }
            tried => tried.map_err(said_by_token),
        }
    }
}

/// A token that says no is no fault of the node.
fn said_by_token(error: NodeError) -> Trouble {
    match error {
        NodeError::Reverted(why) => refused(why),
        NodeError::Lost(_)
        | NodeError::Refused { .. }
        | NodeError::Odd(_)
        | NodeError::Apart(_)
        | NodeError::Signer(_) => error.into(),
    }
}

//! The node's part in the clearance layer, as its owner commands it.

use super::Service;
use crate::clearing::{Clearing, LegAsked, ProveFailed, ledger_assets};
use crate::rpc::api::LedgerUnits;
use crate::rpc::types::{AccountShown, ActDone, ClearanceShown, Id, LegProved, OrderProved, OrderShown};
use crate::rpc::{ApiError, ApiErrorKind, ClearingApi};
use async_trait::async_trait;
use kofo_clearance::{Act, Fact};
use kofo_primitives::{LegId, NodeId, SwapId};

impl Service {
    fn clearing(&self) -> Result<&Clearing, ApiError> {
        let without = || ApiError::new(ApiErrorKind::NoClearance, "this node runs without clearance");
        self.clearing.as_deref().ok_or_else(without)
    }

    /// The legs of an order of ours, or that one.
    async fn legs(&self, order: SwapId, wanted: Option<LegId>) -> Result<Vec<LegAsked>, ApiError> {
        let legs = self.with(move |core| {
            let live = core.driver.swaps().get(&order)?;
            live.order().as_matched()?;
            let legs = live.terms().legs().iter();
            let wanted = legs.filter(|(leg, _)| wanted.is_none_or(|wanted| wanted == **leg));
            let asked = wanted.map(|(leg, terms)| LegAsked {
                leg: *leg,
                spec: terms.spec.clone(),
            });
            Some(asked.collect())
        });
        Ok(legs.await?.ok_or(ProveFailed::NoParty(order))?)
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

    async fn prove(&self, id: Id, leg: Option<LegId>) -> Result<OrderProved, ApiError> {
        let (clearing, order) = (self.clearing()?, id.into());
        let legs = self.legs(order, leg).await?;
        let proofs = clearing.prove(&self.blocks, order, &legs).await?;
        let shown = |proof: crate::clearing::Proof| LegProved {
            leg: proof.leg.to_string(),
            chain: proof.chain.to_string(),
            fact: fact(proof.fact).to_owned(),
            txid: proof.tx.to_string(),
            height: proof.height,
            depth: proof.depth,
            bytes: u64::try_from(proof.bytes.len()).unwrap_or(u64::MAX),
        };
        Ok(OrderProved {
            proved: proofs.into_iter().map(shown).collect(),
            order: clearing.show_order(order, false).await?,
        })
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

const fn fact(fact: Fact) -> &'static str {
    match fact {
        Fact::Absent => "absent",
        Fact::Seen => "seen",
        Fact::Final => "final",
        Fact::Redeemed => "redeemed",
        Fact::Refunded => "refunded",
        Fact::Unclear => "unclear",
    }
}

//! The clearance layer's methods: reads texts into values and asks the node.

use super::super::api::LedgerUnits;
use super::super::error::{ApiError, ApiErrorKind};
use super::super::methods::ClearingRpcServer;
use super::super::types::{AccountShown, ActDone, ClearanceShown, Id, OrderProved, OrderShown};
use super::{Methods, invalid};
use jsonrpsee::core::{RpcResult, async_trait};
use kofo_clearance::{Act, BondKind};
use kofo_primitives::{Amount, AssetId, ChainId, LegId, NodeId, Side, ValidatorKey};
use std::sync::Arc;

/// What a node without a genesis is told.
pub(super) const NO_CLEARANCE: &str =
    "fees need the clearance layer, which this node does not run: ask with fee none";

/// The clearance layer's part of the methods.
pub(super) struct ClearingMethods(pub(super) Arc<Methods>);

impl Methods {
    /// How amounts of the ledger are read, if there is one.
    pub(super) fn ledger(&self) -> Result<LedgerUnits, ApiError> {
        let without = || {
            let hint = "name the network's genesis as [clearing] genesis in the configuration";
            ApiError::new(ApiErrorKind::NoClearance, NO_CLEARANCE).hint(hint)
        };
        self.api.ledger().ok_or_else(without)
    }
}

impl ClearingMethods {
    fn amount(&self, text: &str) -> Result<(AssetId, Amount), ApiError> {
        Ok(self.0.ledger()?.assets.parse(text)?)
    }

    /// An amount of what validators stake.
    fn stake(&self, text: &str) -> Result<Amount, ApiError> {
        let ledger = self.0.ledger()?;
        let (asset, amount) = ledger.assets.parse(text)?;
        if asset != ledger.stake {
            let expected = ledger.assets.money(&ledger.stake, amount).symbol;
            return Err(invalid("amount", format!("an amount of {expected}"), text));
        }
        Ok(amount)
    }

    async fn act(&self, act: Act) -> RpcResult<ActDone> {
        self.0.ledger()?;
        Ok(self.0.api.act(act).await?)
    }
}

fn kind(text: &str) -> Result<BondKind, ApiError> {
    match text {
        "provider" => Ok(BondKind::Provider),
        "relay" => Ok(BondKind::Relay),
        other => Err(invalid("kind", "provider or relay", other)),
    }
}

/// A matched order has one leg on each side.
fn leg(text: &str) -> Result<LegId, ApiError> {
    match text {
        "alpha" | "alpha/0" => Ok(LegId::first(Side::Alpha)),
        "beta" | "beta/0" => Ok(LegId::first(Side::Beta)),
        other => Err(invalid("leg", "alpha or beta", other)),
    }
}

const fn account(id: Id) -> NodeId {
    NodeId::new(id.0)
}

#[async_trait]
impl ClearingRpcServer for ClearingMethods {
    async fn order_show(&self, id: Id, proof: Option<bool>) -> RpcResult<OrderShown> {
        self.0.ledger()?;
        Ok(self.0.api.order(id, proof.unwrap_or(false)).await?)
    }

    async fn order_prove(&self, id: Id, leg: Option<String>) -> RpcResult<OrderProved> {
        self.0.ledger()?;
        let leg = leg.as_deref().map(self::leg).transpose()?;
        Ok(self.0.api.prove(id, leg).await?)
    }

    async fn ledger_status(&self) -> RpcResult<ClearanceShown> {
        self.0.ledger()?;
        Ok(self.0.api.clearance().await?)
    }

    async fn ledger_account(&self, key: Option<Id>) -> RpcResult<AccountShown> {
        self.0.ledger()?;
        Ok(self.0.api.account(key).await?)
    }

    async fn ledger_transfer(&self, to: Id, amount: String) -> RpcResult<ActDone> {
        let (asset, amount) = self.amount(&amount)?;
        let to = account(to);
        self.act(Act::Transfer { to, asset, amount }).await
    }

    async fn ledger_grant(&self, to: Id, points: u64) -> RpcResult<ActDone> {
        let to = account(to);
        self.act(Act::Grant { to, points }).await
    }

    async fn bond_add(&self, kind: String, amount: String) -> RpcResult<ActDone> {
        let (kind, (asset, amount)) = (self::kind(&kind)?, self.amount(&amount)?);
        self.act(Act::Bond { kind, asset, amount }).await
    }

    async fn bond_remove(&self, kind: String, amount: String) -> RpcResult<ActDone> {
        let (kind, (asset, amount)) = (self::kind(&kind)?, self.amount(&amount)?);
        self.act(Act::Unbond { kind, asset, amount }).await
    }

    async fn stake_add(&self, key: String, commission_bps: u16, amount: String) -> RpcResult<ActDone> {
        let wrong = |_| invalid("key", "66 hexadecimal digits of a vote key", &key);
        let vote: ValidatorKey = key.parse().map_err(wrong)?;
        if commission_bps > 10_000 {
            return Err(invalid("commission_bps", "0 to 10000", commission_bps).into());
        }
        let amount = self.stake(&amount)?;
        self.act(Act::Stake {
            key: vote,
            commission_bps,
            amount,
        })
        .await
    }

    async fn stake_remove(&self, amount: String) -> RpcResult<ActDone> {
        let amount = self.stake(&amount)?;
        self.act(Act::Unstake { amount }).await
    }

    async fn stake_observe(&self, chains: Vec<String>) -> RpcResult<ActDone> {
        few("chains", chains.len())?;
        let read = |text: &String| ChainId::new(text).map_err(|e| invalid("chains", e.expected, text));
        let chains = chains.iter().map(read).collect::<Result<_, _>>()?;
        self.act(Act::Observe { chains }).await
    }

    async fn stake_list(&self, pairs: Vec<String>) -> RpcResult<ActDone> {
        few("pairs", pairs.len())?;
        let read = |text: &String| self.0.assets.pair(text).map_err(ApiError::from);
        let pairs = pairs.iter().map(read).collect::<Result<_, _>>()?;
        self.act(Act::List { pairs }).await
    }

    async fn stake_unjail(&self) -> RpcResult<ActDone> {
        self.act(Act::Unjail).await
    }

    async fn delegate_add(&self, to: Id, amount: String) -> RpcResult<ActDone> {
        let (to, amount) = (account(to), self.stake(&amount)?);
        self.act(Act::Delegate { to, amount }).await
    }

    async fn delegate_remove(&self, from: Id, amount: String) -> RpcResult<ActDone> {
        let (from, amount) = (account(from), self.stake(&amount)?);
        self.act(Act::Undelegate { from, amount }).await
    }

    async fn reward_collect(&self) -> RpcResult<ActDone> {
        self.act(Act::Collect).await
    }
}

fn few(name: &str, have: usize) -> Result<(), ApiError> {
    let most = kofo_clearance::MAX_LISTED;
    match have <= most {
        true => Ok(()),
        false => Err(invalid(name, format!("at most {most}"), have)),
    }
}

//! How a validator is, and what its owner may see of orders and accounts.

use crate::config::Role;
use crate::daemon::Shared;
use crate::store::{Found, Placed, StoreError};
use kofo_clearance::{AccountView, Op, Settlement};
use kofo_node::rpc::types::Id;
use kofo_primitives::decode;
use serde::{Deserialize, Serialize};

/// How a validator or follower is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The network.
    pub network: String,
    /// `validator` or `follower`; or `validator, follows until the tip` for one that does not know what it signed and
    /// does not vote yet.
    pub role: String,
    /// Its account: 64 hexadecimal digits.
    pub account: String,
    /// By which it votes: 66 hexadecimal digits.
    pub key: String,
    /// The last height that is final.
    pub height: u64,
    /// Its time (unix ms).
    pub time_ms: u64,
    /// Its header's id.
    pub header: Id,
    /// The root of the ledger after it.
    pub state: Option<Id>,
    /// The height that is being decided.
    pub deciding: u64,
    /// The attempt at it. Above 0 for long: too few validators.
    pub round: u32,
    /// Connected engines.
    pub peers: usize,
    /// Operations that wait to be proposed.
    pub mempool: usize,
    /// Which set of validators decides.
    pub epoch: u64,
    /// So many they are.
    pub validators: usize,
    /// Our power among them, 0 if we are none.
    pub power: u64,
    /// The power of all.
    pub total_power: u64,
    /// Whether the secret that validators share is known here.
    pub secret: bool,
    /// Where the engine listens, and behind `/p2p/` the name by which others admit it as a follower.
    pub engine: String,
    /// Where the service listens.
    pub service: Vec<String>,
    /// Why the engine stopped, if it did.
    pub failure: Option<String>,
}

/// One payment of an order's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutShown {
    /// To which account; none: the pool, or nobody.
    pub to: Option<String>,
    /// Of which asset, by CAIP-19.
    pub asset: String,
    /// How many units of it.
    pub units: String,
    /// What for: `foundation`, `validators`, `hop 1`, …
    pub why: String,
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementShown {
    /// At which height.
    pub height: u64,
    /// `settled`, `never_locked`, …
    pub ending: String,
    /// Time of the header (unix ms).
    pub time_ms: u64,
    /// Every payment.
    pub payouts: Vec<PayoutShown>,
}

/// What a validator knows of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShown {
    /// Its id.
    pub order: Id,
    /// At which height it was committed.
    pub height: u64,
    /// Which operation of that batch it is.
    pub place: u32,
    /// How it ended, if it did.
    pub settlement: Option<SettlementShown>,
}

/// What an account has of one asset, in units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingShown {
    /// Which, by CAIP-19.
    pub asset: String,
    /// At its disposal.
    pub free: String,
    /// As a provider's bond that no order reserves.
    pub provider: String,
    /// As a relay's bond.
    pub relay: String,
    /// Staked by itself.
    pub stake: String,
    /// Delegated to validators.
    pub delegated: String,
    /// Earned and not collected.
    pub reward: String,
    /// On its way back to it: when (unix ms), how much.
    pub unbonding: Vec<(u64, String)>,
}

/// What an account has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountShown {
    /// Whose.
    pub account: String,
    /// After which height.
    pub height: u64,
    /// The sequence of its next act.
    pub sequence: u64,
    /// One row for each asset that it has.
    pub holdings: Vec<HoldingShown>,
    /// Its points.
    pub points: u64,
    /// Its importance score, of 2³² in all.
    pub score: u64,
    /// Orders on its reservations that were settled.
    pub settled: u64,
    /// And that it failed.
    pub failed: u64,
    /// Its power among the validators.
    pub power: u64,
    /// Jailed until (unix ms), if it is.
    pub jailed_until_ms: Option<u64>,
}

/// `ProviderWalked` → `provider_walked`; `Hop(1)` → `hop 1`.
fn words(debug: &str) -> String {
    let mut out = String::new();
    for (at, c) in debug.char_indices() {
        match c {
            '(' => out.push(' '),
            ')' => {}
            c if c.is_ascii_uppercase() => {
                if at > 0 {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
            }
            c => out.push(c),
        }
    }
    out
}

impl SettlementShown {
    fn of(height: u64, settlement: &Settlement) -> Self {
        let shown = |payout: &kofo_clearance::Payout| PayoutShown {
            to: payout.to.map(|to| to.to_string()),
            asset: payout.asset.to_string(),
            units: payout.amount.to_string(),
            why: words(&format!("{:?}", payout.why)),
        };
        Self {
            height,
            ending: words(&format!("{:?}", settlement.ending)),
            time_ms: settlement.time_ms,
            payouts: settlement.payouts.iter().map(shown).collect(),
        }
    }
}

impl From<AccountView> for AccountShown {
    fn from(view: AccountView) -> Self {
        let row = |one: kofo_clearance::Holding| HoldingShown {
            asset: one.asset.to_string(),
            free: one.free.to_string(),
            provider: one.provider.to_string(),
            relay: one.relay.to_string(),
            stake: one.stake.to_string(),
            delegated: one.delegated.to_string(),
            reward: one.reward.to_string(),
            unbonding: one
                .unbonding
                .into_iter()
                .map(|(at, amount)| (at, amount.to_string()))
                .collect(),
        };
        Self {
            account: view.account.to_string(),
            height: view.height,
            sequence: view.sequence,
            holdings: view.holdings.into_iter().map(row).collect(),
            points: view.points,
            score: view.score,
            settled: view.settled,
            failed: view.failed,
            power: view.power,
            jailed_until_ms: view.jailed_until_ms,
        }
    }
}

impl Shared {
    /// How it is.
    pub(crate) fn status(&self) -> Status {
        let head = self.replica.now();
        let (tip, set) = (head.ledger.tip(), head.ledger.validators());
        let engine = self.engine.borrow().clone();
        let key = self.keys.voter();
        let header = self.replica.store().header(tip.height).ok().flatten();
        Status {
            network: self.network.to_string(),
            role: match self.role {
                Role::Validator if *self.follows.borrow() => "validator, follows until the tip".into(),
                Role::Validator => "validator".into(),
                Role::Follower => "follower".into(),
            },
            account: self.keys.account.id().to_string(),
            key: key.to_string(),
            height: tip.height,
            time_ms: tip.time_ms,
            header: Id(tip.id),
            state: header.map(|header| Id(header.state)),
            deciding: engine.height,
            round: engine.round,
            peers: engine.peers,
            mempool: self.intake.pool().len(),
            epoch: set.epoch(),
            validators: set.members().len(),
            power: set.find(&key).map_or(0, |member| member.power),
            total_power: set.total(),
            secret: self.committee.key().is_some(),
            engine: self.engine_listen.clone(),
            service: self.service_listen.clone(),
            failure: engine.failure.map(|failure| failure.to_string()),
        }
    }

    /// An order, by its own id, its claim's, its quote's, or the leaf of its operation.
    pub(crate) fn order(&self, id: Id) -> Result<Option<OrderShown>, StoreError> {
        let store = self.replica.store();
        let placed: Option<Placed> = match store.find(&id.0)? {
            Some(Found::Order(order)) => store.order(order)?,
            Some(Found::Op(height, place)) => match decode(&store.op(height, place)?) {
                Ok(Op::Order(cleared)) => store.order(cleared.order.id())?,
                Ok(_) | Err(_) => None,
            },
            None => None,
        };
        let Some(placed) = placed else {
            return Ok(None);
        };
        let settlement = store.settlement(placed.order)?;
        Ok(Some(OrderShown {
            order: placed.order.into(),
            height: placed.height,
            place: placed.place,
            settlement: settlement.map(|(height, _, settlement)| SettlementShown::of(height, &settlement)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_and_reasons_are_shown_as_words() {
        assert_eq!(words("ProviderWalked"), "provider_walked");
        assert_eq!(words("Hop(12)"), "hop 12");
    }
}

//! What our accounts have, and what they must keep so that every open leg can be redeemed or refunded at the fee cap.

mod token;

use crate::account::Account;
use crate::config::EvmConfig;
use crate::fees::{Fee, PAYMENT_GAS};
use crate::htlc::Htlc;
use crate::node::{Node, NodeError};
use alloy::primitives::Address;
use kofo_adapter_api::{AdapterError, SignerError};
use kofo_primitives::{Amount, AssetId, FailClass, LegRef, Text};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What a lock that is built, but in no block yet, takes from the owner.
#[derive(Clone, Debug)]
pub(crate) struct Earmark {
    pub(crate) asset: AssetId,
    pub(crate) amount: Amount,
}

/// Shared by the engine, which writes it, and the questions that are answered beside it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Locks that are not in a block yet.
    pub(crate) earmarks: BTreeMap<LegRef, Earmark>,
    /// Gas that each open leg will need for its end.
    pub(crate) ends: BTreeMap<LegRef, u64>,
}

/// Our accounts on the chain.
pub(crate) struct Purse {
    pub(crate) config: EvmConfig,
    pub(crate) node: Node,
    /// What stands at the contract's address.
    pub(crate) runtime_code: Vec<u8>,
    pub(crate) owner: Account,
    pub(crate) gas: Vec<Account>,
    pub(crate) ledger: Mutex<Ledger>,
}

/// Why a lock cannot be made now.
#[derive(Debug)]
pub(crate) enum Shortage {
    Funds {
        asset: AssetId,
        have: Amount,
        need: Amount,
    },
    Gas {
        have: Amount,
        need: Amount,
    },
    Refused(String),
    FeeCap {
        need: Amount,
        most: Amount,
    },
}

/// A question has either an answer, a shortage, or a node that does not answer.
pub(crate) enum Trouble {
    Short(Shortage),
    Node(NodeError),
}

impl From<NodeError> for Trouble {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

/// A gas account that has too little, and what it needs.
pub(crate) struct TopUp {
    pub(crate) to: Address,
    pub(crate) wei: u128,
}

impl Purse {
    /// What one unit of gas costs at the latest block: its base fee, or the node's price on a legacy chain.
    pub(crate) async fn price(&self, base_fee: Option<u64>) -> Result<u128, NodeError> {
        match base_fee.filter(|_| !self.config.fees.legacy) {
            Some(fee) => Ok(u128::from(fee)),
            None => self.node.gas_price().await,
        }
    }

    pub(crate) async fn has(&self, token: Address) -> Result<u128, NodeError> {
        let owner = self.owner.address();
        let units = if token.is_zero() {
            self.node.coins(owner).await?
        } else {
            self.node.tokens(token, owner).await?
        };
        Ok(u128::try_from(units).unwrap_or(u128::MAX))
    }

    /// What locks that are in no block yet take of an asset, but for one leg's.
    pub(crate) fn earmarked(&self, asset: &AssetId, but: Option<LegRef>) -> u128 {
        let ledger = self.ledger();
        let others = ledger
            .earmarks
            .iter()
            .filter(|(leg, mark)| Some(**leg) != but && mark.asset == *asset);
        others.fold(0, |sum, (_, mark)| sum.saturating_add(mark.amount.units()))
    }

    pub(crate) fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What every gas account must have: its share of the ends of all open legs, and never less than the dearest.
    fn need_each(&self, extra: Option<(LegRef, u64)>) -> u128 {
        let mut ends = self.ledger().ends.clone();
        ends.extend(extra);
        let at_cap = |gas: u64| u128::from(gas).saturating_mul(self.config.fees.cap);
        let all = ends
            .values()
            .fold(0u128, |sum, gas| sum.saturating_add(at_cap(*gas)));
        let dearest = ends.values().copied().max().map_or(0, at_cap);
        let accounts = u128::try_from(self.gas.len()).unwrap_or(1).max(1);
        all.div_ceil(accounts).max(dearest)
    }

    /// The gas accounts that have too little for the open legs and one more. A quarter is put on top, so that the next
    /// swap needs none.
    pub(crate) async fn top_ups(&self, extra: Option<(LegRef, u64)>) -> Result<Vec<TopUp>, NodeError> {
        let need = self.need_each(extra);
        let mut found = Vec::new();
        for account in &self.gas {
            let have = u128::try_from(self.node.coins(account.address()).await?).unwrap_or(u128::MAX);
            if have < need {
                let wei = need.saturating_add(need / 4).saturating_sub(have);
                found.push(TopUp {
                    to: account.address(),
                    wei,
                });
            }
        }
        Ok(found)
    }

    /// What the owner pays for these top-ups, gas included.
    pub(crate) fn cost(&self, top_ups: &[TopUp], fee: Fee) -> u128 {
        top_ups.iter().fold(0, |sum, t| {
            sum.saturating_add(t.wei).saturating_add(fee.of(PAYMENT_GAS))
        })
    }

    /// Whether the owner can pay for a lock, its gas, and the gas of its end.
    pub(crate) async fn afford(
        &self,
        leg: LegRef,
        asset: &AssetId,
        it: &Htlc,
        price: u128,
    ) -> Result<(), Trouble> {
        let policy = &self.config.fees;
        let fee = policy.today(price);
        if fee.max < price {
            let (need, most) = (Amount::new(price), Amount::new(policy.cap));
            return Err(Trouble::Short(Shortage::FeeCap { need, most }));
        }
        let top_ups = self.top_ups(Some((leg, it.end_gas()))).await?;
        let gas = self.cost(&top_ups, fee).saturating_add(fee.of(it.lock_gas()));
        let coin = &self.config.coin;
        let coins = self
            .has(Address::ZERO)
            .await?
            .saturating_sub(self.earmarked(coin, Some(leg)));
        let amount = it.amount.units();
        let short = |asset: &AssetId, have: u128, need: u128| {
            let (asset, have, need) = (asset.clone(), Amount::new(have), Amount::new(need));
            Err(Trouble::Short(Shortage::Funds { asset, have, need }))
        };
        if it.is_coin() {
            let need = amount.saturating_add(gas);
            return if coins < need {
                short(coin, coins, need)
            } else {
                Ok(())
            };
        }
        let tokens = self
            .has(it.token)
            .await?
            .saturating_sub(self.earmarked(asset, Some(leg)));
        if tokens < amount {
            return short(asset, tokens, amount);
        }
        let (have, need) = (Amount::new(coins), Amount::new(gas));
        if coins < gas {
            Err(Trouble::Short(Shortage::Gas { have, need }))
        } else {
            Ok(())
        }
    }

    /// Whether the owner can fill the gas accounts for the end of one more leg.
    pub(crate) async fn afford_end(&self, leg: LegRef, it: &Htlc, price: u128) -> Result<(), Trouble> {
        let top_ups = self.top_ups(Some((leg, it.end_gas()))).await?;
        let need = self.cost(&top_ups, self.config.fees.today(price));
        let have = self
            .has(Address::ZERO)
            .await?
            .saturating_sub(self.earmarked(&self.config.coin, None));
        let (missing, have, need) = (have < need, Amount::new(have), Amount::new(need));
        if missing {
            Err(Trouble::Short(Shortage::Gas { have, need }))
        } else {
            Ok(())
        }
    }

    pub(crate) fn node_error(&self, error: &NodeError) -> AdapterError {
        if let NodeError::Signer(error) = error {
            return self.signer_error(error.clone());
        }
        AdapterError::Node {
            chain: self.config.chain(),
            why: error.to_string(),
        }
    }

    pub(crate) fn signer_error(&self, source: SignerError) -> AdapterError {
        AdapterError::Signer {
            chain: self.config.chain(),
            source,
        }
    }

    /// The trouble as the port says it.
    pub(crate) fn adapter_error(&self, asset: &AssetId, trouble: Trouble) -> AdapterError {
        let short = match trouble {
            Trouble::Node(error) => return self.node_error(&error),
            Trouble::Short(short) => short,
        };
        match short {
            Shortage::Funds { asset, have, need } => AdapterError::Funds { asset, have, need },
            Shortage::Gas { have, need } => {
                let (chain, account) = (self.config.chain(), self.owner.address().to_string());
                AdapterError::NoGas {
                    chain,
                    account,
                    have,
                    need,
                }
            }
            Shortage::Refused(why) => AdapterError::PayeeRefused {
                asset: asset.clone(),
                why,
            },
            Shortage::FeeCap { need, most } => {
                let why = format!("gas costs {need} wei, above our cap of {most}: wait, or raise the cap");
                AdapterError::Node {
                    chain: self.config.chain(),
                    why,
                }
            }
        }
    }
}

impl Shortage {
    /// The shortage as the core is told.
    pub(crate) fn class(self) -> FailClass {
        match self {
            Self::Funds { have, need, .. } | Self::Gas { have, need } => FailClass::Funds { have, need },
            Self::Refused(why) => FailClass::Refused(Text::lossy(&why)),
            Self::FeeCap { need, most } => FailClass::FeeCap { need, most },
        }
    }
}

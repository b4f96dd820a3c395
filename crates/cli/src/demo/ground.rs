//! The chains under a demo: real daemons or chains in memory, with one set of questions for both.

use super::daemons::Daemons;
use super::memory::Memory;
use super::story::Who;
use anyhow::{Context, Result, anyhow};
use kofo_node::assets::Assets;
use kofo_node::rpc::types::{ActSeen, Balance};
use kofo_primitives::{Amount, UnixTime};
use kofo_regtest::Chain;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Amounts in smallest units, by symbol.
pub type Units = BTreeMap<String, u128>;

/// What one transaction cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// How large it is, or how much gas it used.
    pub size: u64,
    /// What that is counted in: `vB`, `gas`, or `tx` on a chain in memory.
    pub unit: &'static str,
    /// The fee with its asset, such as `0.00000155 BTC`.
    pub fee: String,
    /// The asset's symbol.
    #[serde(skip)]
    pub symbol: String,
    /// The fee in smallest units.
    #[serde(skip)]
    pub units: u128,
}

/// What a node has and what it paid, as the chains tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// What all its accounts have.
    pub has: Units,
    /// What its accounts paid for gas since the ground was laid. Fees that come out of what a transaction moves, as on
    /// Bitcoin, are not in it.
    pub gas: Units,
}

/// Chains with two funded nodes.
#[derive(Clone)]
pub enum Ground {
    /// bitcoind and two anvils.
    Daemons(Arc<Daemons>),
    /// Chains in this process.
    Memory(Arc<Memory>),
}

impl Ground {
    /// The assets of the demo.
    #[must_use]
    pub fn assets(&self) -> &Assets {
        match self {
            Self::Daemons(daemons) => daemons.assets(),
            Self::Memory(memory) => memory.assets(),
        }
    }

    /// The chain of a CAIP-2 id.
    pub fn chain(&self, id: &str) -> Result<Chain> {
        let found = Chain::ALL.into_iter().find(|chain| self.id(*chain) == id);
        found.with_context(|| format!("no chain of the demo is {id}"))
    }

    /// What a node's own balances say that it can spend of an asset.
    pub(super) fn spendable(&self, balances: &[Balance], name: &str, symbol: &str) -> Result<Amount> {
        let asset = self.assets().by_symbol(symbol)?;
        let balance = balances.iter().find(|b| b.asset == asset.id.to_string());
        let balance = balance.with_context(|| format!("the {name} does not know {symbol}"))?;
        let trouble = balance.trouble.as_deref().unwrap_or_default();
        let money = balance.spendable.as_ref();
        let money = money.with_context(|| format!("no balance of {symbol}: {trouble}"))?;
        Ok(Amount::parse_units(&money.amount, asset.decimals)?)
    }

    fn id(&self, chain: Chain) -> String {
        match self {
            Self::Daemons(_) => super::daemons::chain_id(chain).to_owned(),
            Self::Memory(_) => super::memory::chain_id(chain),
        }
    }

    /// From now on the chain gets no block, until [`Ground::advance_to`] or [`Ground::resume`].
    pub async fn pause(&self, chain: Chain) -> Result<()> {
        match self {
            Self::Daemons(daemons) => Ok(daemons.regtest().pause_miner(chain).await?),
            Self::Memory(memory) => {
                memory.set_paused(chain, true);
                Ok(())
            }
        }
    }

    /// The chain gets blocks again.
    pub async fn resume(&self, chain: Chain) -> Result<()> {
        match self {
            Self::Daemons(daemons) => Ok(daemons.regtest().resume_miner(chain).await?),
            Self::Memory(memory) => {
                memory.set_paused(chain, false);
                Ok(())
            }
        }
    }

    /// Mines one block, also on a paused chain.
    pub async fn mine(&self, chain: Chain) -> Result<()> {
        match self {
            Self::Daemons(daemons) => daemons.regtest().mine(chain, 1).await.map(drop)?,
            Self::Memory(memory) => memory.mine(chain),
        }
        Ok(())
    }

    /// How many transactions wait for a block of the chain.
    pub async fn waiting(&self, chain: Chain) -> Result<u64> {
        match self {
            Self::Daemons(daemons) => Ok(daemons.regtest().waiting(chain).await?),
            Self::Memory(memory) => Ok(memory.waiting(chain)),
        }
    }

    /// Moves the time of all chains to `time` at least; each gets a block, paused or not.
    pub async fn advance_to(&self, time: UnixTime) -> Result<()> {
        match self {
            Self::Daemons(daemons) => daemons.advance_to(time.0).await,
            Self::Memory(memory) => {
                memory.advance_to(time);
                Ok(())
            }
        }
    }

    /// What an act cost whoever sent it.
    pub async fn cost(&self, chain: Chain, act: &ActSeen) -> Result<Option<Cost>> {
        let Some(txid) = &act.txid else {
            return Ok(None);
        };
        match self {
            Self::Daemons(daemons) => daemons.cost(chain, txid).await.map(Some),
            Self::Memory(memory) => Ok(memory.cost(chain, txid)),
        }
    }

    /// What both nodes have now and what they paid for gas, asked of the chains, but for wallets of which only their
    /// node knows the addresses.
    pub async fn purses(&self, wallets: [&Wallet; 2]) -> Result<[Purse; 2]> {
        match self {
            Self::Daemons(daemons) => {
                let purses = daemons.purses(&wallets).await?;
                purses.try_into().map_err(|_| anyhow!("each node has a purse"))
            }
            Self::Memory(memory) => Ok(Who::BOTH.map(|who| memory.purse(who))),
        }
    }
}

/// What is known of a node's wallet.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    /// The account that owns coins and tokens on the EVM chains.
    pub owner: String,
    /// From which height on its transactions are looked for, by chain.
    pub since: BTreeMap<Chain, u64>,
    /// What its Bitcoin wallet says it has, in satoshi.
    pub satoshi: u128,
}

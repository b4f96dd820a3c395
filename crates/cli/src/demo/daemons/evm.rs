//! What the anvils know of the nodes' accounts.

use super::Daemons;
use crate::demo::ground::Wallet;
use anyhow::{Context, Result, bail};
use kofo_regtest::Chain;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `mint(address,uint256)` of the test token, which anybody may call.
const MINT: &str = "40c10f19";
/// `balanceOf(address)`.
const BALANCE_OF: &str = "70a08231";

/// One node's coins on one chain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coins {
    /// What all its accounts have, in wei.
    pub(super) has: u128,
    /// What they paid for gas, in wei.
    pub(super) gas: u128,
}

impl Daemons {
    /// Gives tokens to an account.
    pub(super) async fn mint(&self, to: &str, units: u128) -> Result<()> {
        let data = format!("0x{MINT}{}{units:064x}", word(to));
        let faucet = &self.regtest.ethereum().faucet;
        let call = json!([{"from": faucet, "to": self.token, "data": data, "gas": "0x30d40"}]);
        let before = self.tokens(to).await?;
        let txid = self
            .regtest
            .rpc(Chain::Ethereum, "eth_sendTransaction", call)
            .await?;
        self.regtest.mine(Chain::Ethereum, 1).await?;
        if self.tokens(to).await? == before {
            bail!("the test token was not minted: see transaction {txid}");
        }
        Ok(())
    }

    /// What an account has of the test token.
    pub(super) async fn tokens(&self, of: &str) -> Result<u128> {
        let call = json!([{"to": self.token, "data": format!("0x{BALANCE_OF}{}", word(of))}, "latest"]);
        quantity(&self.regtest.rpc(Chain::Ethereum, "eth_call", call).await?)
    }

    /// The gas that a transaction used and what was paid for it.
    pub(super) async fn gas(&self, chain: Chain, txid: &str) -> Result<(u64, u128)> {
        let receipt = self
            .regtest
            .rpc(chain, "eth_getTransactionReceipt", json!([txid]))
            .await?;
        let used = quantity(&receipt["gasUsed"]).with_context(|| format!("{chain}: no receipt of {txid}"))?;
        let price = quantity(&receipt["effectiveGasPrice"])?;
        let wei = used.checked_mul(price).context("no gas costs that much")?;
        Ok((u64::try_from(used)?, wei))
    }

    /// Goes through all blocks since the nodes were funded: the accounts that each node paid from its owner account are
    /// its own, and so is the gas that any of them paid.
    pub(super) async fn coins(&self, chain: Chain, wallets: &[&Wallet]) -> Result<Vec<Coins>> {
        let mut coins = vec![Coins::default(); wallets.len()];
        let owners = wallets.iter().enumerate();
        let mut accounts: BTreeMap<String, usize> =
            owners.map(|(i, w)| (w.owner.to_lowercase(), i)).collect();
        let since = wallets
            .iter()
            .filter_map(|w| w.since.get(&chain))
            .min()
            .copied()
            .unwrap_or(0);
        let tip = self.regtest.tip(chain).await?.height;
        for height in since.saturating_add(1)..=tip {
            let asked = json!([format!("{height:#x}"), true]);
            let block = self.regtest.rpc(chain, "eth_getBlockByNumber", asked).await?;
            for tx in block["transactions"].as_array().into_iter().flatten() {
                let Some(payer) = accounts.get(&lower(&tx["from"])).copied() else {
                    continue;
                };
                let (_, wei) = self
                    .gas(chain, tx["hash"].as_str().context("a transaction has a hash")?)
                    .await?;
                coins[payer].gas = coins[payer].gas.saturating_add(wei);
                if tx["input"] == "0x" {
                    accounts.entry(lower(&tx["to"])).or_insert(payer);
                }
            }
        }
        for (account, of) in accounts {
            let has = self
                .regtest
                .rpc(chain, "eth_getBalance", json!([account, "latest"]))
                .await?;
            coins[of].has = coins[of].has.saturating_add(quantity(&has)?);
        }
        Ok(coins)
    }
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

/// An address as an argument of a call.
fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x"))
}

fn quantity(value: &Value) -> Result<u128> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let digits = digits.with_context(|| format!("expected a number in hex, got {value}"))?;
    u128::from_str_radix(digits, 16).with_context(|| format!("expected a number in hex, got {value}"))
}

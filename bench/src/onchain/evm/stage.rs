//! The state of the world in which gas is measured: every account exists and holds the asset, the contract is not
//! empty, the allowance has no end.

use alloy::hex;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolValue};
use anyhow::{Context, Result, ensure};
use kofo_regtest::{CREATE2_DEPLOYER, Chain, Regtest};
use serde_json::{Value, json};

use super::contracts::{HashLanes, TestToken};
use super::swap::{AMOUNT, Lane, Swap, Terms, full, full_moment};
use super::{ETH, signing};

/// No transaction here needs so much, and osaka allows it.
const GAS_LIMIT: &str = "0xf00000";
/// Above the base fee of any block here, in wei.
const GAS_PRICE: &str = "0x174876e800";
/// Far enough for a few hundred blocks to be mined before it, in seconds.
const TIMELOCK_AFTER: u64 = 3_600;
/// The redeemer's coins at the start, as many as anvil's own accounts have, in wei.
const COINS: &str = "0x21e19e0c9bab2400000";
/// Each account's tokens at the start.
const TOKENS: u128 = AMOUNT << 32;

/// Contracts, accounts, and the lanes that are used up.
pub(super) struct Stage<'a> {
    pub(super) regtest: &'a Regtest,
    pub(super) contract: Address,
    pub(super) token: Address,
    pub(super) owner: Address,
    pub(super) redeemer: Address,
    /// The redeemer's, which signs; what it sends is sent by anvil for it.
    pub(super) key: PrivateKeySigner,
    /// Neither owner nor redeemer.
    pub(super) relayer: Address,
    seed: u64,
    lanes: u16,
}

impl<'a> Stage<'a> {
    /// Deploys and fills.
    pub(super) async fn set(regtest: &'a Regtest) -> Result<Stage<'a>> {
        let mut lanes_code = HashLanes::BYTECODE.to_vec();
        lanes_code.extend(U256::from(regtest.ethereum().chain_id).abi_encode());
        let [owner, relayer] = accounts(regtest).await?;
        let key = signing::key()?;
        let redeemer = key.address();
        for (method, params) in [
            ("anvil_setBalance", json!([redeemer, COINS])),
            ("anvil_impersonateAccount", json!([redeemer])),
        ] {
            regtest.rpc(Chain::Ethereum, method, params).await?;
        }
        let mut stage = Stage {
            regtest,
            contract: deploy(regtest, &lanes_code).await?,
            token: deploy(regtest, &TestToken::BYTECODE).await?,
            owner,
            redeemer,
            key,
            relayer,
            seed: 0,
            lanes: 0,
        };
        for to in [owner, redeemer, relayer] {
            let mint = TestToken::mintCall {
                to,
                amount: U256::from(TOKENS),
            };
            stage.call(owner, stage.token, 0, mint.abi_encode()).await?;
        }
        let approve = TestToken::approveCall {
            spender: stage.contract,
            amount: U256::MAX,
        };
        stage.call(owner, stage.token, 0, approve.abi_encode()).await?;
        // Stay locked to the end: the contract is never empty.
        let timelock = stage.timelock().await?;
        for token in [ETH, stage.token] {
            let swap = stage.swap(token, Lane::Opening, timelock).await?;
            stage.lock(&swap).await?;
        }
        Ok(stage)
    }

    /// A moment that is ahead of every chain.
    pub(super) async fn timelock(&self) -> Result<u64> {
        Ok(full_moment(
            self.regtest.advance(0).await?.saturating_add(TIMELOCK_AFTER),
        ))
    }

    /// A swap in a lane of its own that is in the state asked for.
    pub(super) async fn swap(&mut self, token: Address, lane: Lane, timelock: u64) -> Result<Swap> {
        self.lanes = self.lanes.checked_add(1).context("lanes are used up")?;
        let number = lane.number(self.lanes);
        if lane == Lane::Recycled {
            let before = self.draw(token, number, timelock);
            self.lock(&before).await?;
            self.redeem(&before, self.redeemer).await?;
        }
        Ok(self.draw(token, number, timelock))
    }

    /// A swap in this lane, whatever state that is in.
    pub(super) fn draw(&mut self, token: Address, lane: u16, timelock: u64) -> Swap {
        let terms = Terms {
            owner: self.owner,
            redeemer: self.redeemer,
            token,
            timelock,
        };
        Swap::draw(&mut self.seed, terms, lane)
    }

    /// The owner locks.
    pub(super) async fn lock(&self, swap: &Swap) -> Result<u64> {
        let (lane, terms, token) = (swap.lane, swap.terms, swap.lock.token);
        let (value, data) = if token == ETH {
            (AMOUNT, HashLanes::lockCall { lane, terms }.abi_encode())
        } else {
            let amount = swap.lock.amount;
            (
                0,
                HashLanes::lockTokenCall {
                    lane,
                    terms,
                    token,
                    amount,
                }
                .abi_encode(),
            )
        };
        self.call(self.owner, self.contract, value, data).await
    }

    /// `from` redeems for the redeemer.
    pub(super) async fn redeem(&self, swap: &Swap, from: Address) -> Result<u64> {
        let call = HashLanes::redeemCall {
            preimage: swap.preimage,
            it: swap.lock.clone(),
        };
        self.call(from, self.contract, 0, call.abi_encode()).await
    }

    /// The owner takes back what is over its time.
    pub(super) async fn refund(&self, swap: &Swap) -> Result<u64> {
        let call = HashLanes::refundCall {
            hashlock: swap.hashlock,
            it: swap.lock.clone(),
        };
        self.call(self.owner, self.contract, 0, call.abi_encode()).await
    }

    /// Sends a transaction, mines it in a block of its own, and says what gas it used, refunds deducted.
    pub(super) async fn call(&self, from: Address, to: Address, value: u128, data: Vec<u8>) -> Result<u64> {
        let transaction = json!({
            "from": from, "to": to, "value": format!("{value:#x}"), "data": hex::encode_prefixed(data),
            "gas": GAS_LIMIT, "gasPrice": GAS_PRICE,
        });
        let txid = self.rpc("eth_sendTransaction", json!([transaction])).await?;
        self.regtest.mine(Chain::Ethereum, 1).await?;
        let receipt = self.rpc("eth_getTransactionReceipt", json!([txid])).await?;
        ensure!(
            receipt["status"] == "0x1",
            "a transaction that is measured must succeed: {receipt}"
        );
        let used = receipt["gasUsed"]
            .as_str()
            .and_then(|text| text.strip_prefix("0x"));
        let used = used.context("a receipt without gasUsed")?;
        Ok(u64::from_str_radix(used, 16)?)
    }

    /// Any call to anvil.
    pub(super) async fn rpc(&self, method: &str, params: Value) -> Result<Value> {
        Ok(self.regtest.rpc(Chain::Ethereum, method, params).await?)
    }
}

/// The first two of anvil's rich accounts whose addresses have no zero byte.
async fn accounts(regtest: &Regtest) -> Result<[Address; 2]> {
    let all = regtest.rpc(Chain::Ethereum, "eth_accounts", json!([])).await?;
    let all: Vec<Address> = serde_json::from_value(all)?;
    let mut chosen = all.into_iter().filter(|address| full(address.as_slice()));
    let mut next = || chosen.next().context("anvil has too few accounts");
    Ok([next()?, next()?])
}

/// Deploys with the first salt that gives an address without a zero byte.
async fn deploy(regtest: &Regtest, code: &[u8]) -> Result<Address> {
    let deployer: Address = CREATE2_DEPLOYER.parse()?;
    let hash = keccak256(code);
    let mut salts = (0..u64::MAX).map(|salt| B256::from(U256::from(salt)));
    let full_address = |salt: &B256| full(deployer.create2(*salt, hash).as_slice());
    let salt = salts
        .find(full_address)
        .context("every address has a zero byte")?;
    let address = regtest.deploy(Chain::Ethereum, code, salt.0).await?;
    Ok(address.parse()?)
}

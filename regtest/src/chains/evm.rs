//! Drives one anvil.

mod reorg;

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::clock::Clock;
use crate::chain::{Chain, Tip};
use crate::endpoints::Anvil;
use crate::error::{Error, Result};
use crate::rpc::{Rpc, RpcError};

/// The well-known CREATE2 deployer; anvil has it from the first block on, under every hardfork.
pub const CREATE2_DEPLOYER: &str = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
/// Two clients may mine at the same moment; the one that loses dates its block anew, at most so often.
const MINE_TRIES: u32 = 5;
/// anvil's code for a block dated before its parent.
const INVALID_PARAMS: i64 = -32602;
/// What a plain payment may cost, with room for a contract that takes note of it.
const PAYMENT_GAS: u64 = 100_000;
/// What a deployment may cost: less than the 16,777,216 that osaka allows a transaction.
const DEPLOY_GAS: u64 = 16_000_000;

pub(crate) struct EvmDriver {
    pub(crate) chain: Chain,
    pub(crate) endpoint: Anvil,
    pub(crate) rpc: Rpc,
    /// Held by whoever changes the chain, so that no step of theirs is interleaved with the miner's.
    pub(crate) turn: Mutex<()>,
    pub(crate) paused: AtomicBool,
}

impl EvmDriver {
    pub(crate) fn new(chain: Chain, endpoint: Anvil) -> Self {
        EvmDriver {
            chain,
            rpc: Rpc::new(endpoint.url.clone(), None),
            endpoint,
            turn: Mutex::new(()),
            paused: AtomicBool::new(false),
        }
    }

    /// Mines `blocks` blocks, each dated by the common clock and after its parent, as a real chain demands.
    pub(crate) async fn mine(&self, blocks: u64, clock: &Clock) -> Result<()> {
        for _ in 0..blocks {
            self.mine_one(clock.now()).await?;
        }
        Ok(())
    }

    async fn mine_one(&self, not_before: u64) -> Result<()> {
        let mut tries = MINE_TRIES;
        loop {
            let time = not_before.max(self.tip().await?.time.saturating_add(1));
            match self.rpc.call("evm_mine", json!([{"timestamp": time}])).await {
                Ok(_) => return Ok(()),
                Err(RpcError::Refused {
                    code: INVALID_PARAMS, ..
                }) if tries > 1 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Mines one block dated `time`, unless the chain is there already.
    pub(crate) async fn move_to(&self, time: u64) -> Result<()> {
        if self.tip().await?.time < time {
            self.mine_one(time).await?;
        }
        Ok(())
    }

    pub(crate) async fn tip(&self) -> Result<Tip> {
        let block = self
            .rpc
            .call("eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        Ok(Tip {
            height: self.number(&block["number"], "eth_getBlockByNumber")?,
            time: self.number(&block["timestamp"], "eth_getBlockByNumber")?,
            hash: self.text(&block["hash"], "eth_getBlockByNumber")?,
        })
    }

    /// How many transactions wait for a block; those that wait for a nonce before theirs do not count.
    pub(crate) async fn waiting(&self) -> Result<u64> {
        let pool = self.rpc.call("txpool_status", json!([])).await?;
        self.number(&pool["pending"], "txpool_status")
    }

    /// Pays `wei` to `address` in a block of its own; the transaction's hash.
    pub(crate) async fn fund(&self, address: &str, wei: u128, clock: &Clock) -> Result<String> {
        let payment =
            json!({"to": address, "value": format!("{wei:#x}"), "gas": format!("{PAYMENT_GAS:#x}")});
        self.send(payment, "funding", clock).await
    }

    /// Puts `creation_code` at the address that it and `salt` determine; does nothing if it is there. The address.
    pub(crate) async fn deploy(&self, creation_code: &[u8], salt: [u8; 32], clock: &Clock) -> Result<String> {
        let address = self.create2_address(creation_code, salt).await?;
        if self.has_code(&address).await? {
            return Ok(address);
        }
        let data = format!("0x{}{}", hex::encode(salt), hex::encode(creation_code));
        let call = json!({"to": CREATE2_DEPLOYER, "data": data, "gas": format!("{DEPLOY_GAS:#x}")});
        let txid = self.send(call, "deployment", clock).await?;
        if self.has_code(&address).await? {
            return Ok(address);
        }
        Err(Error::TransactionFailed {
            chain: self.chain,
            what: "deployment",
            txid,
        })
    }

    async fn create2_address(&self, creation_code: &[u8], salt: [u8; 32]) -> Result<String> {
        let code_hash = self.keccak(&hex::encode(creation_code)).await?;
        let deployer = CREATE2_DEPLOYER.trim_start_matches("0x");
        let preimage = format!(
            "ff{deployer}{}{}",
            hex::encode(salt),
            code_hash.trim_start_matches("0x")
        );
        let hash = self.keccak(&preimage).await?;
        let address = hash.get(26..).filter(|tail| tail.len() == 40);
        address
            .map(|tail| format!("0x{tail}"))
            .ok_or_else(|| self.bad("web3_sha3", "32 bytes", &Value::String(hash.clone())))
    }

    async fn keccak(&self, hex: &str) -> Result<String> {
        let hash = self.rpc.call("web3_sha3", json!([format!("0x{hex}")])).await?;
        self.text(&hash, "web3_sha3")
    }

    async fn has_code(&self, address: &str) -> Result<bool> {
        let code = self.rpc.call("eth_getCode", json!([address, "latest"])).await?;
        Ok(self.text(&code, "eth_getCode")?.len() > 2)
    }

    /// Sends a transaction of the faucet, mines a block for it and checks that it succeeded.
    async fn send(&self, mut transaction: Value, what: &'static str, clock: &Clock) -> Result<String> {
        let price = self.rpc.call("eth_gasPrice", json!([])).await?;
        transaction["from"] = json!(self.endpoint.faucet);
        transaction["gasPrice"] = price;
        let sent = self.rpc.call("eth_sendTransaction", json!([transaction])).await?;
        let txid = self.text(&sent, "eth_sendTransaction")?;
        self.mine(1, clock).await?;
        let receipt = self.rpc.call("eth_getTransactionReceipt", json!([txid])).await?;
        if receipt["status"] == "0x1" {
            return Ok(txid);
        }
        Err(Error::TransactionFailed {
            chain: self.chain,
            what,
            txid,
        })
    }

    fn number(&self, value: &Value, method: &str) -> Result<u64> {
        let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.bad(method, "a number in hex", value))
    }

    fn text(&self, value: &Value, method: &str) -> Result<String> {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.bad(method, "a string", value))
    }

    fn bad(&self, method: &str, expected: &'static str, got: &Value) -> Error {
        self.rpc
            .unexpected(method, 200, expected, got.to_string().as_bytes())
            .into()
    }
}

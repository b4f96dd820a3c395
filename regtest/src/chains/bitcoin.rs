//! Drives one bitcoind.

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::clock::Clock;
use crate::chain::{Chain, Tip};
use crate::endpoints::Bitcoind;
use crate::error::{Error, Result};
use crate::rpc::{Rpc, RpcError};

/// bitcoind mines this many blocks in one call, so that a call stays far below its timeout.
const BLOCKS_PER_CALL: u64 = 100;
/// The first coinbase can be spent when this many blocks are on top of it.
const MATURITY: u64 = 100;
/// How many coinbases can be spent at the start: 20 × 50 BTC.
const SPENDABLE: u64 = 20;
/// The median time is over this many blocks.
const MEDIAN_SPAN: u64 = 11;
/// The first blocks are dated so long before now, so that their creeping times stay in the past.
const FIRST_BLOCKS_AGE: u64 = 3_600;
/// A root key that everybody knows, from Bitcoin Core's own documentation: same addresses in each run.
const ROOT_KEY: &str = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK";
/// The wallet that mined coins go to and that funds others.
pub(crate) const WALLET: &str = "kofo-faucet";
/// bitcoind's code for a wallet that is not on disk.
const WALLET_NOT_FOUND: i64 = -18;
/// bitcoind's code for a wallet that is loaded already.
const WALLET_ALREADY_LOADED: i64 = -35;

pub(crate) struct BitcoinDriver {
    pub(crate) endpoint: Bitcoind,
    pub(crate) rpc: Rpc,
    wallet: Rpc,
    /// Where mined coins go. One for all blocks, so that the wallet stays small while the miner runs for days.
    miner: OnceCell<String>,
    /// Held by whoever changes the chain, so that no step of theirs is interleaved with the miner's.
    pub(crate) turn: Mutex<()>,
    pub(crate) paused: AtomicBool,
}

impl BitcoinDriver {
    pub(crate) fn new(endpoint: Bitcoind) -> Self {
        let login = Some((endpoint.rpc_user.clone(), endpoint.rpc_password.clone()));
        BitcoinDriver {
            rpc: Rpc::new(endpoint.rpc_url.clone(), login.clone()),
            wallet: Rpc::new(format!("{}/wallet/{WALLET}", endpoint.rpc_url), login),
            endpoint,
            miner: OnceCell::new(),
            turn: Mutex::new(()),
            paused: AtomicBool::new(false),
        }
    }

    /// Opens or makes the wallet and mines what is needed to have coins to give away.
    pub(crate) async fn prepare(&self, clock: &Clock) -> Result<()> {
        self.open_wallet().await?;
        let height = self.tip().await?.height;
        let wanted = MATURITY + SPENDABLE;
        if height < wanted {
            let first = (wanted - height).saturating_sub(MEDIAN_SPAN);
            self.generate(first, clock.now().saturating_sub(FIRST_BLOCKS_AGE))
                .await?;
            self.generate((wanted - height).min(MEDIAN_SPAN), clock.now())
                .await?;
        }
        Ok(())
    }

    async fn open_wallet(&self) -> Result<()> {
        match self.rpc.call("loadwallet", json!([WALLET])).await {
            Ok(_) => return Ok(()),
            Err(RpcError::Refused {
                code: WALLET_ALREADY_LOADED,
                ..
            }) => return Ok(()),
            Err(RpcError::Refused {
                code: WALLET_NOT_FOUND,
                ..
            }) => {}
            Err(error) => return Err(error.into()),
        }
        self.rpc
            .call("createwallet", json!({"wallet_name": WALLET, "blank": true}))
            .await?;
        let mut imports = Vec::new();
        for (branch, internal) in [("0", false), ("1", true)] {
            let bare = format!("wpkh({ROOT_KEY}/84h/1h/0h/{branch}/*)");
            let checked = self.rpc.call("getdescriptorinfo", json!([bare])).await?;
            let sum = self.text(&checked["checksum"], "getdescriptorinfo")?;
            imports.push(json!({
                "desc": format!("{bare}#{sum}"), "active": true, "internal": internal,
                "range": [0, 20], "timestamp": "now",
            }));
        }
        self.wallet.call("importdescriptors", json!([imports])).await?;
        Ok(())
    }

    /// Mines `blocks` blocks with whatever the mempool holds.
    pub(crate) async fn mine(&self, blocks: u64, clock: &Clock) -> Result<()> {
        self.generate(blocks, clock.now()).await
    }

    async fn generate(&self, blocks: u64, time: u64) -> Result<()> {
        self.rpc.call("setmocktime", json!([time])).await?;
        let address = self.miner.get_or_try_init(|| self.new_address()).await?;
        let mut left = blocks;
        while left > 0 {
            let now = left.min(BLOCKS_PER_CALL);
            self.rpc.call("generatetoaddress", json!([now, address])).await?;
            left -= now;
        }
        Ok(())
    }

    /// Mines until the median time is `time`: six blocks after a jump, fewer after a small step, and never more than
    /// eleven. Not one block more, because each further one would push the median past `time`.
    pub(crate) async fn move_to(&self, time: u64) -> Result<()> {
        for _ in 0..MEDIAN_SPAN {
            if self.tip().await?.time >= time {
                break;
            }
            self.generate(1, time).await?;
        }
        Ok(())
    }

    pub(crate) async fn tip(&self) -> Result<Tip> {
        let chain = self.rpc.call("getblockchaininfo", json!([])).await?;
        let number = |field: &str| {
            chain[field]
                .as_u64()
                .ok_or_else(|| self.bad("getblockchaininfo", "blocks and mediantime", &chain))
        };
        Ok(Tip {
            height: number("blocks")?,
            time: number("mediantime")?,
            hash: self.text(&chain["bestblockhash"], "getblockchaininfo")?,
        })
    }

    /// How many transactions wait for a block.
    pub(crate) async fn waiting(&self) -> Result<u64> {
        let pool = self.rpc.call("getmempoolinfo", json!([])).await?;
        pool["size"]
            .as_u64()
            .ok_or_else(|| self.bad("getmempoolinfo", "size", &pool))
    }

    /// Replaces the last `depth` blocks by `depth + 1` empty ones; what was in the old ones waits in the mempool.
    pub(crate) async fn reorg(&self, depth: u64, clock: &Clock) -> Result<()> {
        let height = self.tip().await?.height;
        // Below this the faucet's coins would become immature.
        let most = height.saturating_sub(MATURITY);
        if depth == 0 || depth > most {
            return Err(Error::ReorgDepth {
                chain: Chain::Bitcoin,
                asked: depth,
                most,
            });
        }
        let first = self.rpc.call("getblockhash", json!([height - depth + 1])).await?;
        self.rpc.call("invalidateblock", json!([first])).await?;
        self.rpc.call("setmocktime", json!([clock.now()])).await?;
        // A fresh address: the same one could give the very block that was just declared invalid.
        let address = self.new_address().await?;
        for _ in 0..=depth {
            self.rpc.call("generateblock", json!([address, []])).await?;
        }
        Ok(())
    }

    /// Pays `sats` to `address` in a block of its own; the transaction's id.
    pub(crate) async fn fund(&self, address: &str, sats: u64, clock: &Clock) -> Result<String> {
        let amount = format!("{}.{:08}", sats / 100_000_000, sats % 100_000_000);
        let params = json!({"address": address, "amount": amount, "fee_rate": 2});
        let sent = self.wallet.call("sendtoaddress", params).await?;
        let txid = self.text(&sent, "sendtoaddress")?;
        self.mine(1, clock).await?;
        let known = self.wallet.call("gettransaction", json!([txid])).await?;
        match known["confirmations"].as_i64() {
            Some(depth) if depth > 0 => Ok(txid),
            _ => Err(Error::TransactionFailed {
                chain: Chain::Bitcoin,
                what: "funding",
                txid,
            }),
        }
    }

    async fn new_address(&self) -> Result<String> {
        let address = self.wallet.call("getnewaddress", json!([])).await?;
        self.text(&address, "getnewaddress")
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

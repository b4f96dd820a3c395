//! Drives one bitcoind.

use std::ops::RangeInclusive;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::clock::Clock;
use crate::chain::{Chain, Tip};
use crate::endpoints::Bitcoind;
use crate::error::{Error, Result};
use crate::rpc::{Rpc, RpcError};

/// bitcoind mines this many blocks in one call, so that a call stays far below its timeout.
const BLOCKS_PER_CALL: u64 = 100;
/// The first coinbase can be spent when this many blocks are on top of it.
const MATURITY: u64 = 100;
/// How many coinbases the faucet gets at the start: 49 × 50 BTC, all before the first halving.
const SPENDABLE: u64 = 49;
/// The block in which it gets them, in outputs that are no coinbases: those a reorg would take from it for a while.
const FIRST_HEIGHT: u64 = SPENDABLE + MATURITY + 1;
/// The median time is over this many blocks.
const MEDIAN_SPAN: u64 = 11;
/// The first blocks are dated so long before now, so that their creeping times stay in the past.
const FIRST_BLOCKS_AGE: u64 = 3_600;
/// A root key that everybody knows, from Bitcoin Core's own documentation: same addresses in each run.
const ROOT_KEY: &str = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK";
/// Where mined coins go: a script that anybody can spend.
const ANYBODY: &str = "raw(51)";
/// What a block mints before the first halving.
const SUBSIDY_BTC: u64 = 50;
/// The wallet that funds others.
pub(crate) const WALLET: &str = "kofo-faucet";
/// bitcoind's code for a wallet that is not on disk.
const WALLET_NOT_FOUND: i64 = -18;
/// bitcoind's code for a wallet that is loaded already.
const WALLET_ALREADY_LOADED: i64 = -35;

pub(crate) struct BitcoinDriver {
    pub(crate) endpoint: Bitcoind,
    pub(crate) rpc: Rpc,
    wallet: Rpc,
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
            turn: Mutex::new(()),
            paused: AtomicBool::new(false),
        }
    }

    /// Opens or makes the wallet and, on a fresh chain, mines the coins it gives away.
    pub(crate) async fn prepare(&self, clock: &Clock) -> Result<()> {
        self.open_wallet().await?;
        if self.tip().await?.height >= FIRST_HEIGHT {
            return Ok(());
        }
        let past = clock.now().saturating_sub(FIRST_BLOCKS_AGE);
        let coinbases = self.generate(SPENDABLE, past).await?;
        self.generate(MATURITY - MEDIAN_SPAN, past).await?;
        self.generate(MEDIAN_SPAN, clock.now()).await?;
        self.fill_wallet(&coinbases).await
    }

    /// Pays the coinbases of these blocks, which anybody may spend, to the wallet. Straight into a block: the mempool
    /// would not relay such inputs.
    async fn fill_wallet(&self, blocks: &[Value]) -> Result<()> {
        let descriptor = self.describe("0").await?;
        let range = json!([0, blocks.len().saturating_sub(1)]);
        let addresses = self
            .rpc
            .call("deriveaddresses", json!([descriptor, range]))
            .await?;
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            let txid = self.rpc.call("getblock", json!([block])).await?["tx"][0].take();
            inputs.push(json!({"txid": txid, "vout": 0}));
            outputs.push(json!({self.text(&addresses[index], "deriveaddresses")?: SUBSIDY_BTC}));
        }
        let raw = self
            .rpc
            .call("createrawtransaction", json!([inputs, outputs]))
            .await?;
        self.rpc.call("generateblock", json!([ANYBODY, [raw]])).await?;
        // The wallet learns of blocks a little later. This call waits for it; without, it might give away an address
        // that the block above has used.
        self.wallet.call("getbalance", json!([])).await?;
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
            let descriptor = self.describe(branch).await?;
            imports.push(json!({
                "desc": descriptor, "active": true, "internal": internal,
                "range": [0, SPENDABLE], "timestamp": "now",
            }));
        }
        self.wallet.call("importdescriptors", json!([imports])).await?;
        Ok(())
    }

    /// The wallet's descriptor of receiving (0) or change (1) addresses, with its checksum.
    async fn describe(&self, branch: &str) -> Result<String> {
        let bare = format!("wpkh({ROOT_KEY}/84h/1h/0h/{branch}/*)");
        let checked = self.rpc.call("getdescriptorinfo", json!([bare])).await?;
        Ok(format!(
            "{bare}#{}",
            self.text(&checked["checksum"], "getdescriptorinfo")?
        ))
    }

    /// Mines `blocks` blocks with whatever the mempool holds.
    pub(crate) async fn mine(&self, blocks: u64, clock: &Clock) -> Result<()> {
        self.generate(blocks, clock.now()).await.map(drop)
    }

    /// Sets bitcoind's clock to the common one.
    pub(crate) async fn tick(&self, clock: &Clock) -> Result<()> {
        self.rpc.call("setmocktime", json!([clock.now()])).await?;
        Ok(())
    }

    /// Mines one block with nothing in it.
    pub(crate) async fn mine_empty(&self, clock: &Clock) -> Result<()> {
        self.rpc.call("setmocktime", json!([clock.now()])).await?;
        self.rpc.call("generateblock", json!([ANYBODY, []])).await?;
        Ok(())
    }

    /// Mines with bitcoind's clock at `time`; the blocks' hashes. The wallet is not paid: it would have to write, and
    /// its coins would be immature after a reorg.
    async fn generate(&self, blocks: u64, time: u64) -> Result<Vec<Value>> {
        self.rpc.call("setmocktime", json!([time])).await?;
        let mut hashes = Vec::new();
        let mut left = blocks;
        while left > 0 {
            let now = left.min(BLOCKS_PER_CALL);
            let mined = self
                .rpc
                .call("generatetodescriptor", json!([now, ANYBODY]))
                .await?;
            hashes.extend(mined.as_array().cloned().unwrap_or_default());
            left -= now;
        }
        Ok(hashes)
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
        // Not below the faucet's first coins.
        let most = height.saturating_sub(FIRST_HEIGHT);
        if depth == 0 || depth > most {
            return Err(Error::ReorgDepth {
                chain: Chain::Bitcoin,
                asked: depth,
                most,
            });
        }
        let waited = self.transactions(height - depth + 1..=height).await?;
        let first = self.rpc.call("getblockhash", json!([height - depth + 1])).await?;
        self.rpc.call("invalidateblock", json!([first])).await?;
        self.rpc.call("setmocktime", json!([clock.now()])).await?;
        // Another script each time: the same one could give the very block that was just declared invalid.
        let first = self.text(&first, "getblockhash")?;
        let differs = first.get(first.len().saturating_sub(8)..).unwrap_or_default();
        let script = format!("raw(04{differs})");
        for _ in 0..=depth {
            self.rpc.call("generateblock", json!([script, []])).await?;
        }
        // Most are back already. Between the branches the chain was short, though, and bitcoind drops what is not final
        // at its height; in a reorg of the network, which goes to the longer branch in one step, it keeps it.
        for transaction in waited {
            if let Err(error) = self.rpc.call("sendrawtransaction", json!([transaction, 0])).await {
                tracing::debug!(%error, "a reorg made a transaction invalid");
            }
        }
        Ok(())
    }

    /// The raw transactions of these blocks, without coinbases, and of the mempool, each after those it spends from.
    async fn transactions(&self, heights: RangeInclusive<u64>) -> Result<Vec<Value>> {
        let mut raw = Vec::new();
        for height in heights {
            let hash = self.rpc.call("getblockhash", json!([height])).await?;
            let block = self.rpc.call("getblock", json!([hash, 2])).await?;
            let mined = block["tx"].as_array().into_iter().flatten().skip(1);
            raw.extend(mined.map(|transaction| transaction["hex"].clone()));
        }
        let pool = self.rpc.call("getrawmempool", json!([true])).await?;
        let mut pooled: Vec<(u64, &String)> = Vec::new();
        for (txid, entry) in pool.as_object().into_iter().flatten() {
            pooled.push((entry["ancestorcount"].as_u64().unwrap_or(u64::MAX), txid));
        }
        pooled.sort_unstable();
        for (_, txid) in pooled {
            raw.push(self.rpc.call("getrawtransaction", json!([txid])).await?);
        }
        Ok(raw)
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

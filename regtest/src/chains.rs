//! Drives running daemons: mines, moves time, reorganises, funds. Owns none of them.

mod bitcoin;
mod clock;
mod evm;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::chain::{Chain, Tip};
use crate::endpoints::{Anvil, Bitcoind};
use crate::error::{Error, Result};

use bitcoin::BitcoinDriver;
pub(crate) use bitcoin::WALLET;
pub(crate) use clock::Clock;
pub use evm::CREATE2_DEPLOYER;
use evm::EvmDriver;

/// What [`Chains::fund`] gives on Bitcoin, in satoshi.
const GIFT_SATS: u64 = 100_000_000;
/// What [`Chains::fund`] gives on an EVM chain, in wei.
const GIFT_WEI: u128 = 100_000_000_000_000_000_000;

/// A client of the daemons of one regtest. Cheap to clone; usable from any runtime.
#[derive(Clone)]
pub struct Chains {
    inner: Arc<Inner>,
}

struct Inner {
    bitcoin: Option<BitcoinDriver>,
    ethereum: Option<EvmDriver>,
    echoin: Option<EvmDriver>,
    clock: Clock,
}

/// Money given to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    /// On which chain.
    pub chain: Chain,
    /// How much, in the chain's smallest unit (satoshi, wei), in decimal.
    pub amount: String,
    /// The paying transaction, which is in a block.
    pub txid: String,
}

/// Where the daemons of a regtest answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// bitcoind, if it runs.
    pub bitcoin: Option<Bitcoind>,
    /// The anvil that plays Ethereum, if it runs.
    pub ethereum: Option<Anvil>,
    /// The anvil that plays Echoin, if it runs.
    pub echoin: Option<Anvil>,
}

enum Driver<'a> {
    Bitcoin(&'a BitcoinDriver),
    Evm(&'a EvmDriver),
}

impl Chains {
    /// A client for the daemons at `endpoints`, whose regtest lives in `dir`.
    pub(crate) fn new(endpoints: Endpoints, dir: &Path) -> Self {
        let inner = Inner {
            bitcoin: endpoints.bitcoin.map(BitcoinDriver::new),
            ethereum: endpoints
                .ethereum
                .map(|anvil| EvmDriver::new(Chain::Ethereum, anvil)),
            echoin: endpoints.echoin.map(|anvil| EvmDriver::new(Chain::Echoin, anvil)),
            clock: Clock::of(dir),
        };
        Chains {
            inner: Arc::new(inner),
        }
    }

    /// The chains that run here.
    pub fn running(&self) -> Vec<Chain> {
        Chain::ALL
            .into_iter()
            .filter(|chain| self.driver(*chain).is_ok())
            .collect()
    }

    /// bitcoind's address and credentials.
    ///
    /// # Panics
    /// If Bitcoin was not among the chains asked for.
    pub fn bitcoin(&self) -> &Bitcoind {
        &self
            .inner
            .bitcoin
            .as_ref()
            .expect("bitcoin was not among Options::chains")
            .endpoint
    }

    /// Address of the anvil that plays Ethereum.
    ///
    /// # Panics
    /// If Ethereum was not among the chains asked for.
    pub fn ethereum(&self) -> &Anvil {
        &self
            .inner
            .ethereum
            .as_ref()
            .expect("ethereum was not among Options::chains")
            .endpoint
    }

    /// Address of the anvil that plays Echoin.
    ///
    /// # Panics
    /// If Echoin was not among the chains asked for.
    pub fn echoin(&self) -> &Anvil {
        &self
            .inner
            .echoin
            .as_ref()
            .expect("echoin was not among Options::chains")
            .endpoint
    }

    /// The last block of `chain` and its chain time.
    pub async fn tip(&self, chain: Chain) -> Result<Tip> {
        match self.driver(chain)? {
            Driver::Bitcoin(driver) => driver.tip().await,
            Driver::Evm(driver) => driver.tip().await,
        }
    }

    /// How many transactions wait for a block of `chain`.
    pub async fn waiting(&self, chain: Chain) -> Result<u64> {
        match self.driver(chain)? {
            Driver::Bitcoin(driver) => driver.waiting().await,
            Driver::Evm(driver) => driver.waiting().await,
        }
    }

    /// Any call to the daemon of `chain`.
    pub async fn rpc(&self, chain: Chain, method: &str, params: Value) -> Result<Value> {
        let rpc = match self.driver(chain)? {
            Driver::Bitcoin(driver) => &driver.rpc,
            Driver::Evm(driver) => &driver.rpc,
        };
        Ok(rpc.call(method, params).await?)
    }

    /// Mines `blocks` blocks on `chain`, with whatever waits in its mempool; the new tip.
    pub async fn mine(&self, chain: Chain, blocks: u64) -> Result<Tip> {
        let driver = self.driver(chain)?;
        let _turn = driver.turn().lock().await;
        driver.mine(blocks, &self.inner.clock).await?;
        self.tip(chain).await
    }

    /// Tells bitcoind the time of the common clock, which it else learns only when it mines: by that clock it waits two
    /// seconds before it asks a peer that came to it for a transaction.
    pub async fn tick_bitcoin(&self) -> Result<()> {
        let driver = self.inner.bitcoin.as_ref().ok_or(Error::NoSuchChain {
            chain: Chain::Bitcoin,
        })?;
        let _turn = driver.turn.lock().await;
        driver.tick(&self.inner.clock).await
    }

    /// Lets `seconds` pass on the common clock and mines one block of Bitcoin with nothing in it, as when others pay more
    /// for its room; the new tip. What waits in the mempool waits on.
    pub async fn mine_empty_bitcoin(&self, seconds: u64) -> Result<Tip> {
        let driver = self.inner.bitcoin.as_ref().ok_or(Error::NoSuchChain {
            chain: Chain::Bitcoin,
        })?;
        let _turn = driver.turn.lock().await;
        let clock = &self.inner.clock;
        clock.continue_from(clock.now().saturating_add(seconds))?;
        driver.mine_empty(clock).await?;
        driver.tip().await
    }

    /// Moves the chain time of all chains together: each then stands at the latest time any of them had, or the
    /// clock if that is later, plus `seconds`. Returns that time. Blocks mined later continue from there.
    pub async fn advance(&self, seconds: u64) -> Result<u64> {
        let mut latest = self.inner.clock.now();
        for chain in self.running() {
            latest = latest.max(self.tip(chain).await?.time);
        }
        let target = latest.saturating_add(seconds);
        self.move_all_to(target).await?;
        Ok(target)
    }

    /// Moves the chain time of all chains to `time` (seconds since 1970): exactly, when the miner is off or paused.
    pub async fn advance_to(&self, time: u64) -> Result<()> {
        for chain in self.running() {
            let at = self.tip(chain).await?.time;
            if at > time {
                return Err(Error::TimeBackwards {
                    chain,
                    asked: time,
                    at,
                });
            }
        }
        self.move_all_to(time).await
    }

    async fn move_all_to(&self, time: u64) -> Result<()> {
        // The clock first: what the miner does in between is then at the new time already.
        self.inner.clock.continue_from(time)?;
        for chain in self.running() {
            let driver = self.driver(chain)?;
            let _turn = driver.turn().lock().await;
            match driver {
                Driver::Bitcoin(driver) => driver.move_to(time).await?,
                Driver::Evm(driver) => driver.move_to(time).await?,
            }
        }
        Ok(())
    }

    /// Replaces the last `depth` blocks of `chain` by `depth + 1` empty ones; the new tip. The transactions of the old
    /// blocks are in the mempool again; a running miner mines them at once, a paused one leaves them there.
    pub async fn reorg(&self, chain: Chain, depth: u64) -> Result<Tip> {
        let driver = self.driver(chain)?;
        let _turn = driver.turn().lock().await;
        match driver {
            Driver::Bitcoin(driver) => driver.reorg(depth, &self.inner.clock).await?,
            Driver::Evm(driver) => driver.reorg(depth, &self.inner.clock).await?,
        }
        self.tip(chain).await
    }

    /// Pays `sats` satoshi to the Bitcoin address, in a block mined for it; the transaction's id.
    pub async fn fund_bitcoin(&self, address: &str, sats: u64) -> Result<String> {
        let driver = self.inner.bitcoin.as_ref().ok_or(Error::NoSuchChain {
            chain: Chain::Bitcoin,
        })?;
        let _turn = driver.turn.lock().await;
        driver.fund(address, sats, &self.inner.clock).await
    }

    /// Pays `wei` to the address (0x and 40 hex digits), in a block mined for it; the transaction's hash.
    pub async fn fund_evm(&self, chain: Chain, address: &str, wei: u128) -> Result<String> {
        let driver = self.evm(chain)?;
        let _turn = driver.turn.lock().await;
        driver.fund(address, wei, &self.inner.clock).await
    }

    /// Pays a round sum to `address` on each chain that it can belong to: 1 BTC, 100 ETH, 100 EC.
    pub async fn fund(&self, address: &str) -> Result<Vec<Gift>> {
        let evm = address.len() == 42 && address.starts_with("0x");
        let bitcoin = address.starts_with("bcrt1") || address.starts_with(['2', 'm', 'n']);
        let mut gifts = Vec::new();
        for chain in self.running() {
            let (amount, txid) = match chain {
                Chain::Bitcoin if bitcoin => (
                    GIFT_SATS.to_string(),
                    self.fund_bitcoin(address, GIFT_SATS).await?,
                ),
                Chain::Ethereum | Chain::Echoin if evm => (
                    GIFT_WEI.to_string(),
                    self.fund_evm(chain, address, GIFT_WEI).await?,
                ),
                _ => continue,
            };
            gifts.push(Gift { chain, amount, txid });
        }
        if gifts.is_empty() {
            return Err(Error::UnknownAddress {
                address: address.to_owned(),
            });
        }
        Ok(gifts)
    }

    /// Deploys through the CREATE2 deployer, in a block mined for it; the address, which `creation_code` and `salt`
    /// determine. A contract that is there already is left as it is.
    pub async fn deploy(&self, chain: Chain, creation_code: &[u8], salt: [u8; 32]) -> Result<String> {
        let driver = self.evm(chain)?;
        let _turn = driver.turn.lock().await;
        driver.deploy(creation_code, salt, &self.inner.clock).await
    }

    /// Makes bitcoind's wallet and its first coins.
    pub(crate) async fn prepare(&self, chain: Chain) -> Result<()> {
        match self.driver(chain)? {
            Driver::Bitcoin(driver) => driver.prepare(&self.inner.clock).await,
            Driver::Evm(_) => Ok(()),
        }
    }

    /// Mines one block for the miner, unless the chain is paused; whether it did.
    pub(crate) async fn mine_unless_paused(&self, chain: Chain) -> Result<bool> {
        let driver = self.driver(chain)?;
        let _turn = driver.turn().lock().await;
        if driver.paused().load(Ordering::Acquire) {
            return Ok(false);
        }
        driver.mine(1, &self.inner.clock).await?;
        Ok(true)
    }

    /// Pauses or resumes the miner on `chain`. When this returns, no block of the miner is under way.
    pub(crate) async fn set_paused(&self, chain: Chain, paused: bool) -> Result<()> {
        let driver = self.driver(chain)?;
        driver.paused().store(paused, Ordering::Release);
        let _turn = driver.turn().lock().await;
        Ok(())
    }

    fn driver(&self, chain: Chain) -> Result<Driver<'_>> {
        let driver = match chain {
            Chain::Bitcoin => self.inner.bitcoin.as_ref().map(Driver::Bitcoin),
            Chain::Ethereum => self.inner.ethereum.as_ref().map(Driver::Evm),
            Chain::Echoin => self.inner.echoin.as_ref().map(Driver::Evm),
        };
        driver.ok_or(Error::NoSuchChain { chain })
    }

    fn evm(&self, chain: Chain) -> Result<&EvmDriver> {
        match self.driver(chain)? {
            Driver::Evm(driver) => Ok(driver),
            Driver::Bitcoin(_) => Err(Error::NotEvm { chain }),
        }
    }
}

impl<'a> Driver<'a> {
    fn turn(&self) -> &'a Mutex<()> {
        match self {
            Driver::Bitcoin(driver) => &driver.turn,
            Driver::Evm(driver) => &driver.turn,
        }
    }

    fn paused(&self) -> &'a AtomicBool {
        match self {
            Driver::Bitcoin(driver) => &driver.paused,
            Driver::Evm(driver) => &driver.paused,
        }
    }

    async fn mine(&self, blocks: u64, clock: &Clock) -> Result<()> {
        match self {
            Driver::Bitcoin(driver) => driver.mine(blocks, clock).await,
            Driver::Evm(driver) => driver.mine(blocks, clock).await,
        }
    }
}

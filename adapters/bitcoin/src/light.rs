//! A light client as a source of the chain: headers by work, compact filters (BIP-157), and of blocks only those that a
//! filter says may concern us. It keeps nothing on disk.
//!
//! What it cannot do, and what follows:
//!
//! * It sees no mempool. What is in no block is not there for it, but for what it sent itself and a peer asked for. A
//!   participant learns a preimage at its first confirmation only.
//! * It estimates fees from what a recent block paid, and from the least that its peer relays.
//! * A peer takes a transaction without a word, or does not take it: it is offered again until it is in a block.
//! * One peer can hold back blocks and leave things out of filters. So two are followed, each by a client of its own,
//!   under the rules of [`crate::nodes`]: a block counts when both have named it, and one that either's filter says may
//!   concern us is read whole.

mod client;
mod filters;
mod sent;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bip157::chain::IndexedHeader;
use bip157::{HashCheckpoint, Requester, TrustedPeer};
use bitcoin::block::Header;
use bitcoin::constants::genesis_block;
use bitcoin::{Amount, Block, BlockHash, FeeRate, Network, OutPoint, Transaction, Txid};
use tokio::task::AbortHandle;

use self::client::Shared;
use crate::rpc::{Best, RpcError};
use crate::source::{Asked, Source};

/// The median time is over so many blocks.
const MEDIAN_SPAN: u64 = 11;
/// The client answers from memory within this, unless it is busy connecting.
const PATIENCE: Duration = Duration::from_secs(5);
/// A peer has so long to give a block.
const BLOCK_PATIENCE: Duration = Duration::from_secs(15);
/// A filter is waited for so long before the question is given up, for now.
const FILTER_PATIENCE: Duration = Duration::from_secs(3);
/// A block's fees stand for those of so many after it.
const FEES_HOLD: u64 = 6;
/// What `average_fee_rate` gives is per 1,000 weight units; four of those are a vbyte.
const WEIGHT_PER_VBYTE: u64 = 4;
const NOT_FOUND: i64 = -5;

/// Where a peer listens: an IP address or a host's name, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightPeer {
    host: String,
    port: u16,
}

/// This is no peer's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a peer's host and port such as 127.0.0.1:8333, got {0:?}")]
pub struct NoLightPeer(String);

impl FromStr for LightPeer {
    type Err = NoLightPeer;

    fn from_str(text: &str) -> Result<Self, NoLightPeer> {
        let wrong = || NoLightPeer(text.chars().take(100).collect());
        if let Ok(address) = text.parse::<SocketAddr>() {
            let (host, port) = (address.ip().to_string(), address.port());
            return (port != 0).then_some(Self { host, port }).ok_or_else(wrong);
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        let named = (1..=253).contains(&host.len()) && host.bytes().all(plain);
        let host = host.to_owned();
        (named && port != 0)
            .then_some(Self { host, port })
            .ok_or_else(wrong)
    }
}

impl std::fmt::Display for LightPeer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, self.port).fmt(f),
            Err(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl LightPeer {
    fn trusted(&self) -> TrustedPeer {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => TrustedPeer::from_socket_addr(SocketAddr::new(ip, self.port)),
            Err(_) => TrustedPeer::from_hostname(self.host.clone(), self.port),
        }
    }
}

/// A block from which headers are followed, and that is taken for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

impl Checkpoint {
    /// Where headers begin if nothing is said: the last block before taproot on the main chain, elsewhere the first.
    pub(crate) fn of(network: Network) -> Self {
        let known = match network {
            Network::Bitcoin => HashCheckpoint::taproot_activation(),
            _ => HashCheckpoint::from_genesis(network),
        };
        Self {
            height: known.height,
            hash: known.hash,
        }
    }
}

/// One peer's view of the chain.
pub(crate) struct Light {
    network: Network,
    shared: Arc<Shared>,
    task: AbortHandle,
    /// The height of the block whose fees were read last, and what it paid.
    fees: Mutex<Option<(u64, Option<Amount>)>>,
}

impl Drop for Light {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Light {
    /// Follows the chain by one of these peers at a time; by the next one when it fails.
    pub(crate) fn start(network: Network, peers: Vec<LightPeer>, checkpoint: Checkpoint) -> Self {
        let shared = Arc::new(Shared::default());
        let follow = client::follow(Arc::clone(&shared), network, peers, checkpoint);
        Self {
            network,
            task: tokio::spawn(follow).abort_handle(),
            shared,
            fees: Mutex::default(),
        }
    }

    fn requester(&self) -> Result<Requester, RpcError> {
        let requester = self.shared.requester();
        requester.ok_or_else(|| trouble("connect", "no peer is connected".into()))
    }

    fn tip(&self) -> Result<HashCheckpoint, RpcError> {
        let tip = self.shared.tip();
        tip.ok_or_else(|| trouble("headers", "the peer's headers are not all here yet".into()))
    }

    /// The same, with some patience: a peer may have been lost just now.
    async fn synced(&self) -> Result<HashCheckpoint, RpcError> {
        let tip = tokio::time::timeout(PATIENCE, self.shared.synced()).await;
        tip.map_err(|_| trouble("headers", format!("no peer gave them within {PATIENCE:?}")))
    }

    async fn header_at(&self, height: u64) -> Result<Header, RpcError> {
        const WHAT: &str = "header";
        if height == 0 {
            return Ok(genesis_block(self.network).header);
        }
        let asked = u32::try_from(height).map_err(|error| trouble(WHAT, error.to_string()))?;
        let requester = self.requester()?;
        let found: Option<IndexedHeader> = within(WHAT, PATIENCE, requester.get_header(asked)).await?;
        found.map(|found| found.header).ok_or_else(|| not_found(WHAT))
    }

    async fn fees_of(&self, tip: HashCheckpoint) -> Result<Option<Amount>, RpcError> {
        let requester = self.requester()?;
        let rate = within("fees", BLOCK_PATIENCE, requester.average_fee_rate(tip.hash)).await?;
        Ok(per_kvb(rate).filter(|rate| *rate > Amount::ZERO))
    }

    fn fees(&self) -> MutexGuard<'_, Option<(u64, Option<Amount>)>> {
        self.fees.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Source for Light {
    async fn best_hash(&self) -> Result<BlockHash, RpcError> {
        Ok(self.tip()?.hash)
    }

    async fn best(&self) -> Result<Best, RpcError> {
        let tip = self.synced().await?;
        let height = u64::from(tip.height);
        let mut times = Vec::new();
        let mut wanted = tip.hash;
        for below in 0..MEDIAN_SPAN {
            let Some(at) = height.checked_sub(below) else {
                break;
            };
            let header = self.header_at(at).await?;
            if header.block_hash() != wanted {
                return Err(trouble("header", "the chain changed while it was read".into()));
            }
            wanted = header.prev_blockhash;
            times.push(header.time);
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied();
        Ok(Best {
            hash: tip.hash,
            height,
            median_time: u64::from(median.ok_or_else(|| not_found("header"))?),
        })
    }

    async fn height(&self, hash: BlockHash) -> Result<u64, RpcError> {
        if hash == genesis_block(self.network).block_hash() {
            return Ok(0);
        }
        let requester = self.requester()?;
        let height = within("header", PATIENCE, requester.height_of_hash(hash)).await?;
        height.map(u64::from).ok_or_else(|| not_found("header"))
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        let height = self.height(hash).await?;
        let header = self.header_at(height).await?;
        let same = header.block_hash() == hash;
        same.then_some(header).ok_or_else(|| not_found("header"))
    }

    async fn block_hash(&self, height: u64) -> Result<BlockHash, RpcError> {
        Ok(self.header_at(height).await?.block_hash())
    }

    async fn may_touch(&self, asked: &Asked<'_>) -> Result<bool, RpcError> {
        let requester = self.requester()?;
        let search = self.shared.may_touch(asked, &requester);
        let found = tokio::time::timeout(FILTER_PATIENCE, search).await;
        found.map_err(|_| trouble("filter", "the block's filter is not here yet".into()))
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, RpcError> {
        let requester = self.requester()?;
        let block = within("block", BLOCK_PATIENCE, requester.get_block(hash))
            .await?
            .block;
        self.shared.sent().mined(&block);
        Ok(block)
    }

    async fn mempool(&self) -> Result<Vec<Txid>, RpcError> {
        Ok(self.shared.sent().ids())
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, RpcError> {
        Ok(self.shared.sent().get(txid))
    }

    async fn mempool_spenders(&self, outpoints: &[OutPoint]) -> Result<Vec<Txid>, RpcError> {
        Ok(self.shared.sent().spenders(outpoints))
    }

    /// Offers it to the peer. Whether the peer takes it, only a block tells.
    async fn send(&self, tx: &Transaction) -> Result<(), RpcError> {
        // Before that the peer would not hear of it.
        self.tip()?;
        client::offer(&self.shared, self.requester()?, tx.clone());
        Ok(())
    }

    async fn estimate_fee(&self, _blocks: u32) -> Result<Option<Amount>, RpcError> {
        let tip = self.synced().await?;
        let height = u64::from(tip.height);
        let known = *self.fees();
        if let Some((_, fees)) = known.filter(|(at, _)| height.abs_diff(*at) < FEES_HOLD) {
            return Ok(fees);
        }
        let fees = self.fees_of(tip).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the fees of the newest block are not known");
            known.and_then(|(_, fees)| fees)
        });
        *self.fees() = Some((height, fees));
        Ok(fees)
    }

    async fn least_fee(&self) -> Result<Option<Amount>, RpcError> {
        let requester = self.requester()?;
        let rate = within("least fee", PATIENCE, requester.broadcast_min_feerate()).await?;
        Ok(per_kvb(rate))
    }
}

fn per_kvb(rate: FeeRate) -> Option<Amount> {
    rate.to_sat_per_kwu()
        .checked_mul(WEIGHT_PER_VBYTE)
        .map(Amount::from_sat)
}

fn trouble(method: &'static str, why: String) -> RpcError {
    RpcError::Trouble { method, why }
}

fn not_found(method: &'static str) -> RpcError {
    RpcError::Refused {
        method,
        code: NOT_FOUND,
        message: "it is not in the chain of most work".into(),
    }
}

/// Waits for the client, but not for ever.
async fn within<T, E: std::fmt::Display>(
    what: &'static str,
    patience: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, RpcError> {
    match tokio::time::timeout(patience, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(trouble(what, error.to_string())),
        Err(_) => Err(trouble(what, format!("no answer within {patience:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_host_and_a_port() {
        for text in ["127.0.0.1:18444", "[::1]:8333", "node.example.org:8333"] {
            assert_eq!(text.parse::<LightPeer>().unwrap().to_string(), text);
        }
        let wrong = [
            "",
            "127.0.0.1",
            "node.example.org",
            ":8333",
            "host:0",
            "127.0.0.1:0",
            "http://host:8333",
            "a b:1",
        ];
        for text in wrong {
            assert!(text.parse::<LightPeer>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_per_weight_is_told_per_thousand_vbytes() {
        assert_eq!(per_kvb(FeeRate::BROADCAST_MIN), Some(Amount::from_sat(1_000)));
        assert_eq!(per_kvb(FeeRate::MAX), None);
    }
}

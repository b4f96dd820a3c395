//! What two nodes add to a swap of bitcoin for ether beyond the blocks it waits for.
//!
//! A swap waits for a block while one of its transactions lies in a mempool: with a depth of 1 nothing else makes it
//! wait. The mempools of both daemons are looked at all the time, and a span counts as waiting only if a transaction was
//! there at both ends of it. All the rest is the nodes': agreeing, building, signing, noticing, syncing. Noticing a block
//! that is there counts as theirs too.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use kofo_cli::demo::{Daemons, Ground, Stage, Tell, Who, outside};
use kofo_node::clock::now_ms;
use kofo_node::config::Config;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::Chain;
use serde::Serialize;
use tokio::task::JoinSet;

const GIVE: &str = "0.05btc";
const WANT: &str = "1eth";
const LOOK: Duration = Duration::from_millis(5);
/// A swap is over within so long.
const SWAP: Duration = Duration::from_secs(300);

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Overhead {
    /// The median swap's time without the time in which it waited for a block, in milliseconds.
    pub(super) overhead_ms: u64,
    /// All swaps' overhead as a part of all their wall time.
    pub(super) overhead_share: f64,
    /// The mean wall time, in milliseconds.
    #[serde(skip)]
    pub(super) wall_ms: u64,
}

/// Wall time and overhead of one swap, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timed {
    wall: u64,
    overhead: u64,
}

/// Plays `swaps` swaps one after the other, and one before them that fills the gas accounts, by nodes that both have this
/// configuration.
pub(super) async fn measure(
    daemons: &Arc<Daemons>,
    kofo: &Path,
    config: Config,
    swaps: usize,
) -> Result<Overhead> {
    let stage = Stage::configured(Arc::clone(daemons), kofo, [config.clone(), config]).await?;
    {
        let _blocks = mine_at_once(stage.ground());
        swap(&stage).await?;
    }
    let mut timed = Vec::new();
    for _ in 0..swaps {
        timed.push(swap(&stage).await?);
    }
    Ok(summary(timed))
}

async fn swap(stage: &Stage) -> Result<Timed> {
    let waits = Waits::watch(stage.ground());
    let offer = stage
        .client(Who::Initiator)?
        .swap_offer(vec![GIVE.to_owned()], vec![WANT.to_owned()], None)
        .await?;
    let taker = stage.client(Who::Participant)?;
    let start = now_ms();
    let id = taker.swap_accept(offer.uri).await?.id;
    let silent: Tell = Arc::new(|_| {});
    let both = stage.follow(id, "BTC/ETH", silent).done(SWAP).await?;
    if both.iter().any(|end| end.outcome != Some(OutcomeName::Redeemed)) {
        bail!("expected that both redeem, got {both:?}");
    }
    let end = both.iter().map(|status| status.updated_ms).max().unwrap_or(start);
    Ok(Timed {
        wall: end.saturating_sub(start),
        overhead: outside(start, end, waits.spans()),
    })
}

fn summary(mut timed: Vec<Timed>) -> Overhead {
    timed.sort_unstable_by_key(|swap| swap.overhead);
    let wall: u64 = timed.iter().map(|swap| swap.wall).sum();
    let overhead: u64 = timed.iter().map(|swap| swap.overhead).sum();
    Overhead {
        overhead_ms: timed.get(timed.len() / 2).map_or(0, |swap| swap.overhead),
        overhead_share: (overhead as f64 / wall.max(1) as f64 * 10_000.0).round() / 10_000.0,
        wall_ms: wall / u64::try_from(timed.len()).unwrap_or(1).max(1),
    }
}

/// Blocks as soon as a transaction waits, until this is dropped.
fn mine_at_once(ground: &Ground) -> JoinSet<()> {
    let (ground, mut blocks) = (ground.clone(), JoinSet::new());
    blocks.spawn(async move {
        loop {
            for chain in [Chain::Bitcoin, Chain::Ethereum] {
                if ground.waiting(chain).await.is_ok_and(|waiting| waiting > 0) {
                    // Without this block the swap waits for the miner's.
                    let _mined = ground.mine(chain).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    blocks
}

/// When a transaction waited for a block, by our clock in milliseconds. Nobody else uses the chains.
struct Waits {
    spans: Arc<Mutex<Vec<(u64, u64)>>>,
    _looking: JoinSet<()>,
}

impl Waits {
    fn watch(ground: &Ground) -> Self {
        let (spans, mut looking) = (Arc::<Mutex<Vec<_>>>::default(), JoinSet::new());
        for chain in [Chain::Bitcoin, Chain::Ethereum] {
            looking.spawn(look(ground.clone(), chain, Arc::clone(&spans)));
        }
        Self {
            spans,
            _looking: looking,
        }
    }

    fn spans(&self) -> Vec<(u64, u64)> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn look(ground: Ground, chain: Chain, spans: Arc<Mutex<Vec<(u64, u64)>>>) {
    let mut began: Option<u64> = None;
    loop {
        // The answer is of some moment in between. It is the latest for a beginning and the earliest for an end.
        let asked = now_ms();
        let waits = ground.waiting(chain).await.is_ok_and(|waiting| waiting > 0);
        match (waits, began) {
            (true, None) => began = Some(now_ms()),
            (true, Some(from)) => {
                let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
                match spans.iter_mut().find(|span| span.0 == from) {
                    Some(span) => span.1 = asked,
                    None => spans.push((from, asked)),
                }
            }
            (false, _) => began = None,
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overhead_is_the_median_and_the_share_is_of_all() {
        let timed = |wall, overhead| Timed { wall, overhead };
        let of = summary(vec![timed(1_000, 900), timed(2_000, 100), timed(3_000, 200)]);
        assert_eq!((of.overhead_ms, of.overhead_share, of.wall_ms), (200, 0.2, 2_000));
    }
}

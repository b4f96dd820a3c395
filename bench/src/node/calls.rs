//! How many calls and events a second, over the node's own sockets, from another process: this one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kofo_node::rpc::NodeRpcClient;
use kofo_sdk::Wallet;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// So many callers at once, and subscribers.
const CALLERS: usize = 4;
/// Calls of each caller in a round: together less than a token may make at once.
const CALLS: usize = 900;
/// After so long a token may make as many at once as ever.
const REST: Duration = Duration::from_secs(3);
/// Nobody waits longer for the next event of those that are there.
const NEXT: Duration = Duration::from_secs(10);

/// Calls of `swap.show` a second, all callers together: the median of the rounds.
pub(super) async fn rpc_per_s(data: &Path, rounds: usize) -> Result<u64> {
    let page = Wallet::connect(data)?;
    let page = page.client().swap_list(None, None, None).await?;
    let id = page.swaps.first().context("the wallet made swaps")?.id;
    let mut rates = Vec::new();
    for _ in 0..rounds {
        sleep(REST).await;
        let mut callers = JoinSet::new();
        let start = Instant::now();
        for _ in 0..CALLERS {
            let wallet = Wallet::connect(data)?;
            callers.spawn(async move {
                for _ in 0..CALLS {
                    wallet.client().swap_show(id).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = callers.join_next().await {
            ended??;
        }
        rates.push(CALLERS as f64 * CALLS as f64 / start.elapsed().as_secs_f64());
    }
    median(rates)
}

/// Events a second that each of some subscribers at once is told, from the wish to connect to the last of those that the node
/// has: the median of all of them.
pub(super) async fn events_per_s(data: &Path, rounds: usize) -> Result<u64> {
    let newest = newest(data).await?;
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let mut subscribers = JoinSet::new();
        for _ in 0..CALLERS {
            let mut events = Wallet::connect(data)?.events(None);
            subscribers.spawn(async move {
                let (start, mut told) = (Instant::now(), 0u32);
                while events.cursor().is_none_or(|cursor| cursor < newest) {
                    timeout(NEXT, events.next()).await??;
                    told += 1;
                }
                anyhow::Ok(f64::from(told) / start.elapsed().as_secs_f64())
            });
        }
        while let Some(rate) = subscribers.join_next().await {
            rates.push(rate??);
        }
    }
    median(rates)
}

async fn newest(data: &Path) -> Result<u64> {
    use kofo_node::rpc::EventsRpcClient;
    let wallet = Wallet::connect(data)?;
    Ok(wallet.client().events_list(None, Some(1)).await?.newest)
}

fn median(mut rates: Vec<f64>) -> Result<u64> {
    rates.sort_unstable_by(f64::total_cmp);
    let median = rates.get(rates.len() / 2).context("nothing was measured")?;
    Ok(median.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_rounded_and_nothing_has_none() {
        assert_eq!(median(vec![3.6, 1.0, 100.0]).unwrap(), 4);
        assert!(median(Vec::new()).is_err());
    }
}

//! Mines at once when a transaction waits, and otherwise every few seconds.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::chain::Chain;
use crate::chains::Chains;

/// How often the mempools are looked at.
const POLL: Duration = Duration::from_millis(100);

/// When the miner mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mining {
    /// Whether a transaction in the mempool gets its block at once; otherwise it waits for the next one due.
    pub at_once: bool,
    /// Time between Bitcoin blocks when nothing waits.
    pub bitcoin_every: Duration,
    /// Time between blocks of the EVM chains when nothing waits.
    pub evm_every: Duration,
}

impl Default for Mining {
    fn default() -> Self {
        let every = Duration::from_secs(2);
        Mining {
            at_once: true,
            bitcoin_every: every,
            evm_every: every,
        }
    }
}

impl Mining {
    fn every(&self, chain: Chain) -> Duration {
        match chain {
            Chain::Bitcoin => self.bitcoin_every,
            Chain::Ethereum | Chain::Echoin => self.evm_every,
        }
    }
}

/// The running miner; it stops when this is dropped. On a thread of its own, because a regtest may outlive the
/// runtime of the test that started it.
pub(crate) struct Miner {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Miner {
    pub(crate) fn start(chains: Chains, mining: Mining) -> std::io::Result<Miner> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("kofo-miner".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // An error means that the sender is gone, which says the same.
                        _ = stopped => {}
                        () = mine_all(&chains, mining) => {}
                    }
                });
            })?;
        Ok(Miner {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the miner panicked");
        }
    }
}

async fn mine_all(chains: &Chains, mining: Mining) {
    tokio::join!(
        mine_one(chains, Chain::Bitcoin, mining),
        mine_one(chains, Chain::Ethereum, mining),
        mine_one(chains, Chain::Echoin, mining),
    );
}

async fn mine_one(chains: &Chains, chain: Chain, mining: Mining) {
    if !chains.running().contains(&chain) {
        return;
    }
    let mut last = Instant::now();
    // What a block left behind (a fee too low, say) is no reason for another one at once.
    let mut left_behind = 0;
    loop {
        tokio::time::sleep(POLL).await;
        let due = last.elapsed() >= mining.every(chain);
        let waits = mining.at_once && matches!(chains.waiting(chain).await, Ok(n) if n > left_behind);
        if !due && !waits {
            continue;
        }
        match chains.mine_unless_paused(chain).await {
            Ok(true) => left_behind = chains.waiting(chain).await.unwrap_or(0),
            Ok(false) => left_behind = 0,
            // A daemon that a test has stopped: look again later.
            Err(error) => tracing::debug!(%chain, %error, "no block"),
        }
        last = Instant::now();
    }
}

//! One daemon per chain for all tests of this binary, which take it in turns: each has the chain for itself.

use kofo_regtest::{Chain, Options, Regtest};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, MutexGuard};

/// The daemon goes when no test holds or waits for it any more.
struct Slot {
    running: Mutex<Weak<Regtest>>,
    turn: Mutex<()>,
}

impl Slot {
    const fn new() -> Self {
        Self {
            running: Mutex::const_new(Weak::new()),
            turn: Mutex::const_new(()),
        }
    }
}

static BITCOIN: Slot = Slot::new();
static ETHEREUM: Slot = Slot::new();
static ECHOIN: Slot = Slot::new();

/// A chain, until the test is over.
pub(crate) struct Turn {
    pub(crate) chain: Chain,
    pub(crate) regtest: Arc<Regtest>,
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits for the chain; `None` if this machine cannot have the daemon.
    pub(crate) async fn take(chain: Chain, test: &str) -> Option<Self> {
        let slot = match chain {
            Chain::Bitcoin => &BITCOIN,
            Chain::Ethereum => &ETHEREUM,
            Chain::Echoin => &ECHOIN,
        };
        let regtest = {
            let mut running = slot.running.lock().await;
            match running.upgrade() {
                Some(regtest) => regtest,
                None => {
                    let options = Options {
                        chains: vec![chain],
                        ..Options::manual()
                    };
                    let regtest = Arc::new(Regtest::up_or_skip(test, options).await?);
                    *running = Arc::downgrade(&regtest);
                    regtest
                }
            }
        };
        let turn = slot.turn.lock().await;
        let this = Self {
            chain,
            regtest,
            _turn: turn,
        };
        this.clear().await;
        Some(this)
    }

    /// Mines what an earlier test left behind.
    async fn clear(&self) {
        for _ in 0..10 {
            if self.waiting().await == 0 {
                return;
            }
            self.mine(1).await;
        }
        panic!(
            "{} does not mine what an earlier test left in its mempool",
            self.chain
        );
    }

    pub(crate) async fn mine(&self, blocks: u32) {
        self.regtest.mine(self.chain, u64::from(blocks)).await.unwrap();
    }

    pub(crate) async fn waiting(&self) -> usize {
        let waiting = self.regtest.waiting(self.chain).await.unwrap();
        usize::try_from(waiting).unwrap()
    }

    pub(crate) async fn tip(&self) -> kofo_primitives::Tip {
        let tip = self.regtest.tip(self.chain).await.unwrap();
        kofo_primitives::Tip {
            height: tip.height,
            time: kofo_primitives::UnixTime(tip.time),
        }
    }

    pub(crate) async fn rpc(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.regtest.rpc(self.chain, method, params).await.unwrap()
    }
}

/// A seed that no other test of this binary has.
pub(crate) fn fresh_seed() -> kofo_primitives::Seed {
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let mut seed = [0x6b; 64];
    seed[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    kofo_primitives::Seed::new(seed)
}

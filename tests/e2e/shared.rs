//! The daemons that all tests share, and what tests say of a swap.

use anyhow::Result;
use kofo_cli::demo::{
    Daemons, Follow, Ground, NETWORK, Played, Purse, Stage, Tell, Who, balance, figures, waits,
};
use kofo_node::config::Config;
use kofo_node::rpc::types::{ActSeen, Id, OutcomeName, SwapStatus};
use kofo_regtest::{Chain, Options, Regtest};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Everything that a test waits for comes within so long.
pub(crate) const STEP: Duration = Duration::from_secs(60);

/// Alive as long as a test uses it: a static value would never be dropped, and its folder would stay.
static DAEMONS: Mutex<Weak<Daemons>> = Mutex::const_new(Weak::new());
/// Held for writing by a test that moves time or holds blocks back.
static TIME: RwLock<()> = RwLock::const_new(());

/// The program under test.
pub(crate) fn kofo() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kofo"))
}

/// The shared daemons; `None`, said loudly, where they cannot be had and need not be.
pub(crate) async fn daemons(test: &str) -> Option<Arc<Daemons>> {
    let mut shared = DAEMONS.lock().await;
    if let Some(running) = shared.upgrade() {
        return Some(running);
    }
    let regtest = Regtest::up_or_skip(test, Options::default()).await?;
    let daemons = Arc::new(
        Daemons::over(regtest)
            .await
            .expect("the contracts can be deployed"),
    );
    *shared = Arc::downgrade(&daemons);
    Some(daemons)
}

/// The shared daemons for nodes that a test starts itself.
pub(crate) struct Land {
    pub(crate) daemons: Arc<Daemons>,
    _time: Time,
}

impl Land {
    /// For a test that leaves time and blocks alone.
    pub(crate) async fn shared(test: &str) -> Option<Self> {
        let daemons = daemons(test).await?;
        let guard = TIME.read().await;
        let _time = Time::Shared { _guard: guard };
        Some(Self { daemons, _time })
    }

    /// For a test that holds blocks back.
    pub(crate) async fn alone(test: &str) -> Option<Self> {
        let daemons = daemons(test).await?;
        let guard = TIME.write().await;
        for chain in Chain::ALL {
            // A test that failed may have left the chain without blocks.
            let resumed = daemons.regtest().resume_miner(chain).await;
            resumed.expect("the miner is there");
        }
        let _time = Time::Own { _guard: guard };
        Some(Self { daemons, _time })
    }
}

/// Two fresh nodes on the shared daemons, and what they had at first.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) before: [Purse; 2],
    _time: Time,
}

enum Time {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Own { _guard: RwLockWriteGuard<'static, ()> },
}

impl Scene {
    /// For a test that leaves time and blocks alone.
    pub(crate) async fn shared(test: &str) -> Option<Self> {
        let daemons = daemons(test).await?;
        let time = Time::Shared {
            _guard: TIME.read().await,
        };
        Some(Self::with(daemons, time).await)
    }

    /// For a test that moves time or holds blocks back.
    pub(crate) async fn alone(test: &str) -> Option<Self> {
        Self::alone_with_depth(test, 1).await
    }

    /// For such a test, with nodes to which a fact is final when it is so many blocks deep.
    pub(crate) async fn alone_with_depth(test: &str, depth: u32) -> Option<Self> {
        let daemons = daemons(test).await?;
        let time = Time::Own {
            _guard: TIME.write().await,
        };
        Some(Self::with_depth(daemons, time, depth).await)
    }

    async fn with(daemons: Arc<Daemons>, time: Time) -> Self {
        Self::with_depth(daemons, time, 1).await
    }

    /// For a test that leaves time and blocks alone, with a first node that is not configured as the second one.
    pub(crate) async fn with_first(test: &str, first: impl FnOnce(&Daemons, &mut Config)) -> Option<Self> {
        let daemons = daemons(test).await?;
        let time = Time::Shared {
            _guard: TIME.read().await,
        };
        let config = daemons.config(NETWORK).expect("the daemons have addresses");
        let mut other = config.clone();
        first(&daemons, &mut other);
        Some(Self::configured(daemons, time, [other, config]).await)
    }

    async fn with_depth(daemons: Arc<Daemons>, time: Time, depth: u32) -> Self {
        let mut config = daemons.config(NETWORK).expect("the daemons have addresses");
        for chain in &mut config.chains {
            chain.depth = depth;
        }
        Self::configured(daemons, time, [config.clone(), config]).await
    }

    async fn configured(daemons: Arc<Daemons>, time: Time, configs: [Config; 2]) -> Self {
        let depth = configs[0]
            .chains
            .iter()
            .map(|chain| chain.depth)
            .max()
            .unwrap_or(1);
        let mut stage = Stage::configured(daemons, kofo(), configs)
            .await
            .expect("two nodes start");
        if let Ground::Daemons(daemons) = stage.ground() {
            for chain in Chain::ALL {
                // A test that failed may have left the chain without blocks.
                let resumed = daemons.regtest().resume_miner(chain).await;
                resumed.expect("the miner is there");
                // The money that the nodes got is as deep as they want it.
                let buried = daemons.regtest().mine(chain, u64::from(depth)).await;
                buried.expect("the daemons mine");
            }
        }
        let before = stage.purses().await.expect("both nodes have money");
        Self {
            stage,
            before,
            _time: time,
        }
    }

    pub(crate) fn ground(&self) -> &Ground {
        self.stage.ground()
    }

    /// Follows a swap; what it does is shown if the test fails.
    pub(crate) fn follow(&self, id: Id, pair: &str) -> Follow {
        let tell: Tell = Arc::new(|line| eprintln!("{line}"));
        self.stage.follow(id, pair, tell)
    }

    /// A swap whose initiator is killed before it can redeem; the participant locks all the same. Bitcoin's blocks are held
    /// back until it is gone: the lock there, whosever it is, waits for one.
    pub(crate) async fn without_initiator(&mut self, give: &str, want: &str) -> (SwapStatus, Follow) {
        self.ground().pause(Chain::Bitcoin).await.unwrap();
        let swap = self.stage.agree(give, want).await.unwrap();
        let mut follow = self.follow(swap.id, give);
        waits(self.ground(), Chain::Bitcoin).await.unwrap();
        self.stage.kill(Who::Initiator).await.unwrap();
        self.ground().resume(Chain::Bitcoin).await.unwrap();
        follow
            .until("both locks", STEP, |now| {
                is(now.of(Who::Participant), "both_locked")
            })
            .await
            .unwrap();
        (swap, follow)
    }

    /// The figures of a swap that is over.
    pub(crate) async fn played(&self, both: [SwapStatus; 2]) -> Played {
        let row = figures(self.ground(), "test".to_owned(), &both, Vec::new())
            .await
            .expect("the daemons know the transactions");
        Played { row, both }
    }

    /// Both nodes have what these swaps left them, to the last unit.
    pub(crate) async fn balances_conserve(&mut self, played: &[Played]) {
        balance(&mut self.stage, self.before.clone(), played)
            .await
            .expect("balances conserve");
    }
}

/// What a node said of an act on the first leg of a side.
pub(crate) fn act<'a>(status: Option<&'a SwapStatus>, side: &str, kind: &str) -> Option<&'a ActSeen> {
    let legs = status.into_iter().flat_map(|status| &status.legs);
    let mut legs = legs.filter(|leg| leg.leg == format!("{side}/0"));
    legs.next()?.acts.iter().find(|act| act.act == kind)
}

/// Whether a node said that the swap is in this state.
pub(crate) fn is(status: Option<&SwapStatus>, state: &str) -> bool {
    status.is_some_and(|s| s.state == state)
}

/// Whether a node said that the swap is over.
pub(crate) fn over(status: Option<&SwapStatus>) -> bool {
    status.is_some_and(|s| s.outcome.is_some())
}

/// How both ended.
pub(crate) fn outcomes(both: &[SwapStatus; 2]) -> [Option<OutcomeName>; 2] {
    both.each_ref().map(|status| status.outcome)
}

/// A state that a node goes through at once may be gone when it is asked: whatever comes after it counts too.
pub(crate) async fn reaches(follow: &mut Follow, who: Who, states: &[&str]) -> Result<()> {
    follow
        .until(states[0], STEP, |now| {
            states.iter().any(|state| is(now.of(who), state))
        })
        .await
}

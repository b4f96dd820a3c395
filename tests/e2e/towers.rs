//! A tower in a process of its own: one party is killed with -9 and does not come back in time, the tower redeems or
//! refunds for it on real daemons, and its own wallet has the money when it comes back.

use crate::cli;
use crate::shared::{STEP, Scene, kofo, outcomes, over};
use kofo_cli::demo::{Follow, Ground, NETWORK, Who, last_timelock};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_node::watchtower::{LegWatched, TowerFile};
use kofo_primitives::Seconds;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// So much after the last timelock all refunds are possible.
const PAST: Seconds = Seconds(60);
const POLL: Duration = Duration::from_millis(50);

/// A running `kofo tower run`, with money for gas.
pub(crate) struct TowerProcess {
    data: PathBuf,
    guest: String,
    process: Child,
}

impl TowerProcess {
    /// A tower that serves this node only.
    pub(crate) async fn serving(scene: &Scene, who: Who) -> Self {
        let Ground::Daemons(daemons) = scene.ground() else {
            panic!("these tests run on daemons");
        };
        let data = scene
            .stage
            .data(who)
            .with_file_name(format!("tower-of-{}", who.name()));
        daemons.init(&data, &daemons.config(NETWORK).unwrap()).unwrap();
        let status = scene.stage.client(who).unwrap().node_status().await.unwrap();
        let mut tower = Self {
            process: Self::spawn(&data, &status.node),
            guest: status.node,
            data,
        };
        let file = tower.is_there().await;
        let of = |symbol: &str| {
            file.wallet
                .iter()
                .find(|w| w.symbol == symbol)
                .unwrap()
                .address
                .clone()
        };
        daemons.fund(&of("BTC"), &of("ETH")).await.unwrap();
        let added = cli::run(&scene.stage.data(who), &["tower", "add", &file.listen[0]]).await;
        added.done();
        tower
    }

    fn spawn(data: &Path, guest: &str) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.join("tower.log"))
            .unwrap();
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(kofo())
            .args(["tower", "run", "--allow", guest, "--data"])
            .arg(data)
            .env("KOFO_PASSPHRASE_FILE", data.join("passphrase"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Where it can be reached.
    pub(crate) fn address(&self) -> String {
        TowerFile::load(&self.data).unwrap().listen.remove(0)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("tower.log")).unwrap_or_default()
    }

    /// It said that it does this, and nobody else was there to do it.
    #[track_caller]
    fn did(&self, act: &str) {
        let log = self.log();
        assert!(log.contains(act), "{act} is not in\n{log}");
    }

    /// Waits until it tells where it is.
    async fn is_there(&mut self) -> TowerFile {
        let deadline = Instant::now() + STEP;
        loop {
            let ours = |file: &TowerFile| Some(file.pid) == self.process.id();
            if let Some(file) = TowerFile::load(&self.data).ok().filter(ours) {
                return file;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{ended:?}: {}",
                self.log()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Dies by -9 and starts again.
    async fn dies_and_comes_back(&mut self) {
        self.process.kill().await.unwrap();
        self.process = Self::spawn(&self.data, &self.guest);
        self.is_there().await;
    }

    /// Waits until it says so of a leg of the only swap that it watches.
    async fn until(&self, leg: &str, what: &str, holds: impl Fn(&LegWatched) -> bool) {
        let is_so = |file: &TowerFile| {
            let mut legs = file.swaps.iter().flat_map(|swap| &swap.legs);
            legs.any(|watched| watched.leg == leg && holds(watched))
        };
        self.waits(leg, what, is_so).await;
    }

    /// Waits until a leg ended so, or the whole swap is over and forgotten.
    async fn ends(&self, leg: &str, state: &str) {
        let is_so = |file: &TowerFile| {
            let mut legs = file.swaps.iter().flat_map(|swap| &swap.legs);
            file.swaps.is_empty() || legs.any(|watched| watched.leg == leg && watched.state == state)
        };
        self.waits(leg, state, is_so).await;
    }

    async fn waits(&self, leg: &str, what: &str, is_so: impl Fn(&TowerFile) -> bool) {
        let deadline = Instant::now() + STEP;
        loop {
            let file = TowerFile::load(&self.data).unwrap();
            if is_so(&file) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{leg}: {what}: {file:#?}\n{}",
                self.log()
            );
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A swap whose participant has a tower that can redeem and refund; the initiator was killed before it could reveal.
struct Orphaned {
    scene: Scene,
    tower: TowerProcess,
    swap: SwapStatus,
    follow: Follow,
}

async fn orphaned(give: &str, want: &str) -> Option<Orphaned> {
    let mut scene = Scene::alone("a tower").await?;
    let tower = TowerProcess::serving(&scene, Who::Participant).await;
    let (swap, follow) = scene.without_initiator(give, want).await;
    tower
        .until("alpha/0", "a redeem", |leg| leg.may.as_deref() == Some("redeem"))
        .await;
    tower
        .until("beta/0", "a refund", |leg| leg.may.as_deref() == Some("refund"))
        .await;
    Some(Orphaned {
        scene,
        tower,
        swap,
        follow,
    })
}

/// The participant is killed after beta is locked. The initiator redeems beta; the tower redeems alpha.
async fn the_tower_redeems(give: &str, want: &str) {
    let Some(mut orphaned) = orphaned(give, want).await else {
        return;
    };
    let Orphaned {
        scene, tower, follow, ..
    } = &mut orphaned;
    scene.stage.kill(Who::Participant).await.unwrap();
    tower.dies_and_comes_back().await;
    scene.stage.start(Who::Initiator).await.unwrap();
    follow
        .until("the initiator's redeem", STEP, |now| over(now.of(Who::Initiator)))
        .await
        .unwrap();
    tower.ends("alpha/0", "redeemed").await;
    tower.did("act=Redeem");
    scene.stage.start(Who::Participant).await.unwrap();
    let both = orphaned.follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = orphaned.scene.played(both).await;
    assert_eq!(played.row.alpha.end.as_deref(), Some("redeem"));
    orphaned.scene.balances_conserve(&[played]).await;
}

/// Both are killed after both locks. The tower refunds beta.
async fn the_tower_refunds(give: &str, want: &str) {
    let Some(mut orphaned) = orphaned(give, want).await else {
        return;
    };
    let Orphaned {
        scene, tower, swap, ..
    } = &mut orphaned;
    scene.stage.kill(Who::Participant).await.unwrap();
    let past = last_timelock(swap).plus(PAST);
    scene.ground().advance_to(past).await.unwrap();
    tower.ends("beta/0", "refunded").await;
    tower.did("act=Refund");
    for who in Who::BOTH {
        scene.stage.start(who).await.unwrap();
    }
    let both = orphaned.follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2]);
    let played = orphaned.scene.played(both).await;
    assert_eq!(played.row.beta.end.as_deref(), Some("refund"));
    orphaned.scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_is_gone_after_its_lock_has_its_ether_redeemed_by_its_tower() {
    the_tower_redeems("1eth", "0.05btc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_is_gone_after_its_lock_has_its_bitcoin_redeemed_by_its_tower() {
    the_tower_redeems("0.05btc", "1eth").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_is_gone_after_its_lock_has_its_bitcoin_refunded_by_its_tower() {
    the_tower_refunds("1eth", "0.05btc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_is_gone_after_its_lock_has_its_ether_refunded_by_its_tower() {
    the_tower_refunds("0.05btc", "1eth").await;
}

/// Whatever the tower is in time to do, it does for its owner: nobody has a unit less.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_are_there_redeem_with_a_tower_beside_them_and_balances_conserve() {
    let Some(mut scene) = Scene::alone("a tower that only looks").await else {
        return;
    };
    let _tower = TowerProcess::serving(&scene, Who::Participant).await;
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    let follow = scene.follow(swap.id, "BTC→ETH");
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

//! One validator after another is killed with -9 at random moments, and at once after it proved that an order is final,
//! while orders and an account's acts go on: no fork, and nothing that was final is lost.

mod forum;
mod orders;
mod witness;

use crate::shared::STEP;
use forum::Forum;
use futures::future::join_all;
use kofo_cli::demo::SEATS;
use kofo_node::rpc::types::Id;
use kofo_node::rpc::{ClearingRpcClient, RpcClient};
use kofo_primitives::SwapId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinSet;
use witness::Witness;

/// So many times, unless `KOFO_KILLS` says otherwise: 200 before a release.
const KILLS: u64 = 20;
/// Whom the acts give a unit each.
const HEIR: Id = Id([0x77; 32]);
/// A validator is killed so long after the last one is back at most, and is away for as long at most (ms).
const PAUSE_MS: u64 = 900;
/// So many trade at the same time by way of one validator.
const TRADERS: usize = 3;

/// Random numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.below(PAUSE_MS))).await;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> u64 {
    let drawn = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .subsec_nanos()
    };
    number("KOFO_KILLS_SEED").unwrap_or_else(|| u64::from(drawn()))
}

/// Every header that any validator was seen with: two at one height are a fork.
#[derive(Default)]
struct Seen {
    headers: BTreeMap<u64, Id>,
    states: BTreeMap<u64, Option<Id>>,
}

impl Seen {
    async fn look(&mut self, forum: &Forum, away: Option<usize>) {
        for number in (0..SEATS).filter(|number| Some(*number) != away) {
            let status = forum.council.status(number).await.unwrap();
            self.header(status.height, status.header);
            let before = self.states.entry(status.height).or_insert(status.state);
            assert_eq!(*before, status.state, "two states of height {}", status.height);
        }
    }

    fn header(&mut self, height: u64, header: Id) {
        let before = self.headers.entry(height).or_insert(header);
        assert_eq!(*before, header, "a fork at height {height}");
    }
}

/// Gives one unit after the other until it is told to stop; how often it was told that it is done.
async fn give(client: RpcClient, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    while !stop.load(Ordering::Relaxed) {
        // An error leaves open whether it was done: it is not counted.
        if client
            .ledger_transfer(HEIR, "0.000001kofo".to_owned())
            .await
            .is_ok()
        {
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What goes on while validators are killed.
struct Traffic {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    /// So many orders the victim was seen to have made final.
    proven: watch::Receiver<u64>,
    tasks: JoinSet<()>,
}

impl Traffic {
    /// Acts of the node's account; orders by way of the victim, and of another one.
    fn start(forum: &Forum, witness: &Arc<Witness>, [victim, other]: [usize; 2]) -> Self {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (seen, proven) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(give(forum.client(), Arc::clone(&stop), Arc::clone(&done)));
        let elsewhere = watch::Sender::new(0);
        for _ in 0..TRADERS {
            for (at, seen) in [(victim, &seen), (other, &elsewhere)] {
                tasks.spawn(Arc::clone(witness).trade(at, Arc::clone(&stop), seen.clone()));
            }
        }
        Self {
            stop,
            done,
            proven,
            tasks,
        }
    }

    /// Returns as soon as the victim proved that one more order is final.
    async fn next_proof(&mut self) {
        self.proven.mark_unchanged();
        let proof = tokio::time::timeout(STEP, self.proven.changed()).await;
        proof.expect("orders become final").unwrap();
    }

    /// So many acts were done.
    async fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.done.load(Ordering::Relaxed)
    }
}

/// Orders that were seen certified, by whichever validator, are proven by each by the same header.
async fn proven_by_all(witness: &Witness, seen: &mut Seen, checked: &mut BTreeSet<SwapId>) {
    for (order, proven) in witness.certified() {
        if !checked.insert(order) {
            continue;
        }
        seen.header(proven.height, Id(proven.header));
        join_all((0..SEATS).map(|at| witness.still_proves(at, order, proven))).await;
    }
}

/// All validators have the same orders by the same headers, among them all that were seen certified, and the claimant paid
/// for each of them once.
async fn orders_agree(witness: &Witness) {
    witness.catch_up(0).await;
    let all = || join_all((0..SEATS).map(|at| witness.orders_of(at)));
    // After a look at each nothing waits anywhere: the second finds all there will ever be.
    all().await;
    let (all, certified) = (all().await, witness.certified());
    assert!(!certified.is_empty(), "orders became final meanwhile");
    for (at, orders) in all.iter().enumerate() {
        assert_eq!(*orders, all[0], "validator {} has other orders", at + 1);
        for (order, seen) in &certified {
            let have = orders.get(order);
            assert_eq!(have, Some(&seen.header), "validator {} of order {order}", at + 1);
        }
        let view = witness.account(at, orders::claimant()).await;
        let spent = orders::RICH - view.holdings[0].free.units();
        let count = u128::try_from(orders.len()).unwrap();
        assert_eq!(
            spent,
            count * orders::FEE,
            "{count} orders by validator {}",
            at + 1
        );
    }
    let (seen, has) = (certified.len(), all[0].len());
    eprintln!("{seen} orders were seen certified, the ledger has {has}");
}

/// Every act that was done is in the ledger, and each gave one unit.
async fn acts_agree(client: &RpcClient, known: u64) {
    assert!(known > 0, "something was done meanwhile");
    let account = client.ledger_account(None).await.unwrap();
    let has = account.sequence;
    assert!(has >= known, "{known} acts were final, the ledger has {has}");
    let heir = client.ledger_account(Some(HEIR)).await.unwrap();
    // The text of an amount ends with its last digit that is not 0.
    let (whole, part) = heir.holdings[0].free.amount.split_once('.').unwrap();
    assert_eq!(whole, "0");
    let given: u64 = format!("{part:0<6}").parse().unwrap();
    assert_eq!(given, has, "each act gave one unit: {heir:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_killed_at_random_moments_never_fork_and_lose_no_order_and_no_act_that_was_final() {
    let (seed, kills) = (seed(), number("KOFO_KILLS").unwrap_or(KILLS));
    eprintln!("{kills} kills, KOFO_KILLS_SEED={seed}");
    let mut dice = Dice(seed);
    let mut forum = Forum::up().await;
    let witness = Arc::new(Witness::new(&forum.genesis, seed).await);
    let (mut seen, mut checked) = (Seen::default(), BTreeSet::new());
    let first = forum.client();
    let before = first.ledger_account(None).await.unwrap().sequence;
    assert_eq!(before, 0, "nothing was done yet");
    let mut known = 0;
    for round in 0..kills {
        let victim = usize::try_from(dice.below(4)).unwrap();
        let other = (victim + 1) % SEATS;
        let mut traffic = Traffic::start(&forum, &witness, [victim, other]);
        if round % 2 == 0 {
            dice.pause().await;
        } else {
            traffic.next_proof().await;
        }
        forum.council.kill(victim).await.unwrap();
        let at = forum.council.height(other).await.unwrap();
        dice.pause().await;
        // Three of four go on.
        forum.council.reaches(other, at + 1).await.unwrap();
        seen.look(&forum, Some(victim)).await;
        // Back while the last acts still wait for it.
        let (acts, started) = tokio::join!(traffic.end(), forum.council.start(victim));
        started.unwrap();
        known += acts;
        let height = forum.council.height(other).await.unwrap();
        forum.council.reaches(victim, height).await.unwrap();
        seen.look(&forum, None).await;
        proven_by_all(&witness, &mut seen, &mut checked).await;
        let (victim, orders) = (victim + 1, checked.len());
        let round = round + 1;
        eprintln!("kill {round}: validator {victim}, height {height}, {known} acts, {orders} orders");
    }
    forum.council.agree().await.unwrap();
    orders_agree(&witness).await;
    acts_agree(&first, known).await;
}

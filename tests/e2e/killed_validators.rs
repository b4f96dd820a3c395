//! One validator after another is killed with -9 at random moments while an account's acts go on: no fork, and nothing that
//! was final is lost.

use crate::shared::kofo;
use kofo_cli::demo::{Hall, SEATS};
use kofo_node::rpc::types::Id;
use kofo_node::rpc::{ClearingRpcClient, RpcClient};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So many times, unless `KOFO_KILLS` says otherwise: 200 before a release.
const KILLS: u64 = 20;
/// Whom the acts give a unit each.
const HEIR: Id = Id([0x77; 32]);
/// A validator is killed so long after the last one is back at most, and is away for as long at most (ms).
const PAUSE_MS: u64 = 900;

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
struct Seen(BTreeMap<u64, (Id, Option<Id>)>);

impl Seen {
    async fn look(&mut self, hall: &Hall, away: Option<usize>) {
        for number in (0..SEATS).filter(|number| Some(*number) != away) {
            let status = hall.council.status(number).await.unwrap();
            let now = (status.header, status.state);
            let before = self.0.entry(status.height).or_insert(now);
            assert_eq!(*before, now, "a fork at height {}", status.height);
        }
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

#[tokio::test(flavor = "multi_thread")]
async fn validators_killed_at_random_moments_never_fork_and_lose_nothing_that_was_final() {
    let (seed, kills) = (seed(), number("KOFO_KILLS").unwrap_or(KILLS));
    eprintln!("{kills} kills, KOFO_KILLS_SEED={seed}");
    let mut dice = Dice(seed);
    let mut hall = Hall::up(kofo()).await.unwrap();
    let mut seen = Seen::default();
    let first = hall.client().unwrap();
    let before = first.ledger_account(None).await.unwrap().sequence;
    assert_eq!(before, 0, "nothing was done yet");
    let mut known = 0;
    for round in 0..kills {
        let victim = usize::try_from(dice.below(4)).unwrap();
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let client = hall.client().unwrap();
        let giving = tokio::spawn(give(client, Arc::clone(&stop), Arc::clone(&done)));
        dice.pause().await;
        hall.council.kill(victim).await.unwrap();
        let other = (victim + 1) % SEATS;
        let at = hall.council.height(other).await.unwrap();
        dice.pause().await;
        // Three of four go on.
        hall.council.reaches(other, at + 1).await.unwrap();
        seen.look(&hall, Some(victim)).await;
        stop.store(true, Ordering::Relaxed);
        giving.await.unwrap();
        hall.council.start(victim).await.unwrap();
        let height = hall.council.height(other).await.unwrap();
        hall.council.reaches(victim, height).await.unwrap();
        seen.look(&hall, None).await;
        known += done.load(Ordering::Relaxed);
        eprintln!(
            "kill {}: validator {}, height {height}, {known} acts",
            round + 1,
            victim + 1
        );
    }
    hall.council.agree().await.unwrap();
    assert!(known > 0, "something was done meanwhile");
    let account = first.ledger_account(None).await.unwrap();
    assert!(
        account.sequence >= known,
        "{known} acts were final, the ledger has {}",
        account.sequence
    );
    let heir = first.ledger_account(Some(HEIR)).await.unwrap();
    let has = heir.holdings[0]
        .free
        .amount
        .replace('.', "")
        .trim_start_matches('0')
        .to_owned();
    assert_eq!(
        has,
        account.sequence.to_string(),
        "each act gave one unit: {heir:?}"
    );
}

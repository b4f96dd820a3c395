//! Neighbours that take everything and pass nothing on.

use crate::quotes::quoted;
use kofo_network::{MeshLimits, Rate, SimulatedNetwork};
use kofo_tests::mesh::{Crowd, Roll, Tap, Wish, terms};
use kofo_tests::sim::Dice;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const NODES: usize = 50;
const PROVIDERS: usize = 10;
/// 30 % of those that are no providers.
const DROPPERS: usize = 12;
/// A claim without a quote for so long has none.
const PATIENCE: Duration = Duration::from_secs(15);
/// Claims on their way at a time.
const AT_ONCE: usize = 8;

/// A network whose nodes may ask as often as the machine allows: here nobody floods.
fn air(seed: u64) -> SimulatedNetwork {
    let air = SimulatedNetwork::new(seed);
    let often = Rate {
        per_second: 1_000,
        burst: 4_000,
    };
    air.set_mesh_limits(MeshLimits {
        claims: often,
        returns: often,
        ..MeshLimits::default()
    });
    air
}

fn roll(seed: u64) -> Roll {
    let node = |nth: usize| seed * 1_000 + u64::try_from(nth).unwrap();
    let relays = (0..NODES - PROVIDERS - DROPPERS).map(|nth| Wish::relay(node(nth)));
    let providers = (0..PROVIDERS).map(|nth| Wish::provider(node(500 + nth), &format!("16.{nth}"), "10"));
    Roll {
        members: relays.chain(providers).collect(),
        droppers: DROPPERS,
    }
}

/// How many of so many claims, each of an honest relay that the dice choose, get a quote.
async fn answered(seed: u64, claims: usize) -> usize {
    let started = Instant::now();
    let crowd = Crowd::gather(air(seed), seed, roll(seed), Tap::counting()).await;
    let mut dice = Dice::new(seed);
    let (mut waiting, mut answered) = (JoinSet::new(), 0);
    for _ in 0..claims {
        if waiting.len() >= AT_ONCE {
            answered += usize::from(waiting.join_next().await.unwrap().unwrap());
        }
        let by = dice.below(NODES - PROVIDERS - DROPPERS);
        let market = Arc::clone(&crowd.members[by].market);
        waiting.spawn(async move {
            let claim = market.claim(terms(1_000_000)).await.unwrap();
            quoted(&market, claim, 1, PATIENCE).await
        });
    }
    answered += waiting.join_all().await.into_iter().filter(|came| *came).count();
    let (messages, bytes) = crowd.tap.traffic();
    let took = started.elapsed();
    println!(
        "seed {seed}: {answered} of {claims} claims got a quote; {messages} messages, {bytes} bytes, {took:.1?}"
    );
    answered
}

async fn of_a_thousand(claims: usize) {
    for seed in 1..=5 {
        let answered = answered(seed, claims).await;
        assert!(
            answered * 100 >= claims * 95,
            "seed {seed}: {answered} of {claims} claims got a quote"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_three_of_ten_nodes_dropping_everything_nineteen_of_twenty_claims_get_a_quote() {
    of_a_thousand(40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a thousand claims take minutes: `just soak`"]
async fn so_do_two_hundred_claims_of_each_seed() {
    of_a_thousand(200).await;
}

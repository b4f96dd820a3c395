//! Four observers, a ledger and two chains: what parties do on the chains ends their orders.

mod town;
mod trade;

use kofo_clearance::{Ending, Fact, Reason, Settlement};
use kofo_primitives::Side;
use kofo_sim::Dropped;
use town::Town;
use trade::DEPTH;

const BOTH: [usize; 2] = [0, 1];

fn paid(settlement: &Settlement, why: Reason) -> u128 {
    let of = settlement.payouts.iter().filter(|payout| payout.why == why);
    of.map(|payout| payout.amount.units()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_swap_is_seen_leg_by_leg_and_settles_its_order() {
    let mut town = Town::new();
    let (order, [alpha, beta]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, 1);
    town.until_certain(order, Side::Alpha, Fact::Seen).await;
    town.pass(&BOTH, 1);
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    beta.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Beta, Fact::Final).await;
    beta.redeem();
    town.pass(&BOTH, 1);
    town.listen().await;
    assert!(town.ended.is_empty(), "the redeem is not final yet");
    alpha.redeem();
    town.pass(&BOTH, 1);
    let settled = town.until_ended(Ending::Settled).await;
    assert_eq!(paid(&settled, Reason::Foundation), 30_000);
    assert_eq!(town.words(Side::Alpha), vec![vec![Fact::Seen, Fact::Final]; 4]);
    town.pass(&BOTH, 2);
    town.listen().await;
    assert!(town.live(order).is_none() && town.ended.len() == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reorganisation_takes_away_is_not_certain_any_more() {
    let mut town = Town::new();
    let (order, [alpha, _]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    town.chains[0].reorg(DEPTH, Dropped::Vanish);
    town.until_certain(order, Side::Alpha, Fact::Absent).await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_locks_is_slashed_two_blocks_after_its_time() {
    let mut town = Town::new();
    let (order, [alpha, _]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    // It has 600 seconds from then on: sixty blocks, and the next is past them.
    town.pass(&BOTH, 61);
    town.listen().await;
    assert!(town.is_silent(Side::Beta) && town.ended.is_empty());
    town.pass(&BOTH, 4);
    let walked = town.until_ended(Ending::ProviderWalked).await;
    assert_eq!(
        paid(&walked, Reason::Harmed),
        10_000,
        "one per cent of what it was worth"
    );
    assert_eq!(
        paid(&walked, Reason::Burnt),
        90_000,
        "and the rest of the reserve is gone"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sees_no_new_blocks_does_not_say_that_something_is_not_there() {
    let mut town = Town::new();
    let (order, [alpha, beta]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    // Beta's chain stands still far beyond the time of the provider, which locks in its next block.
    town.pass(&[0], 100);
    town.listen().await;
    assert!(town.is_silent(Side::Beta) && town.ended.is_empty());
    beta.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Beta, Fact::Final).await;
    assert!(town.ended.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_whose_nodes_cannot_be_relied_on_is_not_spoken_of() {
    let mut town = Town::new();
    let (order, [alpha, _]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    // A fault, and no block is seen.
    town.chains[1].cut(true);
    town.pass(&BOTH, 70);
    town.listen().await;
    assert!(town.is_silent(Side::Beta) && town.ended.is_empty());
    town.chains[1].cut(false);
    town.listen().await;
    assert!(
        town.is_silent(Side::Beta),
        "the blocks that came meanwhile are one to who did not see them"
    );
    town.pass(&BOTH, 2);
    town.until_ended(Ending::ProviderWalked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initiator_that_never_locks_costs_nobody_else() {
    let mut town = Town::new();
    let _ = town.order().await;
    town.pass(&BOTH, 61);
    town.listen().await;
    assert!(town.is_silent(Side::Alpha));
    town.pass(&BOTH, 2);
    let never = town.until_ended(Ending::NeverLocked).await;
    assert!(paid(&never, Reason::Premium) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_counts_go_on_and_what_happened_meanwhile_is_said() {
    let mut town = Town::new();
    let (order, [alpha, beta]) = town.order().await;
    alpha.lock();
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Alpha, Fact::Final).await;
    beta.lock();
    town.pass(&BOTH, 1);
    town.until_certain(order, Side::Beta, Fact::Seen).await;
    town.restart().await;
    town.pass(&BOTH, u64::from(DEPTH));
    town.until_certain(order, Side::Beta, Fact::Final).await;
    assert_eq!(town.words(Side::Beta), vec![vec![Fact::Seen, Fact::Final]; 4]);
    town.pass(&BOTH, 240);
    beta.refund();
    town.pass(&BOTH, 240);
    alpha.refund();
    town.pass(&BOTH, u64::from(DEPTH));
    let walked = town.until_ended(Ending::InitiatorWalked).await;
    assert_eq!(paid(&walked, Reason::Premium), 5_000);
}

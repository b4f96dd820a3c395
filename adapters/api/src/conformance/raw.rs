//! What the chain itself refuses, whatever adapter sends it.

use super::harness::{Overheard, RawChain, Who};
use super::stage::Stage;
use kofo_primitives::{Act, ActKind, At, UnixTime};

/// Exactly 32 bytes: with any other length one leg would open and the other not.
pub async fn a_preimage_that_is_not_32_bytes_long_opens_nothing<H: RawChain>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    let right = leg.preimage.expose().to_vec();
    let mut long = right.clone();
    long.push(0);
    for wrong in [Vec::new(), right[..31].to_vec(), long, vec![0; 32]] {
        let taken = stage
            .chain
            .offer_redeem(&leg.redeemer, &leg.preimage, &wrong)
            .await;
        assert!(!taken, "{} wrong bytes opened the lock", wrong.len());
    }
    assert!(
        stage
            .chain
            .offer_redeem(&leg.redeemer, &leg.preimage, &right)
            .await,
        "the right ones do open it"
    );
}

/// The timelock is the chain's to keep.
pub async fn the_chain_itself_refuses_a_refund_one_second_early<H: RawChain>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let timelock = leg.refunder.timelock;
    stage.mine_until(UnixTime(timelock.0 - 1)).await;
    let refund = stage.us.build(&leg, Act::Refund).await;
    assert!(!stage.chain.offer(&refund).await, "one second early");
    stage.mine_until(timelock).await;
    assert!(stage.chain.offer(&refund).await, "in time");
}

/// Once the cancel is mined the lock is a conflict for the chain, not only for us.
pub async fn a_replaced_or_cancelled_lock_is_refused_by_the_chain<H: RawChain>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    let cancel = stage.us.build(&leg, Act::Cancel).await;
    stage.send(Who::Us, &leg, ActKind::Cancel, &cancel).await;
    assert!(!stage.chain.offer(&lock).await, "the cancel waits and pays more");
    stage.mine(1).await;
    assert!(!stage.chain.offer(&lock).await, "the cancel is mined");
}

/// Promise 8: no simulation, no estimate and no question to the node shows a preimage.
pub async fn a_preimage_leaves_only_in_the_broadcast_of_the_redeem<H: Overheard>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    let checked = stage.us.adapter.check(leg.of, &leg.redeemer).await;
    assert_eq!(checked, Ok(()));
    let preimage = *leg.preimage.expose();
    let redeem = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.mine(2).await;
    assert_eq!(
        stage.chain.requests_with(&preimage).await,
        Vec::<String>::new(),
        "built, not sent"
    );
    stage.send(Who::Us, &leg, ActKind::Redeem, &redeem).await;
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
    let told = stage.chain.requests_with(&preimage).await;
    let broadcast = stage.chain.broadcast_method();
    assert!(
        !told.is_empty() && told.iter().all(|method| method == broadcast),
        "{told:?}"
    );
}

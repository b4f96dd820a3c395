//! A node that was away, or died between two steps.

use super::harness::{Harness, Who};
use super::stage::Stage;
use kofo_primitives::{Act, ActKind, At, ChainAction};

/// Mines one block and waits for their node to tell it.
async fn mine_beside<H: Harness>(chain: &H, them: &super::Peer) {
    chain.mine(1).await;
    let tip = chain.tip().await;
    let told = |events: &[kofo_primitives::ChainEvent]| {
        events
            .contains(&kofo_primitives::ChainEvent::Tip(tip))
            .then_some(())
    };
    them.until(0, "the tip", told).await;
}

/// Waits until something is in the mempool.
async fn waits<H: Harness>(chain: &H) {
    let wait = async {
        while chain.waiting().await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
    waited.expect("a transaction reaches the mempool within 30 s");
}

/// The lock is in a block that came while nobody looked.
pub async fn a_restart_finds_the_lock_that_came_meanwhile<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Them).await;
    let stage = stage
        .restart_us(async |chain: &H, them: &super::Peer| {
            let prepared = them.build(&leg, Act::Lock).await;
            them.broadcast(&leg, ActKind::Lock, &prepared).await;
            waits(chain).await;
            mine_beside(chain, them).await;
            chain.mine(3).await;
        })
        .await;
    let found = stage.us.watch(&leg, &[]).await;
    let tip = stage.settled().await;
    assert_eq!(found.lock, Some(At::Block(tip - 3)));
}

/// The preimage came while nobody looked: it must not be missed, or the other leg is lost.
pub async fn a_restart_finds_the_preimage_that_came_meanwhile<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, lock) = stage.locked(Who::Us).await;
    let stage = stage
        .restart_us(async |chain: &H, them: &super::Peer| {
            let prepared = them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
            them.broadcast(&leg, ActKind::Redeem, &prepared).await;
            waits(chain).await;
            mine_beside(chain, them).await;
            chain.mine(2).await;
        })
        .await;
    let found = stage.us.watch(&leg, &[lock]).await;
    let tip = stage.settled().await;
    assert_eq!(found.redeem, Some((leg.preimage.clone(), At::Block(tip - 2))));
}

/// The refund was mined while nobody looked.
pub async fn a_restart_finds_the_refund_that_came_meanwhile<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, lock) = stage.locked(Who::Us).await;
    stage.mine_until(leg.refunder.timelock).await;
    let refund = stage.us.build(&leg, Act::Refund).await;
    stage.send(Who::Us, &leg, ActKind::Refund, &refund).await;
    let stage = stage
        .restart_us(async |chain: &H, _: &super::Peer| chain.mine(2).await)
        .await;
    let found = stage.us.watch(&leg, &[lock, refund]).await;
    let tip = stage.settled().await;
    assert_eq!(found.refund, Some(At::Block(tip - 1)));
}

/// The lock that we knew is gone, and nobody but the answer to our `Watch` says so.
pub async fn a_restart_finds_that_a_reorg_took_the_lock_away<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    stage.them.adapter.act(leg.of, ChainAction::Unwatch).await;
    let stage = stage
        .restart_us(async |chain: &H, _: &super::Peer| chain.reorg(1).await)
        .await;
    let found = stage.us.watch(&leg, &[]).await;
    assert!(!matches!(found.lock, Some(At::Block(_))), "{found:?}");
    if found.lock.is_none() {
        assert!(stage.us.unseen(leg.of).contains(&ActKind::Lock));
    }
}

/// A preimage that waits in the mempool when we come back is in the answer.
pub async fn a_restart_finds_the_preimage_in_the_mempool<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, lock) = stage.locked(Who::Us).await;
    let stage = stage
        .restart_us(async |chain: &H, them: &super::Peer| {
            let prepared = them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
            them.broadcast(&leg, ActKind::Redeem, &prepared).await;
            waits(chain).await;
        })
        .await;
    stage.us.watch(&leg, &[lock]).await;
    let told = stage
        .us
        .until_told(&leg, "the preimage from the mempool", |told| {
            told.redeem.is_some()
        })
        .await;
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Mempool)));
}

/// Holding is not sending: only the core knows whether its window is still open.
pub async fn a_held_lock_is_not_sent_by_watching<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let prepared = stage.us.build(&leg, Act::Lock).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, &[prepared]).await;
    assert_eq!(stage.chain.waiting().await, 0);
    stage.mine(2).await;
    assert_eq!(stage.chain.waiting().await, 0);
    assert_eq!(stage.them.told(&leg).lock, None);
}

/// What the journal holds is reserved before anything new is built.
pub async fn a_held_lock_stays_reserved_after_a_restart<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let held = stage.watched(Who::Us).await;
    let first = stage.us.build(&held, Act::Lock).await;
    let mut stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&held, std::slice::from_ref(&first)).await;
    let leg = stage.watched(Who::Us).await;
    let second = stage.us.build(&leg, Act::Lock).await;
    stage.us.broadcast(&leg, ActKind::Lock, &second).await;
    stage.us.broadcast(&held, ActKind::Lock, &first).await;
    stage.until_waiting(2).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&held).lock, Some(At::Block(tip)));
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(tip)));
}

/// Whether the first broadcast got out is unknown after a crash, and does not matter.
pub async fn a_lock_that_was_sent_before_a_restart_stays_one_lock<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let prepared = stage.us.build(&leg, Act::Lock).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &prepared).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, std::slice::from_ref(&prepared)).await;
    stage.us.broadcast(&leg, ActKind::Lock, &prepared).await;
    let locked = stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::Lock, &prepared).await;
    stage.mine(2).await;
    let told = stage.them.told(&leg);
    assert_eq!(told.lock, Some(At::Block(locked)));
    assert!(!told.wrong_amount(), "{told:?}");
    assert_eq!(stage.us.told(&leg).lock, Some(At::Block(locked)));
    assert_eq!(stage.chain.waiting().await, 0);
}

/// After the reveal there is no way back: the same redeem goes out again.
pub async fn a_redeem_that_was_sent_before_a_restart_is_sent_again<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    let prepared = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, std::slice::from_ref(&prepared)).await;
    stage.send(Who::Us, &leg, ActKind::Redeem, &prepared).await;
    let tip = stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &prepared).await;
    stage.finalise().await;
    let told = stage.us.told(&leg);
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Block(tip))));
    assert!(told.failed.is_empty(), "{told:?}");
}

/// Lock and cancel are both held, and the cancel still wins.
pub async fn a_cancel_survives_a_restart<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let cancel = stage.us.build(&leg, Act::Cancel).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, &[lock, cancel.clone()]).await;
    stage.us.broadcast(&leg, ActKind::Cancel, &cancel).await;
    stage
        .us
        .until_told(&leg, "the cancel to be seen", |told| told.cancel.is_some())
        .await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).cancel, Some(At::Block(tip)));
    assert!(!matches!(stage.them.told(&leg).lock, Some(At::Block(_))));
}

/// Terms and seed are enough: a node that lost all that it had built redeems all the same.
pub async fn a_redeem_needs_nothing_but_the_leg<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, &[]).await;
    let prepared = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Us, &leg, ActKind::Redeem, &prepared).await;
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.them.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
}

/// And refunds.
pub async fn a_refund_needs_nothing_but_the_leg<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let stage = stage.restart_us(async |_: &H, _: &super::Peer| ()).await;
    stage.us.watch(&leg, &[]).await;
    stage.mine_until(leg.refunder.timelock).await;
    let prepared = stage.us.build(&leg, Act::Refund).await;
    stage.send(Who::Us, &leg, ActKind::Refund, &prepared).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.them.told(&leg).refund, Some(At::Block(tip)));
}

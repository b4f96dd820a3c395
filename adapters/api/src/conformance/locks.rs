//! Locks of ours: built, reserved, sent once, cancelled.

use super::harness::{Harness, Who};
use super::stage::Stage;
use kofo_primitives::{Act, ActKind, Amount, At, ChainAction, FailClass, Seconds, UnixTime};

/// A lock is told with the height of its block, by the payer's adapter and by the payee's, and not again.
pub async fn a_lock_is_told_to_both_ends_with_its_exact_block<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let tip = stage.settled().await;
    for peer in [&stage.us, &stage.them] {
        let told = peer.told(&leg);
        assert_eq!(told.lock, Some(At::Block(tip)));
        assert!(told.failed.is_empty(), "{told:?}");
    }
    let marks = [stage.us.mark(), stage.them.mark()];
    stage.mine(3).await;
    for (peer, mark) in [&stage.us, &stage.them].into_iter().zip(marks) {
        assert_eq!(
            peer.told_since(mark, leg.of).lock,
            None,
            "depth follows from the tip"
        );
    }
}

/// Until it is told to broadcast, an adapter keeps what it built to itself.
pub async fn building_sends_nothing<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    stage.us.build(&leg, Act::Lock).await;
    assert_eq!(stage.chain.waiting().await, 0);
    stage.mine(2).await;
    assert_eq!(stage.chain.waiting().await, 0);
    assert_eq!(stage.them.told(&leg).lock, None);
    assert_eq!(stage.us.told(&leg).lock, None);
}

/// A repeated `Build` is no second lock: whichever answer is sent, both conflict.
pub async fn building_again_answers_with_the_same_lock<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let first = stage.us.build(&leg, Act::Lock).await;
    let second = stage.us.build(&leg, Act::Lock).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &second).await;
    stage.us.broadcast(&leg, ActKind::Lock, &first).await;
    stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::Lock, &first).await;
    stage.finalise().await;
    let tip = stage.mine(1).await;
    let told = stage.them.told(&leg);
    assert!(matches!(told.lock, Some(At::Block(at)) if at < tip), "{told:?}");
    assert!(!told.wrong_amount(), "two locks came of it: {told:?}");
}

/// Sending is safe to repeat at any time.
pub async fn a_broadcast_that_is_repeated_makes_one_transaction<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let prepared = stage.us.build(&leg, Act::Lock).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &prepared).await;
    for _ in 0..3 {
        stage.us.broadcast(&leg, ActKind::Lock, &prepared).await;
    }
    let locked = stage.mine(1).await;
    for _ in 0..3 {
        stage.us.broadcast(&leg, ActKind::Lock, &prepared).await;
        stage.mine(1).await;
    }
    let told = stage.them.told(&leg);
    assert_eq!(told.lock, Some(At::Block(locked)));
    assert!(!told.wrong_amount());
    assert_eq!(stage.chain.waiting().await, 0);
}

/// A lock that is owed no more goes out neither the first time nor again; asked anew, it does.
pub async fn what_is_too_late_is_not_sent<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let prepared = stage.us.build(&leg, Act::Lock).await;
    stage.mine(1).await;
    let late = UnixTime(stage.chain.tip().await.time.0 - 1);
    let (us, lock) = (&stage.us, ActKind::Lock);
    us.broadcast_until(&leg, lock, &prepared, Some(late)).await;
    stage.mine(3).await;
    // Actions are taken in order: when this is answered, that was not sent.
    us.watch(&leg, std::slice::from_ref(&prepared)).await;
    assert_eq!(stage.chain.waiting().await, 0);
    assert_eq!(stage.us.told(&leg).lock, None);
    let in_time = stage.chain.tip().await.time.plus(Seconds(600));
    us.broadcast_until(&leg, lock, &prepared, Some(in_time)).await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).lock, Some(At::Block(tip)));
}

/// Promise 5: live transactions of different acts never conflict.
pub async fn locks_that_are_built_together_never_spend_the_same<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let mut built = Vec::new();
    for _ in 0..3 {
        let leg = stage.watched(Who::Us).await;
        let prepared = stage.us.build(&leg, Act::Lock).await;
        built.push((leg, prepared));
    }
    for (leg, prepared) in &built {
        stage.us.broadcast(leg, ActKind::Lock, prepared).await;
    }
    stage.until_waiting(built.len()).await;
    let tip = stage.mine(1).await;
    for (leg, _) in &built {
        assert_eq!(stage.them.told(leg).lock, Some(At::Block(tip)));
    }
}

/// What was built and never sent is free again after `Unwatch`.
pub async fn unwatching_frees_what_was_not_sent<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let asset = stage.chain.asset();
    let before = stage.us.adapter.balance(&asset).await.expect("the node answers");
    let leg = stage.watched(Who::Us).await;
    stage.us.build(&leg, Act::Lock).await;
    stage.us.adapter.act(leg.of, ChainAction::Unwatch).await;
    // Actions are taken in order: once this is answered, that is done.
    stage.watched(Who::Us).await;
    let after = stage.us.adapter.balance(&asset).await.expect("the node answers");
    assert_eq!(after, before);
}

/// A discarded lock leaves no gap that later transactions would wait behind.
pub async fn a_lock_that_was_discarded_blocks_no_later_one<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (discarded, leg) = (stage.watched(Who::Us).await, stage.watched(Who::Us).await);
    stage.us.build(&discarded, Act::Lock).await;
    let prepared = stage.us.build(&leg, Act::Lock).await;
    stage.us.adapter.act(discarded.of, ChainAction::Unwatch).await;
    stage.us.broadcast(&leg, ActKind::Lock, &prepared).await;
    stage.until_waiting(1).await;
    for _ in 0..5 {
        stage.mine(1).await;
        // On a chain of nonces the gap may be closed, or the lock be built anew with a lower one.
        if let Some((_, newest)) = stage.us.told(&leg).built.last().cloned() {
            stage.us.broadcast(&leg, ActKind::Lock, &newest).await;
        }
    }
    let told = stage.them.told(&leg);
    assert!(matches!(told.lock, Some(At::Block(_))), "{told:?}");
    assert_eq!(stage.them.told(&discarded).lock, None);
}

/// Promise 6: of lock and cancel one happens, and the other never can.
pub async fn a_cancelled_lock_is_dead_and_never_comes_back<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let cancel = stage.us.build(&leg, Act::Cancel).await;
    stage.us.broadcast(&leg, ActKind::Cancel, &cancel).await;
    stage
        .us
        .until_told(&leg, "the cancel to be seen", |told| told.cancel.is_some())
        .await;
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).cancel, Some(At::Block(tip)));
    stage.finalise().await;
    stage
        .us
        .until_told(&leg, "the lock to be dead", |told| told.dead(ActKind::Lock))
        .await;
    stage.us.broadcast(&leg, ActKind::Lock, &lock).await;
    if let Ok(again) = stage.us.try_build(&leg, Act::Lock).await {
        stage.us.broadcast(&leg, ActKind::Lock, &again).await;
    }
    stage.mine(3).await;
    assert!(!matches!(stage.us.told(&leg).lock, Some(At::Block(_))));
    assert!(!matches!(stage.them.told(&leg).lock, Some(At::Block(_))));
}

/// The lock was faster: it stands, and the cancel is what can never be mined.
pub async fn a_cancel_that_comes_too_late_is_dead<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    let cancel = stage.us.build(&leg, Act::Cancel).await;
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    let locked = stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::Cancel, &cancel).await;
    stage.finalise().await;
    let told = stage
        .us
        .until_told(&leg, "the cancel to be dead", |told| told.dead(ActKind::Cancel))
        .await;
    assert_eq!(told.lock, Some(At::Block(locked)));
    assert!(!told.dead(ActKind::Lock), "{told:?}");
    stage.mine(2).await;
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(locked)));
}

/// What the wallet cannot pay is said with figures.
pub async fn a_lock_that_the_wallet_cannot_pay_fails_for_want_of_funds<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let mut leg = stage.agree(Who::Us).await;
    let balance = stage.us.adapter.balance(&stage.chain.asset()).await;
    let balance = balance.expect("the node answers");
    leg.refunder.amount = balance
        .checked_add(Amount::new(1))
        .expect("far below the largest amount");
    stage.us.watch(&leg, &[]).await;
    let failed = stage.us.try_build(&leg, Act::Lock).await;
    let Err(FailClass::Funds { have, need }) = failed else {
        panic!("expected Funds, got {failed:?}");
    };
    assert!(have < need);
    assert_eq!(stage.chain.waiting().await, 0);
}

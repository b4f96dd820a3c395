//! How a lock ends: redeemed or refunded.

use super::harness::{Harness, Stranger, Who};
use super::stage::{Leg, Stage};
use kofo_primitives::{Act, ActKind, At, FailClass, Preimage, Seconds, UnixTime};

/// Whoever watches learns the preimage; that is what the payer lives by.
pub async fn a_redeem_tells_both_ends_the_preimage<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let prepared = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    assert_eq!(stage.us.told(&leg).redeem, None, "building gives nothing away");
    stage.send(Who::Them, &leg, ActKind::Redeem, &prepared).await;
    let tip = stage.mine(1).await;
    let expected = Some((leg.preimage.clone(), At::Block(tip)));
    assert_eq!(stage.us.told(&leg).redeem, expected);
    assert_eq!(stage.them.told(&leg).redeem, expected);
    assert_eq!(stage.us.told(&leg).refund, None);
}

/// Promise 4: a preimage in the mempool is known at once, not a block later.
pub async fn a_preimage_is_told_from_the_mempool<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let prepared = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &prepared).await;
    let told = stage
        .us
        .until_told(&leg, "the preimage from the mempool", |told| {
            told.redeem.is_some()
        })
        .await;
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Mempool)));
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
}

/// The redeem may come from anybody: what counts is the preimage.
pub async fn a_preimage_is_told_when_a_stranger_redeems<H: Stranger>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage
        .chain
        .redeem_as_stranger(leg.spec(Who::Us), &leg.preimage)
        .await;
    stage.until_waiting(1).await;
    let tip = stage.mine(1).await;
    let expected = Some((leg.preimage.clone(), At::Block(tip)));
    assert_eq!(stage.us.told(&leg).redeem, expected);
    assert_eq!(stage.them.told(&leg).redeem, expected);
}

/// A preimage of another hashlock is not even built into a transaction.
pub async fn a_wrong_preimage_is_refused<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    let wrong = Act::Redeem(Preimage::new(super::stage::fresh()));
    let failed = stage.us.try_build(&leg, wrong).await;
    assert!(matches!(failed, Err(FailClass::Refused(_))), "{failed:?}");
    stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).redeem, None);
}

/// An end does what is its to do.
pub async fn the_wrong_end_cannot_redeem_or_refund<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let failed = stage.us.try_build(&leg, Act::Redeem(leg.preimage.clone())).await;
    assert!(matches!(failed, Err(FailClass::Refused(_))), "{failed:?}");
    for act in [Act::Lock, Act::Refund, Act::Cancel] {
        let failed = stage.them.try_build(&leg, act).await;
        assert!(matches!(failed, Err(FailClass::Refused(_))), "{failed:?}");
    }
}

/// Built and sent early, a refund waits: no block before the timelock holds it, and one after does.
pub async fn a_refund_before_its_time_is_in_no_block<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let timelock = leg.refunder.timelock;
    stage.mine_until(UnixTime(timelock.0 - 2)).await;
    let prepared = stage.us.build(&leg, Act::Refund).await;
    stage.us.broadcast(&leg, ActKind::Refund, &prepared).await;
    stage.mine_until(UnixTime(timelock.0 - 1)).await;
    let told = stage.us.told(&leg);
    assert!(
        !matches!(told.refund, Some(At::Block(_))),
        "refunded one second early: {told:?}"
    );
    stage.mine_until(timelock).await;
    for _ in 0..5 {
        let newest = stage.us.told(&leg).built.last().cloned();
        if let Some((_, newest)) = newest {
            stage.us.broadcast(&leg, ActKind::Refund, &newest).await;
        }
        if matches!(stage.us.told(&leg).refund, Some(At::Block(_))) {
            return;
        }
        stage.mine(1).await;
    }
    panic!(
        "expected the refund in a block after its time: {:?}",
        stage.us.told(&leg)
    );
}

/// The boundary itself.
pub async fn a_refund_is_taken_at_exactly_its_time<H: Harness>(chain: H) {
    refund_at(chain, Seconds(0)).await;
}

/// And after it.
pub async fn a_refund_is_taken_one_second_after_its_time<H: Harness>(chain: H) {
    refund_at(chain, Seconds(1)).await;
}

async fn refund_at<H: Harness>(chain: H, after: Seconds) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage.mine_until(leg.refunder.timelock.plus(after)).await;
    let tip = refund(&stage, &leg).await;
    assert_eq!(stage.us.told(&leg).refund, Some(At::Block(tip)));
    assert_eq!(stage.them.told(&leg).refund, Some(At::Block(tip)));
    assert_eq!(stage.us.told(&leg).redeem, None);
}

/// Refunds in the next block; its height.
async fn refund<H: Harness>(stage: &Stage<H>, leg: &Leg) -> u64 {
    let prepared = stage.us.build(leg, Act::Refund).await;
    stage.send(Who::Us, leg, ActKind::Refund, &prepared).await;
    stage.mine(1).await
}

/// The redeem does not close at the timelock: whoever was late is late only when the refund is mined.
pub async fn a_redeem_after_the_timelock_works_while_nothing_is_refunded<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage.mine_until(leg.refunder.timelock.plus(Seconds(60))).await;
    let prepared = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &prepared).await;
    let tip = stage.mine(1).await;
    assert_eq!(
        stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(tip)))
    );
}

/// A redeem whose lock was refunded can never be mined, and once the refund is final that is said.
pub async fn a_redeem_that_comes_after_the_refund_is_dead<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let prepared = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.mine_until(leg.refunder.timelock).await;
    let refunded = refund(&stage, &leg).await;
    stage.them.broadcast(&leg, ActKind::Redeem, &prepared).await;
    stage.finalise().await;
    let told = stage
        .them
        .until_told(&leg, "the redeem to be dead", |told| told.dead(ActKind::Redeem))
        .await;
    assert_eq!(told.refund, Some(At::Block(refunded)));
    assert!(!matches!(told.redeem, Some((_, At::Block(_)))), "{told:?}");
}

/// And the other way round.
pub async fn a_refund_that_comes_after_the_redeem_is_dead<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    stage.mine_until(leg.refunder.timelock).await;
    let late = stage.us.build(&leg, Act::Refund).await;
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    let redeemed = stage.mine(1).await;
    stage.us.broadcast(&leg, ActKind::Refund, &late).await;
    stage.finalise().await;
    let told = stage
        .us
        .until_told(&leg, "the refund to be dead", |told| told.dead(ActKind::Refund))
        .await;
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Block(redeemed))));
    assert!(!matches!(told.refund, Some(At::Block(_))), "{told:?}");
}

/// All legs of a swap share the preimage: what is told of one must not be taken for the other.
pub async fn two_legs_with_one_preimage_are_kept_apart<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let first = stage.watched(Who::Us).await;
    let second = stage.agree_beside(&first).await;
    for peer in [&stage.us, &stage.them] {
        peer.watch(&second, &[]).await;
    }
    let mut locked = Vec::new();
    for leg in [&first, &second] {
        let lock = stage.us.build(leg, Act::Lock).await;
        stage.send(Who::Us, leg, ActKind::Lock, &lock).await;
        locked.push(stage.mine(1).await);
    }
    let redeem = Act::Redeem(first.preimage.clone());
    for (leg, other) in [(&first, &second), (&second, &first)] {
        let before = stage.us.told(other).redeem.map(|(_, at)| at);
        let prepared = stage.them.build(leg, redeem.clone()).await;
        stage.send(Who::Them, leg, ActKind::Redeem, &prepared).await;
        let tip = stage.mine(1).await;
        for peer in [&stage.us, &stage.them] {
            assert_eq!(
                peer.told(leg).redeem,
                Some((leg.preimage.clone(), At::Block(tip)))
            );
            let after = peer.told(other).redeem.map(|(_, at)| at);
            let in_block = |at: Option<At>| at.filter(|at| matches!(at, At::Block(_)));
            assert_eq!(
                in_block(after),
                in_block(before),
                "the other leg's redeem is its own"
            );
        }
    }
    for (leg, at) in [&first, &second].into_iter().zip(locked) {
        assert_eq!(stage.them.told(leg).lock, Some(At::Block(at)));
        assert_eq!(stage.us.told(leg).refund, None);
    }
}

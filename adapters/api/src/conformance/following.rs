//! Blocks: skipped, repeated, replaced.

use super::harness::{Harness, Who};
use super::stage::Stage;
use kofo_primitives::{Act, ActKind, At, ChainAction};

/// Each block that is mined is told as a tip, and asking gives the same.
pub async fn the_tip_follows_the_blocks<H: Harness>(chain: H) {
    let stage = Stage::set(chain).await;
    let first = stage.settled().await;
    for more in 1..=3 {
        assert_eq!(stage.mine(1).await, first + more);
        let asked = stage.us.adapter.tip().await.expect("the node answers");
        assert_eq!(asked, stage.chain.tip().await);
    }
    let heights: Vec<_> = stage.us.tips(0).iter().map(|tip| tip.height).collect();
    assert!(heights.is_sorted(), "without a reorg tips only grow: {heights:?}");
}

/// A lock in a block that was followed by others before anybody looked is told with its own height.
pub async fn blocks_that_come_at_once_are_not_missed<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Them).await;
    let prepared = stage.them.build(&leg, Act::Lock).await;
    stage.send(Who::Them, &leg, ActKind::Lock, &prepared).await;
    let tip = stage.mine(6).await;
    assert_eq!(stage.us.told(&leg).lock, Some(At::Block(tip - 5)));
}

/// However often an adapter looks, or is told by its node, a block is one tip.
pub async fn no_block_is_told_twice<H: Harness>(chain: H) {
    let stage = Stage::set(chain).await;
    stage.settled().await;
    let mark = stage.us.mark();
    for _ in 0..4 {
        stage.mine(1).await;
        // Asking is no news either.
        stage.us.adapter.tip().await.expect("the node answers");
    }
    let tips = stage.us.tips(mark);
    let mut heights: Vec<_> = tips.iter().map(|tip| tip.height).collect();
    heights.dedup();
    assert_eq!(heights.len(), tips.len(), "each once: {tips:?}");
    assert!(heights.is_sorted());
}

/// What one block gave, the next may take.
pub async fn a_reorg_of_one_block_unlearns_a_lock_and_it_is_learned_again<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, prepared) = stage.locked(Who::Them).await;
    let first = stage.settled().await;
    assert_eq!(stage.us.told(&leg).lock, Some(At::Block(first)));

    // So that nobody sends it again unasked.
    stage.them.adapter.act(leg.of, ChainAction::Unwatch).await;
    stage.chain.reorg(1).await;
    stage.settled().await;
    let lock = stage.us.told(&leg).lock;
    assert!(
        !matches!(lock, Some(At::Block(_))),
        "it is in no block, yet the adapter holds on to {lock:?}"
    );
    if stage.chain.waiting().await == 0 {
        assert_eq!(lock, None, "it is nowhere");
    }

    stage.them.watch(&leg, std::slice::from_ref(&prepared)).await;
    stage.them.broadcast(&leg, ActKind::Lock, &prepared).await;
    stage.until_waiting(1).await;
    let second = stage.mine(1).await;
    assert_eq!(stage.us.told(&leg).lock, Some(At::Block(second)));
    assert_eq!(stage.them.told(&leg).lock, Some(At::Block(second)));
    assert!(second > first);
}

/// A redeem that a reorg takes out of its block is told where it is then.
pub async fn a_reorg_of_one_block_moves_a_redeem<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Us).await;
    let redeem = Act::Redeem(leg.preimage.clone());
    let prepared = stage.them.build(&leg, redeem).await;
    stage.send(Who::Them, &leg, ActKind::Redeem, &prepared).await;
    let first = stage.mine(1).await;
    assert_eq!(
        stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(first)))
    );

    stage.chain.reorg(1).await;
    stage.settled().await;
    let now = stage.us.told(&leg);
    assert!(
        !matches!(now.redeem, Some((_, At::Block(_)))),
        "the redeem is in no block: {now:?}"
    );
    assert_eq!(
        now.lock,
        Some(At::Block(first - 1)),
        "the lock is below the reorg"
    );

    stage.them.broadcast(&leg, ActKind::Redeem, &prepared).await;
    stage.until_waiting(1).await;
    let second = stage.mine(1).await;
    assert_eq!(
        stage.us.told(&leg).redeem,
        Some((leg.preimage.clone(), At::Block(second)))
    );
}

/// A core that forgot what it was told asks again.
pub async fn watching_again_tells_all_facts_again_and_a_fresh_tip<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, _) = stage.locked(Who::Them).await;
    let locked = stage.settled().await;
    let prepared = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Us, &leg, ActKind::Redeem, &prepared).await;
    let redeemed = stage.mine(1).await;
    for _ in 0..2 {
        let again = stage.us.watch(&leg, &[]).await;
        assert_eq!(again.lock, Some(At::Block(locked)));
        assert_eq!(again.redeem, Some((leg.preimage.clone(), At::Block(redeemed))));
        assert_eq!(again.refund, None);
        assert_eq!(again.watched, Some(stage.chain.tip().await));
    }
}

/// An adapter forgets what it is told to forget.
pub async fn a_leg_that_is_unwatched_is_told_no_more<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Them).await;
    stage.us.adapter.act(leg.of, ChainAction::Unwatch).await;
    let other = stage.watched(Who::Them).await;
    let mark = stage.us.mark();
    for leg in [&leg, &other] {
        let prepared = stage.them.build(leg, Act::Lock).await;
        stage.send(Who::Them, leg, ActKind::Lock, &prepared).await;
    }
    let tip = stage.mine(1).await;
    assert_eq!(stage.us.told(&other).lock, Some(At::Block(tip)));
    assert_eq!(stage.us.told_since(mark, leg.of).lock, None);
}

/// A core that was away knows of a lock that a reorg took away meanwhile: only the answer to its `Watch` can say so.
pub async fn watching_tells_what_is_not_there<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Them).await;
    stage.us.watch(&leg, &[]).await;
    let kinds = stage.us.unseen(leg.of);
    for kind in [ActKind::Lock, ActKind::Redeem, ActKind::Refund, ActKind::Cancel] {
        assert!(kinds.contains(&kind), "expected {kind:?} among {kinds:?}");
    }
}

/// Three blocks are replaced: what was in the first of them is in none.
pub async fn a_reorg_of_three_blocks_takes_back_all_that_was_in_them<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (below, _) = stage.locked(Who::Them).await;
    let kept = stage.settled().await;
    let (leg, _) = stage.locked(Who::Them).await;
    stage.mine(2).await;
    stage.them.adapter.act(leg.of, ChainAction::Unwatch).await;
    stage.chain.reorg(3).await;
    let tip = stage.settled().await;
    assert_eq!(tip, kept + 4);
    assert_eq!(
        stage.us.told(&below).lock,
        Some(At::Block(kept)),
        "it is below the reorg"
    );
    let lock = stage.us.told(&leg).lock;
    assert!(!matches!(lock, Some(At::Block(_))), "it is in no block: {lock:?}");
}

/// A block full of locks is told in full.
pub async fn many_locks_of_one_block_are_all_told<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let mut legs = Vec::new();
    for _ in 0..4 {
        let leg = stage.watched(Who::Them).await;
        let prepared = stage.them.build(&leg, Act::Lock).await;
        stage.send(Who::Them, &leg, ActKind::Lock, &prepared).await;
        legs.push(leg);
    }
    let tip = stage.mine(1).await;
    for leg in &legs {
        assert_eq!(stage.us.told(leg).lock, Some(At::Block(tip)));
    }
}

//! What two parties sign together.
//!
//! A chain that can do it names these groups in its macro call:
//!
//! * `together`: every such chain (a refund before its time). Needs nothing but [`Harness`].
//! * `redeem_together`: where two signatures redeem without the preimage; else `redeem_alone`, which proves that the
//!   chain says so.
//! * `redeem_together_stuck`: where the act alone has to outbid what both signed. Needs
//!   [`FeeMarket`](super::harness::FeeMarket).
//! * `entrusted` (in [`super::entrusted`]): needs [`Outsider`](super::harness::Outsider).

use super::harness::{FeeMarket, Harness, Who};
use super::peer::{Peer, Told};
use super::stage::{Leg, Stage};
use crate::{AdapterError, RoundReply, RoundRequest};
use kofo_primitives::{Act, ActKind, Amount, At, HtlcSpec, LegRef, Prepared, Seconds, Together, UnixTime};

/// Who locks the leg, so that we are the one who gets what it holds.
const fn payer(what: Together) -> Who {
    match what {
        Together::Redeem => Who::Them,
        Together::Refund => Who::Us,
    }
}

/// What we would do alone.
fn alone(what: Together, leg: &Leg) -> Act {
    match what {
        Together::Redeem => Act::Redeem(leg.preimage.clone()),
        Together::Refund => Act::Refund,
    }
}

/// Where the leg was told to have ended so.
fn seen(what: Together, told: &Told) -> Option<At> {
    match what {
        Together::Redeem => told.redeemed_together,
        Together::Refund => told.refund,
    }
}

fn in_block(at: Option<At>) -> bool {
    matches!(at, Some(At::Block(_)))
}

/// Legs as this owner's adapter is asked about them.
pub(super) fn asked(who: Who, legs: &[&Leg]) -> Vec<(LegRef, HtlcSpec)> {
    legs.iter().map(|leg| (leg.of, leg.spec(who).clone())).collect()
}

/// A lock that is final.
async fn locked<H: Harness>(stage: &mut Stage<H>, what: Together) -> Leg {
    let (leg, _) = stage.locked(payer(what)).await;
    stage.finalise().await;
    leg
}

/// The other party's word on our request.
async fn helped<H: Harness>(
    stage: &Stage<H>,
    what: Together,
    legs: &[&Leg],
    request: &RoundRequest,
) -> Result<RoundReply, AdapterError> {
    let theirs = asked(Who::Them, legs);
    stage.them.adapter.cosign(what, &theirs, request).await
}

/// A whole round: what we may broadcast.
pub(super) async fn signed<H: Harness>(stage: &Stage<H>, what: Together, legs: &[&Leg]) -> Vec<Prepared> {
    let ours = asked(Who::Us, legs);
    let round = stage.us.adapter.open_round(what, &ours).await;
    let round = round.expect("a final lock is worth a round");
    let reply = helped(stage, what, legs, &round.request).await;
    let reply = reply.expect("the helper signs what the terms say");
    let prepared = round.finish(&reply).await.expect("the helper's word is right");
    assert_eq!(prepared.len(), legs.len(), "one for each leg, in their order");
    prepared
}

/// Mines up to ten blocks until the act alone is in one, asking for the newest version with each.
async fn done_alone<H: Harness>(stage: &Stage<H>, what: Together, leg: &Leg) {
    if what == Together::Refund {
        stage.mine_until(leg.refunder.timelock).await;
    }
    let kind = alone(what, leg).kind();
    stage.us.build(leg, alone(what, leg)).await;
    for _ in 0..10 {
        let told = stage.us.told(leg);
        let newest = told.built.iter().rev().find(|(built, _)| *built == kind);
        let (_, newest) = newest.expect("it was built");
        stage.us.broadcast(leg, kind, newest).await;
        stage.mine(1).await;
        let told = stage.us.told(leg);
        let at = match what {
            Together::Redeem => told.redeem.map(|(_, at)| at),
            Together::Refund => told.refund,
        };
        if in_block(at) {
            return;
        }
    }
    panic!("expected the act alone in a block: {:?}", stage.us.told(leg));
}

/// Sends what both signed, and mines until it is told from a block.
pub(super) async fn sent<H: Harness>(stage: &Stage<H>, what: Together, leg: &Leg, prepared: &Prepared) -> At {
    stage.us.broadcast(leg, what.kind(), prepared).await;
    for _ in 0..10 {
        stage.mine(1).await;
        if let Some(at @ At::Block(_)) = seen(what, &stage.us.told(leg)) {
            return at;
        }
    }
    panic!("expected what both signed in a block: {:?}", stage.us.told(leg));
}

async fn is_heard_by_both<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let asset = stage.chain.asset();
    let before = balance(&stage.us, &asset).await;
    let prepared = signed(&stage, what, &[&leg]).await;
    let at = sent(&stage, what, &leg, &prepared[0]).await;
    assert!(
        stage.chain.tip().await.time < leg.refunder.timelock,
        "nobody waited for the timelock"
    );
    for peer in [&stage.us, &stage.them] {
        let told = peer.told(&leg);
        assert_eq!(seen(what, &told), Some(at), "{told:?}");
        assert!(told.redeem.is_none(), "no preimage was shown: {told:?}");
        assert!(told.failed.is_empty(), "{told:?}");
    }
    stage.mine(stage.chain.depth()).await;
    let gained = balance(&stage.us, &asset).await.checked_sub(before);
    let least = stage.chain.amount().checked_sub(stage.chain.most_fee());
    assert!(gained >= least, "gained {gained:?}, expected at least {least:?}");
}

async fn balance(peer: &Peer, asset: &kofo_primitives::AssetId) -> Amount {
    peer.adapter.balance(asset).await.expect("the node answers")
}

async fn garbage_is_refused<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let ours = asked(Who::Us, &[&leg]);
    let open = async || stage.us.adapter.open_round(what, &ours).await.expect("a round");
    let round = open().await;
    let right = helped(&stage, what, &[&leg], &round.request)
        .await
        .expect("a word");
    let right = right.as_slice().to_vec();
    let mut wrong = vec![Vec::new(), vec![7; 64], vec![0; right.len()]];
    wrong.push([right.as_slice(), &[0]].concat());
    wrong.extend((0..right.len()).map(|at| {
        let mut bytes = right.clone();
        bytes[at] ^= 1;
        bytes
    }));
    for bytes in wrong {
        let round = open().await;
        let reply = RoundReply::new(bytes).expect("as short as a right one");
        let finished = round.finish(&reply).await;
        assert!(finished.is_err(), "{reply:?} is no word of the helper");
    }
    for bytes in [Vec::new(), vec![7; 64]] {
        let request = RoundRequest::new(bytes).expect("short");
        let answer = helped(&stage, what, &[&leg], &request).await;
        assert!(answer.is_err(), "{request:?} asks for nothing");
    }
    done_alone(&stage, what, &leg).await;
}

async fn other_terms_are_refused<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let other = locked(&mut stage, what).await;
    let round = stage.us.adapter.open_round(what, &asked(Who::Us, &[&leg])).await;
    let request = round.expect("a round").request;
    let mut wrong = vec![asked(Who::Them, &[&other])];
    let mut spec = leg.spec(Who::Them).clone();
    spec.timelock = spec.timelock.plus(Seconds(1));
    wrong.push(vec![(leg.of, spec.clone())]);
    spec = leg.spec(Who::Them).clone();
    spec.hashlock = other.refunder.hashlock;
    wrong.push(vec![(leg.of, spec)]);
    wrong.push(Vec::new());
    for legs in wrong {
        let answer = stage.them.adapter.cosign(what, &legs, &request).await;
        let answer = answer.ok().filter(|reply| !reply.as_slice().is_empty());
        // A chain whose requests name the leg only by its terms signs the other leg's: that opens nothing of this one.
        if let Some(reply) = answer {
            let round = stage.us.adapter.open_round(what, &asked(Who::Us, &[&leg])).await;
            let finished = round.expect("a round").finish(&reply).await;
            assert!(finished.is_err(), "a word on other terms is worth nothing here");
        }
    }
}

async fn the_wrong_way_is_refused<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let round = stage.us.adapter.open_round(what, &asked(Who::Us, &[&leg])).await;
    let request = round.expect("a round").request;
    let other_way = match what {
        Together::Redeem => Together::Refund,
        Together::Refund => Together::Redeem,
    };
    // They would be the ones to gain: there is nothing for them to help with.
    let answer = helped(&stage, other_way, &[&leg], &request).await;
    assert!(answer.is_err(), "{answer:?}");
    // And we do not help ourselves.
    let ours = asked(Who::Us, &[&leg]);
    let answer = stage.us.adapter.cosign(what, &ours, &request).await;
    assert!(answer.is_err(), "{answer:?}");
    let opened = stage
        .them
        .adapter
        .open_round(what, &asked(Who::Them, &[&leg]))
        .await;
    assert!(opened.is_err(), "{opened:?}");
}

async fn a_round_is_opened_anew<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let round = stage.us.adapter.open_round(what, &asked(Who::Us, &[&leg])).await;
    let round = round.expect("a round");
    // The answer was on its way when our process died, and the round with it.
    helped(&stage, what, &[&leg], &round.request)
        .await
        .expect("a word");
    drop(round);
    let stage = stage.restart_us(async |_: &H, _: &Peer| {}).await;
    stage.us.watch(&leg, &[]).await;
    let prepared = signed(&stage, what, &[&leg]).await;
    sent(&stage, what, &leg, &prepared[0]).await;
}

async fn it_survives_a_restart<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let prepared = signed(&stage, what, &[&leg]).await.remove(0);
    let stage = stage.restart_us(async |_: &H, _: &Peer| {}).await;
    let told = stage.us.watch(&leg, std::slice::from_ref(&prepared)).await;
    assert_eq!(seen(what, &told), None, "watching sends nothing");
    sent(&stage, what, &leg, &prepared).await;
}

async fn a_reorg_unlearns_it<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let prepared = signed(&stage, what, &[&leg]).await.remove(0);
    sent(&stage, what, &leg, &prepared).await;
    stage.chain.reorg(1).await;
    stage.settled().await;
    for peer in [&stage.us, &stage.them] {
        let told = peer.told(&leg);
        assert!(!in_block(seen(what, &told)), "it is in no block: {told:?}");
        assert!(in_block(told.lock), "the lock is below the reorg: {told:?}");
    }
    let at = sent(&stage, what, &leg, &prepared).await;
    assert_eq!(seen(what, &stage.them.told(&leg)), Some(at));
}

async fn it_is_dead<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let prepared = signed(&stage, what, &[&leg]).await.remove(0);
    let act = match what {
        Together::Redeem => Act::Refund,
        Together::Refund => Act::Redeem(leg.preimage.clone()),
    };
    if what == Together::Redeem {
        stage.mine_until(leg.refunder.timelock).await;
    }
    let kind = act.kind();
    let other = stage.them.build(&leg, act).await;
    stage.send(Who::Them, &leg, kind, &other).await;
    stage.mine(1 + stage.chain.depth()).await;
    stage.us.broadcast(&leg, what.kind(), &prepared).await;
    for _ in 0..10 {
        if stage.us.told(&leg).dead(what.kind()) {
            return;
        }
        stage.mine(1).await;
    }
    panic!("expected it to be dead: {:?}", stage.us.told(&leg));
}

async fn one_round_serves_two_legs<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let first = locked(&mut stage, what).await;
    let second = locked(&mut stage, what).await;
    let legs = [&first, &second];
    let prepared = signed(&stage, what, &legs).await;
    for (leg, prepared) in legs.into_iter().zip(&prepared) {
        stage.us.broadcast(leg, what.kind(), prepared).await;
    }
    for _ in 0..10 {
        stage.mine(1).await;
        if legs.iter().all(|leg| in_block(seen(what, &stage.them.told(leg)))) {
            return;
        }
    }
    panic!(
        "expected both in a block: {:?}",
        legs.map(|leg| stage.us.told(leg))
    );
}

async fn a_round_sends_nothing<H: Harness>(chain: H, what: Together) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, what).await;
    let waiting = stage.chain.waiting().await;
    signed(&stage, what, &[&leg]).await;
    stage.mine(2).await;
    assert_eq!(stage.chain.waiting().await, waiting, "nothing leaves the process");
    for peer in [&stage.us, &stage.them] {
        assert_eq!(seen(what, &peer.told(&leg)), None);
    }
    done_alone(&stage, what, &leg).await;
}

/// Hours are saved, and both know.
pub async fn a_refund_that_both_signed_comes_before_its_time_and_both_hear_it<H: Harness>(chain: H) {
    is_heard_by_both(chain, Together::Refund).await;
}

/// Whatever the other party answers, we act alone as if nobody had asked.
pub async fn a_refund_is_not_harmed_by_a_reply_that_is_garbage<H: Harness>(chain: H) {
    garbage_is_refused(chain, Together::Refund).await;
}

/// A word given for one leg opens no other.
pub async fn a_refund_of_other_terms_is_not_signed<H: Harness>(chain: H) {
    other_terms_are_refused(chain, Together::Refund).await;
}

/// Only the party that gets nothing of it helps.
pub async fn a_refund_is_signed_by_the_other_end_only<H: Harness>(chain: H) {
    the_wrong_way_is_refused(chain, Together::Refund).await;
}

/// What a round held in memory died with it: another one is opened.
pub async fn a_refund_round_after_a_restart_works<H: Harness>(chain: H) {
    a_round_is_opened_anew(chain, Together::Refund).await;
}

/// What came of a round is bytes like all that was built.
pub async fn a_refund_that_both_signed_survives_a_restart<H: Harness>(chain: H) {
    it_survives_a_restart(chain, Together::Refund).await;
}

/// Promise 2 holds for what both signed.
pub async fn a_reorg_unlearns_a_refund_that_both_signed_and_it_is_learned_again<H: Harness>(chain: H) {
    a_reorg_unlearns_it(chain, Together::Refund).await;
}

/// Promise 7: a conflict that is final kills it.
pub async fn a_refund_that_both_signed_is_dead_after_a_redeem<H: Harness>(chain: H) {
    it_is_dead(chain, Together::Refund).await;
}

/// A batch is one round.
pub async fn one_round_refunds_two_legs<H: Harness>(chain: H) {
    one_round_serves_two_legs(chain, Together::Refund).await;
}

/// Signing is not sending, and reserves nothing.
pub async fn a_refund_round_sends_nothing<H: Harness>(chain: H) {
    a_round_sends_nothing(chain, Together::Refund).await;
}

/// The preimage stays what it was: a secret.
pub async fn a_redeem_that_both_signed_shows_no_preimage_and_both_hear_it<H: Harness>(chain: H) {
    is_heard_by_both(chain, Together::Redeem).await;
}

/// Whatever the other party answers, the preimage opens the lock.
pub async fn a_redeem_is_not_harmed_by_a_reply_that_is_garbage<H: Harness>(chain: H) {
    garbage_is_refused(chain, Together::Redeem).await;
}

/// A word given for one leg opens no other.
pub async fn a_redeem_of_other_terms_is_not_signed<H: Harness>(chain: H) {
    other_terms_are_refused(chain, Together::Redeem).await;
}

/// Only the party that gets nothing of it helps.
pub async fn a_redeem_is_signed_by_the_other_end_only<H: Harness>(chain: H) {
    the_wrong_way_is_refused(chain, Together::Redeem).await;
}

/// What a round held in memory died with it: another one is opened.
pub async fn a_redeem_round_after_a_restart_works<H: Harness>(chain: H) {
    a_round_is_opened_anew(chain, Together::Redeem).await;
}

/// What came of a round is bytes like all that was built.
pub async fn a_redeem_that_both_signed_survives_a_restart<H: Harness>(chain: H) {
    it_survives_a_restart(chain, Together::Redeem).await;
}

/// Promise 2 holds for what both signed.
pub async fn a_reorg_unlearns_a_redeem_that_both_signed_and_it_is_learned_again<H: Harness>(chain: H) {
    a_reorg_unlearns_it(chain, Together::Redeem).await;
}

/// Promise 7: a conflict that is final kills it.
pub async fn a_redeem_that_both_signed_is_dead_after_a_refund<H: Harness>(chain: H) {
    it_is_dead(chain, Together::Redeem).await;
}

/// A batch is one round.
pub async fn one_round_redeems_two_legs<H: Harness>(chain: H) {
    one_round_serves_two_legs(chain, Together::Redeem).await;
}

/// Signing is not sending, and reserves nothing.
pub async fn a_redeem_round_sends_nothing<H: Harness>(chain: H) {
    a_round_sends_nothing(chain, Together::Redeem).await;
}

/// Where a second signature gains nothing, neither end is kept waiting for one.
pub async fn a_redeem_together_is_answered_with_alone<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, Together::Redeem).await;
    let opened = stage
        .us
        .adapter
        .open_round(Together::Redeem, &asked(Who::Us, &[&leg]))
        .await;
    assert!(matches!(opened, Err(AdapterError::Alone(_))), "{opened:?}");
    let request = RoundRequest::new(vec![7; 64]).expect("short");
    let answer = helped(&stage, Together::Redeem, &[&leg], &request).await;
    assert!(matches!(answer, Err(AdapterError::Alone(_))), "{answer:?}");
}

/// What both signed cannot pay more: when blocks are dear, the act alone replaces it before its time is over.
pub async fn a_redeem_alone_replaces_what_both_signed_and_is_stuck<H: FeeMarket>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, Together::Redeem).await;
    let prepared = signed(&stage, Together::Redeem, &[&leg]).await.remove(0);
    stage
        .send(Who::Us, &leg, ActKind::RedeemTogether, &prepared)
        .await;
    stage.chain.raise_fees().await;
    stage.mine(1).await;
    let told = stage.us.told(&leg);
    assert!(
        !in_block(told.redeemed_together),
        "blocks do not take it: {told:?}"
    );
    done_alone(&stage, Together::Redeem, &leg).await;
    let timely = stage.chain.tip().await.time < UnixTime(leg.refunder.timelock.0);
    assert!(timely, "it came before the timelock");
}

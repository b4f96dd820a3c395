//! Rules A and P.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;

fn alpha_final() -> Node {
    let mut node = Node::new(Role::Participant);
    node.tips(100, START)
        .seen(ALPHA, Act::Lock, 101)
        .tips(103, at(20));
    node
}

fn lock_sent() -> Node {
    let mut node = alpha_final();
    node.built(BETA, ActKind::Lock).tips(103, at(20));
    node
}

fn both_locked() -> Node {
    let mut node = lock_sent();
    node.seen(BETA, Act::Lock, 104).tips(106, at(40));
    node
}

#[test]
fn the_happy_path_locks_when_alpha_is_final_and_redeems_when_the_preimage_shows() {
    let mut node = Node::new(Role::Participant);
    node.tips(100, START)
        .seen(ALPHA, Act::Lock, 101)
        .tips(102, at(10));
    assert_eq!(node.owes(), Vec::<String>::new(), "alpha is not deep enough");
    node.tips(103, at(20));
    assert_eq!(node.owes(), ["build Lock beta/0"]);
    node.built(BETA, ActKind::Lock);
    assert_eq!((node.phase(), node.owes().len()), (Phase::LockBuilt, 0));
    node.tips(103, at(20));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::LockSent, vec!["broadcast Lock beta/0".into()])
    );
    node.seen(BETA, Act::Lock, 104).tips(106, at(40));
    assert_eq!((node.phase(), node.owes().len()), (Phase::BothLocked, 0));
    node.in_mempool(BETA, Act::Redeem(preimage()));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::Redeeming, vec!["build Redeem alpha/0".into()])
    );
    node.built(ALPHA, ActKind::Redeem);
    assert_eq!(
        node.owes(),
        ["broadcast Redeem alpha/0"],
        "a public preimage waits for no tip"
    );
    node.seen(BETA, Act::Redeem(preimage()), 107)
        .seen(ALPHA, Act::Redeem(preimage()), 108)
        .tips(110, at(60));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn beta_is_never_locked_when_a_reorg_takes_alpha_away_after_the_lock_was_built() {
    let mut node = alpha_final();
    node.built(BETA, ActKind::Lock)
        .event(ALPHA, LegEvent::Unseen(ActKind::Lock))
        .tips(104, at(30));
    assert_eq!((node.phase(), node.owes().len()), (Phase::LockBuilt, 0));
    node.seen(ALPHA, Act::Lock, 104).tips(106, at(40));
    assert_eq!(node.phase(), Phase::LockSent);
}

#[test]
fn restart_in_lock_built_after_the_window_never_locks_beta() {
    let mut node = alpha_final();
    node.built(BETA, ActKind::Lock)
        .restart()
        .tips(200, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
}

#[test]
fn beta_is_not_locked_when_alpha_is_underfunded_or_comes_too_late() {
    let mut node = Node::new(Role::Participant);
    let wrong = FailClass::WrongAmount {
        have: Amount::new(999),
        need: Amount::new(1000),
    };
    node.tips(100, START)
        .event(ALPHA, LegEvent::Failed(ActKind::Lock, wrong))
        .tips(110, at(30));
    assert_eq!((node.phase(), node.owes().len()), (Phase::Agreed, 0));
    let mut node = Node::new(Role::Participant);
    let window = node.terms.legs()[&BETA].lock_window;
    node.tips(100, START).seen(ALPHA, Act::Lock, 101);
    node.tips(110, UnixTime(timelock(BETA).0 - window.0 + 1));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
}

#[test]
fn the_initiator_vanishes_and_beta_is_refunded_not_one_second_early() {
    let mut node = both_locked();
    node.tips(200, UnixTime(timelock(BETA).0 - 1));
    assert_eq!((node.phase(), node.owes().len()), (Phase::BothLocked, 0));
    node.tips(201, timelock(BETA));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::Refunding, vec!["build Refund beta/0".into()])
    );
    node.built(BETA, ActKind::Refund)
        .tips(202, timelock(BETA))
        .seen(BETA, Act::Refund, 203);
    node.tips(204, timelock(BETA));
    assert_eq!(node.phase(), Phase::Refunding, "not final yet");
    node.tips(205, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
}

#[test]
fn a_preimage_that_shows_while_we_refund_is_used_at_once() {
    let mut node = both_locked();
    node.tips(201, timelock(BETA))
        .built(BETA, ActKind::Refund)
        .tips(202, timelock(BETA));
    node.in_mempool(BETA, Act::Redeem(preimage()));
    assert_eq!(
        node.owes(),
        ["build Redeem alpha/0", "broadcast Refund beta/0"],
        "and the race for beta goes on"
    );
    node.seen(BETA, Act::Refund, 203)
        .built(ALPHA, ActKind::Redeem)
        .tips(204, timelock(BETA));
    assert_eq!(
        node.owes(),
        ["broadcast Redeem alpha/0", "broadcast Refund beta/0"]
    );
    node.seen(ALPHA, Act::Redeem(preimage()), 205)
        .tips(210, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn a_preimage_outlives_the_reorg_of_its_transaction_and_a_restart() {
    let mut node = both_locked();
    node.seen(BETA, Act::Redeem(preimage()), 107)
        .event(BETA, LegEvent::Unseen(ActKind::Redeem))
        .restart();
    assert_eq!(node.owes(), ["build Redeem alpha/0"]);
}

#[test]
fn a_preimage_that_only_a_mempool_showed_is_used_although_the_transaction_is_evicted() {
    let mut node = both_locked();
    node.in_mempool(BETA, Act::Redeem(preimage()))
        .event(BETA, LegEvent::Unseen(ActKind::Redeem));
    assert_eq!(node.owes(), ["build Redeem alpha/0"]);
    node.restart();
    assert_eq!(node.owes(), ["build Redeem alpha/0"]);
}

#[test]
fn a_redeemed_beta_that_a_reorg_brings_back_is_refunded_after_its_timelock() {
    let mut node = both_locked();
    node.seen(BETA, Act::Redeem(preimage()), 107)
        .built(ALPHA, ActKind::Redeem);
    node.seen(ALPHA, Act::Redeem(preimage()), 108)
        .event(BETA, LegEvent::Unseen(ActKind::Redeem));
    node.tips(300, timelock(BETA));
    assert_eq!(
        node.phase(),
        Phase::Redeeming,
        "beta is ours again until somebody takes it"
    );
    assert_eq!(node.owes(), ["build Refund beta/0"]);
}

#[test]
fn the_participant_that_slept_past_both_timelocks_is_told_the_truth() {
    let mut node = both_locked();
    node.seen(BETA, Act::Redeem(preimage()), 107)
        .seen(ALPHA, Act::Refund, 300);
    node.tips(305, timelock(ALPHA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Lost));
}

#[test]
fn every_phase_names_its_next_deadline() {
    let due = |node: &Node| node.swap.deadline(&node.terms).map(|d| (d.leg, d.due));
    assert_eq!(due(&alpha_final()).unwrap().1, Due::Abort);
    assert_eq!(due(&lock_sent()), Some((BETA, Due::Refund)));
    let mut node = both_locked();
    assert_eq!(due(&node), Some((BETA, Due::Refund)));
    node.seen(BETA, Act::Redeem(preimage()), 107);
    assert_eq!(due(&node), Some((ALPHA, Due::RedeemFinal)));
}

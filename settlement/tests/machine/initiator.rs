//! Rules A and I.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;

fn lock_sent() -> Node {
    let mut node = Node::new(Role::Initiator);
    node.tips(100, START).built(ALPHA, ActKind::Lock).tips(100, START);
    node
}

fn both_locked() -> Node {
    let mut node = lock_sent();
    node.seen(ALPHA, Act::Lock, 101).tips(103, at(30));
    node.seen(BETA, Act::Lock, 104).tips(106, at(60));
    node
}

fn redeem_built() -> Node {
    let mut node = both_locked();
    node.built(BETA, ActKind::Redeem);
    node
}

#[test]
fn the_happy_path_locks_then_reveals_when_beta_is_final_and_ends_when_the_redeem_is() {
    let mut node = Node::new(Role::Initiator);
    assert_eq!(
        node.owes(),
        Vec::<String>::new(),
        "nothing before the chains have spoken"
    );
    node.tips(100, START);
    assert_eq!(node.owes(), ["build Lock alpha/0"]);
    node.built(ALPHA, ActKind::Lock);
    assert_eq!(
        (node.phase(), node.owes().len()),
        (Phase::LockBuilt, 0),
        "built owes nothing"
    );
    node.tips(100, START);
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::LockSent, vec!["broadcast Lock alpha/0".into()])
    );
    node.seen(ALPHA, Act::Lock, 101)
        .tips(103, at(10))
        .seen(BETA, Act::Lock, 104)
        .tips(105, at(20));
    assert_eq!(
        (node.phase(), node.owes().len()),
        (Phase::LockSent, 0),
        "beta is not deep enough"
    );
    node.tips(106, at(30));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::BothLocked, vec!["build Redeem beta/0".into()])
    );
    node.built(BETA, ActKind::Redeem);
    assert_eq!(
        (node.phase(), node.owes().len()),
        (Phase::RedeemBuilt, 0),
        "built owes nothing"
    );
    node.tips(106, at(30));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::Redeeming, vec!["broadcast Redeem beta/0".into()])
    );
    node.seen(BETA, Act::Redeem(preimage()), 107).tips(108, at(40));
    assert_eq!(node.phase(), Phase::Redeeming);
    node.tips(109, at(50));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
    assert_eq!(node.owes(), ["unwatch alpha/0", "unwatch beta/0"]);
}

#[test]
fn restart_in_lock_built_sends_nothing_before_every_chain_has_spoken_again() {
    let mut node = Node::new(Role::Initiator);
    node.tips(100, START).built(ALPHA, ActKind::Lock).restart();
    assert_eq!((node.phase(), node.owes().len()), (Phase::LockBuilt, 0));
    node.tip("a", 101, at(5));
    assert_eq!(node.phase(), Phase::LockBuilt, "chain b is still silent");
    node.tip("b", 101, at(5));
    assert_eq!(node.phase(), Phase::LockSent);
}

#[test]
fn signer_answers_after_window_lock_is_never_sent() {
    let mut node = Node::new(Role::Initiator);
    node.tips(100, START).built(ALPHA, ActKind::Lock);
    node.tips(150, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
    assert_eq!(node.owes(), ["unwatch alpha/0", "unwatch beta/0"]);
}

#[test]
fn restart_in_redeem_built_after_t2_keeps_preimage() {
    let mut node = redeem_built();
    node.restart();
    assert_eq!(node.owes(), Vec::<String>::new());
    node.tips(200, timelock(BETA));
    assert_eq!((node.phase(), node.owes().len()), (Phase::Refunding, 0));
    node.tips(300, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
}

#[test]
fn the_preimage_stays_secret_when_less_than_the_reveal_window_is_left() {
    let mut node = redeem_built();
    let window = node.terms.legs()[&BETA].reveal_window;
    node.tips(200, UnixTime(timelock(BETA).0 - window.0 + 1));
    assert_eq!(node.phase(), Phase::Refunding);
    let mut node = redeem_built();
    node.tips(200, UnixTime(timelock(BETA).0 - window.0));
    assert_eq!(node.phase(), Phase::Redeeming, "exactly the window is enough");
}

#[test]
fn a_beta_lock_that_a_reorg_took_away_keeps_the_preimage_secret() {
    let mut node = redeem_built();
    node.event(BETA, LegEvent::Unseen(ActKind::Lock))
        .tips(107, at(70));
    assert_eq!((node.phase(), node.owes().len()), (Phase::RedeemBuilt, 0));
    node.seen(BETA, Act::Lock, 107).tips(109, at(80));
    assert_eq!(node.phase(), Phase::Redeeming);
}

#[test]
fn a_redeem_that_nobody_has_seen_is_not_sent_again_after_the_window_and_alpha_is_refunded() {
    let mut node = redeem_built();
    node.tips(106, at(60)).restart();
    assert_eq!(node.phase(), Phase::Redeeming);
    assert_eq!(node.owes(), Vec::<String>::new(), "no tip, no reveal");
    node.tips(200, timelock(BETA));
    assert_eq!(node.owes(), Vec::<String>::new(), "too late to show it");
    node.seen(BETA, Act::Refund, 201).tips(300, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
    node.built(ALPHA, ActKind::Refund).tips(301, timelock(ALPHA));
    assert_eq!(node.owes(), ["broadcast Refund alpha/0"]);
    node.seen(ALPHA, Act::Refund, 302).tips(304, timelock(ALPHA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
}

#[test]
fn once_the_preimage_was_seen_the_redeem_is_sent_until_it_is_final_even_after_a_restart() {
    let mut node = redeem_built();
    node.tips(106, at(60))
        .in_mempool(BETA, Act::Redeem(preimage()))
        .restart();
    assert_eq!(
        node.owes(),
        ["broadcast Redeem beta/0"],
        "public already: no tip is needed"
    );
    node.event(BETA, LegEvent::Unseen(ActKind::Redeem));
    assert!(node.swap.preimage_is_public(), "never unlearned");
    node.tips(500, timelock(BETA));
    assert_eq!(
        node.owes(),
        ["broadcast Redeem beta/0"],
        "redeem stays open until the refund is mined"
    );
}

/// The model found it waiting for ever for a refund that nobody sends.
#[test]
fn whoever_has_shown_nothing_and_is_refunded_is_done_although_the_other_side_leaves_its_lock() {
    let mut node = redeem_built();
    let (beta, alpha) = (timelock(BETA), timelock(ALPHA));
    node.tips(107, at(70));
    assert_eq!(node.phase(), Phase::Redeeming);
    node.tips(108, beta).tips(109, alpha);
    node.built(ALPHA, ActKind::Refund).tips(109, alpha);
    node.seen(ALPHA, Act::Refund, 110).tips(111, alpha);
    assert_eq!(node.phase(), Phase::Redeeming, "the refund is not final");
    node.tips(112, alpha);
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
}

/// Once it was seen, what is left in beta is still ours to take.
#[test]
fn whoever_has_shown_the_preimage_and_is_refunded_still_redeems() {
    let mut node = redeem_built();
    let alpha = timelock(ALPHA);
    node.tips(107, at(70)).in_mempool(BETA, Act::Redeem(preimage()));
    node.event(BETA, LegEvent::Unseen(ActKind::Redeem));
    node.tips(109, alpha)
        .built(ALPHA, ActKind::Refund)
        .tips(109, alpha);
    node.seen(ALPHA, Act::Refund, 110).tips(112, alpha);
    assert_eq!(node.phase(), Phase::Redeeming);
    assert_eq!(node.owes(), ["broadcast Redeem beta/0"]);
}

#[test]
fn a_payment_on_top_of_their_lock_does_not_keep_us_from_redeeming() {
    let mut node = redeem_built();
    node.tips(106, at(60));
    let wrong = FailClass::WrongAmount {
        have: Amount::new(1001),
        need: Amount::new(1000),
    };
    node.event(BETA, LegEvent::Failed(ActKind::Lock, wrong));
    assert_eq!(node.owes(), ["broadcast Redeem beta/0"]);
}

#[test]
fn the_participant_vanishes_and_alpha_is_refunded_not_one_second_early() {
    let mut node = lock_sent();
    node.seen(ALPHA, Act::Lock, 101).tips(200, timelock(BETA));
    assert_eq!(node.phase(), Phase::Refunding);
    node.tips(300, UnixTime(timelock(ALPHA).0 - 1));
    assert_eq!(node.owes(), Vec::<String>::new(), "one second early");
    node.tips(301, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
    node.built(ALPHA, ActKind::Refund).restart();
    assert_eq!(
        node.owes(),
        Vec::<String>::new(),
        "not before the chain itself says that it is time"
    );
    node.tips(302, timelock(ALPHA));
    assert_eq!(node.owes(), ["broadcast Refund alpha/0"]);
}

#[test]
fn a_beta_lock_of_another_amount_counts_as_none() {
    let mut node = lock_sent();
    let wrong = FailClass::WrongAmount {
        have: Amount::new(999),
        need: Amount::new(1000),
    };
    node.seen(ALPHA, Act::Lock, 101)
        .event(BETA, LegEvent::Failed(ActKind::Lock, wrong))
        .tips(150, at(60));
    assert_eq!(node.phase(), Phase::LockSent);
    node.tips(200, timelock(BETA));
    assert_eq!(node.phase(), Phase::Refunding);
}

#[test]
fn a_sent_lock_whose_window_is_over_is_cancelled_and_watched_until_that_is_final() {
    let mut node = lock_sent();
    node.restart().tips(200, timelock(BETA));
    assert_eq!(
        (node.phase(), node.owes()),
        (Phase::Refunding, vec!["build Cancel alpha/0".into()])
    );
    node.built(ALPHA, ActKind::Cancel).tips(201, timelock(BETA));
    assert_eq!(node.owes(), ["broadcast Cancel alpha/0"]);
    node.seen(ALPHA, Act::Cancel, 202).tips(203, timelock(BETA));
    assert_eq!(node.phase(), Phase::Refunding, "not final yet");
    node.tips(204, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
}

#[test]
fn a_lock_that_was_mined_before_its_cancel_is_refunded() {
    let mut node = lock_sent();
    node.restart()
        .tips(200, timelock(BETA))
        .built(ALPHA, ActKind::Cancel);
    node.seen(ALPHA, Act::Lock, 201).tips(205, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
}

#[test]
fn a_lock_that_cannot_be_built_aborts_and_an_error_after_it_was_sent_never_builds_another() {
    let mut node = Node::new(Role::Initiator);
    let poor = FailClass::Funds {
        have: Amount::new(1),
        need: Amount::new(2),
    };
    node.tips(100, START)
        .event(ALPHA, LegEvent::Failed(ActKind::Lock, poor.clone()));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
    assert_eq!(node.swap.failure(), Some(&poor));
    let mut node = lock_sent();
    node.event(ALPHA, LegEvent::Failed(ActKind::Lock, poor));
    assert_eq!(
        node.owes(),
        ["broadcast Lock alpha/0"],
        "the same transaction, not another"
    );
}

#[test]
fn a_wrong_preimage_is_refused_and_changes_nothing() {
    let mut node = both_locked();
    let before = node.swap.clone();
    let wrong = LegEvent::Seen {
        act: Act::Redeem(Preimage::new([8; 32])),
        at: At::Block(107),
        tx: None,
    };
    assert_eq!(
        node.input(&Input::Leg(BETA, wrong)),
        Err(Rejected::WrongPreimage(BETA))
    );
    assert_eq!(node.swap, before);
}

#[test]
fn abort_is_possible_until_the_lock_is_sent_and_giving_up_until_the_preimage_is_shown() {
    let mut node = Node::new(Role::Initiator);
    node.tips(100, START).built(ALPHA, ActKind::Lock);
    node.input(&Input::Abort).unwrap();
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
    let mut node = lock_sent();
    assert!(matches!(node.input(&Input::Abort), Err(Rejected::NotNow { .. })));
    let mut node = redeem_built();
    node.input(&Input::GiveUp).unwrap();
    node.tips(107, at(70));
    assert_eq!(
        (node.phase(), node.owes().len()),
        (Phase::Refunding, 0),
        "who gave up never reveals"
    );
    let mut node = redeem_built();
    node.tips(106, at(60));
    assert!(matches!(node.input(&Input::GiveUp), Err(Rejected::NotNow { .. })));
}

#[test]
fn begin_asks_for_the_right_preimage_of_the_right_party() {
    let terms = terms_of(Role::Initiator, 1, 1);
    assert_eq!(Swap::begin(&terms, None), Err(Rejected::PreimageAtBegin));
    assert_eq!(
        Swap::begin(&terms, Some(Preimage::new([8; 32]))),
        Err(Rejected::PreimageAtBegin)
    );
    let terms = terms_of(Role::Participant, 1, 1);
    assert_eq!(
        Swap::begin(&terms, Some(preimage())),
        Err(Rejected::PreimageAtBegin)
    );
}

#[test]
fn a_dead_redeem_is_built_anew_and_never_given_up() {
    let mut node = redeem_built();
    node.tips(106, at(60)).in_mempool(BETA, Act::Redeem(preimage()));
    node.event(BETA, LegEvent::Failed(ActKind::Redeem, FailClass::Dead));
    assert_eq!(node.owes(), ["build Redeem beta/0"]);
    let refused = FailClass::Refused(Text::new("no").unwrap());
    node.built(BETA, ActKind::Redeem)
        .event(BETA, LegEvent::Failed(ActKind::Redeem, refused));
    assert_eq!(node.owes(), ["broadcast Redeem beta/0"]);
}

#[test]
fn every_phase_names_its_next_deadline() {
    let due = |node: &Node| node.swap.deadline(&node.terms).map(|d| (d.leg, d.due));
    assert_eq!(due(&Node::new(Role::Initiator)).unwrap().1, Due::Abort);
    assert_eq!(due(&lock_sent()), Some((BETA, Due::GiveUp)));
    assert_eq!(due(&both_locked()), Some((BETA, Due::GiveUp)));
    let mut node = redeem_built();
    node.tips(106, at(60));
    assert_eq!(due(&node), Some((BETA, Due::RedeemFinal)));
    let mut node = lock_sent();
    node.tips(200, timelock(BETA));
    assert_eq!(due(&node), Some((ALPHA, Due::Refund)));
}

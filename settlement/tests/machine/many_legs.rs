//! Sides of several legs under one hashlock.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;

const ALPHA_2: LegId = LegId {
    side: Side::Alpha,
    index: 1,
};
const BETA_2: LegId = LegId {
    side: Side::Beta,
    index: 1,
};

#[test]
fn two_legs_against_one_are_locked_together_and_redeemed_together() {
    let mut node = Node::with_legs(Role::Initiator, 2, 1);
    node.tips(100, START);
    assert_eq!(node.owes(), ["build Lock alpha/0", "build Lock alpha/1"]);
    node.built(ALPHA, ActKind::Lock).tips(100, START);
    assert_eq!(node.phase(), Phase::Agreed, "nothing is sent before all is built");
    node.built(ALPHA_2, ActKind::Lock).tips(100, START);
    assert_eq!(node.owes(), ["broadcast Lock alpha/0", "broadcast Lock alpha/1"]);
}

#[test]
fn a_missing_alpha_leg_keeps_the_participant_from_locking() {
    let mut node = Node::with_legs(Role::Participant, 2, 1);
    node.tips(100, START)
        .seen(ALPHA, Act::Lock, 101)
        .tips(110, at(30));
    assert_eq!((node.phase(), node.owes().len()), (Phase::Agreed, 0));
    node.tips(200, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
}

#[test]
fn a_missing_beta_leg_keeps_the_preimage_secret() {
    let mut node = Node::with_legs(Role::Initiator, 1, 2);
    node.tips(100, START).built(ALPHA, ActKind::Lock).tips(100, START);
    node.seen(ALPHA, Act::Lock, 101)
        .seen(BETA, Act::Lock, 104)
        .tips(110, at(60));
    assert_eq!((node.phase(), node.owes().len()), (Phase::LockSent, 0));
    node.seen(BETA_2, Act::Lock, 111).tips(113, at(70));
    assert_eq!(node.owes(), ["build Redeem beta/0", "build Redeem beta/1"]);
    node.built(BETA, ActKind::Redeem).tips(114, at(80));
    assert_eq!(node.phase(), Phase::BothLocked, "no redeem goes alone");
}

#[test]
fn one_redeemed_beta_leg_shows_the_preimage_for_all_of_alpha() {
    let mut node = Node::with_legs(Role::Participant, 2, 2);
    node.tips(100, START)
        .seen(ALPHA, Act::Lock, 101)
        .seen(ALPHA_2, Act::Lock, 101)
        .tips(103, at(20));
    node.built(BETA, ActKind::Lock)
        .built(BETA_2, ActKind::Lock)
        .tips(103, at(20));
    node.seen(BETA, Act::Lock, 104)
        .seen(BETA_2, Act::Lock, 104)
        .tips(106, at(40));
    node.seen(BETA, Act::Redeem(preimage()), 107);
    assert_eq!(node.owes(), ["build Redeem alpha/0", "build Redeem alpha/1"]);
    node.tips(300, timelock(BETA));
    let owed = [
        "build Redeem alpha/0",
        "build Redeem alpha/1",
        "build Refund beta/1",
    ];
    assert_eq!(node.owes(), owed, "and what they left is taken back");
}

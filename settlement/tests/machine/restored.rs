//! Rules R: what a node does with a swap of which it has lost all but the order.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;

fn lost(role: Role) -> Node {
    let mut node = Node::restored(role);
    node.tips(110, at(60));
    node
}

/// All legs were locked before the loss, and are final.
fn locked(role: Role) -> Node {
    let mut node = lost(role);
    node.seen(ALPHA, Act::Lock, 101)
        .seen(BETA, Act::Lock, 104)
        .tips(110, at(60));
    node
}

fn refuses_to_sign(node: &Node) {
    for leg in [ALPHA, BETA] {
        for what in [Together::Redeem, Together::Refund] {
            let signs = node.swap.may_sign(&node.terms, node.tips.get(), leg, what);
            assert!(signs.is_err(), "signs {what:?} of {leg}");
        }
    }
}

#[test]
fn a_restored_initiator_shows_no_preimage_and_takes_its_lock_back() {
    let mut node = locked(Role::Initiator);
    assert_eq!((node.phase(), node.owes().len()), (Phase::Restored, 0));
    node.tips(200, timelock(BETA));
    assert_eq!(node.owes().len(), 0);
    node.tips(300, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
    node.built(ALPHA, ActKind::Refund).tips(301, timelock(ALPHA));
    assert_eq!(node.owes(), ["broadcast Refund alpha/0"]);
    node.seen(ALPHA, Act::Refund, 302).tips(303, timelock(ALPHA));
    assert_eq!(node.phase(), Phase::Restored, "not final yet");
    node.tips(304, timelock(ALPHA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
}

#[test]
fn an_initiator_that_had_signed_betas_return_before_the_loss_does_not_show_the_preimage() {
    // The participant holds that return: it would take beta back as soon as our redeem is in a mempool, and alpha with
    // the preimage in it.
    let mut node = locked(Role::Initiator);
    let redeem = LegEvent::Built(ActKind::Redeem, Prepared(Bytes::new([1]).unwrap()));
    assert!(node.input(&Input::Leg(BETA, redeem)).is_err());
    assert!(node.input(&Input::Tell).is_err());
    node.seen(BETA, Act::Refund, 108).tips(120, at(90));
    assert_eq!(node.owes().len(), 0);
    node.tips(300, timelock(ALPHA));
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
}

#[test]
fn an_initiator_that_had_told_the_preimage_before_the_loss_does_not_sign_betas_return() {
    let mut node = locked(Role::Initiator);
    refuses_to_sign(&node);
    assert!(node.input(&Input::PeerGaveUp).is_err());
    refuses_to_sign(&node);
    // The participant uses what it was told.
    node.in_mempool(ALPHA, Act::Redeem(preimage()));
    assert_eq!(node.owes(), ["build Redeem beta/0"]);
    node.built(BETA, ActKind::Redeem).tips(111, at(70));
    assert_eq!(node.owes(), ["broadcast Redeem beta/0"]);
    refuses_to_sign(&node);
    node.seen(ALPHA, Act::Redeem(preimage()), 112)
        .seen(BETA, Act::Redeem(preimage()), 112)
        .tips(114, at(80));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn an_initiator_whose_lock_was_taken_with_its_signature_redeems_for_it_had_told_the_preimage() {
    let mut node = locked(Role::Initiator);
    node.event(
        ALPHA,
        LegEvent::RedeemedTogether {
            at: At::Block(111),
            tx: None,
        },
    );
    assert_eq!(node.owes(), ["build Redeem beta/0"]);
    node.event(ALPHA, LegEvent::Unseen(ActKind::Redeem));
    assert_eq!(
        node.owes(),
        ["build Redeem beta/0"],
        "a reorg makes nobody forget it"
    );
}

#[test]
fn a_participants_key_path_redeem_of_alpha_by_its_own_hand_shows_a_participant_nothing() {
    let mut node = locked(Role::Participant);
    node.event(
        BETA,
        LegEvent::RedeemedTogether {
            at: At::Block(111),
            tx: None,
        },
    );
    node.tips(114, at(80));
    assert!(!node.swap.preimage_is_public());
    assert_eq!(node.owes().len(), 0, "there is nothing to redeem with");
    let asks = node.swap.asks(&node.terms, node.tips.get());
    assert_eq!(
        asks,
        [(ALPHA, Together::Redeem)],
        "but the initiator owes a signature"
    );
    assert!(node.input(&Input::Tell).is_ok());
    node.built(ALPHA, ActKind::RedeemTogether).tips(115, at(90));
    assert_eq!(node.owes(), ["broadcast RedeemTogether alpha/0"]);
    node.event(
        ALPHA,
        LegEvent::RedeemedTogether {
            at: At::Block(116),
            tx: None,
        },
    );
    node.tips(118, at(100));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn a_restored_participant_redeems_with_a_public_preimage() {
    let mut node = locked(Role::Participant);
    assert_eq!(node.owes().len(), 0);
    node.in_mempool(BETA, Act::Redeem(preimage()));
    assert_eq!(node.owes(), ["build Redeem alpha/0"]);
    node.built(ALPHA, ActKind::Redeem).tips(111, at(70));
    node.seen(BETA, Act::Redeem(preimage()), 112)
        .seen(ALPHA, Act::Redeem(preimage()), 112)
        .tips(114, at(80));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn a_restored_participant_refunds_when_the_other_is_gone() {
    let mut node = locked(Role::Participant);
    node.tips(200, timelock(BETA));
    assert_eq!(node.owes(), ["build Refund beta/0"]);
    node.built(BETA, ActKind::Refund).tips(201, timelock(BETA));
    node.seen(BETA, Act::Refund, 202).tips(204, timelock(BETA));
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
}

#[test]
fn a_participant_whose_copy_has_the_preimage_redeems_at_once() {
    let mut node = Node::new(Role::Participant);
    node.swap = Swap::restored(&node.terms, Some(preimage())).unwrap();
    node.tips(110, at(60)).seen(ALPHA, Act::Lock, 101);
    assert_eq!(node.owes(), ["build Redeem alpha/0"]);
}

#[test]
fn nothing_is_locked_after_a_loss() {
    for role in [Role::Initiator, Role::Participant] {
        let mut node = lost(role);
        node.tips(112, START);
        assert_eq!(node.owes().len(), 0);
        let lock = LegEvent::Built(ActKind::Lock, Prepared(Bytes::new([1]).unwrap()));
        let ours = LegId::first(role.locks());
        assert!(node.input(&Input::Leg(ours, lock)).is_err());
        assert!(node.input(&Input::Abort).is_err(), "one may be on its way");
        node.input(&Input::GiveUp).unwrap();
        assert_eq!(node.phase(), Phase::Restored);
    }
}

#[test]
fn a_lock_that_was_sent_before_the_loss_and_comes_late_is_taken_back() {
    let mut node = lost(Role::Initiator);
    let late = UnixTime(timelock(ALPHA).0 + 13 * 24 * 3600);
    node.tips(3_000, late)
        .seen(ALPHA, Act::Lock, 3_001)
        .tips(3_003, late);
    assert_eq!(node.owes(), ["build Refund alpha/0"]);
}

#[test]
fn a_lock_that_never_came_is_given_up_two_weeks_after_the_last_timelock() {
    for role in [Role::Initiator, Role::Participant] {
        let mut node = lost(role);
        let two_weeks = timelock(ALPHA).0 + 14 * 24 * 3600;
        node.tips(3_000, UnixTime(two_weeks - 1));
        assert_eq!(node.phase(), Phase::Restored);
        node.tips(3_001, UnixTime(two_weeks));
        assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
    }
}

#[test]
fn the_next_deadline_is_the_refund_and_once_the_preimage_is_public_the_redeem() {
    let mut node = locked(Role::Initiator);
    let next = node.swap.deadline(&node.terms).unwrap();
    assert_eq!(
        (next.leg, next.at, next.due),
        (ALPHA, timelock(ALPHA), Due::Refund)
    );
    node.in_mempool(ALPHA, Act::Redeem(preimage()));
    let next = node.swap.deadline(&node.terms).unwrap();
    assert_eq!(
        (next.leg, next.at, next.due),
        (BETA, timelock(BETA), Due::RedeemFinal)
    );
}

#[test]
fn only_the_swaps_own_preimage_restores_it() {
    let terms = terms_of(Role::Initiator, 1, 1);
    assert!(Swap::restored(&terms, None).is_err());
    assert!(Swap::restored(&terms, Some(Preimage::new([9; 32]))).is_err());
    let terms = terms_of(Role::Participant, 1, 1);
    assert!(Swap::restored(&terms, Some(Preimage::new([9; 32]))).is_err());
}

//! Rules G: what two parties do together, and in which order.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;

const REDEEM: Together = Together::Redeem;
const REFUND: Together = Together::Refund;

fn initiator_both_locked() -> Node {
    let mut node = Node::new(Role::Initiator);
    node.tips(100, START).built(ALPHA, ActKind::Lock).tips(100, START);
    node.seen(ALPHA, Act::Lock, 101)
        .seen(BETA, Act::Lock, 104)
        .tips(106, at(60));
    node
}

fn initiator_redeeming() -> Node {
    let mut node = initiator_both_locked();
    node.built(BETA, ActKind::Redeem).tips(106, at(60));
    assert_eq!(node.phase(), Phase::Redeeming);
    node
}

fn participant_both_locked() -> Node {
    let mut node = Node::new(Role::Participant);
    node.seen(ALPHA, Act::Lock, 101)
        .tips(103, at(30))
        .built(BETA, ActKind::Lock)
        .tips(103, at(30));
    node.seen(BETA, Act::Lock, 104).tips(106, at(60));
    assert_eq!(node.phase(), Phase::BothLocked);
    node
}

fn asks(node: &Node) -> Vec<(LegId, Together)> {
    node.swap.asks(&node.terms, node.tips.get())
}

fn signs(node: &Node, leg: LegId, what: Together) -> bool {
    node.swap
        .may_sign(&node.terms, node.tips.get(), leg, what)
        .is_ok()
}

#[test]
fn who_gave_up_asks_for_its_lock_and_signs_the_return_of_theirs() {
    let mut node = initiator_both_locked();
    assert!(asks(&node).is_empty() && !signs(&node, BETA, REFUND));
    node.input(&Input::GiveUp).unwrap();
    assert_eq!(asks(&node), [(ALPHA, REFUND)]);
    assert!(signs(&node, BETA, REFUND), "the initiator returns beta first");
    assert!(!signs(&node, ALPHA, REFUND), "not its end");
}

#[test]
fn the_participant_returns_alpha_only_when_its_own_lock_is_back_for_good() {
    let mut node = participant_both_locked();
    node.input(&Input::PeerGaveUp).unwrap();
    assert_eq!(
        (node.phase(), asks(&node)),
        (Phase::Refunding, vec![(BETA, REFUND)])
    );
    assert!(!signs(&node, ALPHA, REFUND), "beta is still theirs to redeem");
    node.built(BETA, ActKind::RefundTogether).tips(106, at(60));
    assert_eq!(
        node.owes(),
        ["broadcast RefundTogether beta/0"],
        "hours before the timelock"
    );
    node.seen(BETA, Act::Refund, 107).tips(107, at(70));
    assert!(!signs(&node, ALPHA, REFUND), "a reorg could undo it");
    node.tips(109, at(90));
    assert_eq!(node.phase(), Phase::Done(Outcome::Refunded));
    assert!(signs(&node, ALPHA, REFUND));
}

#[test]
fn a_participant_that_has_sent_nothing_hears_that_they_gave_up_and_returns_alpha_at_once() {
    let mut node = Node::new(Role::Participant);
    node.seen(ALPHA, Act::Lock, 101).tips(103, at(30));
    assert!(!signs(&node, ALPHA, REFUND), "it may still lock");
    node.input(&Input::PeerGaveUp).unwrap();
    assert_eq!(node.phase(), Phase::Done(Outcome::Aborted));
    assert!(signs(&node, ALPHA, REFUND));
}

#[test]
fn who_gave_up_never_shows_the_preimage_to_anybody() {
    let mut node = initiator_both_locked();
    node.built(BETA, ActKind::Redeem).input(&Input::GiveUp).unwrap();
    for height in [106, 107, 200] {
        node.tips(height, at(60));
        assert!(
            node.owes().iter().all(|owed| !owed.contains("Redeem")),
            "{:?}",
            node.owes()
        );
        assert!(node.input(&Input::Tell).is_err());
    }
}

#[test]
fn before_its_reveal_the_initiator_tells_nobody_and_after_it_they_may_know() {
    let mut node = initiator_both_locked();
    assert!(
        node.input(&Input::Tell).is_err(),
        "beta's redeem is not even built"
    );
    let mut node = initiator_redeeming();
    assert_eq!(asks(&node), [(BETA, REDEEM)]);
    node.input(&Input::Tell).unwrap();
    assert!(node.swap.preimage_was_told() && !node.swap.preimage_is_public());
    assert!(node.restart().swap.preimage_was_told());
}

#[test]
fn what_was_told_is_redeemed_alone_as_long_as_only_we_can_take_it() {
    let mut node = initiator_redeeming();
    node.input(&Input::Tell).unwrap();
    let window = node.terms.legs()[&BETA].reveal_window;
    let late = UnixTime(timelock(BETA).0 - window.0 + 1);
    node.tips(110, late);
    assert_eq!(
        node.owes(),
        ["broadcast Redeem beta/0"],
        "they may know the preimage"
    );
    assert!(asks(&node).is_empty(), "no time to ask");
    let secret = initiator_redeeming().tips(110, late).owes();
    assert_eq!(secret, Vec::<String>::new(), "nobody knows it, and nobody will");
}

#[test]
fn the_initiator_asks_only_while_its_redeem_alone_would_still_be_in_time_afterwards() {
    let window = initiator_redeeming().terms.legs()[&BETA].reveal_window;
    let last = UnixTime(timelock(BETA).0 - window.0 - ROUND_WAIT.0);
    assert_eq!(asks(initiator_redeeming().tips(107, last)), [(BETA, REDEEM)]);
    assert!(asks(initiator_redeeming().tips(107, last.plus(Seconds(1)))).is_empty());
}

#[test]
fn the_participant_learns_the_preimage_from_a_message_and_then_signs() {
    let mut node = participant_both_locked();
    assert!(!signs(&node, BETA, REDEEM), "what for? the preimage is not known");
    node.input(&Input::PeerKnows(preimage())).unwrap();
    assert_eq!(node.phase(), Phase::Redeeming);
    assert!(signs(&node, BETA, REDEEM));
    assert_eq!(asks(&node), [(ALPHA, REDEEM)]);
    assert_eq!(node.owes(), ["build Redeem alpha/0"], "and it could do it alone");
}

#[test]
fn a_wrong_preimage_from_the_other_party_is_refused_and_changes_nothing() {
    let mut node = participant_both_locked();
    let wrong = node.input(&Input::PeerKnows(Preimage::new([9; 32])));
    assert!(matches!(wrong, Err(Rejected::WrongPreimage(_))));
    assert_eq!(node.phase(), Phase::BothLocked);
}

#[test]
fn a_preimage_before_our_lock_changes_nothing() {
    let mut node = Node::new(Role::Participant);
    node.seen(ALPHA, Act::Lock, 101).tips(103, at(30));
    assert!(node.input(&Input::PeerKnows(preimage())).is_err());
}

#[test]
fn the_initiator_signs_alphas_redeem_once_they_know_the_preimage_and_never_before() {
    let mut node = initiator_redeeming();
    assert!(!signs(&node, ALPHA, REDEEM), "told to nobody yet");
    node.input(&Input::Tell).unwrap();
    assert!(!signs(&node, ALPHA, REDEEM), "perhaps it did not arrive");
    node.input(&Input::PeerKnows(preimage())).unwrap();
    assert!(signs(&node, ALPHA, REDEEM));
}

#[test]
fn the_initiator_still_signs_alphas_redeem_when_its_own_swap_is_over() {
    let mut node = initiator_redeeming();
    node.seen(BETA, Act::Redeem(preimage()), 107).tips(109, at(90));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
    assert!(signs(&node, ALPHA, REDEEM));
}

#[test]
fn a_redeem_that_both_signed_is_sent_instead_of_the_one_that_shows_the_preimage() {
    let mut node = initiator_redeeming();
    node.input(&Input::Tell).unwrap();
    node.built(BETA, ActKind::RedeemTogether);
    assert_eq!(
        node.owes(),
        ["broadcast RedeemTogether beta/0"],
        "it needs no tip"
    );
    let (at_block, tx) = (At::Block(107), None);
    node.tips(106, at(60));
    node.event(BETA, LegEvent::RedeemedTogether { at: at_block, tx });
    node.tips(109, at(90));
    assert_eq!(node.phase(), Phase::Done(Outcome::Redeemed));
}

#[test]
fn what_both_signed_and_no_block_takes_gives_way_to_the_redeem_alone_in_time() {
    let mut node = initiator_redeeming();
    node.input(&Input::Tell).unwrap();
    node.built(BETA, ActKind::RedeemTogether);
    let window = node.terms.legs()[&BETA].reveal_window;
    node.tips(120, UnixTime(timelock(BETA).0 - window.0 + 1));
    assert_eq!(node.owes(), ["broadcast Redeem beta/0"]);
}

#[test]
fn the_participants_redeem_alone_takes_over_while_there_is_time_for_it_before_alphas_timelock() {
    let mut node = participant_both_locked();
    node.input(&Input::PeerKnows(preimage())).unwrap();
    node.built(ALPHA, ActKind::RedeemTogether).tips(106, at(60));
    assert_eq!(node.owes()[0], "broadcast RedeemTogether alpha/0");
    let legs = node.terms.legs();
    let gap = legs[&ALPHA].lock_window.0 - legs[&BETA].lock_window.0;
    assert!(gap > 0);
    node.tips(300, UnixTime(timelock(ALPHA).0 - gap + 1));
    assert_eq!(node.owes()[0], "build Redeem alpha/0");
}

#[test]
fn whoever_is_taking_its_lock_back_signs_no_redeem_of_it() {
    let mut node = participant_both_locked();
    node.tips(200, timelock(BETA));
    assert_eq!(node.phase(), Phase::Refunding);
    node.built(BETA, ActKind::Refund).tips(200, timelock(BETA));
    node.input(&Input::PeerKnows(preimage())).unwrap();
    assert!(!signs(&node, BETA, REDEEM));
}

#[test]
fn a_redeem_without_preimage_makes_nothing_public() {
    let mut node = initiator_both_locked();
    node.input(&Input::GiveUp).unwrap();
    let lie = LegEvent::RedeemedTogether {
        at: At::Block(107),
        tx: None,
    };
    node.event(ALPHA, lie).tips(109, at(90));
    assert!(!node.swap.preimage_is_public());
    assert!(
        node.owes().iter().all(|owed| !owed.contains("Redeem")),
        "{:?}",
        node.owes()
    );
}

#[test]
fn their_giving_up_does_not_stop_a_redeem_that_may_be_public() {
    let mut node = initiator_redeeming();
    assert!(node.input(&Input::PeerGaveUp).is_err());
    let mut node = initiator_both_locked();
    assert!(node.input(&Input::PeerGaveUp).is_err(), "all is final: we redeem");
    let mut node = participant_both_locked();
    node.input(&Input::PeerKnows(preimage())).unwrap();
    assert!(
        node.input(&Input::PeerGaveUp).is_err(),
        "they lie: the preimage is out"
    );
}

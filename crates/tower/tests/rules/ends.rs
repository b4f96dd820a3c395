//! W7: when a swap is forgotten, and not before.

use crate::stage::{ALPHA, BETA, DEPTH, Stage, package, preimage};
use kofo_journal::Journal;
use kofo_journal::memory::Memory;
use kofo_primitives::*;
use kofo_tower::{Effect, LINGER};

fn is_forgotten(stage: &mut Stage) -> bool {
    stage.tower().watching().next().is_none()
}

fn unwatched(effects: &[Effect]) -> usize {
    let unwatch = |effect: &&Effect| {
        matches!(
            effect,
            Effect::Act {
                action: ChainAction::Unwatch,
                ..
            }
        )
    };
    effects.iter().filter(unwatch).count()
}

#[test]
fn a_swap_is_forgotten_when_all_its_legs_are_over_finally() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    stage.both_locked();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(4));
    stage.see(ALPHA, Act::Redeem(preimage()), At::Block(5));
    stage.block(5);
    assert!(!is_forgotten(&mut stage), "not final yet");
    let effects = stage.block(4 + u64::from(DEPTH));
    assert!(is_forgotten(&mut stage));
    assert_eq!(unwatched(&effects), 2);
    let disk = stage.disk.clone();
    drop(stage);
    assert_eq!(Memory::open(&disk).unwrap().scan("tower/").unwrap(), []);
}

#[test]
fn a_reorg_that_takes_the_end_away_keeps_the_swap() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    stage.both_locked();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(4));
    stage.see(ALPHA, Act::Redeem(preimage()), At::Block(5));
    stage.block(5);
    stage.tell(ALPHA, LegEvent::Unseen(ActKind::Redeem));
    stage.block(6);
    assert!(!is_forgotten(&mut stage));
    assert_eq!(stage.state(ALPHA), "locked");
}

#[test]
fn a_swap_whose_locks_are_all_back_is_forgotten_although_the_other_party_left_its_own() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    stage.both_locked();
    stage.see(BETA, Act::Refund, At::Block(205));
    stage.block(206);
    assert!(is_forgotten(&mut stage));
}

#[test]
fn a_swap_whose_lock_was_taken_without_a_preimage_is_watched_until_theirs_is_over() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    stage.both_locked();
    let (at, tx) = (At::Block(5), None);
    stage.tell(BETA, LegEvent::RedeemedTogether { at, tx });
    stage.block(10);
    assert!(!is_forgotten(&mut stage));
    stage.tell(ALPHA, LegEvent::RedeemedTogether { at, tx });
    stage.block(11);
    assert!(is_forgotten(&mut stage));
}

#[test]
fn a_swap_on_which_nothing_was_ever_locked_is_given_up_in_the_end() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    let last = (400 * 600 + LINGER.0) / 600;
    stage.block(last - 1);
    assert!(!is_forgotten(&mut stage));
    stage.block(last);
    assert!(is_forgotten(&mut stage));
}

#[test]
fn what_the_adapter_has_not_told_of_is_not_over() {
    let mut stage = Stage::empty();
    let package = package(Role::Participant, 1, [1, 1]).sign(&crate::stage::owner());
    stage.tower().entrust(package).unwrap();
    stage.see(BETA, Act::Refund, At::Block(1));
    stage.block(9_999);
    assert!(!is_forgotten(&mut stage));
}

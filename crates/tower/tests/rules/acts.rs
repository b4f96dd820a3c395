//! W4 to W6: when the tower acts, and how much it pays.

use crate::stage::{ALPHA, BETA, Stage, TIMELOCKS, broadcasts, package, preimage, take_overs, tx};
use kofo_primitives::*;
use kofo_tower::{GRACE_REDEEM, GRACE_REFUND, Refusal, Told};

fn participant() -> Stage {
    let mut stage = Stage::with(package(Role::Participant, 1, [3, 3]));
    stage.both_locked();
    stage
}

#[test]
fn without_a_public_preimage_nothing_is_redeemed() {
    let mut stage = participant();
    for height in 4..190 {
        assert_eq!(take_overs(&stage.block(height)), []);
    }
}

#[test]
fn a_preimage_in_a_mempool_is_enough_and_is_never_unlearned() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Mempool);
    stage.tell(BETA, LegEvent::Unseen(ActKind::Redeem));
    assert_eq!(take_overs(&stage.block(4)), [(ALPHA, ActKind::Redeem, 0)]);
}

#[test]
fn a_preimage_that_does_not_open_the_swap_is_none() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(Preimage::new([8; 32])), At::Block(3));
    for height in 4..20 {
        assert_eq!(take_overs(&stage.block(height)), []);
    }
}

#[test]
fn the_owner_has_the_first_go_at_a_redeem() {
    let mut stage = participant();
    stage.block(10);
    stage.see(BETA, Act::Redeem(preimage()), At::Mempool);
    assert_eq!(take_overs(&stage.tower().flush().unwrap()), []);
    stage.see(ALPHA, Act::Redeem(preimage()), At::Block(10 + GRACE_REDEEM));
    assert_eq!(
        take_overs(&stage.block(10 + GRACE_REDEEM)),
        [],
        "the owner did it"
    );
    stage.tell(ALPHA, LegEvent::Unseen(ActKind::Redeem));
    assert_eq!(
        take_overs(&stage.tower().flush().unwrap()),
        [],
        "its turn again after a reorg"
    );
    assert_eq!(
        take_overs(&stage.block(11 + GRACE_REDEEM)),
        [(ALPHA, ActKind::Redeem, 0)]
    );
}

#[test]
fn an_owners_redeem_that_waits_in_a_mempool_has_three_blocks_unless_time_is_short() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    stage.see(ALPHA, Act::Redeem(preimage()), At::Mempool);
    for height in 4..6 {
        assert_eq!(take_overs(&stage.block(height)), []);
    }
    assert_eq!(take_overs(&stage.block(6)), [(ALPHA, ActKind::Redeem, 0)]);
    let mut late = participant();
    late.block(390);
    late.see(BETA, Act::Redeem(preimage()), At::Block(390));
    late.see(ALPHA, Act::Redeem(preimage()), At::Mempool);
    let asked = take_overs(&late.block(391));
    assert!(asked.contains(&(ALPHA, ActKind::Redeem, 0)), "{asked:?}");
}

#[test]
fn a_participant_that_was_told_the_preimage_has_its_tower_redeem_with_it() {
    let told = |key: &NodeKey, owner: NodeId, preimage| {
        let (version, network, swap) = (1, crate::stage::network(), SwapId::new([5; 32]));
        let told = Told {
            version,
            network,
            owner,
            swap,
            preimage,
        };
        told.sign(key)
    };
    let (key, thief) = (crate::stage::owner(), NodeKey::new(&[9; 32]).unwrap());
    let mut stage = participant();
    let wrong = Preimage::new([8; 32]);
    assert_eq!(
        stage.tower().told(told(&key, key.id(), wrong)),
        Err(Refusal::OpensNothing)
    );
    assert_eq!(
        stage.tower().told(told(&thief, thief.id(), preimage())),
        Err(Refusal::OpensNothing)
    );
    assert!(matches!(
        stage.tower().told(told(&thief, key.id(), preimage())),
        Err(Refusal::Package(_))
    ));
    assert_eq!(take_overs(&stage.block(4)), []);
    assert_eq!(stage.tower().told(told(&key, key.id(), preimage())), Ok(1));
    stage.tower().flush().unwrap();
    stage.restart();
    stage.watch_is_answered(5);
    for leg in [ALPHA, BETA] {
        stage.see(leg, Act::Lock, At::Block(2));
    }
    assert_eq!(take_overs(&stage.block(6)), [(ALPHA, ActKind::Redeem, 0)]);
    let mut initiator = Stage::with(package(Role::Initiator, 1, [1, 1]));
    assert_eq!(
        initiator.tower().told(told(&key, key.id(), preimage())),
        Err(Refusal::OpensNothing)
    );
}

#[test]
fn what_is_not_locked_in_a_block_is_not_redeemed() {
    let mut stage = Stage::with(package(Role::Participant, 1, [3, 3]));
    stage.see(ALPHA, Act::Lock, At::Mempool);
    stage.see(BETA, Act::Redeem(preimage()), At::Mempool);
    for height in 4..10 {
        assert_eq!(take_overs(&stage.block(height)), []);
    }
    stage.see(ALPHA, Act::Lock, At::Block(10));
    assert_eq!(take_overs(&stage.block(10)), [(ALPHA, ActKind::Redeem, 0)]);
}

#[test]
fn an_initiators_redeem_that_was_not_entrusted_is_left_to_it() {
    let mut stage = Stage::with(package(Role::Initiator, 1, [1, 0]));
    stage.both_locked();
    stage.see(ALPHA, Act::Redeem(preimage()), At::Mempool);
    for height in 4..20 {
        assert_eq!(take_overs(&stage.block(height)), []);
    }
    let later = package(Role::Initiator, 2, [1, 1]).sign(&crate::stage::owner());
    stage.tower().entrust(later).unwrap();
    assert_eq!(take_overs(&stage.block(20)), [(BETA, ActKind::Redeem, 0)]);
}

#[test]
fn nothing_is_refunded_before_the_timelock_by_its_own_chains_time() {
    let mut stage = participant();
    let expires = TIMELOCKS[1] / 600;
    // The other chain runs ahead by far.
    stage.tip_of(ALPHA, expires + 100);
    for height in 4..expires {
        stage.tip_of(BETA, height);
        assert_eq!(take_overs(&stage.tower().flush().unwrap()), []);
    }
    for height in expires..expires + GRACE_REFUND {
        stage.tip_of(BETA, height);
        assert_eq!(take_overs(&stage.tower().flush().unwrap()), [], "the owner first");
    }
    stage.tip_of(BETA, expires + GRACE_REFUND);
    let effects = stage.tower().flush().unwrap();
    assert_eq!(take_overs(&effects), [(BETA, ActKind::Refund, 0)]);
}

#[test]
fn a_lock_that_the_other_party_redeemed_is_not_refunded() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(198));
    for height in 200..210 {
        let asked = take_overs(&stage.block(height));
        assert!(asked.iter().all(|(leg, ..)| *leg == ALPHA), "{asked:?}");
    }
}

#[test]
fn what_is_prepared_is_broadcast_and_again_until_it_is_in_a_block() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    let effects = stage.block(4);
    stage.prepare(effects);
    let sent = broadcasts(&stage.tower().flush().unwrap());
    assert_eq!(sent, [(ALPHA, ActKind::Redeem, tx(0))]);
    let again: Vec<_> = (0..5).flat_map(|_| broadcasts(&stage.block(5))).collect();
    assert!(!again.is_empty(), "what was lost on the way is asked for again");
    stage.see(ALPHA, Act::Redeem(preimage()), At::Block(6));
    let done: Vec<_> = (6..20)
        .flat_map(|height| broadcasts(&stage.block(height)))
        .collect();
    assert_eq!(done, []);
}

#[test]
fn a_redeem_pays_more_the_nearer_its_deadline_and_the_most_before_it() {
    let mut stage = Stage::with(package(Role::Participant, 1, [8, 0]));
    stage.both_locked();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    let mut paid = Vec::new();
    for height in 4..=400 {
        let effects = stage.block(height);
        for (_, _, level) in stage.prepare(effects) {
            paid.push((height, level));
        }
    }
    let patient: Vec<_> = (0..8).map(|level| (4 + 3 * u64::from(level), level)).collect();
    assert_eq!(paid, patient, "one level more every three blocks");

    let mut late = Stage::with(package(Role::Participant, 1, [8, 0]));
    late.both_locked();
    late.block(390);
    late.see(BETA, Act::Redeem(preimage()), At::Block(390));
    let mut paid = Vec::new();
    for height in 391..=400 {
        let effects = late.block(height);
        paid.extend(
            late.prepare(effects)
                .into_iter()
                .map(|(_, _, level)| (height, level)),
        );
    }
    let urgent = [
        (391, 0),
        (392, 1),
        (393, 2),
        (394, 3),
        (395, 4),
        (396, 5),
        (397, 6),
        (398, 7),
    ];
    assert_eq!(paid, urgent, "the top, two blocks before the end");
}

#[test]
fn a_redeem_that_comes_late_pays_the_most_at_once() {
    let mut stage = Stage::with(package(Role::Participant, 1, [8, 0]));
    stage.both_locked();
    stage.block(397);
    stage.see(BETA, Act::Redeem(preimage()), At::Block(397));
    assert_eq!(take_overs(&stage.block(398)), [(ALPHA, ActKind::Redeem, 7)]);
}

#[test]
fn a_refund_pays_more_with_each_block_only_against_a_rival() {
    let mut stage = Stage::with(package(Role::Participant, 1, [0, 8]));
    stage.both_locked();
    let paid = |stage: &mut Stage, heights: std::ops::RangeInclusive<u64>| -> Vec<_> {
        let mut paid = Vec::new();
        for height in heights {
            let effects = stage.block(height);
            paid.extend(
                stage
                    .prepare(effects)
                    .into_iter()
                    .map(|(_, _, level)| (height, level)),
            );
        }
        paid
    };
    assert_eq!(paid(&mut stage, 200..=208), [(202, 0), (205, 1), (208, 2)]);
    stage.see(BETA, Act::Redeem(preimage()), At::Mempool);
    assert_eq!(paid(&mut stage, 209..=209), [(209, 7)]);
}

#[test]
fn a_level_that_the_adapter_refuses_is_passed_over_and_tried_again_with_the_next_block() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    let refuse = |stage: &mut Stage, level| {
        let why = Err("no".to_owned());
        stage
            .tower()
            .took_over(Stage::leg(ALPHA), ActKind::Redeem, level, why);
        take_overs(&stage.tower().flush().unwrap())
    };
    assert_eq!(take_overs(&stage.block(4)), [(ALPHA, ActKind::Redeem, 0)]);
    assert_eq!(refuse(&mut stage, 0), [(ALPHA, ActKind::Redeem, 1)]);
    assert_eq!(refuse(&mut stage, 1), [(ALPHA, ActKind::Redeem, 2)]);
    assert_eq!(refuse(&mut stage, 2), []);
    assert_eq!(take_overs(&stage.block(5)), [(ALPHA, ActKind::Redeem, 0)]);
}

#[test]
fn what_can_never_confirm_is_prepared_anew() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    let effects = stage.block(4);
    stage.prepare(effects);
    stage.tell(ALPHA, LegEvent::Failed(ActKind::Redeem, FailClass::Dead));
    assert_eq!(take_overs(&stage.block(5)), [(ALPHA, ActKind::Redeem, 0)]);
}

#[test]
fn a_better_version_that_the_adapter_built_is_the_one_that_is_kept() {
    let mut stage = participant();
    stage.see(BETA, Act::Redeem(preimage()), At::Block(3));
    let effects = stage.block(4);
    stage.prepare(effects);
    stage.tower().flush().unwrap();
    stage.tell(ALPHA, LegEvent::Built(ActKind::Redeem, tx(77)));
    let sent = broadcasts(&stage.tower().flush().unwrap());
    assert_eq!(sent, [(ALPHA, ActKind::Redeem, tx(77))]);
}

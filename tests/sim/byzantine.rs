//! A counterparty that does not keep to the rules: we end with our asset or theirs, never neither. There is no txid in
//! any message to lie about: what a node believes of a chain, its own adapter told it.

use crate::village::{INITIATOR, PARTICIPANT, both_ways, ends_well, usual, with_liar};
use kofo_settlement::Outcome;
use kofo_tests::sim::{Vice, WrongLock};

#[test]
fn the_counterparty_vanishes_after_each_of_its_steps_and_we_end_with_our_asset_or_theirs() {
    let mut swapped = 0;
    let mut returned = 0;
    for steps in 1..=40 {
        for end in with_liar(Vice::Vanishes(steps)) {
            swapped += u32::from(end == Some(Outcome::Redeemed));
            returned += u32::from(end == Some(Outcome::Refunded));
        }
    }
    assert!(
        swapped > 10 && returned > 10,
        "{swapped} swapped, {returned} returned"
    );
}

#[test]
fn the_counterparty_sends_garbage_and_we_end_with_our_asset_or_theirs() {
    with_liar(Vice::Babbles);
}

#[test]
fn the_counterparty_repeats_itself_and_replays_old_messages_and_we_swap_all_the_same() {
    for end in with_liar(Vice::Repeats) {
        assert_eq!(end, Some(Outcome::Redeemed));
    }
}

#[test]
fn the_counterparty_says_nothing_at_all_and_we_keep_what_is_ours() {
    for end in with_liar(Vice::Mute) {
        assert_ne!(end, Some(Outcome::Lost));
    }
}

#[test]
fn the_counterparty_answers_rounds_with_other_signatures_and_we_redeem_alone() {
    for end in with_liar(Vice::SignsOther) {
        assert_eq!(end, Some(Outcome::Redeemed));
    }
}

fn never_swaps(wrong: WrongLock) {
    for end in with_liar(Vice::LocksWrong(wrong)) {
        assert!(
            matches!(end, Some(Outcome::Refunded | Outcome::Aborted)),
            "{wrong:?}: {end:?}"
        );
    }
}

#[test]
fn the_counterparty_locks_too_little_and_we_keep_our_asset() {
    never_swaps(WrongLock::Less);
}

#[test]
fn the_counterparty_locks_too_much_and_we_keep_our_asset() {
    never_swaps(WrongLock::More);
}

#[test]
fn the_counterparty_locks_twice_and_we_end_with_our_asset_or_theirs() {
    with_liar(Vice::LocksWrong(WrongLock::Twice));
}

#[test]
fn the_counterparty_locks_to_the_wrong_key_and_we_keep_our_asset() {
    never_swaps(WrongLock::OtherKey);
}

#[test]
fn the_counterparty_locks_under_the_wrong_hashlock_and_we_keep_our_asset() {
    never_swaps(WrongLock::OtherHashlock);
}

#[test]
fn the_counterparty_locks_with_a_timelock_that_ends_sooner_and_we_keep_our_asset() {
    never_swaps(WrongLock::SoonerBack);
}

#[test]
fn the_counterparty_never_locks_and_we_keep_our_asset() {
    never_swaps(WrongLock::Nothing);
}

#[test]
fn the_counterparty_locks_late_and_we_end_with_our_asset_or_theirs() {
    let mut ends = Vec::new();
    for blocks in [1, 5, 10, 20, 40, 80, 160] {
        ends.extend(with_liar(Vice::LocksLate(blocks)));
    }
    let redeemed = |end: &Option<Outcome>| *end == Some(Outcome::Redeemed);
    assert!(ends.iter().any(redeemed), "a little late is in time");
    assert!(!ends.iter().all(redeemed), "very late is too late");
}

#[test]
fn the_counterparty_shows_the_preimage_at_the_last_moment_and_we_redeem_too() {
    for left in [0, 10, 20, 40, 80] {
        for end in with_liar(Vice::RedeemsLate(left)) {
            assert_ne!(end, Some(Outcome::Lost));
        }
    }
}

#[test]
fn a_preimage_that_is_only_ever_in_the_mempool_is_used() {
    both_ways(|town| {
        town.corrupt(INITIATOR, Vice::RedeemsCheaply);
        // Else it would be signed for, and need no fee of its own.
        town.alone(INITIATOR);
        town.begin();
        ends_well(town, "a cheap redeem");
        assert_eq!(town.outcome(PARTICIPANT, 0), Some(Outcome::Redeemed));
    });
}

#[test]
fn the_counterparty_asks_for_every_signature_all_the_time_and_gets_none_that_it_must_not_have() {
    for from in 0..20 {
        for end in with_liar(Vice::AsksForAll(from)) {
            assert_ne!(end, Some(Outcome::Lost));
        }
    }
}

#[test]
fn the_counterparty_gets_no_signature_on_alpha_before_betas_return_is_final() {
    // The initiator is the one who would gain; the model compares every signature that is given with the chains.
    let mut letters = 0;
    for from in 4..20 {
        let mut town = usual();
        town.corrupt(INITIATOR, Vice::AsksForAll(from));
        town.begin();
        ends_well(&mut town, "asks for alpha");
        letters += town.letters();
    }
    assert!(letters > 64, "it asks: {letters} letters");
}

#[test]
fn two_honest_nodes_sign_for_each_other_and_the_model_saw_it() {
    both_ways(|town| {
        town.begin();
        ends_well(town, "honest");
        assert_eq!(town.outcome(INITIATOR, 0), Some(Outcome::Redeemed));
        assert!(town.looked() > 20, "{} events", town.looked());
        assert!(town.letters() >= 4, "{} letters", town.letters());
        assert_eq!(town.wrong(), None);
    });
}

//! What chains and clocks do to a swap: reorgs, fees, errors, hours.

use crate::village::{INITIATOR, LONGEST, PARTICIPANT, both_ways, ends_well, two, usual};
use kofo_primitives::{Amount, Seconds};
use kofo_settlement::{Outcome, Phase};
use kofo_sim::{Dropped, SimChain};
use kofo_tests::sim::{ASSETS, Town, asset};

/// Replaces so many blocks by one more.
fn reorg(chain: &SimChain, blocks: u32, how: Dropped) {
    chain.drop_blocks(blocks, how);
    chain.mine(blocks + 1);
}

fn both_end(town: &Town, outcome: Outcome) {
    for player in [INITIATOR, PARTICIPANT] {
        assert_eq!(town.outcome(player, 0), Some(outcome), "{player}");
    }
}

fn under(phase: Phase, chain: usize) {
    for blocks in [1, 3] {
        for how in [Dropped::Return, Dropped::Vanish] {
            let mut town = usual();
            town.begin();
            assert!(town.until(LONGEST, |t| t.phase(PARTICIPANT, 0) >= Some(phase)));
            // One block more: what was sent is in it.
            town.step();
            reorg(town.chain(chain), blocks, how);
            ends_well(&mut town, &format!("{blocks} under {phase:?}, {how:?}"));
            both_end(&town, Outcome::Redeemed);
        }
    }
}

/// Chains by their place: bitcoin is alpha here (the first), ethereum beta (the last).
fn places() -> [usize; 2] {
    let town = usual();
    [ASSETS[0], ASSETS[1]].map(|name| {
        (0..3)
            .find(|nth| *town.chain(*nth).id() == asset(name).chain())
            .expect("each asset has a chain")
    })
}

#[test]
fn a_reorg_of_one_and_of_three_blocks_under_either_lock_changes_nothing() {
    let [alpha, beta] = places();
    under(Phase::Agreed, alpha);
    under(Phase::LockSent, beta);
}

#[test]
fn a_reorg_of_one_and_of_three_blocks_under_a_redeem_unlearns_the_confirmation_never_the_preimage() {
    let [alpha, beta] = places();
    under(Phase::Redeeming, beta);
    under(Phase::Redeeming, alpha);
}

#[test]
fn fees_jump_tenfold_while_a_redeem_is_unconfirmed_and_it_confirms_before_the_deadline() {
    both_ways(|town| {
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(Phase::Redeeming)));
        for nth in 0..3 {
            town.chain(nth).set_fee_floor(Amount::new(100));
        }
        ends_well(town, "dear redeems");
        both_end(town, Outcome::Redeemed);
    });
}

#[test]
fn what_both_signed_and_no_block_takes_is_done_alone_after_a_few_blocks_and_not_only_near_the_deadline() {
    both_ways(|town| {
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(Phase::Redeeming)));
        for nth in 0..3 {
            town.chain(nth).set_fee_floor(Amount::new(100));
        }
        assert!(town.until(25, Town::over), "it waits for what no block takes");
        both_end(town, Outcome::Redeemed);
    });
}

#[test]
fn fees_jump_tenfold_while_a_refund_is_unconfirmed_and_it_confirms() {
    both_ways(|town| {
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(Phase::LockSent)));
        town.away(PARTICIPANT, None);
        assert!(town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(Phase::Refunding)));
        let waits = |t: &Town| (0..3).any(|nth| !t.chain(nth).waiting().is_empty());
        // The refund is sent and in no block: none is mined that would take it.
        for nth in 0..3 {
            town.chain(nth).set_fee_floor(Amount::new(100));
        }
        assert!(town.until(LONGEST, |t| waits(t) || t.over()));
        assert!(town.until(LONGEST, Town::over), "it is refunded");
        assert_eq!(town.outcome(INITIATOR, 0), Some(Outcome::Refunded));
        town.back(PARTICIPANT);
        ends_well(town, "dear refunds");
    });
}

#[test]
fn a_redeem_or_refund_that_errs_is_tried_until_it_is_final() {
    both_ways(|town| {
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(Phase::Redeeming)));
        for nth in 0..3 {
            town.chain(nth).refuse_broadcasts(7);
        }
        ends_well(town, "errors");
        both_end(town, Outcome::Redeemed);
    });
}

#[test]
fn mempools_that_forget_everything_again_and_again_cost_only_time() {
    both_ways(|town| {
        town.begin();
        for _ in 0..60 {
            town.step();
            for nth in 0..3 {
                if town.chain(nth).tip().height % 2 == 0 {
                    town.chain(nth).evict_mempool();
                }
            }
        }
        ends_well(town, "forgetful");
    });
}

#[test]
fn the_clock_of_either_machine_is_hours_behind_and_nothing_comes_early_or_late() {
    for player in [INITIATOR, PARTICIPANT] {
        both_ways(|town| {
            town.set_clock(player, -10_800);
            town.begin();
            ends_well(town, "behind");
            both_end(town, Outcome::Redeemed);
        });
    }
}

#[test]
fn the_clock_of_either_machine_is_hours_ahead_and_it_takes_part_in_nothing() {
    for player in [INITIATOR, PARTICIPANT] {
        both_ways(|town| {
            town.set_clock(player, 10_800);
            town.begin();
            ends_well(town, "ahead");
            assert_eq!(town.phase(INITIATOR, 0), None, "no lock was ever thought of");
        });
    }
}

/// The clock is not looked at again: what it says during a swap changes nothing.
#[test]
fn a_clock_that_jumps_by_hours_during_a_swap_changes_nothing() {
    both_ways(|town| {
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(PARTICIPANT, 0) >= Some(Phase::LockSent)));
        town.set_clock(INITIATOR, 20_000);
        town.set_clock(PARTICIPANT, -20_000);
        for player in [INITIATOR, PARTICIPANT] {
            town.away(player, Some(2));
        }
        ends_well(town, "a jump");
        both_end(town, Outcome::Redeemed);
    });
}

#[test]
fn a_chain_stalls_for_hours_and_then_mines_fast_and_there_is_no_early_refund_and_no_late_reveal() {
    let phases = [
        Phase::Agreed,
        Phase::LockSent,
        Phase::BothLocked,
        Phase::Redeeming,
        Phase::Refunding,
    ];
    for nth in 0..3 {
        for phase in phases {
            let mut town = usual();
            town.begin();
            town.until(LONGEST, |t| t.phase(INITIATOR, 0) >= Some(phase) || t.over());
            town.stall(nth, 1_000);
            ends_well(&mut town, &format!("{nth} stalls in {phase:?}"));
        }
    }
}

#[test]
fn blocks_whose_time_lags_by_a_minute_bring_no_early_refund_and_no_late_reveal() {
    for lag in [10, 30, 60] {
        for nth in 0..3 {
            let mut town = two(ASSETS[0], ASSETS[1]);
            town.chain(nth).set_lag(Seconds(lag));
            town.begin();
            ends_well(&mut town, &format!("{nth} lags by {lag}"));
        }
    }
}

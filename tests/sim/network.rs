//! A network that loses, delays, doubles and reorders what it carries, or falls apart: nothing of a swap depends on it
//! but what is saved.

use crate::village::{INITIATOR, LONGEST, PARTICIPANT, both_ways, ends_well};
use kofo_settlement::{Outcome, Phase};
use kofo_tests::sim::{ASSETS, Bargain, Dice, Town, Weather};

#[test]
fn letters_that_are_lost_doubled_late_and_out_of_order_change_no_outcome() {
    both_ways(|town| {
        town.weather(Weather {
            lost: 3,
            doubled: 2,
            late: 3,
        });
        town.begin();
        ends_well(town, "bad weather");
    });
}

#[test]
fn a_node_that_nobody_hears_after_the_agreement_redeems_alone() {
    both_ways(|town| {
        town.begin();
        town.part(INITIATOR);
        ends_well(town, "a partition");
        for player in [INITIATOR, PARTICIPANT] {
            assert_eq!(town.outcome(player, 0), Some(Outcome::Redeemed));
        }
    });
}

#[test]
fn an_acceptance_that_never_arrives_costs_nobody_anything() {
    both_ways(|town| {
        town.part(PARTICIPANT);
        town.begin();
        ends_well(town, "no acceptance");
        assert_eq!(town.phase(INITIATOR, 0), None);
        assert_eq!(town.outcome(PARTICIPANT, 0), Some(Outcome::Aborted));
    });
}

#[test]
fn an_abandoned_swap_is_returned_on_both_chains_long_before_the_timelocks_if_they_hear_each_other() {
    let steps = |apart: bool| {
        let mut town = crate::village::usual();
        town.begin();
        assert!(town.until(LONGEST, |t| t.phase(PARTICIPANT, 0) >= Some(Phase::LockSent)));
        // The initiator comes back when it is too late to reveal: it gives up.
        town.away(INITIATOR, None);
        assert!(town.until(LONGEST, |t| t.phase(PARTICIPANT, 0) >= Some(Phase::Refunding)));
        if apart {
            town.part(INITIATOR);
        }
        town.back(INITIATOR);
        let before = town.chain(0).tip().height;
        ends_well(&mut town, "abandoned");
        assert_eq!(town.outcome(INITIATOR, 0), Some(Outcome::Refunded));
        town.chain(0).tip().height - before
    };
    let (together, alone) = (steps(false), steps(true));
    assert!(together < alone, "{together} blocks together, {alone} alone");
}

#[test]
fn five_nodes_swap_in_a_ring_and_across_all_at_once() {
    let bargain = |nth: u8, initiator: usize, participant: usize| Bargain {
        initiator,
        participant,
        give: vec![ASSETS[usize::from(nth) % 4]],
        want: vec![ASSETS[(usize::from(nth) + 1) % 4]],
        nth,
        depth: 2,
    };
    let mut bargains: Vec<_> = (0..5)
        .map(|n| bargain(n, usize::from(n), usize::from(n + 1) % 5))
        .collect();
    bargains.extend([bargain(5, 0, 2), bargain(6, 3, 0), bargain(7, 0, 4)]);
    let mut town = Town::new(5, &bargains, Dice::new(5));
    town.weather(Weather {
        lost: 8,
        doubled: 4,
        late: 8,
    });
    town.begin();
    ends_well(&mut town, "five nodes");
    for (nth, bargain) in bargains.iter().enumerate() {
        for player in [bargain.initiator, bargain.participant] {
            assert_eq!(town.outcome(player, nth), Some(Outcome::Redeemed), "{nth}");
        }
    }
}

#[test]
fn two_legs_are_swapped_for_two() {
    let bargain = Bargain {
        initiator: INITIATOR,
        participant: PARTICIPANT,
        give: vec![ASSETS[0], ASSETS[3]],
        want: vec![ASSETS[1], ASSETS[2]],
        nth: 0,
        depth: 2,
    };
    let mut town = Town::new(2, std::slice::from_ref(&bargain), Dice::new(2));
    town.begin();
    ends_well(&mut town, "two for two");
    assert_eq!(town.outcome(INITIATOR, 0), Some(Outcome::Redeemed));
}

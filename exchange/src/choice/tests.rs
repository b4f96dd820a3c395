use super::*;
use proptest::prelude::*;

const KNOWN: Reliability = Reliability {
    settled: 9,
    failed: 1,
};
const PERFECT: Reliability = Reliability {
    settled: 10,
    failed: 0,
};

fn id(n: u8) -> FulfilId {
    FulfilId::new([n; 32])
}

/// A quote over 100 for that much, by a provider of its own.
fn quote(n: u8, want: u128) -> Candidate {
    Candidate {
        fulfil: id(n),
        give: Amount::new(100),
        want: Amount::new(want),
        reliability: KNOWN,
        beta_window: Seconds(3_600),
        reservation: (NodeId::new([n; 32]), 1),
    }
}

fn over(n: u8, give: u128, want: u128) -> Candidate {
    Candidate {
        give: Amount::new(give),
        ..quote(n, want)
    }
}

fn whole(candidates: &[Candidate]) -> Vec<FulfilId> {
    choose(Amount::new(100), None, candidates)
}

fn parts(amount: u128, least: u128, candidates: &[Candidate]) -> Vec<FulfilId> {
    choose(Amount::new(amount), Some(Amount::new(least)), candidates)
}

#[test]
fn of_equal_quotes_the_more_reliable_provider_is_chosen_and_of_equal_providers_the_better_quote() {
    let better = Candidate {
        reliability: PERFECT,
        ..quote(3, 1997)
    };
    assert_eq!(whole(&[quote(1, 1995), quote(2, 1997), better]), [id(3)]);
    assert_eq!(whole(&[quote(1, 1995), quote(2, 1997), quote(3, 1996)]), [id(2)]);
}

#[test]
fn on_equal_scores_the_longer_beta_window_and_then_the_lower_id_is_chosen() {
    let longer = Candidate {
        beta_window: Seconds(3_601),
        ..quote(3, 1997)
    };
    assert_eq!(whole(&[quote(1, 1997), quote(2, 1997), longer]), [id(3)]);
    assert_eq!(whole(&[quote(9, 1997), quote(1, 1997), quote(2, 1997)]), [id(1)]);
}

#[test]
fn one_unit_of_the_largest_amounts_decides() {
    let most = MAX_COMPARED.units();
    assert_eq!(whole(&[quote(1, most - 1), quote(2, most)]), [id(2)]);
}

#[test]
fn an_amount_too_large_to_be_compared_exactly_is_not_chosen() {
    let huge = Candidate {
        reliability: PERFECT,
        ..quote(1, MAX_COMPARED.units() + 1)
    };
    assert_eq!(whole(&[huge, quote(2, 1)]), [id(2)]);
    assert_eq!(whole(&[huge]), []);
}

#[test]
fn all_or_nothing_takes_no_quote_of_a_part() {
    let halves = [over(1, 50, 1000), over(2, 50, 1000)];
    assert_eq!(whole(&halves), []);
    assert_eq!(parts(100, 50, &halves), [id(1), id(2)]);
}

#[test]
fn several_providers_fill_one_claim_from_the_best_score_on() {
    let quotes = [
        over(1, 40, 790),
        over(2, 30, 600),
        over(3, 30, 599),
        over(4, 60, 1190),
    ];
    // Rates 19.75, 20, 19.97, 19.83: 30 + 30, then of the others only the 40 fits into what is left.
    assert_eq!(parts(100, 10, &quotes), [id(2), id(3), id(1)]);
    assert_eq!(parts(60, 10, &quotes), [id(2), id(3)]);
}

#[test]
fn one_quote_over_the_whole_is_chosen_if_it_gets_more_than_the_better_rate_over_a_part() {
    assert_eq!(parts(100, 10, &[over(1, 90, 1810), over(2, 100, 2000)]), [id(2)]);
    // And not if the parts get more.
    let quotes = [over(1, 50, 1001), over(2, 100, 2000), over(3, 50, 1001)];
    assert_eq!(parts(100, 10, &quotes), [id(1), id(3)]);
}

#[test]
fn of_two_quotes_on_one_reservation_one_is_chosen() {
    let twice = Candidate {
        reservation: quote(1, 1).reservation,
        ..over(2, 50, 1000)
    };
    assert_eq!(
        parts(100, 50, &[over(1, 50, 1000), twice, over(3, 50, 990)]),
        [id(1), id(3)]
    );
}

#[test]
fn who_was_never_met_stands_no_better_than_who_fails_half_the_time() {
    let reliability = |settled, failed| Reliability { settled, failed }.per_mille();
    assert_eq!(Reliability::default().per_mille(), 500);
    assert_eq!(
        [
            reliability(0, 9),
            reliability(1, 1),
            reliability(2, 1),
            reliability(7, 0)
        ],
        [500, 500, 666, 1_000]
    );
    assert_eq!(reliability(u32::MAX, u32::MAX), 500);
    let mut full = Reliability {
        settled: u32::MAX,
        failed: 0,
    };
    full.count(true);
    full.count(false);
    assert_eq!((full.settled, full.failed), (u32::MAX, 1));
}

fn some_candidate() -> impl Strategy<Value = Candidate> {
    let amount = || prop_oneof![0u128..50, any::<u128>()];
    let history = (0u32..4, 0u32..4);
    (0u8..40, amount(), amount(), history, 0u64..3, 0u8..8).prop_map(
        |(n, give, want, (settled, failed), window, bond)| Candidate {
            reliability: Reliability { settled, failed },
            beta_window: Seconds(window),
            reservation: (NodeId::new([bond; 32]), 0),
            want: Amount::new(want),
            ..over(n, give, 1)
        },
    )
}

proptest! {
    #[test]
    fn never_more_than_the_amount_nor_less_than_the_least_nor_one_reservation_twice(
        amount in prop_oneof![0u128..100, any::<u128>()], least in prop::option::of(1u128..30),
        mut candidates in prop::collection::vec(some_candidate(), 0..24),
    ) {
        candidates.sort_by_key(|c| c.fulfil);
        candidates.dedup_by_key(|c| c.fulfil);
        let chosen = choose(Amount::new(amount), least.map(Amount::new), &candidates);
        let of = |id: &FulfilId| candidates.iter().find(|c| c.fulfil == *id).unwrap();
        let mut left = Amount::new(amount);
        for id in &chosen {
            left = left.checked_sub(of(id).give).unwrap();
            prop_assert!(of(id).give >= Amount::new(least.unwrap_or(amount)));
            prop_assert!(of(id).want <= MAX_COMPARED || of(id).reliability.per_mille() < 1_000);
        }
        let bonds: std::collections::BTreeSet<_> = chosen.iter().map(|id| of(id).reservation).collect();
        prop_assert_eq!(bonds.len(), chosen.len());
        // What could still be taken is taken.
        for c in &candidates {
            let taken = bonds.contains(&c.reservation);
            let useful = c.give > Amount::ZERO && c.want > Amount::ZERO && c.want.units() <= u128::MAX >> 32;
            let small = candidates.iter().all(|c| c.want.units() <= u128::MAX >> 32);
            prop_assert!(taken || !useful || !small || c.give > left || c.give < Amount::new(least.unwrap_or(amount)));
        }
    }

    #[test]
    fn the_order_in_which_quotes_came_changes_nothing(
        mut candidates in prop::collection::vec(some_candidate(), 0..16), turn in 0usize..16,
    ) {
        candidates.sort_by_key(|c| c.fulfil);
        candidates.dedup_by_key(|c| c.fulfil);
        let before = parts(100, 1, &candidates);
        let by = turn.min(candidates.len());
        candidates.rotate_left(by);
        prop_assert_eq!(parts(100, 1, &candidates), before.clone());
        candidates.reverse();
        prop_assert_eq!(parts(100, 1, &candidates), before);
    }

    #[test]
    fn a_whole_quote_that_is_chosen_is_beaten_by_no_other(
        wants in prop::collection::vec((1u128..1 << 90, 0u32..5, 0u32..5), 1..12),
    ) {
        let with = |(n, (want, settled, failed)): (u8, &(u128, u32, u32))| Candidate {
            reliability: Reliability { settled: *settled, failed: *failed },
            ..quote(n, *want)
        };
        let candidates: Vec<_> = (0..).zip(&wants).map(with).collect();
        let chosen = whole(&candidates);
        let score = |c: &Candidate| c.want.units() * u128::from(c.reliability.per_mille());
        let best = candidates.iter().map(score).max().unwrap();
        let first = candidates.iter().find(|c| score(c) == best).unwrap();
        prop_assert_eq!(chosen, [first.fulfil]);
    }
}

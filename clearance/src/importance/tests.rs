use super::*;
use crate::fixtures::{Chain, RELAYS, account, funded, kofo};
use proptest::prelude::*;

fn vector() -> (Vec<u128>, Flows) {
    let flows = [((0, 1), 400), ((1, 0), 100), ((1, 2), 300), ((2, 3), 50)];
    (vec![50_000, 30_000, 20_000, 10_000], flows.into())
}

#[test]
fn the_vector_of_the_protocol_is_met_to_the_last_digit() {
    let (bonds, flows) = vector();
    let expected = [1_839_729_699, 1_171_106_916, 821_793_995, 462_336_683];
    assert_eq!(scores(&bonds, &flows), expected);
}

#[test]
fn a_node_in_two_halves_scores_what_it_did_as_one() {
    let (mut bonds, flows) = vector();
    let whole = scores(&bonds, &flows)[2];
    bonds[2] = 10_000;
    bonds.push(10_000);
    let halves = flows.iter().flat_map(|((from, to), amount)| match (from, to) {
        (2, to) => [((2, *to), amount / 2), ((4, *to), amount / 2)],
        (from, 2) => [((*from, 2), amount / 2), ((*from, 4), amount / 2)],
        (from, to) => [((*from, *to), *amount), ((*from, *to), *amount)],
    });
    let split = scores(&bonds, &halves.collect());
    // Each number is rounded down some hundred times.
    assert!((split[2] + split[4]).abs_diff(whole) < 200, "{split:?} {whole}");
    assert_eq!(whole * 1_000_000 / (1 << 32), 191_338);
}

#[test]
fn nobody_bonded_is_scored_nothing_and_the_largest_numbers_fit() {
    assert!(scores(&[], &Flows::new()).is_empty());
    assert_eq!(scores(&[0], &Flows::new()), [0]);
    let all = scores(&[u128::MAX, u128::MAX], &[((0, 1), u128::MAX)].into());
    assert!(all[0] > all[1]);
}

#[test]
fn scores_are_made_at_the_end_of_an_epoch_of_what_flowed_between_bonded_nodes() {
    let mut chain = Chain::new(funded());
    assert_eq!(importance(&chain.ledger.state, account(RELAYS[0])), 0);
    chain.wait(3_600_000);
    let before = RELAYS.map(|n| importance(&chain.ledger.state, account(n)));
    assert_eq!(u128::from(before[0]), proportion(ONE, 30_000, 80_000).0);
    let mut state = chain.ledger.state.clone();
    let mut settlements = Vec::new();
    let mut step = Step {
        genesis: chain.ledger.genesis(),
        proofs: &crate::NoProofs,
        state: &mut state,
        height: 2,
        time_ms: chain.now(),
        settlements: &mut settlements,
    };
    let other = AssetId::new("test:a/slip44:0").unwrap();
    flow(&mut step, account(32), account(33), &kofo(), Amount::new(9_000));
    flow(&mut step, account(34), account(32), &other, Amount::new(9_000));
    score(&mut step);
    let after = RELAYS.map(|n| importance(step.state, account(n)));
    assert!(after[1] > before[1] && after[3] < before[3]);
    step.time_ms += 200 * 86_400_000;
    score(&mut step);
    assert_eq!(RELAYS.map(|n| importance(step.state, account(n))), before);
    assert_eq!(step.state.scan(&FLOWS, &()).count(), 0);
}

proptest! {
    #[test]
    fn scores_are_parts_of_one_whole(
        bonds in proptest::collection::vec(1u128..1_000_000, 1..12),
        flows in proptest::collection::btree_map((0usize..12, 0usize..12), 1u128..1_000_000, 0..40),
    ) {
        let flows: Flows = flows
            .into_iter()
            .filter(|((i, j), _)| i != j && *i < bonds.len() && *j < bonds.len())
            .collect();
        let scores = scores(&bonds, &flows);
        let total: u128 = scores.iter().copied().map(u128::from).sum();
        prop_assert!(total <= ONE);
        prop_assert!(total + 64 > ONE);
    }
}

use super::*;
use proptest::prelude::*;

fn node(n: u8) -> NodeId {
    NodeId::new([n; 32])
}

fn path(weights: &[u128]) -> Vec<Hop> {
    let hop = |(n, weight): (u8, &u128)| Hop {
        payee: node(n),
        weight: Weight::new(*weight),
    };
    (0..).zip(weights).map(hop).collect()
}

fn split(fee: u128, weights: &[u128]) -> FeeSplit {
    SplitRule::default()
        .split(Amount::new(fee), &path(weights), &[])
        .unwrap()
}

fn expect(foundation: u128, validators: u128, hops: &[u128], burnt: u128) -> FeeSplit {
    FeeSplit {
        foundation: Amount::new(foundation),
        validators: Amount::new(validators),
        hops: hops.iter().copied().map(Amount::new).collect(),
        burnt: Amount::new(burnt),
    }
}

fn total(split: &FeeSplit) -> Option<Amount> {
    let parts = [split.foundation, split.validators, split.burnt];
    let mut parts = parts.into_iter().chain(split.hops.iter().copied());
    parts.try_fold(Amount::ZERO, Amount::checked_add)
}

#[test]
fn a_fee_of_100001_at_3_2_1_is_divided_to_the_last_unit() {
    let expected = expect(10_000, 20_000, &[35_000, 23_334, 11_667], 0);
    assert_eq!(split(100_001, &[3, 2, 1]), expected);
}

#[test]
fn a_fee_of_300000_gives_the_path_210000() {
    let expected = expect(30_000, 60_000, &[105_000, 70_000, 35_000], 0);
    assert_eq!(split(300_000, &[30, 20, 10]), expected);
}

#[test]
fn a_fee_of_9_gives_the_foundation_nothing() {
    assert_eq!(split(9, &[1]), expect(0, 1, &[8], 0));
    assert_eq!(split(0, &[1]), expect(0, 0, &[0], 0));
}

#[test]
fn one_identity_in_two_gains_nothing() {
    let expected = expect(30_000, 60_000, &[105_000, 70_000, 17_500, 17_500], 0);
    assert_eq!(split(300_000, &[30, 20, 5, 5]), expected);
}

#[test]
fn what_nobody_qualifies_for_is_burnt_and_does_not_go_to_the_validators() {
    assert_eq!(split(100_001, &[]), expect(10_000, 20_000, &[], 70_001));
    assert_eq!(split(100_001, &[0, 0]), expect(10_000, 20_000, &[0, 0], 70_001));
}

#[test]
fn a_hop_without_weight_gets_nothing_beside_one_with() {
    assert_eq!(split(300_000, &[0, 1]), expect(30_000, 60_000, &[0, 210_000], 0));
}

#[test]
fn ties_go_to_the_earlier_hop() {
    // The path has 8 units for three equal hops.
    assert_eq!(split(10, &[5, 5, 5]), expect(1, 2, &[3, 2, 2], 0));
}

#[test]
fn an_identity_that_is_on_the_path_twice_is_paid_once() {
    let mut hops = path(&[10, 10, 10]);
    hops[2].payee = hops[0].payee;
    let split = SplitRule::default()
        .split(Amount::new(300_000), &hops, &[])
        .unwrap();
    assert_eq!(split, expect(30_000, 60_000, &[105_000, 105_000, 0], 0));
}

#[test]
fn payer_and_provider_have_no_share_in_their_own_fee() {
    let hops = path(&[10, 1_000_000, 10]);
    let split = SplitRule::default()
        .split(Amount::new(300_000), &hops, &[node(1), node(9)])
        .unwrap();
    assert_eq!(split, expect(30_000, 60_000, &[105_000, 0, 105_000], 0));
}

#[test]
fn a_rule_of_more_than_all_does_not_construct() {
    assert!(SplitRule::new(10_000, 0).is_ok());
    for (foundation_bps, validators_bps) in [(10_000, 1), (5_000, 5_001), (u16::MAX, u16::MAX)] {
        let refused = SplitRule::new(foundation_bps, validators_bps);
        assert_eq!(
            refused,
            Err(RuleError {
                foundation_bps,
                validators_bps
            })
        );
    }
}

#[test]
fn a_path_that_is_too_long_or_too_heavy_is_refused() {
    let rule = SplitRule::default();
    let refused = rule.split(Amount::new(1), &path(&[1; MAX_HOPS + 1]), &[]);
    assert_eq!(refused, Err(SplitError::TooManyHops(9)));
    let refused = rule.split(Amount::new(1), &path(&[u128::MAX, 1]), &[]);
    assert_eq!(refused, Err(SplitError::WeightOverflow));
}

#[test]
fn the_largest_fee_and_weight_are_divided_without_overflow() {
    let most = u128::MAX;
    let split = split(most, &[most / 2, most / 2]);
    assert_eq!(total(&split), Some(Amount::new(most)));
    assert_eq!(split.foundation, Amount::new(most / 10));
}

fn weights() -> impl Strategy<Value = Vec<u128>> {
    prop::collection::vec(prop_oneof![Just(0), 0u128..10, 0..u128::MAX / 8], 0..=MAX_HOPS)
}

proptest! {
    #[test]
    fn the_parts_always_add_up_to_the_fee(fee: u128, weights in weights(), a in 0u16..=5_000, b in 0u16..=5_000) {
        let rule = SplitRule::new(a, b).unwrap();
        let split = rule.split(Amount::new(fee), &path(&weights), &[]).unwrap();
        prop_assert_eq!(total(&split), Some(Amount::new(fee)));
        prop_assert_eq!(split.hops.len(), weights.len());
    }

    #[test]
    fn one_unit_more_of_fee_gives_no_pool_less_and_no_hop_less_than_rounding(fee in 0u64..100_000, weights in weights()) {
        // The path can lose the unit that both others round up by; a hop's share can shift by one more.
        let (less, more) = (split(fee.into(), &weights), split(u128::from(fee) + 1, &weights));
        prop_assert!(more.foundation >= less.foundation && more.validators >= less.validators);
        prop_assert!(more.burnt.units() + 1 >= less.burnt.units());
        for (before, after) in less.hops.iter().zip(&more.hops) {
            prop_assert!(after.units() + 2 >= before.units());
        }
    }

    #[test]
    fn each_share_is_within_one_unit_of_its_exact_part(fee: u64, weights in prop::collection::vec(1u128..1_000, 1..=8)) {
        let split = split(fee.into(), &weights);
        let part: u128 = split.hops.iter().map(|share| share.units()).sum();
        let all: u128 = weights.iter().sum();
        for (share, weight) in split.hops.iter().zip(&weights) {
            prop_assert!((share.units() * all).abs_diff(part * weight) < all);
        }
    }

    #[test]
    fn who_weighs_more_never_gets_less(fee: u128, weights in weights()) {
        let split = split(fee, &weights);
        for (share, weight) in split.hops.iter().zip(&weights) {
            for (other, lighter) in split.hops.iter().zip(&weights) {
                prop_assert!(weight <= lighter || share >= other);
            }
        }
    }

    #[test]
    fn the_order_of_the_path_moves_at_most_the_units_of_ties(fee: u128, weights in weights(), seed: u64) {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|i| seed.rotate_left(u32::try_from(*i).unwrap() * 8));
        let shuffled: Vec<_> = order.iter().map(|i| weights[*i]).collect();
        let (first, second) = (split(fee, &weights), split(fee, &shuffled));
        // Also hops of different weights can tie for a unit: then the earlier one has it.
        for (place, from) in order.iter().enumerate() {
            let (one, other) = (first.hops[*from].units(), second.hops[place].units());
            prop_assert!(one.abs_diff(other) <= 1, "hop {} has {} or {}", from, one, other);
        }
    }

    #[test]
    fn parts_of_an_identity_gain_at_most_the_rounding(fee: u64, own in 1u128..1_000, others in prop::collection::vec(1u128..1_000, 0..4), parts in 2u128..5) {
        // k identities of weight own instead of one of k · own: each is within one unit of its exact part.
        let count = usize::try_from(parts).unwrap();
        let whole = split(fee.into(), &[&[own * parts], others.as_slice()].concat());
        let divided = split(fee.into(), &[&vec![own; count], others.as_slice()].concat());
        let sum: u128 = divided.hops.iter().take(count).map(|share| share.units()).sum();
        prop_assert!(sum <= whole.hops[0].units() + parts);
    }
}

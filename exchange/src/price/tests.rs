use super::*;
use crate::fixtures::{BTC, ETH, asset, offer};
use proptest::prelude::*;

fn price(give: u128, want: u128) -> Price {
    Price::new((&asset(BTC), Amount::new(give)), (&asset(ETH), Amount::new(want))).unwrap()
}

#[test]
fn a_price_is_for_one_whole_unit_and_is_printed_in_whole_units() {
    // 0.1 BTC (8 decimals) for 2 ETH (18 decimals).
    let twenty = price(10_000_000, 2_000_000_000_000_000_000);
    assert_eq!(twenty.display_units(8, 18), "20");
    assert_eq!(twenty.inverse().display_units(18, 8), "0.05");
    assert_eq!(price(3, 1).display_units(0, 0), "0.333333333333");
    assert_eq!(price(1, 3).display_units(0, 1), "0.3");
    assert_eq!(price(1, 123).display_units(2, 0), "12300");
    assert_eq!(price(7, 1_000_000).display_units(0, 0), "142857.142857");
    assert_eq!(price(1, 1).display_units(0, 30), format!("0.{}1", "0".repeat(29)));
}

#[test]
fn equal_prices_are_equal_values() {
    assert_eq!(price(10, 20), price(1, 2));
    assert_eq!(
        price(10, 20).to_string(),
        format!("2 of {ETH} for 1 of {BTC}, in smallest units")
    );
}

#[test]
fn prices_beyond_128_bits_compare_exactly() {
    let max = u128::MAX;
    assert!(price(max, max - 1) > price(max - 1, max - 2));
    assert!(price(1, max) > price(2, max));
    assert!(price(max, 1) < price(max - 1, 1));
}

#[test]
fn prices_of_different_pairs_do_not_compare() {
    assert_eq!(price(1, 2).partial_cmp(&price(1, 2).inverse()), None);
}

#[test]
fn nothing_has_no_price_and_an_asset_has_none_in_itself() {
    let (btc, eth) = (asset(BTC), asset(ETH));
    let nothing = PriceError::Nothing {
        give: Amount::ZERO,
        want: Amount::new(1),
    };
    assert_eq!(
        Price::new((&btc, Amount::ZERO), (&eth, Amount::new(1))),
        Err(nothing)
    );
    let one = (&btc, Amount::new(1));
    assert_eq!(Price::new(one, one), Err(PriceError::SameAsset(btc.clone())));
}

#[test]
fn an_offer_of_several_assets_has_no_price() {
    let mut several = offer();
    assert!(Price::of(&several).is_some());
    several.give.push(several.give[0].clone());
    assert_eq!(Price::of(&several), None);
}

proptest! {
    #[test]
    fn order_is_that_of_the_fractions(a in 1u64.., b in 1u64.., c in 1u64.., d in 1u64..) {
        let (first, second) = (price(a.into(), b.into()), price(c.into(), d.into()));
        let exact = (u128::from(b) * u128::from(c)).cmp(&(u128::from(d) * u128::from(a)));
        prop_assert_eq!(first.partial_cmp(&second), Some(exact));
    }

    #[test]
    fn order_turns_round_when_the_pair_does(a in 1u128.., b in 1u128.., c in 1u128.., d in 1u128..) {
        let (first, second) = (price(a, b), price(c, d));
        prop_assert_eq!(first.partial_cmp(&second), second.inverse().partial_cmp(&first.inverse()));
        prop_assert_eq!(first == second, first.partial_cmp(&second) == Some(Ordering::Equal));
    }

    #[test]
    fn a_printed_price_is_the_fraction_cut_off(give in 1u64.., want in 1u64..) {
        let text = price(give.into(), want.into()).display_units(0, 0);
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        prop_assert_eq!(whole.parse::<u64>().unwrap(), want / give);
        // 0.p ≤ rest / give < 0.(p + 1), in integers.
        if !part.is_empty() && part.len() <= 18 {
            let scale = 10u128.pow(u32::try_from(part.len()).unwrap());
            let (digits, rest) = (part.parse::<u128>().unwrap(), u128::from(want % give));
            prop_assert_eq!(digits, rest * scale / u128::from(give));
        }
    }

    #[test]
    fn no_price_is_too_extreme_to_print(give in 1u128.., want in 1u128.., a in 0u8..40, b in 0u8..40) {
        let text = price(give, want).display_units(a, b);
        prop_assert!(text.chars().all(|c| c.is_ascii_digit() || c == '.'));
        prop_assert!(!text.starts_with('.') && !text.ends_with('.'));
    }
}

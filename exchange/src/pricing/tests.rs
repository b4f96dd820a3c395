use super::*;
use crate::fixtures::{BTC, ETH, asset};
use proptest::prelude::*;

const SIZES: Sizes = Sizes {
    least: Amount::new(100),
    most: Amount::new(10_000),
};
const FRESH: Freshness = Freshness {
    as_of_ms: 1_000,
    stale_after_ms: 500,
};

fn entry(price: (u128, u128), spread_bps: u16) -> PriceEntry {
    let price = Ratio::new(price.0, price.1).unwrap();
    PriceEntry::new((asset(BTC), asset(ETH)), price, spread_bps, SIZES, FRESH).unwrap()
}

fn quoted(
    table: &PriceTable,
    wanted: (u128, Option<u128>, Option<u128>),
    limit: (u128, u128),
) -> Option<(u128, u128)> {
    let (give, want) = (asset(BTC), asset(ETH));
    let wanted = Wanted {
        give: &give,
        want: &want,
        amount: Amount::new(wanted.0),
        limit: Ratio::new(limit.0, limit.1),
        least: wanted.1.map(Amount::new),
        most: wanted.2.map(Amount::new),
    };
    let quotation = table.quote(&wanted, 1_499)?;
    Some((quotation.give.units(), quotation.want.units()))
}

#[test]
fn the_spread_is_taken_off_and_every_rounding_is_against_the_taker() {
    assert_eq!(
        entry((20, 1), 0).gives_for(Amount::new(1_000)),
        Some(Amount::new(20_000))
    );
    assert_eq!(
        entry((20, 1), 50).gives_for(Amount::new(1_000)),
        Some(Amount::new(19_900))
    );
    // 333.3 and then 331.67 (of 333): rounded down twice.
    assert_eq!(
        entry((1, 3), 40).gives_for(Amount::new(1_000)),
        Some(Amount::new(331))
    );
    assert_eq!(
        entry((1, 3), 9_999).gives_for(Amount::new(1_000)),
        None,
        "nothing is no offer"
    );
}

#[test]
fn a_claim_is_quoted_within_sizes_limit_and_inventory_or_not_at_all() {
    let table = PriceTable::new(vec![entry((20, 1), 50)]).unwrap();
    assert_eq!(
        quoted(&table, (1_000, None, None), (199, 10)),
        Some((1_000, 19_900))
    );
    assert_eq!(
        quoted(&table, (1_000, None, None), (20, 1)),
        None,
        "dearer than the limit"
    );
    assert_eq!(quoted(&table, (99, None, None), (1, 1)), None, "too small");
    assert_eq!(
        quoted(&table, (20_000, None, None), (1, 1)),
        None,
        "too large, and whole"
    );
    assert_eq!(
        quoted(&table, (20_000, Some(1), None), (1, 1)),
        Some((10_000, 199_000))
    );
    assert_eq!(quoted(&table, (20_000, Some(10_001), None), (1, 1)), None);
    assert_eq!(
        quoted(&table, (1_000, None, Some(19_899)), (1, 1)),
        None,
        "there is not so much"
    );
    assert_eq!(
        quoted(&table, (1_000, Some(1), Some(19_899)), (1, 1)),
        Some((999, 19_880))
    );
    assert_eq!(quoted(&table, (1_000, Some(1), Some(0)), (1, 1)), None);
}

#[test]
fn a_stale_price_is_quoted_by_nobody() {
    let table = PriceTable::new(vec![entry((20, 1), 0)]).unwrap();
    let (give, want) = (asset(BTC), asset(ETH));
    let wanted = Wanted {
        give: &give,
        want: &want,
        amount: Amount::new(1_000),
        limit: None,
        least: None,
        most: None,
    };
    assert!(table.quote(&wanted, 1_499).is_some());
    assert!(table.quote(&wanted, 1_500).is_none());
    let price = table.get(&give, &want).unwrap();
    assert_eq!((price.level(1_499).is_some(), price.level(1_500)), (true, None));
}

#[test]
fn there_is_no_price_for_the_way_back() {
    let table = PriceTable::new(vec![entry((20, 1), 0)]).unwrap();
    assert!(table.get(&asset(ETH), &asset(BTC)).is_none());
}

#[test]
fn what_is_no_price_is_refused_by_name() {
    let one = Ratio::new(1, 1).unwrap();
    let pair = || (asset(BTC), asset(ETH));
    let same = PriceEntry::new((asset(BTC), asset(BTC)), one, 0, SIZES, FRESH);
    assert_eq!(same, Err(PriceRefused::SameAsset(asset(BTC))));
    assert_eq!(
        PriceEntry::new(pair(), one, 10_000, SIZES, FRESH),
        Err(PriceRefused::Spread(10_000))
    );
    for (least, most) in [(0, 1), (2, 1)] {
        let (least, most) = (Amount::new(least), Amount::new(most));
        let refusal = PriceEntry::new(pair(), one, 0, Sizes { least, most }, FRESH);
        assert_eq!(refusal, Err(PriceRefused::Sizes { least, most }));
    }
    let never = Freshness {
        stale_after_ms: 0,
        ..FRESH
    };
    assert_eq!(
        PriceEntry::new(pair(), one, 0, SIZES, never),
        Err(PriceRefused::Freshness)
    );
}

#[test]
fn a_table_with_a_pair_twice_or_too_many_is_not_used_at_all() {
    let twice = PriceTable::new(vec![entry((20, 1), 0), entry((19, 1), 0)]);
    assert!(matches!(twice, Err(PriceRefused::Twice { .. })));
    let many = vec![entry((20, 1), 0); MAX_PRICES + 1];
    assert_eq!(PriceTable::new(many), Err(PriceRefused::TooMany(MAX_PRICES + 1)));
}

#[test]
fn a_decimal_price_is_exact_in_smallest_units() {
    // 16.25 ETH for 1 BTC: 16.25 × 10^18 wei for 10^8 satoshi.
    assert_eq!(
        decimal_price("16.25", 8, 18),
        Ok(Ratio::new(162_500_000_000, 1).unwrap())
    );
    assert_eq!(
        decimal_price("0.061538461538461538", 18, 8).unwrap().to_string(),
        "30769230769230769/5000000000000000000000000000"
    );
    for text in ["0", "-1", "1e3", "", "0.0000000000000000001", "1 ", "NaN"] {
        assert_eq!(
            decimal_price(text, 8, 18),
            Err(PriceRefused::NoDecimal(text.into())),
            "{text}"
        );
    }
    assert!(decimal_price("340282366920938463463", 0, 36).is_err());
}

proptest! {
    #[test]
    fn no_quotation_gives_more_than_the_price_or_the_inventory_has_or_less_than_the_limit(
        price in (1u128.., 1u128..), spread in 0u16..10_000, amount in 1u128.., least in prop::option::of(1u128..),
        most in any::<u128>(), limit in prop::option::of((1u128.., 1u128..)),
    ) {
        let (give, want) = (asset(BTC), asset(ETH));
        let ratio = Ratio::new(price.0, price.1).unwrap();
        let sizes = Sizes { least: Amount::new(1), most: Amount::new(u128::MAX) };
        let table = PriceTable::new(vec![PriceEntry::new((give.clone(), want.clone()), ratio, spread, sizes, FRESH).unwrap()]).unwrap();
        let limit = limit.and_then(|(n, d)| Ratio::new(n, d));
        let wanted = Wanted { give: &give, want: &want, amount: Amount::new(amount), limit, least: least.map(Amount::new), most: Some(Amount::new(most)) };
        if let Some(got) = table.quote(&wanted, 1_000) {
            prop_assert!(got.give <= wanted.amount && got.give >= wanted.least.unwrap_or(wanted.amount));
            prop_assert!(got.want.units() > 0 && got.want.units() <= most);
            prop_assert!(ratio.of(got.give).is_none_or(|middle| got.want <= middle));
            prop_assert!(limit.is_none_or(|limit| limit.met_by(got.give, got.want)));
        }
    }
}

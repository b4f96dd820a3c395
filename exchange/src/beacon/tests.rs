use super::*;
use crate::fixtures::{BTC, ETH, asset, maker, network};
use proptest::prelude::*;

fn level(price: u128, size: u128) -> Level {
    Level {
        price: Ratio::new(price, 1).unwrap(),
        size: Amount::new(size),
    }
}

/// Base is BTC: its id sorts before that of ETH.
pub(crate) fn beacon() -> BookBeacon {
    BookBeacon {
        version: 1,
        network: network(),
        base: asset(BTC),
        quote: asset(ETH),
        sides: Sides {
            asks: vec![level(21, 5), level(22, 9)],
            bids: vec![level(20, 10), level(19, 5)],
        },
        created_ms: 1_000,
        ttl_ms: 60_000,
        sequence: 1,
        key: maker().id(),
    }
}

fn refused(change: impl Fn(&mut BookBeacon)) -> GossipError {
    let mut wrong = beacon();
    change(&mut wrong);
    BookBeacon::check(&wrong.sign(&maker())).unwrap_err()
}

#[test]
fn a_beacon_is_right_if_its_key_signed_it_and_its_levels_are_a_book() {
    assert_eq!(BookBeacon::check(&beacon().sign(&maker())), Ok(()));
    let withdrawn = BookBeacon {
        sides: Sides::default(),
        ..beacon()
    };
    assert_eq!(BookBeacon::check(&withdrawn.sign(&maker())), Ok(()));
}

#[test]
fn a_beacons_digest_is_what_another_program_comes_to_from_the_paper() {
    let hex: String = beacon()
        .digest()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "bf4f3f9476350a81941762966eba7d0a9b2dfc28ca2b39eea1905a036f3151d3"
    );
}

#[test]
fn every_field_of_a_beacon_is_signed() {
    let signed = beacon().sign(&maker());
    let changes: [fn(&mut BookBeacon); 7] = [
        |b| b.network = NetworkId::new("other").unwrap(),
        |b| b.quote = asset("eip155:31337/slip44:61"),
        |b| b.sides.asks[1].size = Amount::new(8),
        |b| b.created_ms += 1,
        |b| b.ttl_ms -= 1,
        |b| b.sequence += 1,
        |b| b.key = crate::fixtures::taker(),
    ];
    for change in changes {
        let mut forged = signed.clone();
        change(&mut forged.body);
        assert!(matches!(
            BookBeacon::check(&forged),
            Err(GossipError::Signature(_))
        ));
    }
}

#[test]
fn what_is_no_beacon_is_refused_by_name() {
    assert_eq!(refused(|b| b.version = 2), GossipError::Version(2));
    assert_eq!(
        refused(|b| std::mem::swap(&mut b.base, &mut b.quote)),
        GossipError::Pair
    );
    assert_eq!(refused(|b| b.quote = b.base.clone()), GossipError::Pair);
    for ttl_ms in [0, MAX_BEACON_TTL_MS + 1] {
        let most_ms = MAX_BEACON_TTL_MS;
        assert_eq!(
            refused(|b| b.ttl_ms = ttl_ms),
            GossipError::Life { ttl_ms, most_ms }
        );
    }
    let many = GossipError::TooMany {
        what: "levels on a side",
        have: 17,
        most: 16,
    };
    assert_eq!(
        refused(|b| b.sides.asks = (30..47).map(|n| level(n, 1)).collect()),
        many
    );
    let levels: [fn(&mut BookBeacon); 5] = [
        |b| b.sides.asks.reverse(),
        |b| b.sides.bids.reverse(),
        |b| b.sides.bids[1] = b.sides.bids[0],
        |b| b.sides.bids[1].size = Amount::ZERO,
        |b| b.sides.bids[0].price = b.sides.asks[0].price,
    ];
    for change in levels {
        assert!(matches!(refused(change), GossipError::Levels(_)));
    }
}

#[test]
fn what_a_provider_shows_is_best_first_and_together_no_more_than_it_may_promise() {
    let levels = || vec![level(19, 5), level(20, 4), level(20, 6), level(21, 1)];
    assert_eq!(
        shown(levels(), Amount::new(1_000)),
        [level(21, 1), level(20, 10), level(19, 5)]
    );
    assert_eq!(shown(levels(), Amount::new(102)), [level(21, 1), level(20, 4)]);
    assert_eq!(shown(levels(), Amount::ZERO), []);
    assert_eq!(
        shown((1..40).map(|n| level(n, 1)).collect(), Amount::new(10_000)).len(),
        MAX_LEVELS
    );
}

proptest! {
    #[test]
    fn whatever_a_provider_has_makes_a_beacon_that_is_right(
        for_base in prop::collection::vec((1u128..1_000, 1u128..1_000, 1u128..1_000_000), 0..30),
        for_quote in prop::collection::vec((1u128..1_000, 1u128..1_000, 1u128..1_000_000), 0..30),
        most in (any::<u128>(), 0u128..1_000_000),
    ) {
        let levels = |of: Vec<(u128, u128, u128)>| of.into_iter().map(|(n, d, size)| Level {
            price: Ratio::new(n, d).unwrap(),
            size: Amount::new(size),
        }).collect();
        let for_base = shown(levels(for_base), Amount::new(most.0));
        let sides = Sides::of_levels(for_base, &shown(levels(for_quote), Amount::new(most.1)));
        let beacon = BookBeacon { sides, ..beacon() };
        prop_assert_eq!(beacon.shape(), Ok(()));
        let given: u128 = beacon.sides.asks.iter().map(|ask| ask.size.units()).sum();
        prop_assert!(given <= most.1, "no more base than there is");
    }
}

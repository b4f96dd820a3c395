use super::*;
use crate::fixtures::{BTC, CONTRACT, ETH, asset, maker, network, offer, taker};
use kofo_primitives::Amount;
use proptest::prelude::*;

fn place(asset: &AssetId) -> Option<Place> {
    match asset.as_str() {
        BTC => Some(Place::default()),
        ETH => Some(Place::new(CONTRACT).unwrap()),
        _ => None,
    }
}

fn look(offer: Offer, time: u64, us: NodeId, network: &NetworkId) -> Result<Acceptable, Refused> {
    let now = Now {
        network,
        time: UnixTime(time),
        us,
        place: &place,
    };
    acceptable(offer.sign(&maker()), &now)
}

fn refused(offer: Offer) -> Refused {
    look(offer, 500, taker(), &network()).unwrap_err()
}

#[test]
fn an_offer_of_our_network_for_known_assets_is_acceptable_until_the_second_it_expires() {
    for time in [0, 500, 1_000] {
        let accepted = look(offer(), time, taker(), &network()).unwrap();
        assert_eq!(accepted.offer(), &offer());
        assert_eq!(
            accepted.signed().body.id(),
            accepted.clone().into_signed().body.id()
        );
    }
}

#[test]
fn an_expired_offer_is_refused_and_says_by_how_much() {
    let refusal = look(offer(), 1_001, taker(), &network()).unwrap_err();
    assert_eq!(refusal, Refused::Expired { ago: Seconds(1) });
    let refusal = look(offer(), 1_000 + 90, taker(), &network()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the offer expired 1 min 30 s ago: ask its maker for a new one"
    );
}

#[test]
fn an_offer_of_another_network_is_refused_and_both_are_named() {
    let ours = NetworkId::new("kofo-main").unwrap();
    let refusal = look(offer(), 500, taker(), &ours).unwrap_err();
    assert_eq!(
        refusal,
        Refused::Network {
            ours,
            theirs: network()
        }
    );
    let message = refusal.to_string();
    assert!(
        message.contains("kofo-main") && message.contains("kofo-regtest"),
        "{message}"
    );
}

#[test]
fn our_own_offer_is_refused() {
    let us = maker().id();
    assert_eq!(look(offer(), 500, us, &network()), Err(Refused::Own(us)));
}

#[test]
fn an_offer_that_binds_for_more_than_a_week_is_refused() {
    let at_most = 500 + MAX_VALIDITY.0;
    let until = |expires| Offer {
        expires: UnixTime(expires),
        ..offer()
    };
    assert!(look(until(at_most), 500, taker(), &network()).is_ok());
    let left = MAX_VALIDITY.plus(Seconds(1));
    assert_eq!(refused(until(at_most + 1)), Refused::TooLong { left });
}

#[test]
fn an_unknown_asset_is_refused_and_named_with_its_leg() {
    let unknown = asset("eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3");
    let mut offer = offer();
    offer.want[0].asset = unknown.clone();
    let leg = LegId::first(Side::Beta);
    assert_eq!(refused(offer), Refused::UnknownAsset { leg, asset: unknown });
}

#[test]
fn one_asset_on_both_sides_is_refused() {
    let mut offer = offer();
    offer.want.push(offer.give[0].clone());
    assert_eq!(refused(offer), Refused::SameAsset { asset: asset(BTC) });
}

#[test]
fn a_look_alike_contract_is_refused() {
    let theirs = Place::new([0xbd; 20]).unwrap();
    let mut offer = offer();
    offer.want[0].place = theirs.clone();
    let refusal = Refused::Place {
        leg: LegId::first(Side::Beta),
        asset: asset(ETH),
        ours: Place::new(CONTRACT).unwrap(),
        theirs,
    };
    assert_eq!(refused(offer), refusal);
}

#[test]
fn an_altered_offer_is_refused_before_anything_else_about_it_is_believed() {
    let mut signed = offer().sign(&maker());
    signed.body.give[0].amount = Amount::new(1);
    signed.body.network = NetworkId::new("kofo-main").unwrap();
    let us = network();
    let now = Now {
        network: &us,
        time: UnixTime(500),
        us: taker(),
        place: &place,
    };
    assert!(matches!(
        acceptable(signed, &now),
        Err(Refused::Wrong(OrderError::Signature(_)))
    ));
}

#[test]
fn an_offer_with_a_fee_is_refused() {
    let fee = Amount::new(1);
    assert_eq!(
        refused(Offer { fee, ..offer() }),
        Refused::Wrong(OrderError::Fee(fee))
    );
}

#[test]
fn the_trading_time_is_our_clock_or_the_slowest_chain_whichever_is_later() {
    let t = UnixTime;
    assert_eq!(trading_time(t(100), []), t(100));
    assert_eq!(trading_time(t(100), [t(90), t(200)]), t(100));
    assert_eq!(trading_time(t(100), [t(150), t(200)]), t(150));
}

proptest! {
    #[test]
    fn no_altered_byte_of_a_signed_offer_is_ever_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = kofo_primitives::encode(&offer().sign(&maker()));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(altered) = kofo_primitives::decode::<Signed<Offer>>(&bytes) {
            let us = network();
            let now = Now { network: &us, time: UnixTime(500), us: taker(), place: &place };
            prop_assert!(acceptable(altered, &now).is_err());
        }
    }

    #[test]
    fn what_was_once_too_late_never_becomes_acceptable_later(expires: u64, time: u64, later: u64) {
        let offer = Offer { expires: UnixTime(expires), ..offer() };
        let first = look(offer.clone(), time, taker(), &network());
        let second = look(offer, time.saturating_add(later), taker(), &network());
        if matches!(first, Err(Refused::Expired { .. })) {
            let still = matches!(second, Err(Refused::Expired { .. }));
            prop_assert!(still);
        }
    }
}

use super::*;
use crate::decode;

fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

fn leg(asset: &str, amount: u128) -> OfferedLeg {
    OfferedLeg {
        asset: AssetId::new(asset).unwrap(),
        amount: Amount::new(amount),
        party: Party::new([1; 33]).unwrap(),
        place: Place::default(),
        depth: 1,
    }
}

fn offer() -> Offer {
    Offer {
        version: 1,
        network: NetworkId::new("kofo-test").unwrap(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: key(1).id(),
        contacts: vec![Contact::new("/ip4/127.0.0.1/tcp/1/p2p/x").unwrap()],
        nonce: SwapNonce::new([1; 32]),
        hashlock: Hashlock::new([2; 32]),
        give: vec![leg("bip122:a/slip44:0", 5)],
        want: vec![leg("eip155:1/slip44:60", 7)],
        expires: UnixTime(1000),
    }
}

fn acceptance(offer: &Offer) -> Acceptance {
    let leg = |timelock| AcceptedLeg {
        party: Party::new([2; 33]).unwrap(),
        timelock: UnixTime(timelock),
    };
    Acceptance {
        version: 1,
        offer: offer.id(),
        taker: key(2).id(),
        nonce: SwapNonce::new([3; 32]),
        alpha: vec![leg(200)],
        beta: vec![leg(100)],
    }
}

fn order() -> DirectOrder {
    let accepted = acceptance(&offer()).sign(&offer(), &key(2));
    DirectOrder::new(offer().sign(&key(1)), accepted).unwrap()
}

#[test]
fn offer_and_acceptance_make_one_order_that_survives_encoding() {
    let order = order();
    assert_eq!(decode::<DirectOrder>(&encode(&order)), Ok(order.clone()));
    let legs: Vec<_> = order
        .legs()
        .map(|leg| (leg.id.side, leg.amount, leg.timelock))
        .collect();
    let expected = [
        (Side::Alpha, Amount::new(5), UnixTime(200)),
        (Side::Beta, Amount::new(7), UnixTime(100)),
    ];
    assert_eq!(legs, expected);
}

#[test]
fn an_order_with_one_altered_byte_does_not_decode() {
    let bytes = encode(&order());
    for i in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[i] ^= 1;
        assert!(decode::<DirectOrder>(&altered).is_err(), "byte {i}");
    }
}

#[test]
fn an_offer_with_a_fee_is_refused_between_two_parties() {
    let offer = Offer {
        fee: Amount::new(1),
        ..offer()
    };
    assert_eq!(offer.sign(&key(1)).check(), Err(OrderError::Fee(Amount::new(1))));
}

#[test]
fn offers_that_nobody_could_settle_are_refused() {
    let check = |offer: Offer| offer.sign(&key(1)).check();
    assert_eq!(
        check(Offer {
            version: 2,
            ..offer()
        }),
        Err(OrderError::Version(2))
    );
    assert_eq!(
        check(Offer {
            give: vec![],
            ..offer()
        }),
        Err(OrderError::Legs { alpha: 0, beta: 1 })
    );
    assert_eq!(
        check(Offer {
            contacts: vec![],
            ..offer()
        }),
        Err(OrderError::Contacts(0))
    );
    let nothing = Offer {
        want: vec![leg("eip155:1/slip44:60", 0)],
        ..offer()
    };
    assert_eq!(check(nothing), Err(OrderError::Nothing(LegId::first(Side::Beta))));
    let forged = Offer {
        maker: key(3).id(),
        ..offer()
    };
    assert!(matches!(check(forged), Err(OrderError::Signature(_))));
}

#[test]
fn an_acceptance_of_another_offer_or_by_the_maker_is_refused() {
    let other = Offer {
        expires: UnixTime(2000),
        ..offer()
    };
    let accepted = acceptance(&other).sign(&offer(), &key(2));
    assert_eq!(
        DirectOrder::new(offer().sign(&key(1)), accepted),
        Err(OrderError::AnotherOffer)
    );
    let own = Acceptance {
        taker: key(1).id(),
        ..acceptance(&offer())
    }
    .sign(&offer(), &key(1));
    assert_eq!(
        DirectOrder::new(offer().sign(&key(1)), own),
        Err(OrderError::SameNode(key(1).id()))
    );
}

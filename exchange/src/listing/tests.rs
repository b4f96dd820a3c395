use super::*;
use crate::fixtures::{BTC, ETH, asset, maker, network, taker};
use kofo_primitives::ClaimId;

/// A bank's ledger: no chain at all.
const BANK: &str = "bank:ledger-7/account:eur";

fn pair(id: &str) -> ListedPair {
    ListedPair {
        against: asset(id),
        price: Ratio::new(3, 2).unwrap(),
    }
}

pub(crate) fn listing() -> AssetListing {
    AssetListing {
        version: 1,
        network: network(),
        asset: asset(BANK),
        adapter: Text::new("bank/ledger-7").unwrap(),
        decimals: 2,
        freezable: true,
        pairs: vec![pair(BTC), pair(ETH)],
        fee: FeeTerms::Free,
        partial: PartialRule::AtLeast(Amount::new(100)),
        created_ms: 1_000,
        ttl_ms: 60_000,
        key: maker().id(),
    }
}

fn refused(change: impl Fn(&mut AssetListing)) -> GossipError {
    let mut wrong = listing();
    change(&mut wrong);
    AssetListing::check(&wrong.sign(&maker())).unwrap_err()
}

#[test]
fn an_asset_of_no_chain_is_listed_as_any_other() {
    assert_eq!(AssetListing::check(&listing().sign(&maker())), Ok(()));
    assert_eq!(listing().asset.on_chain(), ("account", "eur"));
}

#[test]
fn a_listings_digest_is_what_another_program_comes_to_from_the_paper() {
    let hex: String = listing()
        .digest()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "7b044c2161a6e8bf89fd58975216cf3b907d44e2381dedb821574daf52513083"
    );
}

#[test]
fn every_field_of_a_listing_is_signed() {
    let signed = listing().sign(&maker());
    let changes: [fn(&mut AssetListing); 10] = [
        |l| l.network = NetworkId::new("other").unwrap(),
        |l| l.asset = asset("eip155:31337/slip44:61"),
        |l| l.adapter = Text::new("evm").unwrap(),
        |l| l.decimals = 3,
        |l| l.freezable = false,
        |l| l.pairs[0].price = Ratio::new(1, 1).unwrap(),
        |l| l.partial = PartialRule::Whole,
        |l| l.created_ms += 1,
        |l| l.ttl_ms += 1,
        |l| l.key = taker(),
    ];
    for change in changes {
        let mut forged = signed.clone();
        change(&mut forged.body);
        assert!(matches!(
            AssetListing::check(&forged),
            Err(GossipError::Signature(_))
        ));
    }
}

#[test]
fn what_is_no_listing_is_refused_by_name() {
    assert_eq!(refused(|l| l.version = 0), GossipError::Version(0));
    let pairs: [fn(&mut AssetListing); 4] = [
        |l| l.pairs.clear(),
        |l| l.pairs.reverse(),
        |l| l.pairs[1] = l.pairs[0].clone(),
        |l| l.pairs[0] = pair(BANK),
    ];
    for change in pairs {
        assert_eq!(refused(change), GossipError::Pairs);
    }
    let many = GossipError::TooMany {
        what: "pairs",
        have: 17,
        most: 16,
    };
    assert_eq!(refused(|l| l.pairs = vec![pair(ETH); 17]), many);
    for ttl_ms in [0, MAX_LISTING_TTL_MS + 1] {
        let most_ms = MAX_LISTING_TTL_MS;
        assert_eq!(
            refused(|l| l.ttl_ms = ttl_ms),
            GossipError::Life { ttl_ms, most_ms }
        );
    }
    let no_fee = |payer, amount| FeeTerms::Posted {
        asset: asset(ETH),
        cap: Amount::new(amount),
        payer,
    };
    let too_much = FeePayer::Split { claimant_bps: 10_001 };
    assert!(matches!(
        refused(|l| l.adapter = Text::default()),
        GossipError::Terms(_)
    ));
    assert!(matches!(refused(|l| l.decimals = 37), GossipError::Terms(_)));
    assert!(matches!(
        refused(|l| l.partial = PartialRule::AtLeast(Amount::ZERO)),
        GossipError::Terms(_)
    ));
    assert!(matches!(
        refused(|l| l.fee = no_fee(FeePayer::Claimant, 0)),
        GossipError::Terms(_)
    ));
    assert!(matches!(
        refused(|l| l.fee = no_fee(too_much, 1)),
        GossipError::Terms(_)
    ));
}

#[test]
fn a_listing_without_price_fee_terms_or_partial_rule_does_not_decode() {
    let whole = encode(&listing());
    // The fields behind them are fixed in length: created, ttl and key.
    let tail = 8 + 8 + 32;
    let (partial, fee, price) = (1 + 16, 1, 32);
    for (from, length) in [
        (whole.len() - tail - partial, partial),
        (whole.len() - tail - partial - fee, fee),
        (whole.len() - tail - partial - fee - price, price),
    ] {
        let mut cut = whole.clone();
        cut.drain(from..from + length);
        assert!(decode::<AssetListing>(&cut).is_err());
    }
    assert_eq!(decode::<AssetListing>(&whole), Ok(listing()));
}

#[test]
fn gossip_is_read_as_it_was_written_and_nothing_else_is() {
    let cancel = Cancel {
        version: 1,
        network: network(),
        claim: ClaimId::new([1; 32]),
        key: maker().id(),
        expires_ms: 1_000,
    };
    for message in [
        GossipMessage::Listing(Box::new(listing().sign(&maker()))),
        GossipMessage::Beacon(Box::new(crate::beacon::tests::beacon().sign(&maker()))),
        GossipMessage::Cancel(cancel.sign(&maker())),
    ] {
        let bytes = message.write();
        assert_eq!(GossipMessage::read(&bytes), Ok(message));
        assert!(GossipMessage::read(&bytes[1..]).is_err());
        assert!(GossipMessage::read(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
    assert!(GossipMessage::read(&[3]).is_err());
}

#[test]
fn the_longest_listing_and_beacon_are_far_below_a_message() {
    let long = |n: u32| {
        let id = format!("eip155:1/erc20:{n:0>113}");
        asset(&id)
    };
    let listing = AssetListing {
        asset: long(0),
        pairs: (1..=16)
            .map(|n| ListedPair {
                against: long(n),
                ..pair(ETH)
            })
            .collect(),
        ..listing()
    };
    assert_eq!(listing.asset.as_str().len(), 128);
    let message = GossipMessage::Listing(Box::new(listing.sign(&maker())));
    assert!(message.write().len() < 4_096);
}

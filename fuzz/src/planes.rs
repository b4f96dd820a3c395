//! What neighbours tell each other about claims, and what is found in a journal: read, and handed to whom it is for.

use crate::claims::{cancelled, known};
use crate::codec::canonical;
use crate::fixture::*;
use crate::market::{self, Deal, MADE, orders};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_exchange::*;
use kofo_primitives::*;
use std::sync::OnceLock;

/// Reads as the neighbour's message that it is; the same bytes come out.
fn message<T: BorshSerialize + BorshDeserialize + PartialEq + std::fmt::Debug>(
    data: &[u8],
    read: fn(&[u8]) -> Result<T, CodecError>,
    write: fn(&T) -> Vec<u8>,
) -> Option<T> {
    let message = read(data);
    assert_eq!(
        message.is_ok(),
        canonical::<T>(data).is_some_and(|_| data.len() <= MAX_MESSAGE)
    );
    let message = message.ok()?;
    assert_eq!(write(&message), data);
    Some(message)
}

/// Us, as the neighbour of somebody who sends claims.
fn us() -> (Relay, Link) {
    let mut relay = Relay::new(RelayConfig::new(network(), [5; 32]));
    let them = link_key(61).base();
    relay.link(Link(1), LinkRole::Relay, link_key(60), them);
    let other = link_key(63).base();
    relay.link(Link(2), LinkRole::Provider, link_key(62), other);
    (relay, Link(1))
}

fn link_key(n: u8) -> LinkKey {
    LinkKey::new(&[n; 32]).expect("a key of the curve")
}

/// What comes on the plane of claims: a claim is taken only as it was signed.
pub(crate) fn claim_plane(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    message(data, ClaimReply::read, ClaimReply::write);
    let Some(ClaimMessage::Claim(envelope)) = message(data, ClaimMessage::read, ClaimMessage::write) else {
        return;
    };
    let (mut relay, link) = us();
    let length = envelope.path.len();
    if let Ok(taken) = relay.claim(link, *envelope, MADE) {
        assert!(
            known(seeds_of_claim_plane, &KNOWN, data),
            "a claim that nobody signed is taken"
        );
        assert!(taken.first && taken.forward.iter().all(|(to, _)| *to == Link(2)));
        assert!(taken.forward.iter().all(|(_, on)| on.path.len() == length + 1));
    }
}

pub(crate) fn seeds_of_claim_plane() -> Vec<Vec<u8>> {
    let hello = LinkHello {
        version: LINK_VERSION,
        network: network(),
        epoch: 20_000,
        base: link_key(61).base(),
        role: LinkRole::Relay,
    };
    let claim = market::claim(1, Some(10));
    let to = link_key(60).base().pseudonym(&claim.id());
    let envelope = |relays: &[u8]| ClaimEnvelope {
        path: market::path(&claim, relays, to.expect("a pseudonym")),
        claim: claim.clone().sign(&key(1)),
    };
    let refused = ClaimReply::Refused(Text::new("the claim is over").expect("short"));
    vec![
        ClaimMessage::Link(hello.clone()).write(),
        ClaimMessage::Claim(Box::new(envelope(&[]))).write(),
        ClaimMessage::Claim(Box::new(envelope(&[31, 32]))).write(),
        ClaimReply::Linked(hello).write(),
        refused.write(),
    ]
}

/// What comes on the plane of returns: the claimant takes only quotes that everybody on the way signed.
pub(crate) fn return_plane(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    message(data, ReturnReply::read, ReturnReply::write);
    let Some(message) = message(data, ReturnMessage::read, ReturnMessage::write) else {
        return;
    };
    let (mut relay, link) = us();
    match message {
        ReturnMessage::Fulfil(envelope) => {
            assert!(
                relay.fulfil(link, (*envelope).clone(), MADE).is_err(),
                "nothing was asked"
            );
            let claim = market::claim(1, None).sign(&key(1));
            let mut own = OwnClaim::new(claim, market::limit().ratio, None, 3_000).expect("a claim");
            if own
                .quote(*envelope, &key(2), &mut SeenReservations::default(), MADE)
                .is_ok()
            {
                assert!(
                    known(seeds_of_return_plane, &KNOWN, data),
                    "a quote that nobody signed is taken"
                );
            }
        }
        ReturnMessage::Select(envelope) => {
            assert!(relay.select(Some(link), *envelope, MADE).is_err());
        }
        ReturnMessage::Answer(answer) => assert!(relay.answer(Some(link), *answer, MADE).is_err()),
    }
}

pub(crate) fn seeds_of_return_plane() -> Vec<Vec<u8>> {
    let far = orders().remove(0);
    let (claim, deal) = (&far.claim.body, Deal::new(10, 100, 2_000));
    let part = ClaimantPart {
        opening: far.claimant,
        returns: far.returns,
    };
    let part = part.seal(&claim.id(), &far.fulfil.body.key, &[79; 32]);
    let answer = deal.answer(claim, &far.select.body, deal.opened(claim));
    let select = SelectEnvelope {
        select: far.select,
        part: part.expect("a short part"),
    };
    let direct = Deal {
        relays: Vec::new(),
        ..deal.clone()
    };
    vec![
        ReturnMessage::Fulfil(Box::new(deal.envelope(claim))).write(),
        ReturnMessage::Fulfil(Box::new(direct.envelope(claim))).write(),
        ReturnMessage::Select(Box::new(select)).write(),
        ReturnMessage::Answer(Box::new(answer)).write(),
        ReturnReply::Taken.write(),
    ]
}

/// What everybody tells everybody: the board takes only what its author signed.
pub(crate) fn gossip(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let Some(message) = message(data, GossipMessage::read, GossipMessage::write) else {
        return;
    };
    let mut board = Board::new(network(), BoardBounds::default());
    let news = match message {
        GossipMessage::Listing(listing) => board.add_listing(*listing, MADE).is_ok(),
        GossipMessage::Beacon(beacon) => board.add_beacon(*beacon, MADE).is_ok(),
        GossipMessage::Cancel(cancel) => us().0.cancel(&cancel, MADE).is_ok(),
    };
    assert!(
        !news || known(seeds_of_gossip, &KNOWN, data),
        "a message that nobody signed is taken"
    );
    board.expire(MADE + MAX_LISTING_TTL_MS + MAX_BEACON_TTL_MS + 600_000);
    assert_eq!(board.listings(u64::MAX).count(), 0);
}

pub(crate) fn seeds_of_gossip() -> Vec<Vec<u8>> {
    let price = |n| Ratio::new(n, 1).expect("above 0");
    let level = |n, size| Level {
        price: price(n),
        size: Amount::new(size),
    };
    let listing = AssetListing {
        version: 1,
        network: network(),
        asset: asset("a"),
        adapter: Text::new("sim").expect("short"),
        decimals: 8,
        freezable: false,
        pairs: vec![ListedPair {
            against: asset("b"),
            price: price(20),
        }],
        fee: FeeTerms::Free,
        partial: PartialRule::AtLeast(Amount::new(10)),
        created_ms: MADE,
        ttl_ms: 60_000,
        key: key(40).id(),
    };
    let beacon = BookBeacon {
        version: 1,
        network: network(),
        base: asset("a"),
        quote: asset("b"),
        sides: Sides {
            asks: vec![level(21, 5), level(22, 50)],
            bids: vec![level(20, 5)],
        },
        created_ms: MADE,
        ttl_ms: 30_000,
        sequence: 3,
        key: key(41).id(),
    };
    vec![
        GossipMessage::Listing(Box::new(listing.sign(&key(40)))).write(),
        GossipMessage::Beacon(Box::new(beacon.sign(&key(41)))).write(),
        GossipMessage::Cancel(cancelled()).write(),
    ]
}

/// What a claimant, a relay and a provider find in their journals: states that no run leads to are read and used, or
/// refused, and never panic.
pub(crate) fn kept_states(data: &[u8]) {
    if let Ok(mut own) = OwnClaim::read(data) {
        assert_eq!(own.write(), data);
        let _ = (own.left(), own.filled(), own.state(MADE), own.ready(MADE));
        let _ = own.orders().count();
        for fulfil in own.pick(&|_| Reliability::default(), MADE) {
            let _ = own.select(&fulfil, market::chosen(99), &key(1), MADE);
        }
        let _ = own.cancel(&key(1));
        assert!(OwnClaim::read(&own.write()).is_ok());
    }
    if let Some(guards) = canonical::<Guards>(data) {
        let (mut relay, _) = us();
        relay.restore(guards);
        relay.expire(MADE);
        let _ = relay.guards();
    }
    if let Ok(snapshot) = borsh::from_slice::<ProviderSnapshot>(data) {
        let mut provider = Provider::new(ProviderConfig::default(), Book::default());
        provider.restore(snapshot);
        provider.expire(MADE);
        let _ = provider.snapshot();
    }
}

pub(crate) fn seeds_of_kept_states() -> Vec<Vec<u8>> {
    let (claim, deal) = (market::claim(1, Some(10)), Deal::new(10, 60, 1_200));
    let signed = claim.clone().sign(&key(1));
    let mut own = OwnClaim::new(signed, market::limit().ratio, None, 3_000).expect("a claim");
    let mut seeds = vec![own.write()];
    for deal in [&deal, &Deal::new(11, 40, 790)] {
        let mut seen = SeenReservations::default();
        own.quote(deal.envelope(&claim), &key(2), &mut seen, MADE)
            .expect("a right quote");
    }
    seeds.push(own.write());
    let fulfil = deal.envelope(&claim).fulfil.body.id();
    let select = own.select(&fulfil, market::chosen(1), &key(1), MADE);
    let select = select.expect("a live quote").body;
    let answer = deal.answer(&claim, &select, deal.opened(&claim));
    own.answer(&answer, &key(2)).expect("the right answer");
    seeds.push(own.write());
    let guards = Guards {
        seen: vec![(claim.id(), MADE + 700_000)],
        cancelled: vec![(claim.id(), claim.key, MADE + 600_000)],
    };
    seeds.extend([encode(&guards), crate::provider::snapshot()]);
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_taken() {
        let (mut relay, link) = us();
        let Ok(ClaimMessage::Claim(envelope)) = ClaimMessage::read(&seeds_of_claim_plane()[2]) else {
            panic!("expected a claim")
        };
        let taken = relay.claim(link, *envelope, MADE).unwrap();
        assert_eq!(taken.forward.len(), 1);
    }
}

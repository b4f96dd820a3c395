//! Who comes late, and networks that fall apart and grow together.

use crate::quotes::quoted;
use kofo_network::SimulatedNetwork;
use kofo_node::market::{Market, Timing};
use kofo_tests::mesh::{Crowd, DEADLINE, Member, Roll, Tap, Wish, asset_id, join, terms, until};
use std::sync::Arc;
use std::time::Duration;

/// Beacons that do not keep a test waiting.
fn quick(wish: Wish) -> Wish {
    Wish {
        timing: Timing {
            beacon: Duration::from_secs(1),
            listing: Duration::from_secs(2),
            ..Timing::default()
        },
        ..wish
    }
}

/// `relays` nodes that pass on and one that quotes.
async fn town(seed: u64, relays: u64) -> Crowd {
    let members = (0..relays).map(|nth| quick(Wish::relay(seed * 100 + nth)));
    let provider = quick(Wish::provider(seed * 100 + 99, "16", "10"));
    let roll = Roll {
        members: members.chain([provider]).collect(),
        droppers: 0,
    };
    Crowd::gather(SimulatedNetwork::new(seed), seed, roll, Tap::default()).await
}

fn asks(market: &Arc<Market>) -> usize {
    market.book(&asset_id("BTC"), &asset_id("ETH")).bids.len()
}

async fn enter(crowd: &Crowd, wish: Wish, neighbours: usize) -> Member {
    let late = join(&crowd.air, wish, Tap::default());
    for neighbour in 0..neighbours {
        crowd.air.link(late.peer, crowd.peer(neighbour));
    }
    until("the late one has met its neighbours", || {
        (0..neighbours).all(|nth| late.knows(crowd.peer(nth)) && crowd.members[nth].knows(late.peer))
    })
    .await;
    late
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joins_late_learns_the_book_and_a_provider_that_joins_late_quotes_for_claims_that_live() {
    let crowd = town(1, 11).await;
    let claimant = &crowd.members[0].market;
    let claim = claimant.claim(terms(1_000_000)).await.unwrap();
    assert!(
        quoted(claimant, claim, 1, DEADLINE).await,
        "the one provider quotes"
    );
    let bonds = |market: &Arc<Market>| {
        let quotes = market.claim_status(&claim).unwrap().quotes;
        let bonds: std::collections::BTreeSet<_> = quotes.into_iter().map(|quote| quote.provider).collect();
        bonds.len()
    };
    assert_eq!(bonds(claimant), 1);

    let late = enter(&crowd, quick(Wish::relay(200)), 3).await;
    until("the late one knows the book", || asks(&late.market) > 0).await;
    until("and the listings", || {
        !late
            .market
            .book(&asset_id("BTC"), &asset_id("ETH"))
            .listings
            .is_empty()
    })
    .await;

    // Only over the late relay: it has learned the claim, or nobody would ask this provider.
    let second = join(&crowd.air, quick(Wish::provider(201, "17", "10")), Tap::default());
    crowd.air.link(second.peer, late.peer);
    until("the claim that lives is quoted for by who came after it", || {
        bonds(claimant) == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_live_on_are_quoted_for_from_both_sides_once_a_partition_heals() {
    let seed = 3;
    let members = (0..10).map(|nth| quick(Wish::relay(seed * 100 + nth)));
    let providers =
        [("16", 98), ("17", 99)].map(|(price, nth)| quick(Wish::provider(seed * 100 + nth, price, "10")));
    let roll = Roll {
        members: members.chain(providers).collect(),
        droppers: 0,
    };
    let crowd = Crowd::gather(SimulatedNetwork::new(seed), seed, roll, Tap::default()).await;
    // Five relays and one provider on either side.
    let side = |relays: std::ops::Range<usize>, provider| -> Vec<_> {
        relays.chain([provider]).map(|node| crowd.peer(node)).collect()
    };
    let (west, east) = (side(0..5, 10), side(5..10, 11));
    crowd.air.partition(&[&west, &east]);
    until("the sides have lost each other", || {
        west.iter()
            .all(|peer| crowd.members[5..10].iter().all(|other| !other.knows(*peer)))
    })
    .await;

    let (left, right) = (&crowd.members[0].market, &crowd.members[5].market);
    let from_left = left.claim(terms(1_000_000)).await.unwrap();
    let from_right = right.claim(terms(2_000_000)).await.unwrap();
    let providers_of = |market: &Arc<Market>, claim| {
        let quotes = market.claim_status(&claim).unwrap().quotes;
        let bonds: std::collections::BTreeSet<_> = quotes.into_iter().map(|quote| quote.provider).collect();
        bonds.len()
    };
    assert!(quoted(left, from_left, 1, DEADLINE).await && quoted(right, from_right, 1, DEADLINE).await);
    assert_eq!(
        (providers_of(left, from_left), providers_of(right, from_right)),
        (1, 1)
    );

    crowd.air.heal();
    for (a, b) in crowd.graph.edges() {
        crowd.air.link(crowd.peer(a), crowd.peer(b));
    }
    until("both providers quote for both claims", || {
        providers_of(left, from_left) == 2 && providers_of(right, from_right) == 2
    })
    .await;
}

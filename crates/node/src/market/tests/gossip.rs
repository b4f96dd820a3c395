//! What everybody is told.

use super::fixture::*;
use crate::clock::now_ms;
use crate::config::NodeRole;
use kofo_exchange::{AssetListing, PartialRule};
use kofo_network::SimulatedNetwork;
use kofo_primitives::Amount;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joins_late_learns_the_book_and_the_listings() {
    let spread = |number, price| {
        let mut plan = provider(number, price);
        plan.provider.prices[0].spread_bps = 100;
        plan
    };
    let street = Street::new(2, vec![spread(20, "16"), spread(21, "17")]);
    let (btc, eth) = assets().pair("btc/eth").unwrap();
    until("the wallet knows both", || {
        street.wallet.market.book(&btc, &eth).bids.len() == 2
    })
    .await;
    let late = Node::start(&street.net, plan(2, NodeRole::Wallet));
    street.net.link(late.peer, street.relays[0].peer);
    until("the late one too", || {
        let book = late.market.book(&btc, &eth);
        book.bids.len() == 2 && book.asks.len() == 2 && book.listings.len() == 4
    })
    .await;
    let book = late.market.book(&btc, &eth);
    assert_eq!(book.pair, "BTC/ETH");
    assert_eq!(book.bids[0].price, "16.83");
    assert_eq!(book.asks[0].price, "16.16161616");
    assert_eq!(book.bids[0].size.to_string(), "10 BTC");
    assert_eq!(book.pairs, ["BTC/ETH"]);
    // A listing ties nobody to what the quotes are signed by.
    let bonds: Vec<_> = street.providers.iter().map(|p| p.market.bond.id()).collect();
    let listed = late
        .market
        .state()
        .board
        .listings(now_ms())
        .cloned()
        .collect::<Vec<_>>();
    assert!(listed.iter().all(|listing| !bonds.contains(&listing.key)));
    let least = |listing: &AssetListing| match listing.partial {
        PartialRule::Whole => None,
        PartialRule::AtLeast(least) => Some(least),
    };
    assert!(
        listed
            .iter()
            .any(|listing| least(listing) == Some(Amount::new(100_000))),
        "{listed:#?}"
    );
    let turned = late.market.book(&eth, &btc);
    assert_eq!((turned.pair.as_str(), turned.asks.len()), ("ETH/BTC", 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_are_shown_with_what_they_do_and_brought() {
    let street = Street::new(1, vec![provider(20, "16")]);
    street.wallet.quoted(1).await;
    let peers = street.wallet.market.peers();
    assert_eq!(peers.len(), 1);
    let peer = &peers[0];
    assert_eq!(
        (peer.role.as_deref(), peer.direction.as_str()),
        (Some("relay"), "out")
    );
    assert_eq!((peer.passed, peer.quoted, peer.score), (1, 1, 0));
    assert_eq!(street.relays[0].market.peers().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_rubbish_is_judged() {
    use kofo_network::{Identity, Limits, Mesh, Plane};
    let net = SimulatedNetwork::new(1);
    let relay = Node::start(&net, plan(10, NodeRole::Relay));
    let (rude, _inbound, _events) = net.join_mesh(&Identity::generate(), Limits::default());
    net.link(kofo_network::Transport::peer_id(&rude), relay.peer);
    let relay_peer = relay.peer;
    until("they are neighbours", || rude.neighbours().len() == 1).await;
    assert!(rude.ask(relay_peer, Plane::Claim, vec![9; 40]).await.is_err());
    until("it is noted", || {
        relay.market.peers().first().is_some_and(|peer| peer.score < 0)
    })
    .await;
}

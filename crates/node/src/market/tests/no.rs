//! What does not become a swap.

use super::super::{MarketError, quotes};
use super::fixture::*;
use crate::config::NodeRole;
use crate::rpc::types::{ClaimState, QuoteState};
use kofo_exchange::{Received, SelectRefused};
use kofo_journal::memory::Disk;
use kofo_network::SimulatedNetwork;
use kofo_primitives::{Amount, FeePayer, FeeTerms, HopEntry, Mode, NodeKey, Path, Role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_without_a_neighbour_that_takes_it_is_refused() {
    let net = SimulatedNetwork::new(1);
    let wallet = Node::start(&net, plan(1, NodeRole::Wallet));
    let other = Node::start(&net, plan(2, NodeRole::Wallet));
    row(&net, &[&wallet, &other]);
    until("they know each other", || {
        wallet
            .market
            .peers()
            .iter()
            .any(|peer| peer.role.as_deref() == Some("wallet"))
    })
    .await;
    assert!(matches!(
        wallet.market.claim(terms()).await,
        Err(MarketError::Alone)
    ));
    assert_eq!(wallet.claims(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_with_a_fee_is_not_quoted_for() {
    let net = SimulatedNetwork::new(1);
    let node = Node::start(&net, provider(20, "16"));
    let claim = |fee, mode| {
        let (signed, ..) = node.market.draft_claim(&terms()).unwrap();
        let mut body = signed.body;
        (body.fee, body.mode) = (fee, mode);
        let key = node.market.claim_key(&body);
        let claim = body.sign(&key);
        claim.check().unwrap();
        let id = claim.body.id();
        let next = NodeKey::new(&[3; 32]).unwrap().id();
        let entry = HopEntry::sign(&id, (0, *id.as_bytes()), &key, next, (None, None));
        let path = Path::new(&claim.body, &id, vec![entry]).unwrap();
        let from = kofo_exchange::Link(0);
        Received {
            claim,
            id,
            path,
            from,
        }
    };
    let fee = FeeTerms::Pool {
        asset: assets().parse("1eth").unwrap().0,
        amount: Amount::new(1),
        payer: FeePayer::Claimant,
    };
    let error = node.market.quote(claim(fee, Mode::Cleared)).await.unwrap_err();
    assert!(matches!(error, MarketError::Fee), "{error}");
    assert!(error.to_string().contains("ask with fee none"));
    // The same without a fee is quoted for, though it has no way back here.
    let error = node
        .market
        .quote(claim(FeeTerms::Free, Mode::P2P))
        .await
        .unwrap_err();
    assert!(matches!(error, MarketError::NoWayBack(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_claim_is_forgotten_by_all_and_nothing_of_it_is_selected() {
    let street = Street::new(1, vec![provider(20, "16")]);
    let (wallet, relay, provider) = (&street.wallet, &street.relays[0], &street.providers[0]);
    let id = wallet.quoted(1).await;
    let quote = wallet.open_quotes(&id)[0];
    let free = |node: &Node| {
        let state = node.market.state();
        let eth = assets().parse("1eth").unwrap().0;
        state.dealing.as_ref().unwrap().provider.inventory().held(&eth)
    };
    assert_eq!(free(provider), units("16eth"));
    wallet.market.cancel_claim(id).await.unwrap();
    assert_eq!(wallet.status(&id).state, ClaimState::Cancelled);
    assert!(wallet.market.select_quote(id, quote).await.is_err());
    assert!(matches!(
        wallet.market.cancel_claim(id).await,
        Err(MarketError::ClaimOver(_))
    ));
    for node in [relay, provider] {
        until("the cancel is heard", || {
            node.market.state().relay.statistics().cancelled == 1
        })
        .await;
    }
    until("what was reserved is free", || free(provider) == Amount::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_never_selected_for_more_than_it_gives() {
    let street = Street::new(1, vec![provider(20, "16"), provider(21, "17")]);
    let id = street.wallet.quoted(2).await;
    let quotes = street.wallet.open_quotes(&id);
    street.wallet.market.select_quote(id, quotes[0]).await.unwrap();
    let error = street
        .wallet
        .market
        .select_quote(id, quotes[1])
        .await
        .unwrap_err();
    let exhausted = matches!(error, MarketError::Select(SelectRefused::ClaimExhausted { .. }));
    assert!(exhausted, "{error}");
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(street.wallet.orders(Role::Initiator).len(), 1);
    assert!(street.providers[0].settles.begun().is_empty());
}

/// One provider that the claim reaches over two relays.
async fn twice_quoted() -> (Vec<Node>, kofo_primitives::ClaimId) {
    let net = SimulatedNetwork::new(1);
    let nodes = vec![
        Node::start(&net, plan(1, NodeRole::Wallet)),
        Node::start(&net, plan(10, NodeRole::Relay)),
        Node::start(&net, plan(11, NodeRole::Relay)),
        Node::start(&net, provider(20, "16")),
    ];
    row(&net, &[&nodes[0], &nodes[1], &nodes[3]]);
    row(&net, &[&nodes[0], &nodes[2], &nodes[3]]);
    for node in &nodes {
        until("all know each other", || {
            node.market
                .peers()
                .iter()
                .filter(|peer| peer.role.is_some())
                .count()
                == 2
        })
        .await;
    }
    // So short that no relay hears of it by way of the provider first.
    let short = crate::rpc::api::ClaimTerms {
        max_hops: 2,
        ..manual()
    };
    let id = nodes[0].quoted_for(short, 2).await;
    (nodes, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_selections_on_one_reservation_begin_one_swap() {
    let (nodes, id) = twice_quoted().await;
    let (wallet, provider) = (&nodes[0], &nodes[3]);
    let quotes = wallet.open_quotes(&id);
    // A claimant that forgets what it has selected.
    let before = wallet.market.state().claims.get(&id).unwrap().own.clone();
    wallet.market.select_quote(id, quotes[0]).await.unwrap();
    until("the first begins", || provider.settles.begun().len() == 1).await;
    wallet.market.state().claims.get_mut(&id).unwrap().own = before;
    wallet.market.select_quote(id, quotes[1]).await.unwrap();
    until("the second is answered", || {
        let status = wallet.status(&id);
        let mut failed = status.quotes.iter().filter(|quote| quote.trouble.is_some());
        failed.any(|quote| quote.fulfil.0 == *quotes[1].as_bytes())
    })
    .await;
    let second = wallet.status(&id).quotes;
    let second = second
        .iter()
        .find(|quote| quote.fulfil.0 == *quotes[1].as_bytes())
        .unwrap();
    assert!(
        second.trouble.as_deref().unwrap().contains("somebody else"),
        "{second:?}"
    );
    assert_eq!(provider.settles.begun().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reservation_that_was_used_the_next_quote_is_taken() {
    let street = Street::new(1, vec![provider(20, "16"), provider(21, "17")]);
    let id = street.wallet.quoted(2).await;
    let best = street.wallet.open_quotes(&id)[0];
    quotes::use_up(&street.providers[1].market, &best);
    // From now on the node selects itself: the best one first.
    street.wallet.market.state().claims.get_mut(&id).unwrap().manual = false;
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
    let last = street.wallet.status(&id).quotes.pop().unwrap();
    assert_eq!(
        (last.fulfil.0, last.state),
        (*best.as_bytes(), QuoteState::Failed)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_quotes_two_claims_on_one_reservation_is_looked_at_for_the_first() {
    let mut street = Street::new(0, vec![provider(20, "16")]);
    let first = street.wallet.quoted(1).await;
    street.wallet.market.cancel_claim(first).await.unwrap();
    // It forgets what it has reserved, and begins to count anew.
    let (net, mut plan, _) = street.providers.pop().unwrap().stop().await;
    plan.disk = Disk::new();
    let forgetful = Node::start(&net, plan);
    let quoted = || {
        let links = street.wallet.market.state().relay.statistics().links;
        links.iter().any(|link| link.quotes > 1)
    };
    let second = street.wallet.claim(manual()).await;
    until("it quotes", quoted).await;
    assert_eq!(street.wallet.status(&first).quotes.len(), 1);
    assert_eq!(street.wallet.status(&second).quotes, []);
    drop(forgetful);
}

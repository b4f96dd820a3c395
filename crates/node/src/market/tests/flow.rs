//! From a claim to matched orders.

use super::fixture::*;
use crate::rpc::api::ClaimTerms;
use crate::rpc::types::{ClaimState, QuoteState};
use kofo_primitives::Role;
use kofo_settlement::Outcome;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_over_three_relays_becomes_one_order_with_the_better_of_two_providers() {
    let street = Street::new(3, vec![provider(20, "16"), provider(21, "17")]);
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let status = street.wallet.status(&id);
    assert_eq!(status.quotes.len(), 2, "{status:?}");
    let best = &status.quotes[0];
    assert_eq!(
        (best.want.to_string(), best.price.as_str(), best.state),
        ("17 ETH".into(), "17 ETH per BTC", QuoteState::Begun)
    );
    assert_eq!(
        (best.path.len(), best.provider.clone()),
        (4, street.providers[1].bond())
    );
    let ours = street.wallet.orders(Role::Initiator);
    assert_eq!(ours.len(), 1);
    assert_eq!(ours, street.providers[1].orders(Role::Participant));
    assert_eq!(best.swap, Some(ours[0].into()));
    assert!(street.providers[0].settles.begun().is_empty());
    assert!(street.relays.iter().all(|relay| relay.settles.begun().is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_claim_is_filled_by_several_providers() {
    let half = |number, price| {
        let mut plan = provider(number, price);
        plan.provider.prices[0].most = "0.5".into();
        plan
    };
    let street = Street::new(1, vec![half(20, "16"), half(21, "17")]);
    let partial = ClaimTerms {
        partial: Some(units("0.1btc")),
        hide_limit: true,
        ..terms()
    };
    let id = street.wallet.claim(partial).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let status = street.wallet.status(&id);
    assert_eq!((status.filled.to_string(), status.hidden), ("1 BTC".into(), true));
    let mut theirs = street.providers[0].orders(Role::Participant);
    theirs.extend(street.providers[1].orders(Role::Participant));
    theirs.sort();
    assert_eq!((theirs.len(), street.wallet.orders(Role::Initiator)), (2, theirs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_next_door_needs_no_relay() {
    let street = Street::new(0, vec![provider(20, "16")]);
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(street.wallet.status(&id).quotes[0].path.len(), 1);
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_vanishes_after_its_quote_makes_room_for_the_next_one() {
    let mut street = Street::new(1, vec![provider(20, "16"), provider(21, "17")]);
    let id = street.wallet.quoted(2).await;
    let best = street.wallet.open_quotes(&id)[0];
    let gone = street.providers.pop().unwrap();
    let bond = gone.bond();
    gone.stop().await;
    street.wallet.market.select_quote(id, best).await.unwrap();
    until("the selection is given up", || {
        let quotes = street.wallet.status(&id).quotes;
        quotes.iter().any(|quote| quote.state == QuoteState::Failed)
    })
    .await;
    let failed = street.wallet.status(&id).quotes.pop().unwrap();
    assert_eq!(
        (failed.provider, failed.failed, failed.reliability),
        (bond, 1, 500)
    );
    assert!(failed.trouble.unwrap().contains("did not answer"));
    let next = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, next).await.unwrap();
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_itself_takes_the_next_quote_when_the_best_one_cannot_be_settled() {
    let street = Street::new(1, vec![provider(20, "16"), provider(21, "17")]);
    // The better provider cannot begin what it quoted.
    street.providers[1]
        .settles
        .refuse("begin", Some(|| crate::agree::AgreeError::NoContact));
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
    let last = street.wallet.status(&id).quotes.pop().unwrap();
    assert_eq!(last.state, QuoteState::Failed);
    assert!(last.trouble.unwrap().contains("refused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_swaps_end_is_remembered_by_the_bond_of_the_provider() {
    let street = Street::new(0, vec![provider(20, "16")]);
    for (outcome, counts) in [
        (Outcome::Redeemed, (1, 0, 1_000)),
        (Outcome::Refunded, (1, 1, 500)),
        (Outcome::Aborted, (1, 1, 500)),
    ] {
        let id = street.wallet.claim(terms()).await;
        street.wallet.ends(&id, ClaimState::Filled).await;
        let swap = street.wallet.status(&id).quotes[0].swap.unwrap();
        street.wallet.settles.end(swap.into(), outcome);
        street.providers[0].settles.end(swap.into(), outcome);
        until("it is counted", || {
            let state = street.wallet.market.state();
            state.claims.get(&id).unwrap().counted.len() == 1
        })
        .await;
        let quote = street.wallet.status(&id).quotes.remove(0);
        assert_eq!(
            (quote.settled, quote.failed, quote.reliability),
            counts,
            "{outcome:?}"
        );
    }
    let wallet = street.wallet.restart().await;
    let quote = wallet.claims().remove(0).quotes.remove(0);
    assert_eq!((quote.settled, quote.failed), (1, 1));
}

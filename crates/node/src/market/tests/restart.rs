//! Every role is restarted at every point at which the journal stands between two steps.

use super::fixture::*;
use crate::agree::AgreeError;
use crate::engine::Stopped;
use crate::rpc::types::{ClaimState, QuoteState};
use kofo_primitives::Role;

fn stopped() -> AgreeError {
    AgreeError::Stopped(Stopped)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claimant_that_restarts_still_has_its_quotes_and_selects_one() {
    let street = Street::new(2, vec![provider(20, "16")]);
    let id = street.wallet.quoted(1).await;
    // The quote is written behind: wait for it.
    street.wallet.market.keep_claim(&id).await.unwrap();
    let before = street.wallet.status(&id);
    let wallet = street.wallet.restart().await;
    let after = wallet.status(&id);
    assert_eq!(
        (after.quotes, after.state, after.manual),
        (before.quotes, before.state, true)
    );
    let quote = wallet.open_quotes(&id)[0];
    until("a neighbour", || wallet.market.state().links.anybody()).await;
    wallet.market.select_quote(id, quote).await.unwrap();
    wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(
        wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_that_was_sent_before_a_restart_is_sent_again() {
    let street = Street::new(2, vec![provider(20, "16")]);
    street.providers[0].settles.refuse("begin", Some(stopped));
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    let wallet = street.wallet.restart().await;
    assert_eq!(wallet.status(&id).quotes[0].state, QuoteState::Selected);
    assert_eq!(wallet.settles.held(), 1);
    street.providers[0].settles.refuse("begin", None);
    wallet.ends(&id, ClaimState::Filled).await;
    let ours = wallet.orders(Role::Initiator);
    assert_eq!(
        (ours.len(), &ours),
        (1, &street.providers[0].orders(Role::Participant))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_that_is_too_old_after_a_restart_is_given_up_and_never_begun() {
    let street = Street::new(1, vec![provider(20, "16")]);
    street.providers[0].settles.refuse("begin", Some(stopped));
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    let (net, plan, _) = street.wallet.stop().await;
    tokio::time::sleep(quick().answer).await;
    street.providers[0].settles.refuse("begin", None);
    let wallet = Node::start(&net, plan);
    until("it is given up", || {
        wallet.status(&id).quotes[0].state == QuoteState::Failed
    })
    .await;
    assert!(wallet.settles.begun().is_empty());
    assert_eq!(wallet.status(&id).filled.to_string(), "0 BTC");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_was_opened_before_a_restart_begins_after_it() {
    let street = Street::new(1, vec![provider(20, "16")]);
    street.wallet.settles.refuse("begin", Some(stopped));
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    until("it is opened", || street.providers[0].settles.begun().len() == 1).await;
    until("the answer is in", || {
        let state = street.wallet.market.state();
        let entry = state.claims.get(&id).unwrap();
        entry.own.filled().0 > kofo_primitives::Amount::ZERO
    })
    .await;
    street.wallet.market.keep_claim(&id).await.unwrap();
    assert!(street.wallet.settles.begun().is_empty());
    let wallet = street.wallet.restart().await;
    wallet.settles.refuse("begin", None);
    wallet.ends(&id, ClaimState::Filled).await;
    let ours = wallet.orders(Role::Initiator);
    assert_eq!(
        (ours.len(), &ours),
        (1, &street.providers[0].orders(Role::Participant))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_restarts_stands_by_its_quote() {
    let mut street = Street::new(2, vec![provider(20, "16")]);
    let id = street.wallet.quoted(1).await;
    let provider = street.providers.pop().unwrap().restart().await;
    assert_eq!(provider.settles.held(), 1);
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        provider.orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_restarts_between_selection_and_swap_begins_it_once_and_says_yes() {
    let mut street = Street::new(1, vec![provider(20, "16")]);
    let provider = street.providers.pop().unwrap();
    provider.settles.refuse("begin", Some(stopped));
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    until("the reservation is used", || {
        let state = provider.market.state();
        let dealing = state.dealing.as_ref().unwrap();
        dealing.provider.selected(&id) == Some(quote) && !dealing.provider.binds(&quote, 0)
    })
    .await;
    let provider = provider.restart().await;
    provider.settles.refuse("begin", None);
    street.wallet.ends(&id, ClaimState::Filled).await;
    let theirs = provider.orders(Role::Participant);
    assert_eq!((theirs.len(), theirs), (1, street.wallet.orders(Role::Initiator)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_gives_the_same_answer_to_the_same_selection_after_a_restart() {
    let mut street = Street::new(0, vec![provider(20, "16")]);
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    let provider = street.providers.pop().unwrap();
    // The wallet's own copy of what it sent goes with the answer: hold the answer back.
    provider.settles.refuse("begin", Some(stopped));
    street.wallet.market.select_quote(id, quote).await.unwrap();
    let envelope = street.wallet.market.state().claims.get(&id).unwrap().sent[&quote].clone();
    provider.settles.refuse("begin", None);
    street.wallet.ends(&id, ClaimState::Filled).await;
    let first = provider.market.answer_to(&quote, envelope.clone()).await.unwrap();
    let provider = provider.restart().await;
    let second = provider.market.answer_to(&quote, envelope).await.unwrap();
    assert!(first.is_some());
    assert_eq!(first, second);
    assert_eq!(provider.orders(Role::Participant).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_restarts_remembers_which_claims_it_saw_and_which_were_cancelled() {
    let mut street = Street::new(1, vec![provider(20, "16")]);
    let id = street.wallet.quoted(1).await;
    street.wallet.market.cancel_claim(id).await.unwrap();
    let relay = street.relays.pop().unwrap();
    let known = |relay: &Node| {
        let statistics = relay.market.state().relay.statistics();
        (statistics.seen, statistics.cancelled)
    };
    until("both are known", || known(&relay) == (1, 1)).await;
    until("the guards are queued", || !relay.market.state().guards_changed).await;
    relay
        .market
        .ledger
        .commit(vec![])
        .unwrap()
        .durable()
        .await
        .unwrap();
    let relay = relay.restart().await;
    assert_eq!(known(&relay), (1, 1));
    // And it still serves.
    street.relays.push(relay);
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_restarts_under_way_costs_the_claim_at_most_that_way() {
    let mut street = Street::new(1, vec![provider(20, "16")]);
    let id = street.wallet.quoted(1).await;
    let quote = street.wallet.open_quotes(&id)[0];
    let relay = street.relays.pop().unwrap().restart().await;
    street.relays.push(relay);
    until("it is back", || {
        street
            .wallet
            .market
            .peers()
            .iter()
            .any(|peer| peer.role.is_some())
    })
    .await;
    street.wallet.market.select_quote(id, quote).await.unwrap();
    until("the selection is given up", || {
        let quotes = street.wallet.status(&id).quotes;
        let ours = quotes.iter().find(|shown| shown.fulfil.0 == *quote.as_bytes());
        ours.unwrap().state == QuoteState::Failed
    })
    .await;
    assert!(street.wallet.settles.begun().is_empty() && street.providers[0].settles.begun().is_empty());
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
}

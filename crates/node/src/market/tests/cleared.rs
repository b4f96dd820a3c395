//! Claims with a fee: validators make their orders final, and nothing else does.

use super::fixture::*;
use super::town::*;
use crate::clearing::Mood;
use crate::rpc::api::{ClaimFee, ClaimTerms};
use crate::rpc::types::{ClaimState, QuoteState};
use kofo_primitives::{FeePayer, FeeTerms, Mode, Role};

fn cleared() -> ClaimTerms {
    with_fee(terms())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_with_a_fee_over_three_relays_is_cleared_with_the_better_of_two_providers() {
    let town = Town::new();
    let street = town.street(3, vec![provider(20, "16"), provider(21, "17")]);
    let before = town.has(account(1)).0;
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let ours = street.wallet.orders(Role::Initiator);
    until("the provider begins", || {
        !street.providers[1].settles.begun().is_empty()
    })
    .await;
    assert_eq!(ours, street.providers[1].orders(Role::Participant));
    assert!(street.providers[0].settles.begun().is_empty());

    let orders = town.validators.orders();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].order.id(), ours[0]);
    let payees: Vec<_> = orders[0].hops.iter().map(|hop| hop.unwrap().payee).collect();
    assert_eq!(payees, [10, 11, 12].map(account), "each relay opened its account");
    let parts = orders[0].order.parts();
    assert_eq!(parts.claim.body.mode, Mode::Cleared);
    assert_eq!(orders[0].payment.as_ref().unwrap().body.account, account(1));
    let (asset, reserved) = parts.terms.reservation.reserve.clone().unwrap();
    assert_eq!(
        (asset, reserved.units()),
        (kofo(), 340_000_000),
        "a fifth of 17 ETH at 100"
    );
    assert_eq!(before - town.has(account(1)).0, 300_000, "the fee is in escrow");
    let quote = &street.wallet.status(&id).quotes[0];
    assert_eq!(
        (quote.state, quote.swap),
        (QuoteState::Begun, Some(ours[0].into()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_claim_with_a_fee_is_filled_by_several_providers() {
    let town = Town::new();
    let half = |number, price| {
        let mut plan = provider(number, price);
        plan.provider.prices[0].most = "0.5".into();
        plan
    };
    let street = town.street(1, vec![half(20, "16"), half(21, "17")]);
    let partial = ClaimTerms {
        partial: Some(units("0.1btc")),
        ..cleared()
    };
    let id = street.wallet.claim(partial).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("both begin", || {
        street.providers.iter().all(|p| !p.settles.begun().is_empty())
    })
    .await;
    let mut theirs = street.providers[0].orders(Role::Participant);
    theirs.extend(street.providers[1].orders(Role::Participant));
    theirs.sort();
    assert_eq!((theirs.len(), street.wallet.orders(Role::Initiator)), (2, theirs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_selection_and_no_address_leaves_before_the_order_is_final() {
    let town = Town::new();
    town.validators.halt(true);
    let street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.claim(cleared()).await;
    until("it is selected", || {
        street.wallet.status(&id).state == ClaimState::Selected
    })
    .await;
    until("validators were asked", || town.validators.asked() > 20).await;
    let chosen = |node: &Node| {
        let state = node.market.state();
        let dealing = state.dealing.as_ref().unwrap();
        let quote = dealing.quote(&super::super::quotes::ids(dealing)[0]).unwrap();
        quote.is_chosen()
    };
    assert!(!chosen(&street.providers[0]), "its provider was told");
    assert!(street.wallet.settles.begun().is_empty() && street.providers[0].settles.begun().is_empty());
    town.validators.halt(false);
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("the provider begins", || chosen(&street.providers[0])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_validators_that_lie_in_the_minority_a_claim_is_cleared_all_the_same() {
    let town = Town::new();
    town.validators.behave(1, Mood::Lying);
    let street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("the provider begins", || {
        !street.providers[0].settles.begun().is_empty()
    })
    .await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
    let first = street.wallet.orders(Role::Initiator);
    // What was final for one claim is shown as a proof of the next one, and believed by nobody.
    town.validators.behave(4, Mood::Lying);
    let id = street.wallet.claim(cleared()).await;
    until("it is selected", || {
        street.wallet.status(&id).state == ClaimState::Selected
    })
    .await;
    let asked = town.validators.asked();
    until("validators were asked", || town.validators.asked() > asked + 60).await;
    assert_eq!(street.wallet.orders(Role::Initiator), first, "nothing began");
    assert_eq!(street.providers[0].orders(Role::Participant), first);
    town.validators.behave(0, Mood::Honest);
    street.wallet.ends(&id, ClaimState::Filled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_order_whose_provider_has_no_bond_any_more_the_next_quote_is_taken() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "16"), provider(21, "17")]);
    let id = street.wallet.quoted_for(with_fee(manual()), 2).await;
    // The better provider takes its bond away behind its quote.
    town.spend_bond(21);
    let best = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, best).await.unwrap();
    until("the order is refused", || {
        let quotes = street.wallet.status(&id).quotes;
        quotes.iter().any(|quote| quote.state == QuoteState::Failed)
    })
    .await;
    let failed = street.wallet.status(&id).quotes.pop().unwrap();
    assert!(failed.trouble.unwrap().contains("not cleared"));
    let next = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, next).await.unwrap();
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("the provider begins", || {
        !street.providers[0].settles.begun().is_empty()
    })
    .await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_bond_does_not_cover_a_claim_sends_no_quote_and_says_why() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "16"), provider(21, "17")]);
    town.spend_bond(21);
    let (rich, poor) = (&street.providers[0].market, &street.providers[1].market);
    until("its own bond is known to be gone", || {
        poor.troubles().iter().any(|what| what.contains("has 0 KOFO"))
    })
    .await;
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let best = street.wallet.status(&id).quotes.remove(0);
    assert_eq!(
        best.provider,
        account(20).to_string(),
        "the other's price is better"
    );
    let quotes = |market: &crate::market::Market| {
        let state = market.state();
        state
            .dealing
            .as_ref()
            .map_or(0, |dealing| crate::market::quotes::ids(dealing).len())
    };
    assert_eq!((quotes(rich), quotes(poor)), (1, 0));
    assert!(rich.troubles().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claimant_that_was_killed_after_its_selection_submits_the_very_same_order_again() {
    let town = Town::new();
    town.validators.halt(true);
    let street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.claim(cleared()).await;
    until("it is selected", || {
        street.wallet.status(&id).state == ClaimState::Selected
    })
    .await;
    until("it was handed in", || town.validators.asked() > 10).await;
    let wallet = street.wallet.restart().await;
    assert_eq!(wallet.selected.len(), 1, "the selection is in the journal");
    town.validators.halt(false);
    wallet.ends(&id, ClaimState::Filled).await;
    let orders = town.validators.orders();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].order.parts().select.body.hashlock, wallet.selected[0]);
    assert_eq!(wallet.orders(Role::Initiator), [orders[0].order.id()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_was_away_at_the_commit_finds_its_order_and_begins_it_once() {
    let town = Town::new();
    let mut street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.quoted_for(with_fee(manual()), 1).await;
    let (net, plan, settles) = street.providers.pop().unwrap().stop().await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    street.wallet.ends(&id, ClaimState::Filled).await;
    assert!(settles.begun().is_empty());
    let back = Node::start_with(&net, plan, settles);
    until("it begins", || !back.settles.begun().is_empty()).await;
    assert_eq!(
        back.orders(Role::Participant),
        street.wallet.orders(Role::Initiator)
    );
    let again = back.restart().await;
    let asked = town.validators.asked();
    until("validators were asked", || town.validators.asked() > asked + 8).await;
    assert_eq!(again.settles.begun().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_it_has_begun_an_order_needs_no_validator() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("the provider begins", || {
        !street.providers[0].settles.begun().is_empty()
    })
    .await;
    town.validators.behave(4, Mood::Silent);
    let wallet = street.wallet.restart().await;
    let swap = wallet.status(&id).quotes[0].swap.unwrap();
    for node in [&wallet, &street.providers[0]] {
        node.settles.end(swap.into(), kofo_settlement::Outcome::Redeemed);
    }
    until("it is counted", || {
        let state = wallet.market.state();
        state.claims.get(&id).unwrap().counted.len() == 1
    })
    .await;
    assert_eq!(wallet.status(&id).state, ClaimState::Filled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_that_providers_share_is_quoted_for_only_as_far_as_they_are_willing() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "16")]);
    let shared = |units| ClaimTerms {
        fee: Some(ClaimFee {
            asset: kofo(),
            amount: kofo_primitives::Amount::new(units),
            payer: FeePayer::Provider,
        }),
        ..terms()
    };
    let dear = street.wallet.claim(shared(1_000_001)).await;
    let fair = street.wallet.claim(shared(1_000_000)).await;
    street.wallet.ends(&fair, ClaimState::Filled).await;
    assert!(street.wallet.status(&dear).quotes.is_empty());
    assert_eq!(town.has(account(20)).0, 100_000_000 - 1_000_000);
    assert_eq!(town.has(account(1)).0, 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_needs_a_clearance_layer_and_an_asset_and_size_that_it_takes() {
    let plain = Street::new(0, vec![provider(20, "16")]);
    until("a neighbour", || plain.wallet.market.state().links.anybody()).await;
    let error = plain.wallet.market.claim(cleared()).await.unwrap_err();
    assert!(error.to_string().contains("clearance layer"), "{error}");

    let town = Town::new();
    let street = town.street(0, vec![provider(20, "16")]);
    until("a neighbour", || street.wallet.market.state().links.anybody()).await;
    let with = |asset: &str, units| {
        let mut terms = cleared();
        let fee = terms.fee.as_mut().unwrap();
        fee.asset = kofo_primitives::AssetId::new(asset).unwrap();
        fee.amount = kofo_primitives::Amount::new(units);
        terms
    };
    for (terms, why) in [
        (with("sim:eth/coin:eth", 300_000), "no asset of the ledger"),
        (with(KOFO, 999), "expected at least 0.001 "),
    ] {
        let error = street.wallet.market.claim(terms).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_claim_is_as_free_as_ever_where_the_clearance_layer_is_known() {
    let town = Town::new();
    town.validators.behave(4, Mood::Silent);
    let street = town.street(2, vec![provider(20, "16")]);
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let begun = street.wallet.settles.begun();
    let parts = begun[0].0.as_matched().unwrap().parts().clone();
    assert_eq!(
        (parts.claim.body.mode, parts.claim.body.fee),
        (Mode::P2P, FeeTerms::Free)
    );
    assert!(parts.path.iter().all(|entry| entry.payee.is_none()));
    assert!(parts.returns.iter().all(|entry| entry.opening.is_none()));
    assert!(parts.fulfil.body.for_validators.is_none() && parts.terms.reservation.reserve.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reservation_that_was_sold_twice_is_used_once_and_the_second_claimant_takes_its_next_quote() {
    let town = Town::new();
    // Two providers with one bond: each sells reservation number 1.
    let first = town.street(1, vec![provider(20, "17")]);
    let twin = Plan {
        seed: 20,
        ..provider(21, "17")
    };
    let second = town.street_of(2, 30, vec![twin, provider(22, "16")]);
    let ours = second.wallet.quoted_for(with_fee(manual()), 2).await;
    let theirs = first.wallet.claim(cleared()).await;
    first.wallet.ends(&theirs, ClaimState::Filled).await;
    let best = second.wallet.open_quotes(&ours)[0];
    second.wallet.market.select_quote(ours, best).await.unwrap();
    until("the order is refused", || {
        let quotes = second.wallet.status(&ours).quotes;
        quotes.iter().any(|quote| quote.state == QuoteState::Failed)
    })
    .await;
    let why = second.wallet.status(&ours).quotes.pop().unwrap().trouble.unwrap();
    assert!(why.contains("reservation"), "{why}");
    let next = second.wallet.open_quotes(&ours)[0];
    second.wallet.market.select_quote(ours, next).await.unwrap();
    second.wallet.ends(&ours, ClaimState::Filled).await;
    until("the provider begins", || {
        !second.providers[1].settles.begun().is_empty()
    })
    .await;
    assert_eq!(
        second.wallet.orders(Role::Initiator),
        second.providers[1].orders(Role::Participant)
    );
    assert!(second.providers[0].settles.begun().is_empty());
    assert_eq!(first.providers[0].settles.begun().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_itself_takes_the_next_quote_when_the_best_one_is_not_cleared() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "16"), provider(21, "17")]);
    town.spend_bond(21);
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    until("the provider begins", || {
        !street.providers[0].settles.begun().is_empty()
    })
    .await;
    assert_eq!(
        street.wallet.orders(Role::Initiator),
        street.providers[0].orders(Role::Participant)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_know_the_clearance_layer_or_reserves_nothing_quotes_no_claim_with_a_fee() {
    let town = Town::new();
    let knows = town.street(1, vec![provider(20, "16"), provider(21, "17")]);
    let stranger = Node::start(&knows.net, provider(23, "19"));
    knows.net.link(knows.relays[0].peer, stranger.peer);
    let mut bare = provider(24, "19");
    bare.town = Some(town.clone());
    let bare = Node::start(&knows.net, bare);
    knows.net.link(knows.relays[0].peer, bare.peer);
    // A direct claim reaches all four.
    knows.wallet.quoted(4).await;
    let id = knows.wallet.quoted_for(with_fee(manual()), 2).await;
    // Nor is it quoted for later: what comes after it is.
    knows.wallet.quoted(4).await;
    assert_eq!((stranger.own_quotes(), bare.own_quotes()), (2, 2));
    let quotes = knows.wallet.status(&id).quotes;
    let bonds: Vec<_> = quotes.iter().map(|quote| quote.provider.clone()).collect();
    assert_eq!(quotes.len(), 2);
    assert!(!bonds.contains(&stranger.bond()) && !bonds.contains(&bare.bond()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_altered_bit_of_a_partys_address_makes_no_order_that_validators_take() {
    let town = Town::new();
    town.validators.halt(true);
    let street = town.street(1, vec![provider(20, "16")]);
    let id = street.wallet.claim(cleared()).await;
    let waiting = || !street.wallet.market.orders_waiting(&id).is_empty();
    until("its order is with the validators", waiting).await;
    let submitted = street.wallet.market.orders_waiting(&id).remove(0);
    town.validators.halt(false);
    street.wallet.ends(&id, ClaimState::Filled).await;
    let order = town.validators.orders().remove(0).order;
    for at in [0, 5, 31] {
        for party in 0..3 {
            let mut altered = submitted.clone();
            let flip = |one: &mut kofo_primitives::Party| {
                let mut bytes = one.as_slice().to_vec();
                bytes[at] ^= 1;
                *one = kofo_primitives::Party::new(bytes).unwrap();
            };
            match party {
                0 => flip(&mut altered.claimant.alpha),
                1 => flip(&mut altered.claimant.beta),
                _ => altered.claimant.salt[at] ^= 1,
            }
            let why = town.validators.submit(altered).unwrap_err();
            assert!(why.contains("claimant's opening"), "{why}");
        }
    }
    let mut parts = order.parts().clone();
    parts.provider.salt[0] ^= 1;
    assert!(kofo_primitives::MatchedOrder::new(parts).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleared_quote_is_chosen_by_everybodys_count_of_its_provider_and_not_by_our_own() {
    let town = Town::new();
    let street = town.street(1, vec![provider(20, "17"), provider(21, "16")]);
    let known = |n, settled, failed| {
        let view = town.validators.ledger().account(account(n));
        kofo_clearance::AccountView {
            settled,
            failed,
            ..view
        }
    };
    {
        let mut state = street.wallet.market.state();
        // We ourselves were served by the first alone; the network knows better.
        for _ in 0..5 {
            state.history.count(account(20), true);
        }
        let now_ms = crate::clock::now_ms();
        state.counted.note(&known(20, 1, 9), now_ms);
        state.counted.note(&known(21, 9, 1), now_ms);
    }
    let id = street.wallet.claim(cleared()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
    let best = street.wallet.status(&id).quotes.remove(0);
    assert_eq!(
        (best.provider, best.settled, best.reliability),
        (street.providers[1].bond(), 9, 900)
    );
    let direct = street.wallet.claim(terms()).await;
    street.wallet.ends(&direct, ClaimState::Filled).await;
    let best = street.wallet.status(&direct).quotes.remove(0);
    assert_eq!(
        (best.provider, best.settled),
        (street.providers[0].bond(), 5),
        "a direct one by our own"
    );
}

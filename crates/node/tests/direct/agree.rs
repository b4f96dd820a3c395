//! What goes well, and what is refused before anything is locked.

use crate::stage::{Stage, asset};
use kofo_node::rpc::api::OfferTerms;
use kofo_node::rpc::types::OutcomeName;
use kofo_node::rpc::{ApiErrorKind, NodeApi};
use kofo_primitives::{Amount, Seconds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_accepted_and_both_redeem_for_no_fee_but_the_chains() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap();
    stage.both_redeem(swap.id).await;
    let lost = |had: u128, has: u128| had.checked_sub(has).expect("nobody has more than agreed");
    assert!(lost(14_000_000, stage.balance(1, "one")) < 1_000);
    assert!(lost(17_000_000, stage.balance(1, "two")) < 1_000);
    assert!(lost(16_000_000, stage.balance(2, "one")) < 1_000);
    assert!(lost(13_000_000, stage.balance(2, "two")) < 1_000);
    // The offer's id leads to the swap too.
    assert_eq!(stage.maker.service.show(offer.id).await.unwrap().id, swap.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_swaps_at_once_all_redeem() {
    let stage = Stage::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
        ids.push(stage.taker.service.accept(&offer.uri).await.unwrap().id);
    }
    for id in ids {
        stage.both_redeem(id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_good_for_one_swap() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    stage.taker.service.accept(&offer.uri).await.unwrap();
    let again = stage.taker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(again.kind, ApiErrorKind::WrongState, "{again}");
    assert_eq!(stage.taker.known().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_offer_is_not_accepted() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let own = stage.maker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(own.kind, ApiErrorKind::WrongState, "{own}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_of_another_network_is_refused_with_both_names() {
    let stage = Stage::of(["kofo-sim", "kofo-other"]);
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let foreign = stage.taker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(foreign.kind, ApiErrorKind::WrongNetwork);
    assert!(
        foreign.message.contains("kofo-sim") && foreign.message.contains("kofo-other"),
        "{foreign}"
    );
    assert_eq!(stage.taker.known().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_offer_is_refused_by_the_time_of_the_chains_too() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    for chain in &stage.chains {
        chain.advance(Seconds(601));
        chain.mine(1);
    }
    let late = stage.taker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(late.kind, ApiErrorKind::Expired, "{late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_offer_is_refused() {
    let stage = Stage::new();
    let uri = stage
        .maker
        .offer(("one", 1_000_000), ("two", 2_000_000))
        .await
        .uri;
    for at in (20..uri.len()).step_by(17) {
        let mut altered = uri.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let refused = stage.taker.service.accept(&altered).await.unwrap_err();
        assert_eq!(refused.kind, ApiErrorKind::BadOffer, "byte {at}: {refused}");
    }
    assert_eq!(stage.taker.known().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dust_too_much_and_unknown_assets_are_refused_before_an_offer_is_made() {
    let stage = Stage::new();
    let offer = async |give: u128, want: (&str, u128)| {
        let give = vec![(asset("one"), Amount::new(give))];
        let want = vec![(asset(want.0), Amount::new(want.1))];
        let terms = OfferTerms {
            give,
            want,
            expires_in: Seconds(600),
        };
        stage.maker.service.offer(terms).await.unwrap_err().kind
    };
    assert_eq!(offer(1, ("two", 2_000_000)).await, ApiErrorKind::Dust);
    assert_eq!(offer(1_000_000, ("two", 1)).await, ApiErrorKind::Dust);
    assert_eq!(offer(99_000_000, ("two", 2_000_000)).await, ApiErrorKind::Funds);
    assert_eq!(
        offer(1_000_000, ("three", 2_000_000)).await,
        ApiErrorKind::UnknownAsset
    );
    assert_eq!(stage.maker.known().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_was_taken_back_is_refused_and_the_taker_is_told() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let withdrawn = stage.maker.service.abort(offer.id).await.unwrap();
    assert_eq!(withdrawn.outcome, Some(OutcomeName::Aborted));
    let refused = stage.taker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(refused.kind, ApiErrorKind::Refused, "{refused}");
    let swaps = stage
        .taker
        .service
        .list(kofo_node::rpc::api::Page {
            skip: 0,
            limit: 9,
            live_only: false,
        })
        .await
        .unwrap();
    assert_eq!(
        swaps.swaps[0].outcome,
        Some(OutcomeName::Aborted),
        "nothing is locked for it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_maker_that_is_gone_is_a_clear_error_and_nothing_is_locked() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    stage
        .network
        .partition(&[&[stage.maker.address().peer()], &[stage.taker.address().peer()]]);
    let gone = stage.taker.service.accept(&offer.uri).await.unwrap_err();
    assert_eq!(gone.kind, ApiErrorKind::Peer, "{gone}");
    assert_eq!(stage.balance(2, "two"), 15_000_000);
}

//! What is above a limit waits for its owner, with nothing locked.

use crate::matched::{Match, begin_both, claim};
use crate::stage::{Node, Stage, assets};
use kofo_node::agree::AgreeError;
use kofo_node::config::LimitConfig;
use kofo_node::limits::{Limits, Which};
use kofo_node::market::Settles;
use kofo_node::rpc::types::{Id, OutcomeName, SwapStatus};
use kofo_node::rpc::{ApiErrorKind, NodeApi};
use kofo_primitives::Amount;

/// Limits of what the taker gives, in whole units: per swap, per hour, in flight.
fn limits([per_swap, per_hour, in_flight]: [Option<&str>; 3]) -> Limits {
    let text = |most: Option<&str>| most.map(str::to_owned);
    let of_two = LimitConfig {
        symbol: "TWO".into(),
        per_swap: text(per_swap),
        per_hour: text(per_hour),
        in_flight: text(in_flight),
    };
    Limits::new(&[of_two], &assets()).unwrap()
}

fn of_the_taker(limits: Limits) -> Stage {
    Stage::limited([Limits::default(), limits])
}

/// The taker starts again, with these limits.
async fn limited(mut stage: Stage, limits: Limits) -> Stage {
    let spare = Stage::new();
    let mut owner = std::mem::replace(&mut stage.taker, spare.taker).die().await;
    owner.limits = limits;
    stage.taker = Node::start(owner);
    stage
}

/// Takes an offer of so much (TWO, with six decimals).
async fn take(stage: &Stage, units: u128) -> SwapStatus {
    let offer = stage.maker.offer(("one", 1_000_000), ("two", units)).await;
    stage.taker.service.accept(&offer.uri).await.unwrap()
}

async fn state(stage: &Stage, id: Id) -> String {
    stage.taker.service.show(id).await.unwrap().state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_above_the_limit_waits_over_a_restart_and_settles_once_it_is_approved() {
    let most = || limits([Some("1"), None, None]);
    let stage = of_the_taker(most());
    let swap = take(&stage, 2_000_000).await;
    assert_eq!(swap.state, "to_approve");
    let trouble = swap.trouble.unwrap();
    assert!(
        trouble.contains("2 TWO") && trouble.contains("1 TWO"),
        "{trouble}"
    );
    assert_eq!(stage.maker.known().await, 1, "its maker has not heard of it");
    let stage = limited(stage, most()).await;
    assert_eq!(state(&stage, swap.id).await, "to_approve");
    let approved = stage.taker.service.approve(swap.id).await.unwrap();
    assert_eq!(approved.state, "agreed");
    let again = stage.taker.service.approve(swap.id).await.unwrap_err();
    assert_eq!(again.kind, ApiErrorKind::WrongState, "{again}");
    stage.both_redeem(swap.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_maker_whose_offer_is_above_its_limit_locks_nothing_before_it_approves() {
    let stage = Stage::limited([limits([Some("1"), None, None]), Limits::default()]);
    let offer = stage.maker.offer(("two", 2_000_000), ("one", 1_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap();
    let shown = async || stage.maker.service.show(swap.id).await.unwrap();
    assert_eq!(shown().await.state, "to_approve");
    let mut blocks = 0;
    let some = async || {
        blocks += 1;
        (blocks > 10).then_some(())
    };
    stage.until("some blocks", some).await;
    assert_eq!(shown().await.state, "to_approve");
    assert_eq!(stage.balance(1, "two"), 15_000_000, "nothing is locked");
    stage.maker.service.approve(swap.id).await.unwrap();
    stage.both_redeem(swap.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_that_is_declined_or_left_alone_ends_with_nothing_locked() {
    let stage = of_the_taker(limits([Some("1"), None, None]));
    let (declined, left) = (take(&stage, 2_000_000).await, take(&stage, 2_000_000).await);
    let over = stage.taker.service.decline(declined.id).await.unwrap();
    assert_eq!(over.outcome, Some(OutcomeName::Aborted));
    let late = stage.taker.service.approve(declined.id).await.unwrap_err();
    assert_eq!(late.kind, ApiErrorKind::WrongState, "{late}");
    let over = stage.outcome(&stage.taker, left.id).await;
    assert_eq!(over.outcome, Some(OutcomeName::Aborted), "its window has ended");
    assert_eq!(stage.balance(2, "two"), 15_000_000);
    let mine = stage.maker.offer(("one", 1_000_000), ("two", 1_000_000)).await;
    let offer = stage.maker.service.approve(mine.id).await.unwrap_err();
    assert_eq!(offer.kind, ApiErrorKind::WrongState, "{offer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_counts_until_its_swap_has_ended_and_an_hour_counts_what_began_in_it() {
    let stage = of_the_taker(limits([None, None, Some("3")]));
    let (first, second) = (take(&stage, 2_000_000).await, take(&stage, 2_000_000).await);
    assert_eq!(
        (first.state.as_str(), second.state.as_str()),
        ("agreed", "to_approve")
    );
    // The same journal with the same limits: nothing is forgotten by dying.
    let stage = limited(stage, limits([None, None, Some("3")])).await;
    assert_eq!(take(&stage, 2_000_000).await.state, "to_approve");
    assert_eq!(
        take(&stage, 1_000_000).await.state,
        "agreed",
        "the limit itself is free"
    );
    stage.both_redeem(first.id).await;
    let hour = limited(stage, limits([None, Some("3"), None])).await;
    let third = take(&hour, 1_000_000).await;
    assert_eq!(third.state, "to_approve", "3 TWO began within the hour");
    let free = limited(hour, limits([None, None, Some("3")])).await;
    assert_eq!(
        take(&free, 2_000_000).await.state,
        "agreed",
        "what ended is in flight no more"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_quote_promises_more_than_is_free_beside_other_quotes_and_swaps() {
    let stage = of_the_taker(limits([Some("2.5"), None, Some("5")]));
    let [claimant, provider] = [&stage.maker, &stage.taker];
    // A copy of a claim is the very same claim: its time is a part of it.
    let claims: Vec<_> = (0..7).map(|nonce| claim(claimant, [nonce; 32])).collect();
    let draft = async |nonce: usize, units: u128| {
        let claim = &claims[nonce];
        let until = kofo_node::clock::now_ms() + 60_000;
        let drafted = provider
            .agreement
            .draft(claim, Amount::new(1_000_000), Amount::new(units), until);
        match drafted.await {
            Ok(_) => None,
            Err(AgreeError::Over(over)) => Some(over.which),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(draft(1, 3_000_000).await, Some(Which::PerSwap));
    assert_eq!(draft(2, 2_000_000).await, None);
    assert_eq!(
        draft(2, 2_000_000).await,
        None,
        "all copies of a claim are one promise"
    );
    let matched = Match::make(claimant, provider, [3; 32]).await;
    assert_eq!(
        draft(4, 2_000_000).await,
        Some(Which::InFlight),
        "two quotes promise 4"
    );
    let order = matched.order(claimant, provider);
    let swap = begin_both(&stage, &order).await;
    assert_ne!(
        state(&stage, swap).await,
        "to_approve",
        "its own promise is not counted twice"
    );
    assert_eq!(
        draft(5, 2_000_000).await,
        Some(Which::InFlight),
        "a swap and a quote are 4"
    );
    assert_eq!(draft(6, 1_000_000).await, None);
    let direct = take(&stage, 1_000_000).await;
    assert_eq!(
        direct.state, "to_approve",
        "what quotes promise is not given to others"
    );
    stage.both_redeem(swap).await;
}

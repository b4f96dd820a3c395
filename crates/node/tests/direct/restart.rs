//! Nodes that die and come back.

use crate::stage::{Node, Stage};
use kofo_node::rpc::NodeApi;
use kofo_node::rpc::types::OutcomeName;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taker_that_dies_after_it_accepted_goes_on_where_it_was() {
    let mut stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap();
    let spare = Stage::new();
    let owner = std::mem::replace(&mut stage.taker, spare.taker).die().await;
    stage.taker = Node::start(owner);
    stage.both_redeem(swap.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_maker_that_dies_keeps_its_offers_and_never_uses_a_hashlock_twice() {
    let mut stage = Stage::new();
    let first = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let spare = Stage::new();
    let owner = std::mem::replace(&mut stage.maker, spare.maker).die().await;
    stage.maker = Node::start(owner);
    let known = stage.maker.service.show(first.id).await.unwrap();
    assert_eq!(known.state, "offered");
    let second = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let hashlock = stage.maker.service.show(second.id).await.unwrap().hashlock;
    assert_ne!(known.hashlock, hashlock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_can_be_aborted_before_the_lock_and_not_after_it() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap();
    let aborted = stage.taker.service.abort(swap.id).await.unwrap();
    assert_eq!(aborted.outcome, Some(OutcomeName::Aborted));
    let locked = async || {
        let status = stage.maker.service.show(swap.id).await.unwrap();
        let in_block = status
            .legs
            .iter()
            .flat_map(|leg| &leg.acts)
            .any(|act| act.height.is_some());
        (status.state == "lock_sent" && in_block).then_some(())
    };
    stage.until("the maker's lock in a block", locked).await;
    let refused = stage.maker.service.abort(swap.id).await.unwrap_err();
    assert!(refused.message.contains("use refund"), "{refused}");
    let given_up = stage.maker.service.refund(swap.id).await.unwrap();
    assert_eq!(given_up.state, "refunding");
    assert!(!given_up.at_risk.is_empty());
    assert!(given_up.deadline.is_some_and(|d| d.then.contains("taken back")));
    let over = stage.outcome(&stage.maker, swap.id).await;
    assert_eq!(over.outcome, Some(OutcomeName::Refunded));
}

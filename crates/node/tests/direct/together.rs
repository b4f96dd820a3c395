//! What the two nodes do together over the network: cheaper redeems, and refunds before the timelock.

use crate::matched::{Match, begin_both};
use crate::stage::{Node, Stage};
use kofo_node::direct::{LegAsked, Request, Response, SignRequest};
use kofo_node::rpc::NodeApi;
use kofo_node::rpc::types::{Id, OutcomeName, SwapStatus};
use kofo_primitives::*;
use kofo_settlement::Phase;
use kofo_sim::Key;

/// The ways in which locks were taken on a chain, in order.
fn ways(stage: &Stage, chain: usize) -> Vec<&'static str> {
    let chain = &stage.chains[chain];
    let blocks = (0..=chain.tip().height).filter_map(|height| chain.block(height));
    let spends = blocks.flat_map(|block| block.txs.into_iter().flat_map(|tx| tx.spends));
    let way = |key: &Key| match key {
        Key::Preimage(_) => Some("redeem"),
        Key::Timeout => Some("refund"),
        Key::Both(_) => Some("together"),
        Key::Owner(_) => None,
    };
    spends.filter_map(|spend| way(&spend.key)).collect()
}

async fn swap(stage: &Stage) -> Id {
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    stage.taker.service.accept(&offer.uri).await.unwrap().id
}

async fn phase(node: &Node, id: Id) -> Phase {
    let look = move |core: &mut kofo_node::engine::Core| core.driver.swaps()[&id.into()].swap().phase();
    node.agreement.engine.call(look).await.unwrap()
}

async fn reaches(stage: &Stage, node: &Node, id: Id, wanted: Phase) {
    let look = async || (phase(node, id).await == wanted).then_some(());
    stage.until(&format!("{wanted:?}"), look).await;
}

fn timelocks(status: &SwapStatus) -> Vec<u64> {
    status.legs.iter().map(|leg| leg.timelock).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_answer_redeem_both_legs_together_and_show_no_preimage_on_any_chain() {
    let stage = Stage::new();
    let id = swap(&stage).await;
    stage.both_redeem(id).await;
    assert_eq!(
        (ways(&stage, 0), ways(&stage, 1)),
        (vec!["together"], vec!["together"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_were_matched_redeem_together_under_keys_that_they_use_for_nothing_else() {
    let stage = Stage::new();
    let made = Match::make(&stage.maker, &stage.taker, [1; 32]).await;
    let id = begin_both(&stage, &made.order(&stage.maker, &stage.taker)).await;
    stage.both_redeem(id).await;
    assert_eq!(
        (ways(&stage, 0), ways(&stage, 1)),
        (vec!["together"], vec!["together"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_cannot_reach_each_other_redeem_alone() {
    let stage = Stage::new();
    let id = swap(&stage).await;
    let (maker, taker) = (stage.maker.address().peer(), stage.taker.address().peer());
    stage.network.partition(&[&[maker], &[taker]]);
    stage.both_redeem(id).await;
    assert_eq!(
        (ways(&stage, 0), ways(&stage, 1)),
        (vec!["redeem"], vec!["redeem"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_swap_is_refunded_on_both_chains_hours_before_its_timelocks() {
    let stage = Stage::new();
    let id = swap(&stage).await;
    reaches(&stage, &stage.taker, id, Phase::LockSent).await;
    stage.maker.service.refund(id).await.unwrap();
    let end = stage.outcome(&stage.maker, id).await;
    assert_eq!(end.outcome, Some(OutcomeName::Refunded));
    let theirs = stage.outcome(&stage.taker, id).await.outcome;
    assert!(
        matches!(theirs, Some(OutcomeName::Refunded | OutcomeName::Aborted)),
        "{theirs:?}"
    );
    let now = stage.chains[0].tip().time.0;
    assert!(
        timelocks(&end).iter().all(|timelock| now < *timelock),
        "{now}: {end:#?}"
    );
    assert_eq!(ways(&stage, 0), ["together"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_and_the_wrong_party_get_no_signature() {
    let stage = Stage::new();
    let id = swap(&stage).await;
    reaches(&stage, &stage.taker, id, Phase::LockSent).await;
    let refused = async |key: &NodeKey, what, side, preimage| {
        let (swap, leg) = (SwapId::from(id), LegId::first(side));
        let legs = vec![LegAsked { swap, leg, preimage }];
        let request = SignRequest::new(what, legs, Bytes::new([]).unwrap(), key);
        let request = Request::Sign(Box::new(request)).write();
        let transport = &stage.maker.agreement.transport;
        let answer = transport.request(&stage.taker.address(), request).await.unwrap();
        Response::read_signed(&answer).unwrap_err().to_string()
    };
    let stranger = NodeKey::new(&[99; 32]).unwrap();
    let maker = &stage.maker.agreement.key;
    let why = refused(&stranger, Together::Refund, Side::Alpha, None).await;
    assert!(why.contains("no swap"), "{why}");
    let why = refused(maker, Together::Redeem, Side::Beta, None).await;
    assert!(why.contains("not possible"), "{why}");
    let wrong = Some(Preimage::new([1; 32]));
    let why = refused(maker, Together::Redeem, Side::Beta, wrong).await;
    assert!(why.contains("does not match"), "{why}");
    assert_eq!(
        phase(&stage.taker, id).await,
        Phase::LockSent,
        "nothing of it counts"
    );
}

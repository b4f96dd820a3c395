//! A peer that does not keep to the protocol: a typed answer, and nothing changes.

use crate::stage::Stage;
use kofo_exchange::from_text;
use kofo_node::direct::{Accept, AnswerError, Request, Response};
use kofo_primitives::*;

/// The order that the taker would make of an offer, before anything is done to it.
fn acceptance(
    offer: &Offer,
    key: &NodeKey,
    parties: [Party; 2],
    timelocks: [UnixTime; 2],
) -> Signed<Acceptance> {
    let [alpha, beta] = parties;
    let accepted = Acceptance {
        version: 1,
        offer: offer.id(),
        taker: key.id(),
        nonce: SwapNonce::new([5; 32]),
        alpha: vec![AcceptedLeg {
            party: alpha,
            timelock: timelocks[0],
        }],
        beta: vec![AcceptedLeg {
            party: beta,
            timelock: timelocks[1],
        }],
    };
    accepted.sign(offer, key)
}

struct Liar {
    key: NodeKey,
    offer: Signed<Offer>,
}

impl Liar {
    async fn new(stage: &Stage) -> Self {
        let made = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
        Self {
            key: NodeKey::new(&[77; 32]).unwrap(),
            offer: from_text(&made.uri).unwrap(),
        }
    }

    fn order(&self, timelocks: [u64; 2]) -> SettlementOrder {
        let party = |lane: u16| {
            kofo_sim::SimParty {
                account: kofo_sim::AccountId(2),
                lane,
            }
            .to_party()
        };
        let now = kofo_node::clock::now();
        let timelocks = timelocks.map(|span| now.plus(Seconds(span)));
        let accepted = acceptance(&self.offer.body, &self.key, [party(1), party(2)], timelocks);
        SettlementOrder::new(self.offer.clone(), accepted).unwrap()
    }

    fn accept(&self, order: &SettlementOrder) -> Vec<u8> {
        Request::Accept(Box::new(Accept::new(
            order.as_direct().unwrap().clone(),
            Vec::new(),
            &self.key,
        )))
        .write()
    }

    async fn say(&self, stage: &Stage, order: &SettlementOrder) -> Result<(), AnswerError> {
        let request = self.accept(order);
        let answer = stage
            .taker
            .agreement
            .transport
            .request(&stage.maker.address(), request)
            .await
            .unwrap();
        Response::read(&answer, order.id(), &self.offer.body.maker)
    }
}

fn refused(answer: Result<(), AnswerError>) -> String {
    match answer {
        Err(AnswerError::Refused(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_altered_acceptances_are_answered_with_a_refusal() {
    let stage = Stage::new();
    let liar = Liar::new(&stage).await;
    let order = liar.order([3_000, 900]);
    let good = liar.accept(&order);
    let mut bad = vec![Vec::new(), b"garbage".to_vec(), vec![0xff; 2_000]];
    for at in (0..good.len()).step_by(23) {
        let mut altered = good.clone();
        altered[at] ^= 0x40;
        bad.push(altered);
    }
    bad.push([good.clone(), vec![0]].concat());
    for (n, request) in bad.into_iter().enumerate() {
        let answer = stage
            .taker
            .agreement
            .transport
            .request(&stage.maker.address(), request)
            .await
            .unwrap();
        refused(Response::read(&answer, order.id(), &liar.offer.body.maker));
        assert_eq!(
            stage.maker.known().await,
            1,
            "request {n}: there is the offer and nothing else"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timelocks_that_would_rob_the_maker_are_refused() {
    let stage = Stage::new();
    let liar = Liar::new(&stage).await;
    for (timelocks, expected) in [
        ([3_000, 60], "beta's timelock is"),
        ([900, 899], "alpha's timelock is"),
        ([900_000, 900], "a timelock is"),
    ] {
        let why = refused(liar.say(&stage, &liar.order(timelocks)).await);
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(stage.maker.known().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_acceptance_again_gets_the_same_answer_and_another_one_is_refused() {
    let stage = Stage::new();
    let liar = Liar::new(&stage).await;
    let order = liar.order([1_900, 900]);
    liar.say(&stage, &order).await.unwrap();
    liar.say(&stage, &order).await.unwrap();
    assert_eq!(stage.maker.known().await, 1, "one swap");
    let why = refused(liar.say(&stage, &liar.order([1_901, 901])).await);
    assert!(why.contains("accepted already"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acceptance_of_an_offer_that_we_did_not_make_is_refused() {
    let stage = Stage::new();
    let other = Stage::new();
    let liar = Liar::new(&other).await;
    let order = liar.order([1_900, 900]);
    let request = liar.accept(&order);
    let answer = stage
        .taker
        .agreement
        .transport
        .request(&stage.maker.address(), request)
        .await
        .unwrap();
    let why = refused(Response::read(&answer, order.id(), &liar.offer.body.maker));
    assert!(why.contains("no such offer"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taker_who_accepts_and_never_locks_costs_the_maker_nothing_but_time() {
    let stage = Stage::new();
    let liar = Liar::new(&stage).await;
    let order = liar.order([1_900, 900]);
    liar.say(&stage, &order).await.unwrap();
    let status = stage.outcome(&stage.maker, order.id().into()).await;
    assert_eq!(
        status.outcome,
        Some(kofo_node::rpc::types::OutcomeName::Refunded),
        "{status:#?}"
    );
    let paid = 15_000_000 - stage.balance(1, "one");
    assert!(paid < 1_000, "{paid}");
}

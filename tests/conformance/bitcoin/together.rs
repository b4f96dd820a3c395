//! What is Bitcoin's own about acts that both parties sign and about entrusted ones: sizes, batches and replacements.

use super::{Bitcoind, bitcoind};
use bitcoin::Transaction;
use bitcoin::consensus::encode::deserialize;
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::harness::{Harness, Outsider};
use kofo_adapter_api::conformance::{Leg, Stage, Told, Who};
use kofo_primitives::{
    Act, ActKind, At, ChainAction, ChainEvent, HtlcSpec, LegEvent, LegRef, Prepared, Together,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A verdict, not a pace.
const DEADLINE: Duration = Duration::from_secs(120);

async fn stage(test: &str) -> Option<Stage<Bitcoind>> {
    Some(Stage::set(bitcoind(test).await?).await)
}

/// Legs that they lock and we redeem, or that we lock and take back; final.
async fn locked(stage: &mut Stage<Bitcoind>, what: Together, count: usize) -> Vec<Leg> {
    let payer = match what {
        Together::Redeem => Who::Them,
        Together::Refund => Who::Us,
    };
    let mut legs = Vec::new();
    for _ in 0..count {
        legs.push(stage.locked(payer).await.0);
    }
    stage.finalise().await;
    legs
}

fn seen_by(who: Who, legs: &[Leg]) -> Vec<(LegRef, HtlcSpec)> {
    legs.iter().map(|leg| (leg.of, leg.spec(who).clone())).collect()
}

/// A whole round.
async fn signed(stage: &Stage<Bitcoind>, what: Together, legs: &[Leg]) -> Vec<Prepared> {
    let round = stage.us.adapter.open_round(what, &seen_by(Who::Us, legs)).await;
    let round = round.unwrap();
    let theirs = seen_by(Who::Them, legs);
    let reply = stage.them.adapter.cosign(what, &theirs, &round.request).await;
    round.finish(&reply.unwrap()).await.unwrap()
}

/// Fee and transaction of what was prepared.
fn opened(prepared: &Prepared) -> (u64, Transaction) {
    let (_, _, fee, tx): (u8, ActKind, u64, Vec<u8>) = borsh::from_slice(prepared.0.as_slice()).unwrap();
    (fee, deserialize(&tx).unwrap())
}

/// Broadcasts each leg's, which is one transaction.
async fn send_batch(stage: &Stage<Bitcoind>, what: Together, legs: &[Leg], prepared: &[Prepared]) {
    let before = stage.chain.waiting().await;
    for (leg, prepared) in legs.iter().zip(prepared) {
        stage.us.broadcast(leg, what.kind(), prepared).await;
    }
    stage.until_waiting(before + 1).await;
}

fn in_block(at: Option<At>) -> bool {
    matches!(at, Some(At::Block(_)))
}

/// Redeems by leaf, mining and asking for the newest version until it is in a block.
async fn redeemed_alone(stage: &Stage<Bitcoind>, leg: &Leg) {
    stage.us.build(leg, Act::Redeem(leg.preimage.clone())).await;
    for _ in 0..10 {
        let told = stage.us.told(leg);
        let newest = told.built.iter().rev().find(|(kind, _)| *kind == ActKind::Redeem);
        stage.us.broadcast(leg, ActKind::Redeem, &newest.unwrap().1).await;
        stage.mine(1).await;
        if in_block(stage.us.told(leg).redeem.map(|(_, at)| at)) {
            return;
        }
    }
    panic!("expected the redeem alone in a block: {:?}", stage.us.told(leg));
}

#[tokio::test]
async fn what_both_sign_is_mined_at_111_vbytes_and_pays_todays_rate() {
    let test = "what_both_sign_is_mined_at_111_vbytes_and_pays_todays_rate";
    let Some(mut stage) = stage(test).await else {
        return;
    };
    for what in [Together::Redeem, Together::Refund] {
        let legs = locked(&mut stage, what, 1).await;
        let prepared = signed(&stage, what, &legs).await;
        let (fee, tx) = opened(&prepared[0]);
        assert_eq!(tx.vsize(), 111);
        assert_eq!(fee % 111, 0, "a whole rate times the size");
        assert!((111..=1_110).contains(&fee), "{fee}");
        send_batch(&stage, what, &legs, &prepared).await;
        stage.mine(1).await;
        let told = stage.them.told(&legs[0]);
        let ended = told.redeemed_together.or(told.refund);
        assert!(in_block(ended), "{told:?}");
    }
}

#[tokio::test]
async fn five_legs_are_redeemed_by_one_transaction_and_each_is_told_so() {
    let test = "five_legs_are_redeemed_by_one_transaction_and_each_is_told_so";
    let Some(mut stage) = stage(test).await else {
        return;
    };
    let legs = locked(&mut stage, Together::Redeem, 5).await;
    let prepared = signed(&stage, Together::Redeem, &legs).await;
    let (_, tx) = opened(&prepared[0]);
    assert!(prepared.iter().all(|each| opened(each).1 == tx));
    assert_eq!((tx.input.len(), tx.output.len()), (5, 1));
    send_batch(&stage, Together::Redeem, &legs, &prepared).await;
    let tip = stage.mine(1).await;
    for leg in &legs {
        for peer in [&stage.us, &stage.them] {
            let told = peer.told(leg);
            assert_eq!(told.redeemed_together, Some(At::Block(tip)), "{told:?}");
            assert_eq!((told.redeem, told.refund), (None, None));
        }
    }
}

#[tokio::test]
async fn one_leg_alone_outbids_the_batch_that_is_stuck_and_the_batch_is_dead_for_all() {
    let test = "one_leg_alone_outbids_the_batch_that_is_stuck_and_the_batch_is_dead_for_all";
    let Some(mut stage) = stage(test).await else {
        return;
    };
    let legs = locked(&mut stage, Together::Redeem, 3).await;
    let prepared = signed(&stage, Together::Redeem, &legs).await;
    send_batch(&stage, Together::Redeem, &legs, &prepared).await;
    stage.chain.make_too_cheap().await;
    stage.mine(1).await;
    let alone = Act::Redeem(legs[0].preimage.clone());
    let (alone, _) = opened(&stage.us.build(&legs[0], alone).await);
    let (batch, _) = opened(&prepared[0]);
    assert!(alone >= batch + 155, "{alone} does not replace {batch}");
    redeemed_alone(&stage, &legs[0]).await;
    stage.finalise().await;
    let dead = |told: &Told| told.dead(ActKind::RedeemTogether);
    for leg in &legs {
        stage.us.until_told(leg, "the batch to be dead", dead).await;
    }
    let told = stage.us.told(&legs[1]);
    assert!(told.redeemed_together.is_none(), "its coin is unspent: {told:?}");
    for leg in &legs[1..] {
        redeemed_alone(&stage, leg).await;
    }
}

#[tokio::test]
async fn a_refund_alone_outbids_the_one_together_that_is_stuck_at_the_timelock() {
    let test = "a_refund_alone_outbids_the_one_together_that_is_stuck_at_the_timelock";
    let Some(mut stage) = stage(test).await else {
        return;
    };
    let legs = locked(&mut stage, Together::Refund, 1).await;
    let prepared = signed(&stage, Together::Refund, &legs).await;
    let leg = &legs[0];
    let (together, _) = opened(&prepared[0]);
    stage.mine_until(leg.refunder.timelock).await;
    send_batch(&stage, Together::Refund, &legs, &prepared).await;
    stage.chain.make_too_cheap().await;
    stage.mine(1).await;
    assert_eq!(stage.us.told(leg).refund, Some(At::Mempool));

    let alone = stage.us.build(leg, Act::Refund).await;
    let (fee, tx) = opened(&alone);
    assert!(fee >= together + 138, "{fee} does not replace {together}");
    stage.us.broadcast(leg, ActKind::Refund, &alone).await;
    stage
        .chain
        .until_mempool_has(&tx.compute_txid().to_string())
        .await;
    assert_eq!(stage.chain.waiting().await, 1, "it took the other's place");
    let tip = stage.mine(1).await;
    for peer in [&stage.us, &stage.them] {
        assert_eq!(peer.told(leg).refund, Some(At::Block(tip)));
    }
    stage.finalise().await;
    let dead = |told: &Told| told.dead(ActKind::RefundTogether);
    stage
        .us
        .until_told(leg, "what both signed to be dead", dead)
        .await;
}

/// Somebody who is no party, and what he hears.
struct Tower {
    adapter: Arc<dyn ChainAdapter>,
}

impl Tower {
    async fn watching(stage: &Stage<Bitcoind>, leg: &Leg) -> Self {
        let adapter = stage.chain.outsider().await;
        let spec = leg.spec(Who::Us).clone();
        let held = Vec::new();
        adapter.act(leg.of, ChainAction::Watch { spec, held }).await;
        let this = Self { adapter };
        this.hear(leg, "the answer to Watch", |event| {
            matches!(event, LegEvent::Watched(_))
        })
        .await;
        this
    }

    /// Waits until something is told of the leg.
    async fn hear(&self, leg: &Leg, what: &str, fits: impl Fn(&LegEvent) -> bool) -> LegEvent {
        let search = async {
            while let Some(event) = self.adapter.next().await {
                match event {
                    ChainEvent::Leg(of, event) if of == leg.of && fits(&event) => return event,
                    _ => (),
                }
            }
            panic!("the tower's adapter stopped before {what}");
        };
        let heard = tokio::time::timeout(DEADLINE, search).await;
        heard.unwrap_or_else(|_| panic!("expected {what} within {DEADLINE:?}"))
    }

    async fn send(&self, leg: &Leg, act: &Act, level: &kofo_adapter_api::Entrusted) -> Prepared {
        let spec = leg.spec(Who::Us);
        let tx = self.adapter.take_over(leg.of, spec, act, level).await.unwrap();
        let (act, not_after) = (act.kind(), None);
        let broadcast = ChainAction::Broadcast {
            act,
            tx: tx.clone(),
            not_after,
        };
        self.adapter.act(leg.of, broadcast).await;
        tx
    }
}

#[tokio::test]
async fn a_tower_brings_a_dearer_level_when_the_cheap_one_is_stuck() {
    let test = "a_tower_brings_a_dearer_level_when_the_cheap_one_is_stuck";
    let Some(mut stage) = stage(test).await else {
        return;
    };
    let leg = locked(&mut stage, Together::Redeem, 1).await.remove(0);
    let given = stage
        .us
        .adapter
        .entrust(leg.of, leg.spec(Who::Us), ActKind::Redeem);
    let levels = given.await.unwrap();
    let tower = Tower::watching(&stage, &leg).await;
    let act = Act::Redeem(leg.preimage.clone());
    let (cheap, dear) = (levels.first().unwrap(), levels.last().unwrap());
    let cheap = tower.send(&leg, &act, cheap).await;
    stage.until_waiting(1).await;
    stage.chain.make_too_cheap().await;
    stage.mine(8).await;
    assert_eq!(
        stage.chain.waiting().await,
        1,
        "it is stuck, and nothing was made of it"
    );
    let dear = tower.send(&leg, &act, dear).await;
    assert!(opened(&dear).0 > opened(&cheap).0);
    let txid = opened(&dear).1.compute_txid();
    stage.chain.until_mempool_has(&txid.to_string()).await;
    let tip = stage.mine(1).await;
    let told = stage.us.told(&leg);
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Block(tip))));
    let at = At::Block(tip);
    let mined = |event: &LegEvent| matches!(event, LegEvent::Seen { act: Act::Redeem(_), at: seen, .. } if *seen == at);
    tower.hear(&leg, "its redeem in a block", mined).await;
}

#[tokio::test]
async fn a_tower_can_build_nothing_for_an_owner() {
    let Some(mut stage) = stage("a_tower_can_build_nothing_for_an_owner").await else {
        return;
    };
    let leg = locked(&mut stage, Together::Redeem, 1).await.remove(0);
    let tower = Tower::watching(&stage, &leg).await;
    let build = ChainAction::Build(Act::Redeem(leg.preimage.clone()));
    tower.adapter.act(leg.of, build).await;
    let answer = |event: &LegEvent| matches!(event, LegEvent::Built(..) | LegEvent::Failed(..));
    let answer = tower.hear(&leg, "an answer to Build", answer).await;
    assert!(
        matches!(answer, LegEvent::Failed(ActKind::Redeem, _)),
        "expected a refusal, got {answer:?}"
    );
    let legs = seen_by(Who::Us, &[leg]);
    assert!(tower.adapter.open_round(Together::Redeem, &legs).await.is_err());
}

impl Bitcoind {
    /// No block takes what waits now.
    async fn make_too_cheap(&self) {
        use kofo_adapter_api::conformance::harness::FeeMarket;
        self.raise_fees().await;
    }

    async fn until_mempool_has(&self, txid: &str) {
        let wait = async {
            loop {
                let waiting = self.turn.rpc("getrawmempool", json!([])).await;
                if waiting.as_array().unwrap().iter().any(|each| each == txid) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let came = tokio::time::timeout(DEADLINE, wait).await;
        assert!(came.is_ok(), "expected {txid} in the mempool within {DEADLINE:?}");
    }
}

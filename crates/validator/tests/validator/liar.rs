//! A validator that proposes a ledger in which one unit more is its own.

use crate::net::{Net, until};
use crate::town::{FOUNDATION, keys, network, order, order_of, transfer};
use async_trait::async_trait;
use kofo_clearance::{Batch, NoProofs, OrderAnswer};
use kofo_consensus::{
    AppError, Application, Committed, Engine, Judged, Limits, Origin, Proposal, Settings, Slot, Tip,
    Unrecorded, Veil,
};
use kofo_primitives::{Amount, Certificate, DoubleVote, ValidatorKey, ValidatorSet};
use kofo_validator::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Does everything as it should but for what it proposes.
struct Liar {
    honest: Arc<Replica>,
    lies: AtomicU32,
}

#[async_trait]
impl Application for Liar {
    async fn tip(&self) -> Result<Tip, AppError> {
        self.honest.tip().await
    }

    async fn build(&self, at: Slot) -> Result<Proposal, AppError> {
        let built = self.honest.build(at).await?;
        let mut batch = Batch::read(&built.payload, 500_000).unwrap();
        batch.header.state[0] ^= 1;
        self.lies.fetch_add(1, Ordering::SeqCst);
        Ok(Proposal {
            id: batch.header.id(),
            payload: batch.write(),
        })
    }

    async fn judge(
        &self,
        at: Slot,
        of: Origin,
        by: ValidatorKey,
        payload: &[u8],
    ) -> Result<Judged, AppError> {
        self.honest.judge(at, of, by, payload).await
    }

    async fn commit(&self, certificate: Certificate, payload: Vec<u8>) -> Result<ValidatorSet, AppError> {
        self.honest.commit(certificate, payload).await
    }

    async fn finalized(&self, certificate: Certificate, of: Vec<DoubleVote>) -> Result<(), AppError> {
        self.honest.finalized(certificate, of).await
    }

    async fn committed(&self, height: u64) -> Result<Option<Committed>, AppError> {
        self.honest.committed(height).await
    }

    async fn lowest(&self) -> Result<u64, AppError> {
        self.honest.lowest().await
    }
}

fn open(start: &Start) -> Arc<Replica> {
    let keys = keys(3);
    let committee = Committee::open(&start.data, &start.genesis, &keys.account).unwrap();
    let parts = ReplicaParts {
        store: Arc::new(Store::open(&start.data, &start.genesis.digest()).unwrap()),
        checks: Arc::new(Checks::new(network())),
        committee: Arc::new(committee),
        clock: start.clock.clone(),
        voter: None,
    };
    Arc::new(Replica::open(start.genesis.clone(), Arc::new(NoProofs), parts).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_that_lies_is_voted_down_complained_of_and_slashed_and_the_others_go_on() {
    let mut net = Net::new(4, 0, |_| {}).await;
    net.stop(3).await;
    let start = net.parts(3);
    let liar = Arc::new(Liar {
        honest: open(&start),
        lies: AtomicU32::new(0),
    });
    let committee = Committee::open(&start.data, &start.genesis, &keys(3).account).unwrap();
    let settings = Settings {
        network: network(),
        data: start.data.join("engine"),
        listen: start.config.engine.clone(),
        peers: (0..3)
            .map(|n| net.genesis.validators[n].engine.as_str().to_owned())
            .collect(),
        followers: Vec::new(),
        veil: Veil::of(move || committee.veil()),
        secret: Some(keys(3).vote()),
        unrecorded: Unrecorded::Votes,
        pace: start.pace,
        limits: Limits::default(),
    };
    let engine = Engine::start(settings, Arc::clone(&liar) as _).await.unwrap();
    let now = Clock::system().now_ms();
    let submission = order(1, now);
    net.submit(0, submission.clone()).await;
    net.submit(1, transfer(0, 10)).await;
    until("it lied", || liar.lies.load(Ordering::SeqCst) > 0).await;
    let account = keys(3).account.id();
    let view = |n: usize| net.node(n).replica().now().ledger.account(account);
    until("it is slashed", || {
        (0..3).all(|n| view(n).jailed_until_ms.is_some())
    })
    .await;
    assert_eq!(view(0).holdings[0].stake, Amount::new(950_000));
    net.go_on(3).await;
    assert!(matches!(
        net.order(2, order_of(&submission)).await,
        OrderAnswer::Committed(_)
    ));
    let foundation = net
        .node(0)
        .replica()
        .now()
        .ledger
        .account(crate::town::key(FOUNDATION).id());
    assert_eq!(foundation.holdings[0].free, Amount::new(10));
    let ours = net.node(0).replica().now().ledger.tip().height;
    until("it follows what the others decide", || {
        liar.honest.now().ledger.tip().height >= ours
    })
    .await;
    engine.stop().await;
    net.end().await;
}

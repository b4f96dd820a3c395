//! A wallet that asks each validator by itself, believes certificates alone, and remembers which orders it saw certified.

use super::orders::{self, Orders};
use kofo_clearance::{
    AccountView, Genesis, Ledger, Light, LightError, NoProofs, OrderAnswer, OrderProof, RefusedClass,
    Request, Response, Submission, ValidatorStatus,
};
use kofo_network::{Config, Identity, Limits, Network, PeerAddress, Transport};
use kofo_node::clock::now_ms;
use kofo_primitives::{Digest, NodeId, SwapId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// One answer comes within so long, or not at all.
const ANSWER: Duration = Duration::from_secs(4);
/// A validator that runs proves what it has within so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// A validator is asked for an order so often while it is waited for: with all that trade, less often than it answers
/// anybody.
const BEAT: Duration = Duration::from_millis(50);

/// An order that was seen certified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proven {
    pub(super) height: u64,
    pub(super) header: Digest,
}

/// The wallet.
pub(super) struct Witness {
    network: Network,
    services: Vec<PeerAddress>,
    light: Mutex<Light>,
    orders: Orders,
    next: AtomicU64,
    /// All that were handed in, and whether they were seen certified.
    known: Mutex<BTreeMap<SwapId, Option<Proven>>>,
}

impl Witness {
    pub(super) async fn new(genesis: &Genesis, seed: u64) -> Self {
        let config = Config {
            identity: Identity::generate(),
            network_id: genesis.network.to_string(),
            listen: Vec::new(),
            limits: Limits::default(),
        };
        let (network, _) = Network::start(config).await.unwrap();
        let address = |service: &str| PeerAddress::from_multiaddrs(&[service]).unwrap();
        let services = genesis.validators.iter();
        let first = Ledger::new(genesis.clone(), Arc::new(NoProofs)).unwrap();
        let light = Light::new(genesis.network.clone(), first.validators(), genesis.time_ms);
        Self {
            network,
            services: services.map(|one| address(one.service.as_str())).collect(),
            light: Mutex::new(light),
            orders: Orders::new(genesis, seed),
            next: AtomicU64::new(0),
            known: Mutex::default(),
        }
    }

    /// What a validator answers; none if it does not, or is asked too often.
    async fn ask(&self, at: usize, request: Request) -> Option<Response> {
        let asked = self.network.request(&self.services[at], request.write());
        let answer = tokio::time::timeout(ANSWER, asked).await.ok()?.ok()?;
        match Response::read(&answer).unwrap() {
            Response::Refused {
                class: RefusedClass::Busy,
                ..
            } => None,
            answer => Some(answer),
        }
    }

    /// The same, until it answers.
    async fn told(&self, at: usize, request: Request) -> Response {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.ask(at, request.clone()).await {
                return answer;
            }
            assert!(Instant::now() < deadline, "validator {} is silent", at + 1);
            tokio::time::sleep(BEAT).await;
        }
    }

    async fn status(&self, at: usize) -> ValidatorStatus {
        match self.told(at, Request::Status).await {
            Response::Status(status) => *status,
            other => panic!("validator {}: {other:?}", at + 1),
        }
    }

    /// What an account has, as one validator says.
    pub(super) async fn account(&self, at: usize, account: NodeId) -> AccountView {
        match self.told(at, Request::Account(account)).await {
            Response::Account(view) => *view,
            other => panic!("validator {}: {other:?}", at + 1),
        }
    }

    fn follow(&self, at: usize, answer: &Response) {
        let Response::Changes(changes) = answer else {
            panic!("validator {}: {answer:?}", at + 1)
        };
        for change in changes {
            self.light.lock().unwrap().advance(change, now_ms()).unwrap();
        }
    }

    /// Knows who decides now, as a validator tells and proves.
    pub(super) async fn catch_up(&self, at: usize) {
        let after_epoch = self.light.lock().unwrap().epoch();
        let answer = self.told(at, Request::Changes { after_epoch }).await;
        self.follow(at, &answer);
    }

    /// Verified; a validator that proves something wrong fails the test. None if it dies before it told who decides.
    async fn verified(&self, at: usize, order: SwapId, proof: &OrderProof) -> Option<Proven> {
        let verify = || self.light.lock().unwrap().order(order, proof, now_ms());
        let mut verified = verify();
        if let Err(LightError::UnknownSet { known, .. }) = verified {
            let after_epoch = known;
            let answer = self.ask(at, Request::Changes { after_epoch }).await?;
            self.follow(at, &answer);
            verified = verify();
        }
        let certified = verified.unwrap_or_else(|error| panic!("validator {}: {error}", at + 1));
        Some(Proven {
            height: certified.height(),
            header: proof.header.id(),
        })
    }

    /// Whether a validator proves an order now.
    async fn look(&self, at: usize, answer: Response, order: SwapId) -> Option<Proven> {
        let Response::Order(answer) = answer else {
            panic!("validator {}: {answer:?}", at + 1)
        };
        match *answer {
            OrderAnswer::Committed(proof) => self.verified(at, order, &proof).await,
            OrderAnswer::Unknown | OrderAnswer::Waiting => None,
            other => panic!("validator {}: order {order}: {other:?}", at + 1),
        }
    }

    /// Hands orders in at one validator, each once the one before was seen certified by that very one, until it is told to
    /// stop. Counts them in `seen`.
    pub(super) async fn trade(self: Arc<Self>, at: usize, stop: Arc<AtomicBool>, seen: watch::Sender<u64>) {
        while !stop.load(Ordering::Relaxed) {
            let order = self.orders.order(self.next.fetch_add(1, Ordering::Relaxed));
            let id = orders::id(&order);
            self.known.lock().unwrap().insert(id, None);
            let submission = Submission::Order(Box::new(order));
            match self.ask(at, Request::Submit(Box::new(submission))).await {
                Some(Response::Taken(_)) => {}
                // It was killed, or is too busy.
                None => {
                    tokio::time::sleep(BEAT).await;
                    continue;
                }
                other => panic!("validator {}: order {id}: {other:?}", at + 1),
            }
            while !stop.load(Ordering::Relaxed) {
                if let Some(answer) = self.ask(at, Request::Order(id)).await
                    && let Some(proven) = self.look(at, answer, id).await
                {
                    self.known.lock().unwrap().insert(id, Some(proven));
                    seen.send_modify(|count| *count += 1);
                    break;
                }
                tokio::time::sleep(BEAT).await;
            }
        }
    }

    /// All orders that were seen certified.
    pub(super) fn certified(&self) -> BTreeMap<SwapId, Proven> {
        let known = self.known.lock().unwrap();
        let certified = known.iter().filter_map(|(id, proven)| Some((*id, (*proven)?)));
        certified.collect()
    }

    /// A validator proves an order by the very header by which it was seen certified. It may be behind, but once it has
    /// that height it has the order.
    pub(super) async fn still_proves(&self, at: usize, order: SwapId, seen: Proven) {
        let (deadline, mut there) = (Instant::now() + PATIENCE, false);
        loop {
            let answer = self.told(at, Request::Order(order)).await;
            if let Some(proven) = self.look(at, answer, order).await {
                let (have, want) = ((proven.height, proven.header), (seen.height, seen.header));
                assert_eq!(have, want, "a fork: validator {} of order {order}", at + 1);
                return;
            }
            let lost = there || Instant::now() > deadline;
            assert!(!lost, "validator {} lost order {order}: {seen:?}", at + 1);
            there = self.status(at).await.height >= seen.height;
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Every order of all that were handed in that a validator proves, once none waits there, and by which header: also
    /// those that nobody saw certified.
    pub(super) async fn orders_of(&self, at: usize) -> BTreeMap<SwapId, Digest> {
        let all: Vec<_> = self.known.lock().unwrap().keys().copied().collect();
        let mut proven = BTreeMap::new();
        for order in all {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let answer = self.told(at, Request::Order(order)).await;
                let waits = matches!(&answer, Response::Order(now) if **now == OrderAnswer::Waiting);
                if !waits {
                    let now = self.look(at, answer, order).await;
                    proven.extend(now.map(|now| (order, now.header)));
                    break;
                }
                assert!(Instant::now() < deadline, "order {order} waits for ever");
                tokio::time::sleep(BEAT).await;
            }
        }
        proven
    }
}

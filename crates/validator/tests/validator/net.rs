//! Whole validators in one process: real engines, sockets and disks.

use crate::town::{genesis, network, seed};
use kofo_clearance::{Genesis, NoProofs, OrderAnswer, Request, Response, Submission};
use kofo_consensus::Pace;
use kofo_network::{Config, Identity, Limits, Network, PeerAddress, Transport};
use kofo_primitives::{NodeId, SwapId};
use kofo_validator::*;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Networks at a time: they share the cores of a small machine.
static TURNS: Semaphore = Semaphore::const_new(1);
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
const PATIENCE: Duration = Duration::from_secs(90);

/// A port that is free, below those that the system gives to connections.
pub(crate) fn free_port() -> u16 {
    loop {
        let offset = NEXT_PORT.fetch_add(1, Ordering::SeqCst);
        let first = (std::process::id() % 100) as u16 * 100;
        let port = 10_000 + (first + offset) % 9_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn pace() -> Pace {
    Pace {
        target: Duration::from_millis(100),
        propose: Duration::from_millis(700),
        vote: Duration::from_millis(300),
        cap: Duration::from_secs(2),
    }
}

/// A network of validators, and a wallet that asks them.
pub(crate) struct Net {
    pub(crate) genesis: Genesis,
    pub(crate) nodes: Vec<Option<Validator>>,
    pub(crate) folders: Vec<TempDir>,
    ports: Vec<(u16, u16)>,
    /// Whether validators admit those that could become some as followers.
    lists: bool,
    wallet: Network,
    _turn: SemaphorePermit<'static>,
}

impl Net {
    /// So many validators of the genesis, which run; `others` more accounts that could become some. `rules` are changed
    /// before it begins.
    pub(crate) async fn new(count: usize, others: usize, rules: impl FnOnce(&mut Genesis)) -> Self {
        let mut net = Self::founded(count, others, rules).await;
        net.start_all(count).await;
        net
    }

    /// The same, and whoever is no validator is admitted as a follower.
    pub(crate) async fn with_followers(count: usize, others: usize) -> Self {
        let mut net = Self::founded(count, others, |_| {}).await;
        net.lists = true;
        net.start_all(count).await;
        net
    }

    async fn start_all(&mut self, count: usize) {
        for n in 0..count {
            self.start(n).await;
        }
    }

    async fn founded(count: usize, others: usize, rules: impl FnOnce(&mut Genesis)) -> Self {
        let turn = TURNS.acquire().await.unwrap();
        let all = count + others;
        let ports: Vec<_> = (0..all).map(|_| (free_port(), free_port())).collect();
        let mut genesis = genesis(Clock::system().now_ms(), &ports[..count], others);
        rules(&mut genesis);
        let (wallet, _) = Network::start(Config {
            identity: Identity::generate(),
            network_id: network().to_string(),
            listen: Vec::new(),
            limits: Limits::default(),
        })
        .await
        .unwrap();
        Self {
            genesis,
            nodes: (0..all).map(|_| None).collect(),
            folders: (0..all).map(|_| TempDir::new().unwrap()).collect(),
            ports,
            lists: false,
            wallet,
            _turn: turn,
        }
    }

    /// The configuration of one: of those beyond the genesis, all others are told.
    fn config(&self, n: usize) -> ValidatorConfig {
        let (engine, service) = self.ports[n];
        let beyond = (self.genesis.validators.len()..self.nodes.len()).filter(|other| *other != n);
        let beyond: Vec<_> = beyond.map(|other| (other, self.ports[other])).collect();
        let peer = |other: &usize| engine_peer(self.folders[*other].path()).unwrap();
        let followers = beyond.iter().filter(|_| self.lists).map(|(other, _)| peer(other));
        let engine_at = |port| format!("/ip4/127.0.0.1/tcp/{port}");
        let service_at = |(other, (_, port)): &(usize, (u16, u16))| {
            let peer = crate::town::keys(*other).identity.peer_id();
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")
        };
        ValidatorConfig {
            followers: followers.collect(),
            engine: engine_at(engine),
            service: vec![engine_at(service)],
            engine_peers: beyond.iter().map(|(_, ports)| engine_at(ports.0)).collect(),
            service_peers: beyond.iter().map(service_at).collect(),
            ..ValidatorConfig::default()
        }
    }

    /// What one is started with.
    pub(crate) fn parts(&self, n: usize) -> Start {
        Start {
            data: self.folders[n].path().to_owned(),
            genesis: self.genesis.clone(),
            seed: seed(n),
            config: self.config(n),
            pace: pace(),
            proofs: Arc::new(NoProofs),
            sight: Sight::Blind,
            clock: Clock::system(),
        }
    }

    pub(crate) async fn start(&mut self, n: usize) {
        self.nodes[n] = Some(Validator::start(self.parts(n)).await.unwrap());
    }

    pub(crate) async fn stop(&mut self, n: usize) {
        self.nodes[n].take().unwrap().stop().await;
    }

    pub(crate) fn wipe(&mut self, n: usize) {
        self.folders[n] = TempDir::new().unwrap();
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Validator> {
        self.nodes.iter().flatten()
    }

    pub(crate) fn node(&self, n: usize) -> &Validator {
        self.nodes[n].as_ref().unwrap()
    }

    pub(crate) fn height(&self, n: usize) -> u64 {
        self.node(n).replica().now().ledger.tip().height
    }

    /// Waits until all that run are so much further than the furthest is now.
    pub(crate) async fn go_on(&self, heights: u64) -> u64 {
        let heights_now = || self.running().map(|one| one.replica().now().ledger.tip().height);
        let to = heights_now().max().unwrap() + heights;
        until(&format!("all are at height {to}"), || {
            heights_now().all(|h| h >= to)
        })
        .await;
        to
    }

    /// All that run have the same headers up to the lowest tip.
    pub(crate) fn agree(&self) {
        let heights = self.running().map(|one| one.replica().now().ledger.tip().height);
        for height in 1..=heights.min().unwrap() {
            let header = |one: &Validator| one.replica().store().header(height).unwrap().unwrap();
            let headers: Vec<_> = self.running().map(header).collect();
            assert!(
                headers.iter().all(|one| *one == headers[0]),
                "height {height}: {headers:?}"
            );
        }
    }

    fn service(&self, n: usize) -> PeerAddress {
        let peer = crate::town::keys(n).identity.peer_id();
        PeerAddress::new(peer, &[format!("/ip4/127.0.0.1/tcp/{}", self.ports[n].1)]).unwrap()
    }

    /// What the wallet is answered by one of them.
    pub(crate) async fn ask(&self, n: usize, request: Request) -> Response {
        let answer = self.wallet.request(&self.service(n), request.write()).await;
        Response::read(&answer.unwrap()).unwrap()
    }

    pub(crate) async fn submit(&self, n: usize, submission: Submission) {
        let answer = self.ask(n, Request::Submit(Box::new(submission))).await;
        assert!(matches!(answer, Response::Taken(_)), "{answer:?}");
    }

    pub(crate) async fn order(&self, n: usize, order: SwapId) -> OrderAnswer {
        match self.ask(n, Request::Order(order)).await {
            Response::Order(answer) => *answer,
            other => panic!("{other:?}"),
        }
    }

    /// The ledger's sequence of an account at one of them.
    pub(crate) fn sequence(&self, n: usize, account: NodeId) -> u64 {
        self.node(n).replica().now().ledger.account(account).sequence
    }

    pub(crate) async fn end(self) {
        self.agree();
        for node in self.nodes.into_iter().flatten() {
            node.stop().await;
        }
    }
}

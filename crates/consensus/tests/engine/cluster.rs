//! Several nodes of one network.

use crate::book::{Book, Schedule, network};
use kofo_consensus::{Engine, Limits, Pace, Settings, Unrecorded, Veil};
use kofo_primitives::{NodeId, Validator, ValidatorSecret, ValidatorSet};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Networks at a time: they share the cores of a small machine.
static TURNS: Semaphore = Semaphore::const_new(3);
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A port that is free, below those that the system gives to connections.
pub(crate) fn free_port() -> u16 {
    loop {
        let offset = NEXT_PORT.fetch_add(1, Ordering::SeqCst);
        let first = (std::process::id() % 100) as u16 * 100;
        let port = 20_000 + (first + offset) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n + 1; 32]).unwrap()
}

pub(crate) fn set(epoch: u64, of: impl IntoIterator<Item = u8>) -> ValidatorSet {
    let member = |n| Validator {
        key: secret(n).key(),
        account: NodeId::new([n; 32]),
        power: 1,
    };
    ValidatorSet::new(epoch, of.into_iter().map(member).collect()).unwrap()
}

pub(crate) fn always(count: u8) -> Schedule {
    Arc::new(BTreeMap::from([(0, set(0, 0..count))]))
}

/// The place of a validator among the first four.
pub(crate) fn place_of(n: u8) -> usize {
    let (set, key) = (set(0, 0..4), secret(n).key());
    set.members().iter().position(|member| member.key == key).unwrap()
}

/// Whose turn it is, of the first four, in the first round of a height.
pub(crate) fn proposer(height: u64) -> u8 {
    let place = ((height - 1) % 4) as usize;
    (0..4).find(|n| place_of(*n) == place).unwrap()
}

/// Waits until it is so; panics with a picture of it when patience ends.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One node, running or not.
pub(crate) struct Node {
    pub(crate) book: Arc<Book>,
    pub(crate) engine: Option<Engine>,
    pub(crate) folder: TempDir,
    /// Whose key; none for a follower.
    pub(crate) who: Option<u8>,
    /// What it does without a record of what it signed.
    pub(crate) unrecorded: Unrecorded,
    /// Whether it has the key that validators share.
    pub(crate) knows_veil: Arc<AtomicBool>,
    /// Whom it admits beside validators.
    pub(crate) followers: Vec<String>,
    pub(crate) port: u16,
    /// Where it finds its peers.
    pub(crate) peers: Vec<u16>,
}

impl Node {
    pub(crate) fn new(schedule: &Schedule, who: Option<u8>) -> Self {
        Self {
            book: Book::new(schedule),
            engine: None,
            folder: tempfile::tempdir().unwrap(),
            who,
            unrecorded: Unrecorded::Votes,
            knows_veil: Arc::new(AtomicBool::new(true)),
            followers: Vec::new(),
            port: free_port(),
            peers: Vec::new(),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let at = |port: &u16| format!("/ip4/127.0.0.1/tcp/{port}");
        Settings {
            network: network(),
            data: self.folder.path().into(),
            listen: at(&self.port),
            peers: self.peers.iter().map(at).collect(),
            followers: self.followers.clone(),
            veil: self.veil(),
            secret: self.who.map(secret),
            unrecorded: self.unrecorded,
            pace: Pace {
                target: Duration::from_millis(50),
                propose: Duration::from_millis(600),
                vote: Duration::from_millis(300),
                cap: Duration::from_secs(2),
            },
            limits: Limits::default(),
        }
    }

    fn veil(&self) -> Veil {
        let knows = Arc::clone(&self.knows_veil);
        let key = || zeroize::Zeroizing::new([5; 32]);
        Veil::of(move || knows.load(Ordering::SeqCst).then(key))
    }

    /// The name of its connections' key, also before it starts.
    pub(crate) fn peer(&self) -> String {
        kofo_consensus::peer_id(self.folder.path()).unwrap()
    }

    pub(crate) async fn start(&mut self) {
        let book: Arc<Book> = Arc::clone(&self.book);
        self.engine = Some(Engine::start(self.settings(), book).await.unwrap());
    }

    #[cfg(feature = "byzantine")]
    pub(crate) async fn start_lying(&mut self, lies: kofo_consensus::Lies) {
        let book: Arc<Book> = Arc::clone(&self.book);
        let engine = Engine::start_lying(self.settings(), book, lies).await;
        self.engine = Some(engine.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.engine.take().unwrap().stop().await;
    }

    pub(crate) fn height(&self) -> u64 {
        self.book.height()
    }
}

/// All of a network.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    _turn: SemaphorePermit<'static>,
}

impl Cluster {
    /// Nodes that know each other, none started: validators `0..validators` first, then others.
    pub(crate) async fn new(schedule: &Schedule, who: impl IntoIterator<Item = Option<u8>>) -> Self {
        let turn = TURNS.acquire().await.unwrap();
        let mut nodes: Vec<_> = who.into_iter().map(|who| Node::new(schedule, who)).collect();
        let ports: Vec<_> = nodes.iter().map(|node| node.port).collect();
        for node in &mut nodes {
            node.peers = ports.iter().copied().filter(|port| *port != node.port).collect();
        }
        Self { nodes, _turn: turn }
    }

    /// Validators only, all running.
    pub(crate) async fn running(count: u8) -> Self {
        let mut cluster = Self::new(&always(count), (0..count).map(Some)).await;
        cluster.start_all().await;
        cluster
    }

    pub(crate) async fn start_all(&mut self) {
        for node in &mut self.nodes {
            node.start().await;
        }
    }

    /// Until these nodes have this height.
    pub(crate) async fn reach(&self, nodes: &[usize], height: u64) {
        let there = || nodes.iter().all(|n| self.nodes[*n].height() >= height);
        until(&format!("{nodes:?} commit height {height}"), there).await;
    }

    /// Until these nodes have so many heights more than the highest of all has now.
    pub(crate) async fn go_on(&self, nodes: &[usize], heights: u64) {
        self.reach(nodes, self.tip() + heights).await;
    }

    /// Waits until these stand at one height for longer than its first round lasts; says which.
    pub(crate) async fn settled(&self, nodes: &[usize]) -> u64 {
        let at = |n: &usize| self.nodes[*n].engine.as_ref().unwrap().status().height;
        let (mut height, mut since) = (0, Instant::now());
        until("the height settles", || {
            let now: Vec<_> = nodes.iter().map(at).collect();
            if now.iter().any(|other| *other != height) {
                (height, since) = (now[0], Instant::now());
            }
            since.elapsed() > Duration::from_millis(1200)
        })
        .await;
        height
    }

    /// Watches for longer than several rounds last that nothing is decided but one height, which may have been on its
    /// way; says which that is.
    pub(crate) async fn decides_nothing(&self) -> u64 {
        let (begin, tip) = (Instant::now(), self.tip() + 1);
        while begin.elapsed() < Duration::from_secs(3) {
            assert!(self.tip() <= tip, "the height did not stay");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tip
    }

    /// The highest that any node has.
    pub(crate) fn tip(&self) -> u64 {
        self.nodes.iter().map(Node::height).max().unwrap()
    }

    /// Nobody has at a height what another does not have there.
    pub(crate) fn agree(&self) {
        let ids: Vec<_> = self.nodes.iter().map(|node| node.book.ids()).collect();
        for (n, of) in ids.iter().enumerate() {
            for (height, (a, b)) in of.iter().zip(&ids[0]).enumerate() {
                assert_eq!(a, b, "nodes 0 and {n} differ at height {}", height + 1);
            }
        }
        for node in &self.nodes {
            let pages = node.book.pages.lock().unwrap();
            let twice = pages.built.iter().find(|(_, times)| **times > 1);
            assert_eq!(twice, None, "built twice");
        }
    }

    /// The same, and nobody was seen to vote twice.
    pub(crate) fn agree_without_evidence(&self) {
        self.agree();
        assert!(self.nodes.iter().all(|node| node.book.evidence().is_empty()));
    }

    pub(crate) async fn stop_all(&mut self) {
        for node in &mut self.nodes {
            if node.engine.is_some() {
                node.stop().await;
            }
        }
    }
}

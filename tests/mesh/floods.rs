//! A neighbour that floods, over real sockets: everything that it sends at ten thousand messages a second, and what
//! becomes of everybody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod quotes;

use crate::quotes::quoted;
use kofo_exchange::LinkRole;
use kofo_network::{
    Config, Identity, Limits, Mesh, MeshConfig, MeshLimits, Network, PeerAddress, PeerId, Plane, Rate,
    Transport,
};
use kofo_node::clock::now_ms;
use kofo_node::rpc::api::ClaimTerms;
use kofo_primitives::Seconds;
use kofo_tests::mesh::{DEADLINE, Flood, Member, NETWORK, Stranger, Wish, network, terms, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::interval;

/// Ten of these in a millisecond are ten thousand a second.
const BEAT: Duration = Duration::from_millis(1);
const A_BEAT: usize = 10;
/// Unanswered messages of the flooder; more than any neighbour allows.
const ON_THE_WAY: usize = 256;
/// By no more may this process grow, flooder and all.
const MOST_KIB: u64 = 64 * 1024;
/// So many different messages are made beforehand; then they repeat.
const MADE: u64 = 400;

/// A whole node's market on a socket.
struct Site {
    network: Network,
    member: Member,
}

async fn swarm(mesh: MeshConfig) -> (Network, kofo_network::Inbound, kofo_network::MeshInbound) {
    let config = Config {
        identity: Identity::generate(),
        network_id: NETWORK.to_owned(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
        limits: Limits::default(),
    };
    Network::start_mesh(config, mesh).await.unwrap()
}

/// Nobody looks for more neighbours than it is told of.
fn quiet(limits: MeshLimits) -> MeshConfig {
    MeshConfig {
        wanted_neighbours: 0,
        limits,
        ..MeshConfig::default()
    }
}

impl Site {
    async fn start(wish: Wish) -> Self {
        let (network, direct, inbound) = swarm(quiet(MeshLimits::default())).await;
        let member = Member::start(Arc::new(network.clone()), (direct, inbound), wish);
        Self { network, member }
    }

    fn address(&self) -> PeerAddress {
        PeerAddress::from_multiaddrs(&self.network.listen_addresses()).unwrap()
    }

    async fn meet(&self, other: &Self) {
        self.network.connect(&other.address()).await.unwrap();
        until("both have said hello", || {
            self.member.knows(other.member.peer) && other.member.knows(self.member.peer)
        })
        .await;
    }

    fn score(&self, of: PeerId) -> Option<i32> {
        let all = self.network.neighbours();
        all.into_iter().find(|one| one.peer == of).map(|one| one.score)
    }
}

/// A node that holds itself to no limit.
async fn reckless(target: &Site) -> Arc<Stranger> {
    let any = Rate {
        per_second: 1_000_000,
        burst: 1_000_000,
    };
    let limits = MeshLimits {
        claims: any,
        returns: any,
        message_bytes: 1 << 20,
        own_per_peer: ON_THE_WAY,
        own_total: ON_THE_WAY,
        ..MeshLimits::default()
    };
    let (swarm, _direct, inbound) = swarm(quiet(limits)).await;
    let stranger = Stranger::join(Arc::new(swarm), inbound, network(), LinkRole::Relay);
    stranger.mesh().connect(&target.address()).await.unwrap();
    stranger.greet(target.member.peer).await.unwrap();
    stranger
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Floods for so long; whether it was shut out is asked at every beat.
async fn flood(kind: Flood, target: &Site, lasts: Duration) -> (u64, Option<Duration>) {
    let flooder = reckless(target).await;
    let (us, them) = (flooder.mesh().peer_id(), target.member.peer);
    let base = flooder.base(them).unwrap();
    let made_ms = now_ms();
    let messages: Vec<_> = (0..MADE)
        .map(|nth| kind.message(&network(), (nth + 1_000 * kind as u64, made_ms), &base))
        .collect();
    let (started, mut beats) = (Instant::now(), interval(BEAT));
    let (mut sent, mut shut_out, mut on_the_way) = (0, None, JoinSet::new());
    let mut next = messages.iter().cycle();
    while started.elapsed() < lasts {
        beats.tick().await;
        for _ in 0..A_BEAT {
            while on_the_way.try_join_next().is_some() {}
            if on_the_way.len() >= ON_THE_WAY {
                break;
            }
            let (mesh, body) = (Arc::clone(flooder.mesh()), next.next().unwrap().clone());
            on_the_way.spawn(async move { mesh.ask(them, Plane::Claim, body).await });
            sent += 1;
        }
        if shut_out.is_none() && target.score(us).is_none() {
            shut_out = Some(started.elapsed());
        }
    }
    (sent, shut_out)
}

fn short() -> ClaimTerms {
    ClaimTerms {
        expires_in: Seconds(10),
        ..terms(1_000_000)
    }
}

/// An honest wallet asks three times a second; how many of its claims got a quote.
async fn honest(wallet: &Site, over: &AtomicBool) -> (usize, usize) {
    let mut turns = interval(Duration::from_millis(333));
    let (mut asked, mut answered) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        turns.tick().await;
        let claim = wallet.member.market.claim(short()).await.unwrap();
        asked += 1;
        answered += usize::from(quoted(&wallet.member.market, claim, 1, Duration::from_secs(8)).await);
    }
    (asked, answered)
}

async fn everybody_else_goes_on_while_one_floods_for(lasts: Duration) {
    let relay = Site::start(Wish::relay(1)).await;
    let provider = Site::start(Wish::provider(2, "16", "10")).await;
    let wallet = Site::start(Wish::wallet(3)).await;
    provider.meet(&relay).await;
    wallet.meet(&relay).await;
    let first = wallet.member.market.claim(short()).await.unwrap();
    assert!(quoted(&wallet.member.market, first, 1, DEADLINE).await);

    let before = resident_kib();
    let over = AtomicBool::new(false);
    let floods = async {
        for kind in Flood::ALL {
            let (sent, shut_out) = flood(kind, &relay, lasts).await;
            let grown = resident_kib().saturating_sub(before);
            println!("{kind:?}: {sent} messages, shut out after {shut_out:.1?}, {grown} KiB more");
            assert!(shut_out.is_some(), "{kind:?}: never shut out");
            assert!(grown <= MOST_KIB, "{kind:?}: memory grew by {grown} KiB");
        }
        over.store(true, Ordering::Relaxed);
    };
    let ((), (asked, answered)) = tokio::join!(floods, honest(&wallet, &over));
    println!("{answered} of {asked} honest claims got a quote");
    assert!(
        asked > 1 && answered == asked,
        "{answered} of {asked} honest claims got a quote"
    );
    assert_eq!(
        relay.score(wallet.member.peer),
        Some(0),
        "who asks as one may is not to blame"
    );
    assert_eq!(
        provider.score(relay.member.peer),
        Some(0),
        "nor is who passed on what could be passed on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flooder_is_shut_out_whatever_it_sends_and_honest_claims_flow_and_memory_stays() {
    everybody_else_goes_on_while_one_floods_for(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three minutes: `just soak`"]
async fn so_it_is_with_half_a_minute_of_each_kind() {
    everybody_else_goes_on_while_one_floods_for(Duration::from_secs(30)).await;
}

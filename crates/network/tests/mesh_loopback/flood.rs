//! A flooder is shut out; others are served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use kofo_network::{Mesh, MeshConfig, MeshLimits, Plane, Rate, RequestError, Topic};
use tokio::time::Instant;

use crate::node::{DEADLINE, Node, TCP, Word, config, limited, until};

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

/// A node that holds itself to nothing.
fn reckless() -> MeshConfig {
    let any = Rate {
        per_second: 1_000_000,
        burst: 1_000_000,
    };
    limited(MeshLimits {
        claims: any,
        returns: any,
        gossip: any,
        own_per_peer: 64,
        ..MeshLimits::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flooder_is_banned_while_others_are_served_and_memory_stays() {
    let target = Node::plain().await;
    let (modest, flooder) = (
        Node::plain().await,
        Node::start(config(&[]), reckless(), |_| Word::Accept).await,
    );
    modest.meet(&target).await;
    flooder.meet(&target).await;
    let before = resident_kib();
    let start = Instant::now();
    let flood = async {
        let mut sent = 0u32;
        let gone = Err(RequestError::NoNeighbour { peer: target.id() });
        loop {
            let asks = (0..64).map(|_| flooder.network.ask(target.id(), Plane::Claim, vec![0; 60_000]));
            let answers = join_all(asks).await;
            sent += 64;
            if answers.contains(&gone) {
                return sent;
            }
            assert!(start.elapsed() < DEADLINE, "never shut out");
        }
    };
    let honest = async {
        let mut served = 0;
        while target.is_neighbour(&flooder) {
            let answer = modest.network.ask(target.id(), Plane::Claim, vec![1]).await;
            match answer {
                Ok(_) => served += 1,
                Err(RequestError::TooFast { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("not served: {other:?}"),
            }
        }
        served
    };
    let (sent, served) = tokio::join!(flood, honest);
    assert!(served > 0, "nobody else was served");
    assert!(sent < 2000, "shut out after {sent} requests");
    until("it is gone", || !target.is_neighbour(&flooder)).await;
    assert!(
        flooder.network.connect(&target.address()).await.is_err(),
        "banned"
    );
    assert_eq!(
        modest.network.ask(target.id(), Plane::Return, vec![2]).await,
        Ok(vec![2])
    );
    assert_eq!(target.score_of(&modest), Some(0));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown <= 64 * 1024, "memory grew by {grown} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_gossip_is_shut_out_too_and_other_gossip_passes() {
    let target = Node::plain().await;
    let (modest, listener) = (Node::plain().await, Node::plain().await);
    let flooder = Node::start(config(&[TCP]), reckless(), |_| Word::Accept).await;
    for node in [&modest, &listener, &flooder] {
        node.meet(&target).await;
    }
    let start = Instant::now();
    let mut pauses = tokio::time::interval(Duration::from_millis(1));
    let mut n = 0u64;
    while flooder.is_neighbour(&target) {
        for _ in 0..20 {
            n += 1;
            // Too much at once for our own queue is no news.
            let _busy = flooder.network.publish(Topic::Book, n.to_be_bytes().to_vec());
        }
        assert!(start.elapsed() < DEADLINE, "never shut out after {n}");
        pauses.tick().await;
    }
    // What the flooder was let say has used up what the target may pass on; that comes back.
    let tries = AtomicU64::new(0);
    until("honest gossip passes", || {
        let body = tries.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
        let _paced = modest.network.publish(Topic::Cancel, body);
        let seen = listener.seen.lock().expect("not poisoned");
        seen.heard.iter().any(|(_, topic, _)| *topic == Topic::Cancel)
    })
    .await;
    assert!(listener.is_neighbour(&target) && modest.is_neighbour(&target));
    assert_eq!(listener.score_of(&target), Some(0), "passing it on is no fault");
}

#[tokio::test]
async fn an_impolite_request_pattern_within_the_rate_is_no_flood() {
    let target = Node::plain().await;
    let quick = limited(MeshLimits {
        claims: Rate {
            per_second: 10,
            burst: 53,
        },
        ..MeshLimits::default()
    });
    let quick = Node::start(config(&[]), quick, |_| Word::Accept).await;
    quick.meet(&target).await;
    for _ in 0..39 {
        quick
            .network
            .ask(target.id(), Plane::Claim, vec![1])
            .await
            .expect("within the burst");
    }
    assert_eq!(target.score_of(&quick), Some(0));
}

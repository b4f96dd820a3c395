//! The mesh of a simulated network: what real sockets promise holds here too, and faults come on demand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use kofo_network::{
    Fault, Identity, Inbound, Limits, Mesh, MeshEvent, MeshInbound, MeshLimits, PeerId, Plane, PublishError,
    Rate, RequestError, SimulatedNetwork, SimulatedNode, Topic, Transport,
};
use tokio::time::{Instant, timeout};

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a node has seen, in order.
#[derive(Default)]
struct Seen {
    heard: Vec<(PeerId, Topic, Vec<u8>)>,
    asked: Vec<(PeerId, Plane, Vec<u8>)>,
    moved: Vec<(PeerId, bool)>,
}

struct Node {
    mesh: SimulatedNode,
    seen: Arc<Mutex<Seen>>,
    _direct: Inbound,
}

impl Node {
    /// A node that answers each request with the request and judges by the first byte: 'i' is ignored,
    /// 'r' rejected, all else accepted.
    fn join(network: &SimulatedNetwork) -> Self {
        let limits = Limits {
            request_timeout: Duration::from_secs(2),
            ..Limits::default()
        };
        let (mesh, direct, inbound) = network.join_mesh(&Identity::generate(), limits);
        let seen = Arc::new(Mutex::new(Seen::default()));
        tokio::spawn(live(inbound, seen.clone()));
        Self {
            mesh,
            seen,
            _direct: direct,
        }
    }

    fn id(&self) -> PeerId {
        self.mesh.peer_id()
    }

    fn has_heard(&self, body: &[u8]) -> bool {
        let seen = self.seen.lock().expect("not poisoned");
        seen.heard.iter().any(|(_, _, heard)| heard == body)
    }

    fn score_of(&self, other: &Self) -> Option<i32> {
        let all = self.mesh.neighbours();
        let of = all.into_iter().find(|neighbour| neighbour.peer == other.id());
        of.map(|neighbour| neighbour.score)
    }

    fn moves(&self) -> Vec<(PeerId, bool)> {
        self.seen.lock().expect("not poisoned").moved.clone()
    }
}

async fn live(mut inbound: MeshInbound, seen: Arc<Mutex<Seen>>) {
    while let Some(event) = inbound.next().await {
        let mut seen = seen.lock().expect("not poisoned");
        match event {
            MeshEvent::Asked(request) => {
                seen.asked
                    .push((request.from, request.plane, request.body.clone()));
                request.responder.respond(request.body).expect("small enough");
            }
            MeshEvent::Heard(heard) => {
                match heard.body.first() {
                    Some(b'i') => heard.verdict.ignore(),
                    Some(b'r') => heard.verdict.reject(Fault::Signature),
                    _ => heard.verdict.accept(),
                }
                seen.heard.push((heard.from, heard.topic, heard.body));
            }
            MeshEvent::Joined(peer) => seen.moved.push((peer, true)),
            MeshEvent::Left(peer) => seen.moved.push((peer, false)),
        }
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let mut polls = tokio::time::interval(Duration::from_millis(5));
    while !condition() {
        assert!(Instant::now() < end, "never came true: {what}");
        polls.tick().await;
    }
}

/// Whether a score is that of one fault, of which a point a second is made good again.
fn blamed(score: Option<i32>, fault: Fault) -> bool {
    score.is_some_and(|score| (-fault.weight()..0).contains(&score))
}

/// Nodes in a row, each linked to the next.
fn row<const N: usize>(network: &SimulatedNetwork) -> [Node; N] {
    let nodes = std::array::from_fn(|_| Node::join(network));
    for pair in nodes.windows(2) {
        network.link(pair[0].id(), pair[1].id());
    }
    nodes
}

#[tokio::test]
async fn neighbours_ask_each_other_on_both_planes_and_nobody_else() {
    let network = SimulatedNetwork::new(1);
    let [a, b, c] = row(&network);
    for (from, to) in [(&a, &b), (&b, &a)] {
        for plane in [Plane::Claim, Plane::Return] {
            assert_eq!(
                from.mesh.ask(to.id(), plane, b"ask".to_vec()).await,
                Ok(b"ask".to_vec())
            );
            let asked = to.seen.lock().expect("not poisoned").asked.pop();
            assert_eq!(asked, Some((from.id(), plane, b"ask".to_vec())));
        }
    }
    for (to, plane) in [(&c, Plane::Claim), (&b, Plane::Direct)] {
        assert_eq!(
            a.mesh.ask(to.id(), plane, vec![1]).await,
            Err(RequestError::NoNeighbour { peer: to.id() })
        );
    }
    let [of_a] = &a.mesh.neighbours()[..] else {
        panic!("one neighbour")
    };
    assert!(of_a.peer == b.id() && of_a.outgoing && !of_a.relayed && of_a.since_ms > 0);
    assert!(!b.mesh.neighbours()[0].outgoing || !b.mesh.neighbours()[1].outgoing);
}

#[tokio::test]
async fn gossip_reaches_everybody_once_whatever_the_links() {
    let network = SimulatedNetwork::new(1);
    let nodes: [Node; 6] = row(&network);
    network.link(nodes[5].id(), nodes[0].id());
    network.link(nodes[1].id(), nodes[4].id());
    nodes[0]
        .mesh
        .publish(Topic::Book, b"book".to_vec())
        .expect("published");
    for node in &nodes[1..] {
        until("it is heard", || node.has_heard(b"book")).await;
    }
    nodes[0]
        .mesh
        .publish(Topic::Book, b"book".to_vec())
        .expect("the same again goes nowhere");
    nodes[3]
        .mesh
        .publish(Topic::Cancel, b"end".to_vec())
        .expect("published");
    until("it is heard", || nodes[0].has_heard(b"end")).await;
    for node in &nodes[1..] {
        let seen = node.seen.lock().expect("not poisoned");
        let books = seen.heard.iter().filter(|(_, topic, _)| *topic == Topic::Book);
        assert_eq!(books.count(), 1);
    }
    assert!(!nodes[0].has_heard(b"book"), "not its author");
}

#[tokio::test]
async fn gossip_goes_no_further_than_a_node_that_does_not_accept_it() {
    let network = SimulatedNetwork::new(1);
    let [a, b, c] = row(&network);
    for body in [&b"ignored"[..], b"rejected", b"accepted"] {
        a.mesh.publish(Topic::Book, body.to_vec()).expect("published");
        until("the middle has heard it", || b.has_heard(body)).await;
    }
    until("the accepted one arrives", || c.has_heard(b"accepted")).await;
    assert!(!c.has_heard(b"ignored") && !c.has_heard(b"rejected"));
    assert!(blamed(b.score_of(&a), Fault::Signature));
    assert_eq!(b.score_of(&c), Some(0));
}

#[tokio::test]
async fn a_judged_node_is_unlinked_at_the_limit_and_cannot_link_again() {
    let network = SimulatedNetwork::new(1);
    let [a, b, c] = row(&network);
    until("all have met", || a.moves().len() == 1 && b.moves().len() == 2).await;
    b.mesh.judge(a.id(), Fault::Signature);
    assert!(blamed(b.score_of(&a), Fault::Signature));
    b.mesh.judge(a.id(), Fault::Signature);
    assert_eq!(b.score_of(&a), None, "no neighbour any more");
    assert!(a.mesh.neighbours().is_empty());
    until("both are told", || {
        a.moves().last() == Some(&(b.id(), false)) && b.moves().last() == Some(&(a.id(), false))
    })
    .await;
    network.link(a.id(), b.id());
    assert!(a.mesh.neighbours().is_empty());
    for (from, to) in [(&a, &b), (&b, &a)] {
        let refused = from.mesh.connect(&to.mesh.address()).await;
        assert!(
            matches!(refused, Err(RequestError::Unreachable { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(a.mesh.connect(&c.mesh.address()).await, Ok(()), "others may");
}

#[tokio::test]
async fn partition_and_heal_and_departure_are_told_to_both_sides() {
    let network = SimulatedNetwork::new(1);
    let [a, b, c] = row(&network);
    let (ab, cb) = ((a.id(), true), (c.id(), true));
    until("all have met", || b.moves() == [ab, cb]).await;
    network.partition(&[&[a.id()]]);
    assert_eq!(
        a.mesh.ask(b.id(), Plane::Claim, vec![1]).await,
        Err(RequestError::NoNeighbour { peer: b.id() })
    );
    until("both are told", || {
        b.moves() == [ab, cb, (a.id(), false)] && a.moves() == [(b.id(), true), (b.id(), false)]
    })
    .await;
    assert_eq!(b.score_of(&c), Some(0), "the others stay together");
    network.heal();
    until("both are told", || {
        b.moves().last() == Some(&ab) && a.moves().last() == Some(&(b.id(), true))
    })
    .await;
    assert_eq!(a.mesh.ask(b.id(), Plane::Claim, vec![1]).await, Ok(vec![1]));
    network.unlink(b.id(), a.id());
    until("both are told", || {
        b.moves().last() == Some(&(a.id(), false)) && a.moves().last() == Some(&(b.id(), false))
    })
    .await;
    let gone = c.id();
    drop(c);
    until("it has left", || b.moves().last() == Some(&(gone, false))).await;
}

#[tokio::test]
async fn links_wait_for_nodes_that_join_later() {
    let network = SimulatedNetwork::new(1);
    let (a, late) = (Node::join(&network), Identity::generate());
    network.link(a.id(), late.peer_id());
    assert!(a.mesh.neighbours().is_empty());
    let (b, _direct, _inbound) = network.join_mesh(&late, Limits::default());
    assert_eq!(a.mesh.neighbours()[0].peer, b.peer_id());
    let (direct, _inbound) = network.join(&Identity::generate(), Limits::default());
    network.link(a.id(), direct.peer_id());
    assert_eq!(
        a.mesh.neighbours().len(),
        1,
        "a node for direct messages is no neighbour"
    );
    assert_eq!(direct.publish(Topic::Book, vec![1]), Err(PublishError::NoMesh));
}

#[tokio::test]
async fn what_the_real_mesh_refuses_is_refused() {
    let network = SimulatedNetwork::new(1);
    let a = Node::join(&network);
    let (message_bytes, gossip_bytes) = (128 * 1024, 32 * 1024);
    network.set_mesh_limits(MeshLimits {
        message_bytes,
        gossip_bytes,
        ..MeshLimits::default()
    });
    let rude = Node::join(&network);
    network.link(rude.id(), a.id());
    let (size, max) = (64 * 1024 + 1, 64 * 1024);
    assert_eq!(
        a.mesh.ask(rude.id(), Plane::Claim, vec![0; size]).await,
        Err(RequestError::TooLarge { size, max })
    );
    assert_eq!(
        rude.mesh.ask(a.id(), Plane::Claim, vec![0; size]).await,
        Err(RequestError::TooLargeForPeer { peer: a.id(), max })
    );
    assert!(blamed(a.score_of(&rude), Fault::Malformed));
    let (size, max) = (16 * 1024 + 1, 16 * 1024);
    assert_eq!(
        a.mesh.publish(Topic::Book, vec![0; size]),
        Err(PublishError::TooLarge { size, max })
    );
    rude.mesh
        .publish(Topic::Book, vec![0; size])
        .expect("within its own limit");
    until("it is blamed", || {
        a.score_of(&rude) < Some(-Fault::Malformed.weight())
    })
    .await;
    assert!(!a.has_heard(&vec![0; size]));
}

#[tokio::test]
async fn a_flooder_is_unlinked_while_others_are_served() {
    let network = SimulatedNetwork::new(1);
    let [modest, target] = row(&network);
    let any = Rate {
        per_second: 1_000_000,
        burst: 1_000_000,
    };
    network.set_mesh_limits(MeshLimits {
        claims: any,
        gossip: any,
        ..MeshLimits::default()
    });
    let (flooder, gossip) = (Node::join(&network), Node::join(&network));
    network.link(flooder.id(), target.id());
    network.link(gossip.id(), target.id());
    let mut busy = 0;
    while target.score_of(&flooder).is_some() {
        let asks = (0..16).map(|_| flooder.mesh.ask(target.id(), Plane::Claim, vec![0]));
        let answers = join_all(asks).await;
        busy += answers.iter().filter(|answer| answer.is_err()).count();
        assert!(busy < 1000, "never shut out");
    }
    assert!(busy >= 50, "not before its bucket was empty");
    for n in 0..1000u16 {
        gossip
            .mesh
            .publish(Topic::Book, n.to_be_bytes().to_vec())
            .expect("published");
    }
    until("the other one is gone too", || target.score_of(&gossip).is_none()).await;
    assert_eq!(
        modest.mesh.ask(target.id(), Plane::Claim, vec![1]).await,
        Ok(vec![1])
    );
    assert_eq!(modest.score_of(&target), Some(0), "passing it on is no fault");
}

#[tokio::test]
async fn we_ask_no_faster_than_a_neighbour_takes_it() {
    let network = SimulatedNetwork::new(1);
    let [a, b] = row(&network);
    let too_fast = Err(RequestError::TooFast { peer: b.id() });
    let mut answered = 0;
    while a.mesh.ask(b.id(), Plane::Claim, vec![1]).await != too_fast {
        answered += 1;
        assert!(answered < 1000, "nothing slows us down");
    }
    assert!(answered >= 30, "three quarters of the burst pass at once");
    assert_eq!(b.score_of(&a), Some(0));
}

#[tokio::test]
async fn messages_take_their_time_and_get_lost() {
    let network = SimulatedNetwork::new(1);
    let [a, b, c] = row(&network);
    let latency = Duration::from_millis(30);
    network.set_latency(latency..=latency);
    let start = Instant::now();
    assert_eq!(a.mesh.ask(b.id(), Plane::Claim, vec![1]).await, Ok(vec![1]));
    assert!(start.elapsed() >= 2 * latency);
    let start = Instant::now();
    a.mesh
        .publish(Topic::Book, b"two hops".to_vec())
        .expect("published");
    until("it is heard", || c.has_heard(b"two hops")).await;
    assert!(start.elapsed() >= 2 * latency);
    network.set_loss(1000);
    let lost = a.mesh.ask(b.id(), Plane::Claim, vec![1]).await;
    assert!(matches!(lost, Err(RequestError::Timeout { .. })), "{lost:?}");
}

#[tokio::test]
async fn the_last_handle_ends_the_events() {
    let network = SimulatedNetwork::new(1);
    let (node, _direct, mut inbound) = network.join_mesh(&Identity::generate(), Limits::default());
    drop(node);
    assert!(
        timeout(DEADLINE, inbound.next())
            .await
            .expect("in time")
            .is_none()
    );
}

/// A hundred nodes, eight neighbours each, 20 to 80 ms apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_nodes_hear_it_all_within_seconds() {
    let network = SimulatedNetwork::new(7);
    network.set_latency(Duration::from_millis(20)..=Duration::from_millis(80));
    let nodes: Vec<_> = (0..100).map(|_| Node::join(&network)).collect();
    for n in 0..nodes.len() {
        for step in [1, 7, 19, 41] {
            network.link(nodes[n].id(), nodes[(n + step) % nodes.len()].id());
        }
    }
    assert!(nodes.iter().all(|node| node.mesh.neighbours().len() == 8));
    let start = Instant::now();
    for (n, node) in nodes.iter().enumerate().step_by(10) {
        node.mesh
            .publish(Topic::Book, vec![n as u8; 200])
            .expect("published");
    }
    let heard = |node: &Node| node.seen.lock().expect("not poisoned").heard.len();
    until("all have heard all of it", || {
        nodes.iter().map(heard).sum::<usize>() == 10 * 99
    })
    .await;
    // Four hops at most, but for what the machine has else to do.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let asks = nodes.iter().flat_map(|node| {
        let peers = node.mesh.neighbours().into_iter();
        peers.map(|neighbour| node.mesh.ask(neighbour.peer, Plane::Claim, vec![1; 500]))
    });
    let answers = join_all(asks).await;
    assert!(answers.iter().all(Result::is_ok));
}

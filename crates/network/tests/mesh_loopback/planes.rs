//! Requests between neighbours.

use futures::future::join_all;
use kofo_network::{
    Config, Fault, Mesh, MeshEvent, MeshLimits, Network, PeerAddress, Plane, RequestError, Topic, Transport,
};

use crate::node::{Node, QUIC, TCP, Word, config, limited, mesh, until};

#[tokio::test]
async fn neighbours_ask_each_other_on_both_planes_over_tcp_and_quic() {
    for listen in [TCP, QUIC] {
        let (a, b) = (
            Node::start(config(&[]), mesh(), |_| Word::Accept).await,
            Node::start(config(&[listen]), mesh(), |_| Word::Accept).await,
        );
        a.meet(&b).await;
        for (from, to) in [(&a, &b), (&b, &a)] {
            for plane in [Plane::Claim, Plane::Return] {
                let answer = from.network.ask(to.id(), plane, b"ask".to_vec()).await;
                assert_eq!(answer, Ok(b"ask".to_vec()));
                let asked = to.seen.lock().expect("not poisoned").asked.pop();
                assert_eq!(asked, Some((from.id(), plane, b"ask".to_vec())));
            }
        }
        let [of_a] = &a.network.neighbours()[..] else {
            panic!("one neighbour")
        };
        assert!(of_a.outgoing && !of_a.relayed && of_a.score == 0, "{of_a:?}");
        assert_eq!(of_a.address, b.address().multiaddrs()[0]);
        assert!(
            of_a.agent
                .as_deref()
                .is_some_and(|agent| agent.starts_with("kofo/"))
        );
        assert!(!b.network.neighbours()[0].outgoing);
    }
}

#[tokio::test]
async fn who_is_no_neighbour_is_not_asked_and_not_dialed() {
    let (a, b) = (Node::plain().await, Node::plain().await);
    let nobody = Err(RequestError::NoNeighbour { peer: b.id() });
    assert_eq!(a.network.ask(b.id(), Plane::Claim, vec![1]).await, nobody);
    a.meet(&b).await;
    assert_eq!(
        a.network.ask(b.id(), Plane::Direct, vec![1]).await,
        nobody,
        "direct messages have their own way"
    );
    let peer = b.id();
    b.network.shutdown().await;
    until("it has left", || a.neighbours().is_empty()).await;
    assert_eq!(
        a.network.ask(peer, Plane::Claim, vec![1]).await,
        Err(RequestError::NoNeighbour { peer })
    );
    let seen = a.seen.lock().expect("not poisoned");
    assert_eq!(seen.moved, [(peer, true), (peer, false)]);
}

#[tokio::test]
async fn a_lost_neighbour_is_dialed_anew() {
    let a = Node::plain().await;
    let settings = config(&[TCP]);
    let b = Node::start(settings.clone(), mesh(), |_| Word::Accept).await;
    a.meet(&b).await;
    let at = b.address().multiaddrs();
    b.network.shutdown().await;
    until("it has left", || a.neighbours().is_empty()).await;
    let again = Config {
        listen: at,
        ..settings
    };
    let b = Node::start(again, mesh(), |_| Word::Accept).await;
    until("it is a neighbour again", || a.is_neighbour(&b)).await;
}

#[tokio::test]
async fn another_network_is_a_stranger() {
    let a = Node::plain().await;
    let other = Config {
        network_id: "other".to_owned(),
        ..config(&[TCP])
    };
    let other = Node::start(other, mesh(), |_| Word::Accept).await;
    let error = a.network.connect(&other.address()).await.expect_err("a stranger");
    let protocol = "/kofo/1/test/claim".to_owned();
    assert_eq!(
        error,
        RequestError::WrongNetwork {
            peer: other.id(),
            protocol
        }
    );
    a.network.publish(Topic::Book, vec![1]).expect("published");
    assert!(a.neighbours().is_empty() && other.neighbours().is_empty());
    assert!(other.seen.lock().expect("not poisoned").heard.is_empty());
}

#[tokio::test]
async fn a_node_for_direct_messages_only_is_asked_directly_and_is_no_neighbour() {
    let a = Node::plain().await;
    let (tower, mut inbound) = Network::start(config(&[TCP])).await.expect("started");
    tokio::spawn(async move {
        while let Some(request) = inbound.next().await {
            request.responder.respond(request.body).expect("small");
        }
    });
    let to = PeerAddress::from_multiaddrs(&tower.listen_addresses()).expect("an address");
    assert_eq!(a.network.request(&to, vec![7]).await, Ok(vec![7]));
    assert!(matches!(
        a.network.connect(&to).await,
        Err(RequestError::WrongNetwork { .. })
    ));
    assert!(a.neighbours().is_empty() && tower.neighbours().is_empty());
    assert!(matches!(
        tower.ask(a.id(), Plane::Claim, vec![1]).await,
        Err(RequestError::NoNeighbour { .. })
    ));
}

#[tokio::test]
async fn oversized_requests_are_refused_on_both_sides_and_cost_their_sender() {
    let b = Node::plain().await;
    let max = MeshLimits::default().message_bytes;
    let size = max as usize + 1;
    let honest = Node::plain().await;
    honest.meet(&b).await;
    assert_eq!(
        honest.network.ask(b.id(), Plane::Claim, vec![0; size]).await,
        Err(RequestError::TooLarge { size, max })
    );
    let rude = limited(MeshLimits {
        message_bytes: max * 2,
        ..MeshLimits::default()
    });
    let rude = Node::start(config(&[]), rude, |_| Word::Accept).await;
    rude.meet(&b).await;
    assert_eq!(
        rude.network.ask(b.id(), Plane::Claim, vec![0; size]).await,
        Err(RequestError::TooLargeForPeer { peer: b.id(), max })
    );
    until("the score falls", || b.score_of(&rude) < Some(0)).await;
    assert!(b.score_of(&rude) >= Some(-Fault::Malformed.weight()));
    assert_eq!(b.score_of(&honest), Some(0));
}

#[tokio::test]
async fn a_node_that_is_slow_with_the_mesh_answers_direct_messages() {
    let small = limited(MeshLimits {
        events: 4,
        ..MeshLimits::default()
    });
    let (b, mut direct, mut unread) = Network::start_mesh(config(&[TCP]), small)
        .await
        .expect("the network starts");
    let to = PeerAddress::from_multiaddrs(&b.listen_addresses()).expect("an address");
    let a = Node::plain().await;
    a.network.connect(&to).await.expect("connected");
    until("it is a neighbour there too", || !b.neighbours().is_empty()).await;
    let asks: Vec<_> = (0..8)
        .map(|_| {
            let (network, peer) = (a.network.clone(), to.peer());
            tokio::spawn(async move { network.ask(peer, Plane::Claim, vec![1]).await })
        })
        .collect();
    // The queue is full, for nobody reads it.
    until("the rest is told busy", || {
        asks.iter().filter(|ask| ask.is_finished()).count() == 4
    })
    .await;
    let direct = async {
        let request = direct.next().await.expect("running");
        request.responder.respond(request.body).expect("small");
    };
    let (answer, ()) = tokio::join!(a.network.request(&to, vec![2]), direct);
    assert_eq!(answer, Ok(vec![2]));
    let mut asked = 0;
    while asked < 4 {
        if let Some(MeshEvent::Asked(request)) = unread.next().await {
            request.responder.respond(vec![3]).expect("small");
            asked += 1;
        }
    }
    let answers = join_all(asks)
        .await
        .into_iter()
        .map(|answer| answer.expect("no panic"));
    let busy = Err(RequestError::Busy { peer: to.peer() });
    let (served, refused): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
    assert_eq!((served, refused), (vec![Ok(vec![3]); 4], vec![busy; 4]));
}

#[tokio::test]
async fn we_ask_no_faster_than_a_neighbour_takes_it() {
    let (a, b) = (Node::plain().await, Node::plain().await);
    a.meet(&b).await;
    let too_fast = Err(RequestError::TooFast { peer: b.id() });
    let mut answered = 0;
    while a.network.ask(b.id(), Plane::Claim, vec![1]).await != too_fast {
        answered += 1;
        assert!(answered < 1000, "nothing slows us down");
    }
    assert!(answered >= 30, "three quarters of the burst pass at once");
    assert_eq!(b.score_of(&a), Some(0), "an honest node is never a flooder");
}

#[tokio::test]
async fn a_judged_peer_is_banned_at_the_limit_and_its_score_recovers_below_it() {
    let (a, b) = (Node::plain().await, Node::plain().await);
    a.meet(&b).await;
    a.network.judge(b.id(), Fault::Flood);
    assert!(a.score_of(&b) < Some(0));
    until("the score has recovered", || a.score_of(&b) == Some(0)).await;
    a.network.judge(b.id(), Fault::Signature);
    assert!(a.is_neighbour(&b));
    a.network.judge(b.id(), Fault::Signature);
    until("it is disconnected", || {
        !a.is_neighbour(&b) && !b.is_neighbour(&a)
    })
    .await;
    let refused = b.network.connect(&a.address()).await;
    assert!(refused.is_err(), "{refused:?}");
    let refused = a.network.connect(&b.address()).await;
    assert!(refused.is_err(), "{refused:?}");
}

use futures::future::join_all;

use super::*;

/// A node that answers each request with its own bytes.
fn echo(network: &SimulatedNetwork, limits: Limits) -> SimulatedNode {
    let (node, mut inbound) = network.join(&Identity::generate(), limits);
    tokio::spawn(async move {
        while let Some(request) = inbound.next().await {
            let _too_large = request.responder.respond(request.body);
        }
    });
    node
}

#[tokio::test]
async fn a_request_gets_its_answer_and_names_its_sender() {
    let network = SimulatedNetwork::new(1);
    let (a, _) = network.join(&Identity::generate(), Limits::default());
    let (b, mut inbound) = network.join(&Identity::generate(), Limits::default());
    let serve = async {
        let request = inbound.next().await.expect("running");
        assert_eq!((request.from, &request.body[..]), (a.peer_id(), &b"ask"[..]));
        request.responder.respond(b"yes".to_vec()).expect("small");
    };
    let transport: &dyn Transport = &a;
    let address = b.address();
    let (answer, ()) = tokio::join!(transport.request(&address, b"ask".to_vec()), serve);
    assert_eq!(answer, Ok(b"yes".to_vec()));
}

#[tokio::test]
async fn a_dropped_responder_and_an_absent_node_are_clear_errors() {
    let network = SimulatedNetwork::new(1);
    let (a, _) = network.join(&Identity::generate(), Limits::default());
    let (b, mut inbound) = network.join(&Identity::generate(), Limits::default());
    let address = b.address();
    let (answer, _) = tokio::join!(a.request(&address, vec![1]), async {
        inbound.next().await.map(drop)
    });
    assert_eq!(answer, Err(RequestError::NoAnswer { peer: b.peer_id() }));
    let peer = b.peer_id();
    drop((b, inbound));
    let answer = a.request(&address, vec![1]).await;
    assert!(
        matches!(answer, Err(RequestError::Unreachable { peer: who, .. }) if who == peer),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_the_real_network_refuses_is_refused() {
    let network = SimulatedNetwork::new(1);
    let a = echo(
        &network,
        Limits {
            message_bytes: 8,
            ..Limits::default()
        },
    );
    let (b, _inbound) = network.join(
        &Identity::generate(),
        Limits {
            inbound_total: 1,
            ..Limits::default()
        },
    );
    assert_eq!(
        a.request(&b.address(), vec![0; 9]).await,
        Err(RequestError::TooLarge { size: 9, max: 8 })
    );
    assert_eq!(
        a.request(&a.address(), vec![0]).await,
        Err(RequestError::Ourselves)
    );
    let address = b.address();
    let (unread, busy) = (a.request(&address, vec![0]), a.request(&address, vec![0]));
    tokio::select! {
        biased;
        answer = unread => panic!("nobody reads the queue: {answer:?}"),
        answer = busy => assert_eq!(answer, Err(RequestError::Busy { peer: b.peer_id() })),
    }
}

#[tokio::test]
async fn a_partition_separates_islands_until_it_heals() {
    let network = SimulatedNetwork::new(1);
    let (a, b, c) = (
        echo(&network, Limits::default()),
        echo(&network, Limits::default()),
        echo(&network, Limits::default()),
    );
    network.partition(&[&[a.peer_id(), b.peer_id()]]);
    assert!(a.request(&b.address(), vec![1]).await.is_ok());
    assert!(matches!(
        a.request(&c.address(), vec![1]).await,
        Err(RequestError::Unreachable { .. })
    ));
    assert!(matches!(
        c.request(&a.address(), vec![1]).await,
        Err(RequestError::Unreachable { .. })
    ));
    network.heal();
    assert!(a.request(&c.address(), vec![1]).await.is_ok());
}

#[tokio::test]
async fn a_partition_in_the_middle_loses_the_answer() {
    let network = SimulatedNetwork::new(1);
    let a = echo(&network, Limits::default());
    let (b, mut inbound) = network.join(&Identity::generate(), Limits::default());
    let address = b.address();
    let cut = async {
        let request = inbound.next().await.expect("running");
        network.partition(&[&[a.peer_id()]]);
        request.responder.respond(vec![1]).expect("small");
    };
    let (answer, ()) = tokio::join!(a.request(&address, vec![1]), cut);
    assert_eq!(
        answer,
        Err(RequestError::Lost {
            peer: b.peer_id(),
            reason: "partitioned".to_owned()
        })
    );
}

/// Which of 100 requests, all sent at once, were answered, and how many arrived.
async fn outcomes_with_loss(seed: u64) -> (Vec<bool>, usize) {
    let network = SimulatedNetwork::new(seed);
    let identity = |byte: u8| Identity::from_secret(zeroize::Zeroizing::new([byte; 32]));
    let limits = Limits {
        request_timeout: Duration::from_secs(1),
        ..Limits::default()
    };
    let (a, _) = network.join(&identity(1), limits.clone());
    let (b, mut inbound) = network.join(&identity(2), limits);
    let serving = tokio::spawn(async move {
        let mut arrived = 0;
        while let Some(request) = inbound.next().await {
            arrived += 1;
            request.responder.respond(request.body).expect("small");
        }
        arrived
    });
    network.set_loss(300);
    let address = b.address();
    let outcomes = join_all((0..100).map(|n| a.request(&address, vec![n]))).await;
    drop(b);
    let arrived = serving.await.expect("no panic");
    (outcomes.iter().map(Result::is_ok).collect(), arrived)
}

#[tokio::test]
async fn loss_hits_both_directions_alike_in_every_run_of_a_seed() {
    let (first, again, other) = tokio::join!(
        outcomes_with_loss(7),
        outcomes_with_loss(7),
        outcomes_with_loss(8)
    );
    let (answered, arrived) = (first.0.iter().filter(|ok| **ok).count(), first.1);
    // 70 of 100 arrive and 49 are answered, give or take four standard deviations.
    assert!((52..=88).contains(&arrived), "{arrived} arrived");
    assert!((29..=69).contains(&answered), "{answered} answered");
    assert!(answered < arrived, "answers are lost too");
    assert_eq!(again, first);
    assert_ne!(other, first);
}

#[tokio::test]
async fn latency_stays_in_its_range_and_fills_it() {
    let network = SimulatedNetwork::new(1);
    let range = Duration::from_millis(20)..=Duration::from_millis(80);
    network.set_latency(range.clone());
    let (a, b) = (Identity::generate().peer_id(), Identity::generate().peer_id());
    let delays: Vec<_> = (0..1000)
        .map(|n| network.air().delays(draw(1, a, b, n)))
        .collect();
    assert!(delays.iter().all(|delay| range.contains(delay)));
    assert!(delays.iter().any(|delay| *delay < Duration::from_millis(22)));
    assert!(delays.iter().any(|delay| *delay > Duration::from_millis(78)));
}

#[tokio::test]
async fn latency_counts_both_ways_and_against_the_timeout() {
    let network = SimulatedNetwork::new(1);
    let a = echo(
        &network,
        Limits {
            request_timeout: Duration::from_millis(100),
            ..Limits::default()
        },
    );
    let b = echo(&network, Limits::default());
    let millis = |millis| Duration::from_millis(millis)..=Duration::from_millis(millis);
    network.set_latency(millis(20));
    let start = tokio::time::Instant::now();
    b.request(&a.address(), vec![1]).await.expect("in time");
    assert!(start.elapsed() >= Duration::from_millis(40));
    network.set_latency(millis(60_000));
    let after = Duration::from_millis(100);
    assert_eq!(
        a.request(&b.address(), vec![1]).await,
        Err(RequestError::Timeout {
            peer: b.peer_id(),
            after
        })
    );
}

//! Finding peers, and being found behind a NAT.

use kofo_network::{Config, Mesh, MeshConfig, Plane, Transport};

use crate::node::{Node, TCP, Word, config, mesh, until};

/// A node's mesh in which it looks for others, and is found.
fn looking() -> MeshConfig {
    MeshConfig {
        wanted_neighbours: 4,
        ..MeshConfig::default()
    }
}

fn bootstrapped(at: &Node) -> MeshConfig {
    MeshConfig {
        bootstrap: at.network.listen_addresses(),
        ..looking()
    }
}

fn relaying() -> MeshConfig {
    MeshConfig {
        serves_relay: true,
        ..looking()
    }
}

#[tokio::test]
async fn a_node_that_knows_one_peer_gets_to_know_the_others() {
    let a = Node::start(config(&[TCP]), looking(), |_| Word::Accept).await;
    let b = Node::start(config(&[TCP]), bootstrapped(&a), |_| Word::Accept).await;
    until("the first two have met", || a.is_neighbour(&b)).await;
    let c = Node::start(config(&[TCP]), bootstrapped(&a), |_| Word::Accept).await;
    until("they have found each other", || {
        c.is_neighbour(&b) && b.is_neighbour(&c)
    })
    .await;
    let answer = c.network.ask(b.id(), Plane::Claim, vec![1]).await;
    assert_eq!(answer, Ok(vec![1]));
}

#[tokio::test]
async fn nodes_that_do_not_look_meet_only_those_who_are_named() {
    let middle = Node::plain().await;
    let named = || MeshConfig {
        wanted_neighbours: 0,
        ..bootstrapped(&middle)
    };
    let (a, b) = (
        Node::start(config(&[TCP]), named(), |_| Word::Accept).await,
        Node::start(config(&[TCP]), named(), |_| Word::Accept).await,
    );
    let seeker = Node::start(config(&[TCP]), bootstrapped(&middle), |_| Word::Accept).await;
    until("all know the middle", || middle.neighbours().len() == 3).await;
    // Those who look, and started later, have found each other by now: so would these.
    let hub = Node::start(config(&[TCP]), looking(), |_| Word::Accept).await;
    let (x, y) = (
        Node::start(config(&[TCP]), bootstrapped(&hub), |_| Word::Accept).await,
        Node::start(config(&[TCP]), bootstrapped(&hub), |_| Word::Accept).await,
    );
    until("others have found each other", || x.is_neighbour(&y)).await;
    for node in [&a, &b, &seeker] {
        assert_eq!(node.neighbours().len(), 1);
    }
}

#[tokio::test]
async fn a_node_behind_a_nat_is_reached_through_a_relay() {
    let relay = Node::start(config(&[TCP]), relaying(), |_| Word::Accept).await;
    let hidden = MeshConfig {
        behind_nat: true,
        ..bootstrapped(&relay)
    };
    let hidden = Node::start(config(&[]), hidden, |_| Word::Accept).await;
    until("it listens through the relay", || {
        let addresses = hidden.network.listen_addresses();
        addresses.iter().any(|address| address.contains("/p2p-circuit/"))
    })
    .await;
    let third = Node::start(config(&[]), mesh(), |_| Word::Accept).await;
    third.meet(&hidden).await;
    let answer = third.network.ask(hidden.id(), Plane::Return, vec![1]).await;
    assert_eq!(answer, Ok(vec![1]));
    let all = third.network.neighbours();
    let of = all.iter().find(|neighbour| neighbour.peer == hidden.id());
    assert!(of.is_some_and(|neighbour| neighbour.relayed), "{of:?}");
    let answer = third.network.request(&hidden.address(), vec![2]).await;
    assert_eq!(answer, Ok(vec![2]), "direct messages take the same way");
}

#[tokio::test]
async fn a_node_behind_a_nat_is_found_by_those_who_were_never_told_of_it() {
    let relay = Node::start(config(&[TCP]), relaying(), |_| Word::Accept).await;
    let hidden = MeshConfig {
        behind_nat: true,
        ..bootstrapped(&relay)
    };
    let hidden = Node::start(config(&[]), hidden, |_| Word::Accept).await;
    let seeker = Node::start(config(&[TCP]), bootstrapped(&relay), |_| Word::Accept).await;
    // Whoever finds the other first: both look for neighbours.
    until("they have found each other", || {
        seeker.is_neighbour(&hidden) && hidden.is_neighbour(&seeker)
    })
    .await;
    let answer = seeker.network.ask(hidden.id(), Plane::Claim, vec![1]).await;
    assert_eq!(answer, Ok(vec![1]));
}

#[tokio::test]
async fn two_nodes_behind_nats_find_each_other_through_their_relay() {
    let relay = Node::start(config(&[TCP]), relaying(), |_| Word::Accept).await;
    let hidden = || MeshConfig {
        behind_nat: true,
        ..bootstrapped(&relay)
    };
    let a = Node::start(config(&[]), hidden(), |_| Word::Accept).await;
    let b = Node::start(config(&[]), hidden(), |_| Word::Accept).await;
    until("they have found each other", || {
        a.is_neighbour(&b) && b.is_neighbour(&a)
    })
    .await;
    let neighbours = a.network.neighbours();
    let of = neighbours.iter().find(|neighbour| neighbour.peer == b.id());
    assert!(of.is_some_and(|neighbour| neighbour.relayed), "{of:?}");
}

#[tokio::test]
async fn a_bootstrap_list_may_name_ourselves_and_the_absent() {
    let a = Node::plain().await;
    let absent = Node::plain().await;
    let gone = absent.network.listen_addresses();
    absent.network.shutdown().await;
    let settings = config(&[TCP]);
    let us = settings.identity.peer_id();
    let bootstrap = [
        vec![format!("/ip4/127.0.0.1/tcp/1/p2p/{us}")],
        gone,
        a.network.listen_addresses(),
    ]
    .concat();
    let listed = MeshConfig { bootstrap, ..mesh() };
    let b = Node::start(Config { ..settings }, listed, |_| Word::Accept).await;
    until("it has found who is there", || b.is_neighbour(&a)).await;
}

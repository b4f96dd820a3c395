//! Many nodes, linked at random.

use super::fixture::*;
use crate::config::NodeRole;
use crate::rpc::types::ClaimState;
use kofo_network::SimulatedNetwork;
use kofo_primitives::Role;
use std::time::Duration;

/// The same numbers in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_find_providers_in_a_random_graph_with_latency_and_loss() {
    let net = SimulatedNetwork::new(7);
    net.set_latency(Duration::from_millis(5)..=Duration::from_millis(20));
    net.set_loss(10);
    let mut draws = Draws(3);
    let mut nodes: Vec<Node> = Vec::new();
    let role = |n: u8| match n {
        0..24 => plan(100 + n, NodeRole::Relay),
        24..28 => provider(100 + n, ["16", "17", "18", "19"][usize::from(n) - 24]),
        _ => plan(100 + n, NodeRole::Wallet),
    };
    for n in 0..32 {
        let node = Node::start(&net, role(n));
        let relays = nodes.len().min(24);
        for _ in 0..3.min(relays) {
            net.link(node.peer, nodes[draws.below(relays)].peer);
        }
        nodes.push(node);
    }
    let wallets = nodes.split_off(28);
    let mut claims = Vec::new();
    for wallet in &wallets {
        for _ in 0..2 {
            claims.push((wallet, wallet.claim(terms()).await));
        }
    }
    for (wallet, claim) in &claims {
        wallet.ends(claim, ClaimState::Filled).await;
    }
    let begun = |nodes: &[Node], role| {
        let mut orders: Vec<_> = nodes.iter().flat_map(|node| node.orders(role)).collect();
        orders.sort();
        orders
    };
    let ours = begun(&wallets, Role::Initiator);
    assert_eq!(ours.len(), claims.len());
    // A claim is filled when its wallet has begun; its provider may be a moment behind.
    until("the same swaps on both sides", || {
        begun(&nodes, Role::Participant) == ours
    })
    .await;
}

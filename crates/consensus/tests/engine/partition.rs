//! The network falls apart, and comes together again.

use crate::cluster::{Cluster, always, free_port};
use crate::proxy::Border;

/// Four validators; what joins those up to `last` with the others crosses a border.
async fn divided(last: usize) -> (Cluster, Border) {
    let mut cluster = Cluster::new(&always(4), (0..4).map(Some)).await;
    let border = Border::open();
    let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
    for (n, node) in cluster.nodes.iter_mut().enumerate() {
        node.peers.clear();
        for (other, port) in ports.iter().enumerate().filter(|(other, _)| *other != n) {
            if (n <= last) == (other <= last) {
                node.peers.push(*port);
                continue;
            }
            let cable = free_port();
            border.cable(cable, *port).await;
            node.peers.push(cable);
        }
    }
    cluster.start_all().await;
    cluster.reach(&[0, 1, 2, 3], 3).await;
    (cluster, border)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_halves_decide_nothing_and_go_on_when_they_meet_again() {
    let (mut cluster, border) = divided(1).await;
    border.cut();
    let tip = cluster.decides_nothing().await;
    border.heal();
    cluster.reach(&[0, 1, 2, 3], tip + 4).await;
    cluster.agree_without_evidence();
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_go_on_without_the_fourth_which_catches_up() {
    let (mut cluster, border) = divided(2).await;
    border.cut();
    let alone = cluster.nodes[3].height() + 1;
    cluster.go_on(&[0, 1, 2], 6).await;
    assert!(cluster.nodes[3].height() <= alone);
    border.heal();
    cluster.go_on(&[0, 1, 2, 3], 3).await;
    cluster.agree();
    cluster.stop_all().await;
}

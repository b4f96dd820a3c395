//! `kofo peers`.

use crate::args::Scope;
use crate::node::Node;
use crate::out::Out;
use kofo_cli::text::table;
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::PeerStatus;

pub(crate) async fn run(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let peers = node.answer(node.client.peers_list().await)?;
    out.result(&peers, |peers| text(peers))
}

fn text(peers: &[PeerStatus]) -> String {
    if peers.is_empty() {
        return "no neighbours: name some as `peers` in kofo.toml, as their `kofo status` prints them"
            .to_owned();
    }
    let head = [
        "peer",
        "role",
        "direction",
        "score",
        "passed",
        "quoted",
        "address",
    ];
    let rows: Vec<_> = peers.iter().map(row).collect();
    table(&head, &[3, 4, 5], &rows)
}

fn row(peer: &PeerStatus) -> Vec<String> {
    let relayed = if peer.relayed { ", relayed" } else { "" };
    vec![
        peer.peer.clone(),
        peer.role.clone().unwrap_or_else(|| "unknown".to_owned()),
        format!("{}{relayed}", peer.direction),
        peer.score.to_string(),
        peer.passed.to_string(),
        peer.quoted.to_string(),
        peer.address.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_shows_its_role_its_score_and_what_came_of_its_claims() {
        let peer = PeerStatus {
            peer: "12D3KooWabc".into(),
            address: "/ip4/127.0.0.1/tcp/9000".into(),
            role: Some("relay".into()),
            score: -20,
            direction: "out".into(),
            relayed: true,
            since_ms: 1,
            agent: None,
            passed: 12,
            quoted: 9,
        };
        let silent = PeerStatus {
            role: None,
            relayed: false,
            ..peer.clone()
        };
        let text = text(&[peer, silent]);
        let lines: Vec<_> = text
            .lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>())
            .collect();
        assert_eq!(
            lines[1],
            [
                "12D3KooWabc",
                "relay",
                "out,",
                "relayed",
                "-20",
                "12",
                "9",
                "/ip4/127.0.0.1/tcp/9000"
            ]
        );
        assert_eq!(lines[2][1], "unknown");
        assert!(super::text(&[]).contains("`peers` in kofo.toml"));
    }
}

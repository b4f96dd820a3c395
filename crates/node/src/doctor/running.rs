//! The node itself, if it runs.

use super::Checked;
use crate::config::Config;
use crate::rpc::types::{NodeStatus, PeerStatus};
use crate::rpc::{MarketRpcClient, NodeFile, NodeRpcClient, connect};
use crate::run::Folder;
use std::path::Path;
use std::time::Duration;

/// A node that takes longer does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How the node is; and what it says, if it runs.
pub(super) async fn node(data: &Path, config: &Config) -> (Checked, Option<(NodeStatus, Vec<PeerStatus>)>) {
    if Folder::is_free(data) {
        let left = NodeFile::load(data).is_ok();
        let found = if left {
            "does not run; the last one was killed, which loses nothing"
        } else {
            "does not run"
        };
        return (Checked::ok("node", found), None);
    }
    match tokio::time::timeout(ANSWER, ask(data)).await {
        Ok(Ok(said)) => (judge(&said.0, config), Some(said)),
        Ok(Err(why)) => {
            let todo =
                "wait if it is just starting: it says when it is ready; else see its log, and restart it";
            (
                Checked::fail("node", format!("runs, but does not answer: {why}"), todo),
                None,
            )
        }
        Err(_late) => {
            let found = format!("runs, but does not answer within {} s", ANSWER.as_secs());
            (Checked::fail("node", found, "see its log, and restart it"), None)
        }
    }
}

async fn ask(data: &Path) -> Result<(NodeStatus, Vec<PeerStatus>), String> {
    let client = connect(data).map_err(|e| e.to_string())?;
    let status = client.node_status().await.map_err(|e| e.to_string())?;
    let peers = client.peers_list().await.map_err(|e| e.to_string())?;
    Ok((status, peers))
}

fn judge(status: &NodeStatus, config: &Config) -> Checked {
    let troubled: Vec<_> = status
        .chains
        .iter()
        .filter_map(|chain| {
            chain
                .trouble
                .as_ref()
                .map(|why| format!("{}: {why}", chain.chain))
        })
        .chain(status.market.iter().cloned())
        .collect();
    if status.network != config.network.as_str() {
        let found = format!(
            "runs on network {}, the configuration says {}",
            status.network, config.network
        );
        return Checked::warn(
            "node",
            found,
            "restart it: it reads its configuration at start only",
        );
    }
    if troubled.is_empty() {
        let found = format!("runs for {} s, {} swaps go on", status.uptime, status.live);
        return Checked::ok("node", found);
    }
    Checked::warn(
        "node",
        format!("runs, but: {}", troubled.join("; ")),
        "see the lines on chains and prices",
    )
}

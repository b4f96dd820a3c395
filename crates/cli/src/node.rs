//! The running node: how it is called, `kofo status` and `kofo stop`.

use crate::args::Scope;
use crate::failure::{Refused, of_call};
use crate::out::Out;
use jsonrpsee::core::ClientError;
use kofo_node::rpc::types::NodeStatus;
use kofo_node::rpc::{NodeFile, NodeRpcClient, RpcClient, connect};
use serde_json::json;
use std::path::PathBuf;

/// A running node, as the commands call it.
pub(crate) struct Node {
    data: PathBuf,
    pub(crate) client: RpcClient,
}

impl Node {
    /// The node in the folder that the command line names. It must be of the network that the command line names.
    pub(crate) fn find(scope: &Scope) -> anyhow::Result<Self> {
        let data = scope.data();
        let client = connect(&data)?;
        if let Some(expected) = &scope.network {
            let got = NodeFile::load(&data)?.network;
            if got != expected.as_str() {
                let message = format!(
                    "expected a node of network {expected}, the one in {} is of {got}",
                    data.display()
                );
                return Err(Refused { message, data: None }.into());
            }
        }
        Ok(Self { data, client })
    }

    /// The answer of a call.
    pub(crate) fn answer<T>(&self, answer: Result<T, ClientError>) -> anyhow::Result<T> {
        answer.map_err(|error| of_call(&self.data, error))
    }
}

pub(crate) async fn status(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let status = node.answer(node.client.node_status().await)?;
    out.result(&status, text)
}

fn text(status: &NodeStatus) -> String {
    let mut text = format!(
        "kofo {} on network {}, up for {} s\nnode    {}\nswaps   {} going on, {} ended\n",
        status.version, status.network, status.uptime, status.node, status.live, status.ended
    );
    text.push_str(&format!(
        "role    {}, neighbours: {}\n",
        status.role, status.neighbours
    ));
    for trouble in &status.market {
        text.push_str(&format!("market  {trouble}\n"));
    }
    for address in &status.listen {
        text.push_str(&format!("listens {address}\n"));
    }
    for chain in &status.chains {
        let state = match (&chain.trouble, chain.height) {
            (Some(trouble), _) => trouble.clone(),
            (None, Some(height)) => format!("height {height}"),
            (None, None) => "no tip".to_owned(),
        };
        text.push_str(&format!("chain   {}: {state}\n", chain.chain));
    }
    text
}

pub(crate) async fn stop(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    node.answer(node.client.node_stop().await)?;
    out.result(&json!({ "stopping": true }), |_| {
        "the node is stopping".to_owned()
    })
}

//! `kofo wallet`.

use crate::args::{Scope, WalletCommand};
use crate::node::Node;
use crate::out::Out;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::Balance;

pub(crate) async fn run(scope: &Scope, out: &Out, command: WalletCommand) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    match command {
        WalletCommand::Address { asset } => {
            let address = node.answer(node.client.wallet_address(asset).await)?;
            out.result(&address, |address| address.address.clone())
        }
        WalletCommand::Balance => {
            let balances = node.answer(node.client.wallet_balances().await)?;
            out.result(&balances, |balances| {
                let lines: Vec<_> = balances.iter().map(line).collect();
                lines.join("\n")
            })
        }
    }
}

fn line(balance: &Balance) -> String {
    match (&balance.spendable, &balance.trouble) {
        (Some(amount), _) => amount.to_string(),
        (None, trouble) => {
            let why = trouble.as_deref().unwrap_or("no answer");
            format!("{}: unknown: {why}", balance.asset)
        }
    }
}

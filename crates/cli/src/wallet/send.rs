//! `kofo wallet send`.

use crate::args::{Scope, SendArgs};
use crate::failure::{Refused, Usage};
use crate::node::Node;
use crate::out::Out;
use anyhow::Context;
use kofo_node::rpc::KeysRpcClient;
use kofo_node::rpc::types::{Id, TransferAsked, TransferShown};
use std::io::{IsTerminal, Write};

pub(super) async fn run(scope: &Scope, out: &Out, args: SendArgs) -> anyhow::Result<()> {
    if !args.dry_run && !args.yes && !std::io::stdin().is_terminal() {
        return Err(Usage("there is no terminal to ask at: say --yes, or --dry-run".into()).into());
    }
    let node = Node::find(scope)?;
    let asked = TransferAsked {
        id: args.id.map_or_else(fresh, Ok)?,
        asset: args.asset,
        to: args.to,
        amount: args.amount,
        fee_rate: args.fee_rate,
        dry_run: true,
    };
    if args.dry_run || !args.yes {
        let tried = node.answer(node.client.wallet_send(asked.clone()).await)?;
        if args.dry_run {
            return out.result(&tried, text);
        }
        if !agreed(&tried)? {
            let message = "not paid: it was not agreed to".to_owned();
            return Err(Refused { message, data: None }.into());
        }
    }
    out.note(&format!("payment {}", asked.id));
    let asked = TransferAsked {
        dry_run: false,
        ..asked
    };
    let paid = node.answer(node.client.wallet_send(asked).await)?;
    out.result(&paid, text)
}

fn fresh() -> anyhow::Result<Id> {
    let mut id = [0; 32];
    getrandom::fill(&mut id).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(Id(id))
}

fn agreed(tried: &TransferShown) -> anyhow::Result<bool> {
    let mut err = std::io::stderr();
    write!(
        err,
        "Pay {} to {}, for a fee of at most {}? [y/N] ",
        tried.amount, tried.to, tried.fee
    )?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("cannot read the answer")?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn text(shown: &TransferShown) -> String {
    let mut text = format!(
        "{} {} to {}\nfee     at most {}\n",
        match shown.state.as_str() {
            "tried" => "would pay",
            _ => "pays",
        },
        shown.amount,
        shown.to,
        shown.fee
    );
    if shown.state != "tried" {
        text.push_str(&format!(
            "tx      {}\nstate   {}\n",
            shown.txid,
            shown.state.replace('_', " ")
        ));
    }
    if let Some(trouble) = &shown.trouble {
        text.push_str(&format!("trouble {trouble}: the node sends it again\n"));
    }
    text.trim_end().to_owned()
}

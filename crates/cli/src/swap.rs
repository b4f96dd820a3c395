//! `kofo swap`.

pub(crate) mod show;

use crate::args::{OfferArgs, Scope, SwapCommand};
use crate::failure::Refused;
use crate::node::Node;
use crate::out::Out;
use anyhow::{Context, bail};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::api::MAX_OFFER_TEXT;
use kofo_node::rpc::types::{Id, OfferMade, OutcomeName, SwapList};
use std::io::Read;
use std::path::Path;

pub(crate) async fn run(scope: &Scope, out: &Out, command: SwapCommand) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    match command {
        SwapCommand::Offer(args) => offer(&node, out, args).await,
        SwapCommand::Accept { offer } => {
            let offer = read_offer(&offer)?;
            let swap = node.answer(node.client.swap_accept(offer).await)?;
            out.result(&swap, show::status)
        }
        SwapCommand::List { live, skip, limit } => {
            let list = node.client.swap_list(Some(skip), Some(limit), Some(live)).await;
            out.result(&node.answer(list)?, list_text)
        }
        SwapCommand::Show(one) => {
            out.result(&node.answer(node.client.swap_show(one.id).await)?, show::status)
        }
        SwapCommand::Watch(one) => watch(&node, out, one.id).await,
        SwapCommand::Abort(one) => {
            out.result(&node.answer(node.client.swap_abort(one.id).await)?, show::status)
        }
        SwapCommand::Approve(one) => out.result(
            &node.answer(node.client.swap_approve(one.id).await)?,
            show::status,
        ),
        SwapCommand::Decline(one) => out.result(
            &node.answer(node.client.swap_decline(one.id).await)?,
            show::status,
        ),
        SwapCommand::Refund(one) => {
            out.result(&node.answer(node.client.swap_refund(one.id).await)?, show::status)
        }
    }
}

async fn offer(node: &Node, out: &Out, args: OfferArgs) -> anyhow::Result<()> {
    let expires = args.expires.map(|span| span.0);
    let made = node.answer(node.client.swap_offer(args.give, args.want, expires).await)?;
    if let Some(path) = &args.file {
        write_offer(path, &made)?;
    }
    let amounts = |list: &[kofo_node::rpc::types::AssetAmount]| show::amounts(list);
    if !out.is_json() {
        out.note(&format!(
            "offer {}\n{} for {}, {}",
            made.id,
            amounts(&made.give),
            amounts(&made.want),
            show::when("open until", made.expires)
        ));
    }
    out.result(&made, |made| made.uri.clone())
}

/// An offer is no secret: whoever has it may accept it.
fn write_offer(path: &Path, made: &OfferMade) -> anyhow::Result<()> {
    let text = format!("{}\n", made.uri);
    let why = || {
        format!(
            "the offer {} is made, but cannot be written to {}",
            made.id,
            path.display()
        )
    };
    std::fs::write(path, text).with_context(why)
}

/// The offer itself, or the content of the file or stream that is named.
fn read_offer(offer: &str) -> anyhow::Result<String> {
    if offer.starts_with("kofo:") {
        return Ok(offer.to_owned());
    }
    let most = u64::try_from(MAX_OFFER_TEXT).unwrap_or(u64::MAX);
    let bytes = if offer == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin()
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes);
        read.context("cannot read the offer from standard input")?;
        bytes
    } else {
        let why = || format!("expected an offer (kofo:…) or a file with one, got {offer:?}");
        kofo_node::files::read_bounded(Path::new(offer), most).with_context(why)?
    };
    if bytes.len() > MAX_OFFER_TEXT {
        bail!("expected an offer of at most {MAX_OFFER_TEXT} bytes: check what was handed in");
    }
    String::from_utf8(bytes).with_context(|| format!("{offer:?} holds no text: expected an offer (kofo:…)"))
}

fn list_text(list: &SwapList) -> String {
    if list.swaps.is_empty() {
        return "no offers and no swaps".to_owned();
    }
    let mut lines: Vec<_> = list.swaps.iter().map(show::line).collect();
    if list.more {
        lines.push("… and more: --skip, --limit".to_owned());
    }
    lines.join("\n")
}

/// Follows a swap until it ends. An offer of ours becomes the swap that comes of it.
pub(crate) async fn watch(node: &Node, out: &Out, id: Id) -> anyhow::Result<()> {
    let mut status = node.answer(node.client.swap_show(id).await)?;
    loop {
        out.result(&status, show::progress)?;
        if let Some(outcome) = status.outcome {
            if !out.is_json() {
                out.note(&show::status(&status));
            }
            return match outcome {
                OutcomeName::Lost => Err(lost(&status.id)),
                OutcomeName::Redeemed | OutcomeName::Refunded | OutcomeName::Aborted => Ok(()),
            };
        }
        loop {
            let next = node.answer(node.client.swap_watch(status.id, status.seq).await)?;
            // An offer that was accepted goes on under the swap's id.
            if next.seq != status.seq || next.id != status.id {
                status = next;
                break;
            }
        }
    }
}

fn lost(id: &Id) -> anyhow::Error {
    let message = format!("swap {id} is lost: what we locked is gone and the other asset did not come");
    Refused { message, data: None }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_itself_or_in_a_file() {
        assert_eq!(read_offer("kofo:offer1AA").unwrap(), "kofo:offer1AA");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("offer");
        std::fs::write(&path, "kofo:offer1BB\n").unwrap();
        assert_eq!(read_offer(path.to_str().unwrap()).unwrap(), "kofo:offer1BB\n");
        std::fs::write(&path, vec![b'x'; MAX_OFFER_TEXT + 1]).unwrap();
        assert!(read_offer(path.to_str().unwrap()).is_err());
        let error = read_offer("no such file").unwrap_err();
        assert!(error.to_string().contains("expected an offer"), "{error}");
    }
}

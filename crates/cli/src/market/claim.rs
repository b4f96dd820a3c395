//! `kofo claim`.

use super::of_claim;
use crate::args::{ClaimArgs, ClaimCommand, ClaimMade, Scope};
use crate::failure::{Refused, Usage};
use crate::node::Node;
use crate::out::Out;
use crate::swap;
use kofo_cli::text::claim as show;
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{ClaimAsked, ClaimList, ClaimState, ClaimStatus, Id};

pub(crate) async fn run(scope: &Scope, out: &Out, args: ClaimArgs) -> anyhow::Result<()> {
    match (args.command, args.made) {
        (None, Some(made)) => make(&Node::find(scope)?, out, made).await,
        (Some(ClaimCommand::List), _) => {
            let node = Node::find(scope)?;
            out.result(&node.answer(node.client.claim_list().await)?, list_text)
        }
        (Some(ClaimCommand::Cancel(one)), _) => {
            let node = Node::find(scope)?;
            let claim = of_claim(&node, node.client.claim_cancel(one.id).await)?;
            out.result(&claim, show::line)
        }
        (Some(ClaimCommand::Watch(one)), _) => {
            let node = Node::find(scope)?;
            let claim = of_claim(&node, node.client.claim_quotes(one.id, None).await)?;
            follow(&node, out, claim).await.map(drop)
        }
        (None, None) => Err(Usage("expected --give and --want: see `kofo claim --help`".to_owned()).into()),
    }
}

async fn make(node: &Node, out: &Out, made: ClaimMade) -> anyhow::Result<()> {
    let (no_wait, wait) = (made.no_wait, made.wait);
    let asked = ClaimAsked {
        give: made.give,
        want: made.want,
        partial: made.partial,
        expires_in: made.expires.map(|span| span.0),
        max_hops: Some(made.max_hops),
        fee: Some(made.fee),
        fee_payer: made.fee_payer,
        hide_limit: made.hide_limit,
        manual: made.manual,
        pay_to: made.pay_to,
    };
    let claim = node.answer(node.client.claim_make(asked).await)?;
    if no_wait {
        return out.result(&claim, |claim| claim.id.to_string());
    }
    if !out.is_json() {
        // The first line: a script that reads on has the id before anything else.
        out.result(&claim, |claim| format!("claim     {}", claim.id))?;
        if claim.manual {
            out.note(&format!(
                "select a quote with `kofo quotes {} --select QUOTE`",
                claim.id
            ));
        }
    }
    let swaps = follow(node, out, claim).await?;
    if !wait {
        return Ok(());
    }
    for id in swaps {
        if !out.is_json() {
            out.note(&format!("swap {id}"));
        }
        swap::watch(node, out, id).await?;
    }
    Ok(())
}

/// Follows a claim until it is over, and says which swaps came of it; an error if there is none.
async fn follow(node: &Node, out: &Out, first: ClaimStatus) -> anyhow::Result<Vec<Id>> {
    let mut told: Option<ClaimStatus> = None;
    let mut now = first;
    loop {
        if told.as_ref().is_none_or(|told| told.seq != now.seq) {
            tell(out, told.as_ref(), &now)?;
        }
        if now.state.is_over() {
            let swaps: Vec<_> = now.quotes.iter().filter_map(|quote| quote.swap).collect();
            return if swaps.is_empty() {
                Err(unfilled(&now))
            } else {
                Ok(swaps)
            };
        }
        let next = node.client.claim_quotes(now.id, Some(now.seq)).await;
        told = Some(now);
        now = of_claim(node, next)?;
    }
}

fn tell(out: &Out, before: Option<&ClaimStatus>, now: &ClaimStatus) -> anyhow::Result<()> {
    if out.is_json() {
        return out.result(now, |_| String::new());
    }
    let lines = show::changes(before, now);
    if lines.is_empty() {
        return Ok(());
    }
    out.result(now, |_| lines.join("\n"))
}

fn unfilled(claim: &ClaimStatus) -> anyhow::Error {
    let message = match (claim.state, claim.quotes.len()) {
        (ClaimState::Cancelled, _) => format!("claim {} was cancelled before anything was filled", claim.id),
        (_, 0) => format!(
            "no quote came for claim {}: see whether there are neighbours (`kofo peers`) and what they deal in (`kofo \
             book`), or want less than {}",
            claim.id, claim.want
        ),
        (_, quotes) => format!(
            "nothing came of claim {} and its {quotes} quotes: `kofo quotes {}` says why",
            claim.id, claim.id
        ),
    };
    Refused { message, data: None }.into()
}

fn list_text(list: &ClaimList) -> String {
    if list.claims.is_empty() {
        return "no claims".to_owned();
    }
    let lines: Vec<_> = list.claims.iter().map(show::line).collect();
    lines.join("\n")
}

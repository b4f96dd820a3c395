//! `kofo quotes`.

use super::of_claim;
use crate::args::{QuotesArgs, Scope};
use crate::failure::Refused;
use crate::node::Node;
use crate::out::Out;
use kofo_cli::text::claim as show;
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{ClaimStatus, Id};

pub(crate) async fn run(scope: &Scope, out: &Out, args: QuotesArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let mut claim = of_claim(&node, node.client.claim_quotes(args.id, None).await)?;
    if let Some(text) = args.select {
        let fulfil = named(&claim, &text)?;
        claim = of_claim(&node, node.client.claim_select(args.id, fulfil).await)?;
    }
    loop {
        out.result(&claim, show::quotes)?;
        if !args.watch || claim.state.is_over() {
            return Ok(());
        }
        let seq = claim.seq;
        while claim.seq == seq && !claim.state.is_over() {
            claim = of_claim(&node, node.client.claim_quotes(args.id, Some(seq)).await)?;
        }
    }
}

/// The quote of the claim that is meant: by its id, or by its first digits.
fn named(claim: &ClaimStatus, text: &str) -> anyhow::Result<Id> {
    let digits = text.trim_end_matches('…').to_lowercase();
    let ids = claim.quotes.iter().map(|quote| quote.fulfil);
    let meant: Vec<_> = ids.filter(|id| id.to_string().starts_with(&digits)).collect();
    match (meant.as_slice(), digits.is_empty()) {
        ([one], false) => Ok(*one),
        (found, _) => {
            let message = format!(
                "expected the first digits of one quote of claim {}, got {text:?}, which fits {} of {}: see `kofo quotes {}`",
                claim.id,
                found.len(),
                claim.quotes.len(),
                claim.id
            );
            Err(Refused { message, data: None }.into())
        }
    }
}

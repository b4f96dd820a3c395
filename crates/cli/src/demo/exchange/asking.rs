//! One claim of the wallet, from its making until swaps have begun or nothing comes of it.

use super::place::Place;
use super::town::Town;
use crate::demo::follow::Tell;
use crate::demo::row::Sheet;
use crate::text;
use anyhow::{Result, bail};
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{AssetAmount, ClaimAsked, ClaimStatus, Id, QuoteState, QuoteStatus};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Quotes, selections and the second choice after a provider that vanished come within so long.
const OVER: Duration = Duration::from_secs(60);

/// A claim that is over.
#[derive(Debug)]
pub struct Asked {
    /// Its last status.
    pub claim: ClaimStatus,
    /// The swaps that came of it.
    pub swaps: Vec<Id>,
}

#[derive(Serialize)]
struct ClaimEvent<'a> {
    story: &'static str,
    event: &'static str,
    claim: Id,
    give: &'a AssetAmount,
    want: &'a AssetAmount,
}

#[derive(Serialize)]
struct QuoteEvent<'a> {
    story: &'static str,
    event: &'static str,
    claim: Id,
    #[serde(flatten)]
    quote: &'a QuoteStatus,
}

/// Makes a claim and follows it until it is over.
pub async fn claim(town: &Town, asked: ClaimAsked, sheet: Sheet, tell: &Tell) -> Result<Asked> {
    let made = town.client(Place::Wallet)?.claim_make(asked).await?;
    (tell)(&format!("        claim {}", made.id));
    sheet.row(&ClaimEvent {
        story: town.story(),
        event: "claim",
        claim: made.id,
        give: &made.give,
        want: &made.want,
    })?;
    follow_claim(town, made, sheet, tell).await
}

/// Follows a claim of the wallet's until it is over.
pub async fn follow_claim(town: &Town, first: ClaimStatus, sheet: Sheet, tell: &Tell) -> Result<Asked> {
    let client = town.client(Place::Wallet)?;
    let (started, mut told, mut now) = (Instant::now(), None, first);
    loop {
        for line in text::claim::changes(told.as_ref(), &now) {
            (tell)(&format!("{:>6.1}s  {line}", started.elapsed().as_secs_f32()));
        }
        tell_sheet((town.story(), sheet), told.as_ref(), &now)?;
        if now.state.is_over() {
            let swaps = now.quotes.iter().filter_map(|quote| quote.swap).collect();
            return Ok(Asked { claim: now, swaps });
        }
        let left = OVER.saturating_sub(started.elapsed());
        let next = client.claim_quotes(now.id, Some(now.seq));
        let Ok(next) = tokio::time::timeout(left, next).await else {
            bail!(
                "claim {} is not over after {} s: {}",
                now.id,
                OVER.as_secs(),
                text::claim::quotes(&now)
            );
        };
        told = Some(std::mem::replace(&mut now, next?));
    }
}

/// A row for each quote that is new, and one for each that became a swap.
fn tell_sheet(
    (story, sheet): (&'static str, Sheet),
    before: Option<&ClaimStatus>,
    now: &ClaimStatus,
) -> Result<()> {
    for quote in &now.quotes {
        let known = before.and_then(|before| before.quotes.iter().find(|q| q.fulfil == quote.fulfil));
        let row = |event| QuoteEvent {
            story,
            event,
            claim: now.id,
            quote,
        };
        if known.is_none() {
            sheet.row(&row("quote"))?;
        }
        let picked = |quote: &QuoteStatus| quote.state == QuoteState::Begun;
        if picked(quote) && !known.is_some_and(picked) {
            sheet.row(&row("picked"))?;
        }
    }
    Ok(())
}

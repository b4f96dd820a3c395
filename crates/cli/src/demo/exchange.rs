//! The story `exchange`: a wallet that knows nobody but one relay finds counterparties, and swaps with them.

mod asking;
mod place;
mod town;

pub use asking::{Asked, claim, follow_claim};
pub use place::{Map, Place};
pub use town::{Town, TownBooks};

use super::books::Moved;
use super::daemons::Daemons;
use super::follow::{Follow, Tell};
use super::ground::Purse;
use super::play::figures;
use super::pools::Pools;
use super::row::{Row, Sheet};
use super::table;
use anyhow::{Context, Result, bail};
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{ClaimAsked, Id, OutcomeName, SwapStatus};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A swap in which nobody is away is over within so long.
const SWAP: Duration = Duration::from_secs(90);

/// One claim of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What the wallet gives, such as `0.1btc`.
    pub give: &'static str,
    /// The least that it wants for it.
    pub want: &'static str,
    /// The least of it that one provider may fill.
    pub partial: Option<&'static str>,
    /// How many swaps come of it.
    pub swaps: usize,
}

/// The claims of the story: one provider fills the first, both together the second.
pub const EXCHANGE: [Wish; 2] = [
    Wish {
        give: "0.1btc",
        want: "1.6eth",
        partial: None,
        swaps: 1,
    },
    Wish {
        give: "0.1btc",
        want: "2950usdx",
        partial: Some("0.02btc"),
        swaps: 2,
    },
];

/// What relays would get, and what the node says to that.
const FEE: &str = "0.001eth";
const NO_CLEARANCE: &str = "fees need the clearance layer";

impl Wish {
    /// As the node is asked.
    #[must_use]
    pub fn asked(&self) -> ClaimAsked {
        ClaimAsked {
            give: self.give.to_owned(),
            want: self.want.to_owned(),
            partial: self.partial.map(str::to_owned),
            ..ClaimAsked::default()
        }
    }
}

/// A swap of the story that both redeemed, and who was the wallet's provider.
#[derive(Debug)]
pub struct Settled {
    /// The figures.
    pub row: Row,
    /// Who locked beta.
    pub provider: Place,
}

impl Settled {
    /// For the books of [`Place::TRADERS`].
    #[must_use]
    pub fn moved(&self) -> Moved<'_> {
        let at = |place| Place::TRADERS.iter().position(|trader| *trader == place);
        let lockers = [Place::Wallet, self.provider].map(|place| at(place).unwrap_or_default());
        Moved {
            row: &self.row,
            lockers,
        }
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    story: &'static str,
    event: &'static str,
    fee: &'static str,
    message: &'a str,
}

/// Plays the story on fresh daemons.
pub(super) async fn play_exchange(
    daemons: Arc<Daemons>,
    kofo: &Path,
    sheet: Sheet,
    tell: &Tell,
) -> Result<()> {
    let started = Instant::now();
    let mut town = Town::up(daemons, kofo).await?;
    (tell)(&format!(
        "a wallet, three relays and two providers are ready after {:.1} s; the wallet knows relay 1 and nobody else",
        started.elapsed().as_secs_f32()
    ));
    let before = town.purses().await?;
    let mut settled = Vec::new();
    let [whole, parts] = EXCHANGE;
    settled.extend(play_wish(&town, whole, sheet, tell).await?);
    (tell)(
        "        who swaps with somebody talks with it: it is a neighbour now, and needs no relay any more",
    );
    settled.extend(play_wish(&town, parts, sheet, tell).await?);
    refused_with_a_fee(&town, sheet, tell).await?;
    balance(&mut town, before, &settled, tell).await?;
    town.stop().await
}

/// Nothing was made or lost by these swaps, which are all since `before`: the table at the end of a story.
pub(super) async fn balance(
    town: &mut Town,
    before: Vec<Purse>,
    settled: &[Settled],
    tell: &Tell,
) -> Result<()> {
    let moved: Vec<_> = settled.iter().map(Settled::moved).collect();
    let books = town.balance_books(before, &moved).await?;
    let rows: Vec<_> = settled.iter().map(|swap| &swap.row).collect();
    let names = Place::TRADERS.map(Place::name);
    let assets = town.ground().assets();
    for line in table::lines(assets, &rows, &names, [&books.before, &books.after])? {
        (tell)(&line);
    }
    Ok(())
}

async fn play_wish(town: &Town, wish: Wish, sheet: Sheet, tell: &Tell) -> Result<Vec<Settled>> {
    (tell)(&format!("--- a claim: {} for at least {}", wish.give, wish.want));
    let pools = Pools::watch(town.ground());
    let Asked { claim, swaps } = claim(town, wish.asked(), sheet, tell).await?;
    if swaps.len() != wish.swaps {
        let (expected, got) = (wish.swaps, swaps.len());
        bail!(
            "claim {}: expected {expected} swaps, got {got}: {}",
            claim.id,
            claim.state
        );
    }
    let mut settled = Vec::new();
    for swap in swaps {
        settled.push(settle(town, swap, &pools, tell).await?);
    }
    for swap in &settled {
        sheet.row(&swap.row)?;
    }
    Ok(settled)
}

/// What a party to a swap gives, and what it gets.
pub(super) fn symbols(swap: &SwapStatus) -> Result<[&str; 2]> {
    let (give, get) = swap
        .give
        .first()
        .zip(swap.get.first())
        .context("a swap has two legs")?;
    Ok([&give.symbol, &get.symbol])
}

/// Follows a swap of the wallet's until both have redeemed.
pub(super) async fn settle(town: &Town, swap: Id, pools: &Pools, tell: &Tell) -> Result<Settled> {
    let (provider, status) = town.participant(swap).await?;
    // What the participant gets is what the initiator gives.
    let [get, give] = symbols(&status)?;
    (tell)(&format!("        swap {swap} is with {}", provider.name()));
    let folders = [town.data(Place::Wallet), town.data(provider)];
    let follow = Follow::start(folders, swap, &format!("{give}→{get}"), tell.clone());
    let both = follow.done(SWAP).await?;
    for status in &both {
        if status.outcome != Some(OutcomeName::Redeemed) {
            bail!("swap {swap}: expected both to redeem, got {:?}", status.outcome);
        }
    }
    let mut row = figures(town.ground(), format!("{give}/{get}"), &both, pools.spans()).await?;
    row.story = town.story();
    Ok(Settled { row, provider })
}

/// There is nobody yet who could clear a fee: the node says so and claims nothing.
async fn refused_with_a_fee(town: &Town, sheet: Sheet, tell: &Tell) -> Result<()> {
    (tell)(&format!("--- a claim that offers relays a fee of {FEE}"));
    let client = town.client(Place::Wallet)?;
    let claims = client.claim_list().await?.claims.len();
    let asked = ClaimAsked {
        fee: Some(FEE.to_owned()),
        ..EXCHANGE[0].asked()
    };
    let message = match client.claim_make(asked).await {
        Ok(claim) => bail!("a claim with a fee was made: {}", claim.id),
        Err(jsonrpsee::core::ClientError::Call(refusal)) => refusal.message().to_owned(),
        Err(other) => return Err(other).context("a claim with a fee"),
    };
    if !message.contains(NO_CLEARANCE) || client.claim_list().await?.claims.len() != claims {
        bail!("expected a claim with a fee to be refused because {NO_CLEARANCE}, got {message:?}");
    }
    (tell)(&format!("        refused: {message}"));
    sheet.row(&Refusal {
        story: town.story(),
        event: "refused",
        fee: FEE,
        message: &message,
    })
}

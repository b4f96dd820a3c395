//! A provider that does not lock in its time forfeits what it reserved.

use super::city::City;
use super::trade::{ask, ended};
use crate::demo::exchange::{Place, Settled, symbols};
use crate::demo::follow::Tell;
use crate::demo::play::{figures, last_timelock, waits};
use crate::demo::pools::Pools;
use crate::demo::row::Sheet;
use anyhow::{Context, Result, bail, ensure};
use kofo_clearance::{Ending, Settlement};
use kofo_node::rpc::types::{ClaimStatus, Id, OutcomeName, SwapStatus};
use kofo_node::rpc::{ClearingRpcClient, MarketRpcClient, NodeRpcClient, RpcClient};
use kofo_primitives::Seconds;
use kofo_regtest::Chain;
use std::time::{Duration, Instant};

/// One step of it comes within so long.
const STEP: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// So much later than the last timelock the refund is possible on every chain.
const PAST: Seconds = Seconds(60);

/// An order whose initiator has locked and whose provider is gone.
#[derive(Debug)]
pub struct Abandoned {
    /// The order, which is the swap.
    pub order: Id,
    /// Who is gone.
    pub provider: Place,
    /// The swap, as the wallet has it.
    pub locked: SwapStatus,
}

/// A provider that walked away.
#[derive(Debug)]
pub struct Slashed {
    /// The wallet's refund.
    pub refunded: Settled,
    /// How the order ended, and where the reserve went.
    pub settlement: Settlement,
}

/// The wallet's order is final, its provider is killed, and the wallet locks.
pub async fn abandon(city: &mut City, sheet: Sheet, tell: &Tell) -> Result<Abandoned> {
    let ground = city.town.ground().clone();
    // The wallet's lock waits for a block until its provider is gone.
    ground.pause(Chain::Bitcoin).await?;
    let order = ask(city, sheet, tell).await?;
    let provider = provider(city, order).await?;
    city.town.kill(provider).await?;
    (tell)(&format!("        {} is killed (-9)", provider.name()));
    waits(&ground, Chain::Bitcoin).await?;
    ground.resume(Chain::Bitcoin).await?;
    let client = city.town.client(Place::Wallet)?;
    let final_lock = |swap: &SwapStatus| {
        let mut acts = swap.legs.iter().flat_map(|leg| &leg.acts);
        acts.any(|seen| seen.act == "lock" && seen.final_ms.is_some())
    };
    let locked = until(&client, order, "the wallet's lock", final_lock).await?;
    (tell)(&format!(
        "        the wallet's lock is final, and {} does not lock: it has 90 s before that is a fault",
        provider.name()
    ));
    Ok(Abandoned {
        order,
        provider,
        locked,
    })
}

/// The provider's time is over: it is slashed, and the wallet gets its own back. Then the provider is started again.
pub async fn slashed(city: &mut City, gone: &Abandoned, sheet: Sheet, tell: &Tell) -> Result<Slashed> {
    let ground = city.town.ground().clone();
    let Abandoned {
        order,
        provider,
        locked,
    } = gone;
    (tell)(&format!("--- {} did not lock", provider.name()));
    let settlement = ended(city, *order, sheet, tell).await?;
    ensure!(
        settlement.ending == Ending::ProviderWalked,
        "expected the provider to be slashed, got {:?}",
        settlement.ending
    );
    tell_bond(city, *provider, tell).await?;
    let pools = Pools::watch(&ground);
    ground.advance_to(last_timelock(locked).plus(PAST)).await?;
    let client = city.town.client(Place::Wallet)?;
    let over = until(&client, *order, "the wallet's refund", |swap| {
        swap.outcome.is_some()
    })
    .await?;
    ensure!(
        over.outcome == Some(OutcomeName::Refunded),
        "expected a refund, got {:?}",
        over.outcome
    );
    (tell)("        the chains' time has passed the timelocks, and the wallet has its own back");
    let [give, get] = symbols(&over)?;
    let pair = format!("{give}/{get}");
    let mut row = figures(&ground, pair, &[over.clone(), over], pools.spans()).await?;
    row.story = city.town.story();
    sheet.row(&row)?;
    city.town.start(*provider).await?;
    let refunded = Settled {
        row,
        provider: *provider,
    };
    Ok(Slashed { refunded, settlement })
}

/// What is left of a provider's bond, as the wallet's node verified it.
async fn tell_bond(city: &City, provider: Place, tell: &Tell) -> Result<()> {
    let account = Id(*city.town.account(provider).as_bytes());
    let client = city.town.client(Place::Wallet)?;
    let account = client.ledger_account(Some(account)).await?;
    let bond = account.holdings.first().context("it has something")?;
    (tell)(&format!(
        "        {}'s bond is {} now; its orders: {} settled, {} failed",
        provider.name(),
        bond.provider_bond,
        account.settled,
        account.failed
    ));
    Ok(())
}

/// Whose quote the order is of.
async fn provider(city: &City, order: Id) -> Result<Place> {
    let claims = city.town.client(Place::Wallet)?.claim_list().await?.claims;
    let quotes = claims.iter().flat_map(|claim: &ClaimStatus| &claim.quotes);
    let quote = quotes.into_iter().find(|quote| quote.swap == Some(order));
    let account = quote.context("the order is of a quote")?.provider.clone();
    let place = Place::PROVIDERS
        .into_iter()
        .find(|place| city.town.account(*place).to_string() == account);
    place.with_context(|| format!("{account} is no provider's account"))
}

/// Waits until what the wallet says of a swap is so.
async fn until(
    client: &RpcClient,
    swap: Id,
    what: &str,
    holds: impl Fn(&SwapStatus) -> bool,
) -> Result<SwapStatus> {
    let deadline = Instant::now() + STEP;
    loop {
        let status = client.swap_show(swap).await?;
        if holds(&status) {
            return Ok(status);
        }
        if Instant::now() > deadline {
            bail!("{what} did not come within {} s: {status:?}", STEP.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
}

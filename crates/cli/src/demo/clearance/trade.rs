//! A trade whose order validators make final, and whose fee they divide.

use super::city::City;
use super::rows::{Ended, Final, Paid, check_sum};
use super::{FEE, kill};
use crate::demo::exchange::{Asked, EXCHANGE, Place, Settled, claim, settle};
use crate::demo::follow::Tell;
use crate::demo::pools::Pools;
use crate::demo::row::Sheet;
use crate::text;
use anyhow::{Context, Result, bail, ensure};
use kofo_clearance::{Ending, Settlement};
use kofo_node::rpc::types::{ClaimAsked, Id, OrderShown, OrderState};
use kofo_node::rpc::{ClearingRpcClient, RpcClient};
use std::time::{Duration, Instant};

/// Validators have seen the ends of both legs, or that one did not come in time, within so long.
const OVER: Duration = Duration::from_secs(240);
/// Whoever waits longer is told so.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// A trade that was cleared.
#[derive(Debug)]
pub struct Cleared {
    /// The swap.
    pub settled: Settled,
    /// How the order ended, and who was paid.
    pub settlement: Settlement,
}

/// The wallet asks for a swap with a fee, and it is made, redeemed and paid. Validator `dies` is killed once the order is
/// final.
pub async fn trade(city: &mut City, dies: Option<usize>, sheet: Sheet, tell: &Tell) -> Result<Cleared> {
    let pools = Pools::watch(city.town.ground());
    let order = ask(city, sheet, tell).await?;
    if let Some(number) = dies {
        kill(city, number, sheet, tell).await?;
    }
    let settled = settle(&city.town, order, &pools, tell).await?;
    sheet.row(&settled.row)?;
    let settlement = ended(city, order, sheet, tell).await?;
    ensure!(
        settlement.ending == Ending::Settled,
        "expected the order to be settled, got {:?}",
        settlement.ending
    );
    let (_, fee) = city.assets().parse(FEE)?;
    check_sum(&settlement, fee)?;
    (tell)(&format!(
        "        of these, what was paid out of the fee is {FEE} in all, to the last unit"
    ));
    Ok(Cleared { settled, settlement })
}

/// Makes a claim with a fee; the order that comes of it, which is final.
pub(super) async fn ask(city: &City, sheet: Sheet, tell: &Tell) -> Result<Id> {
    let wish = EXCHANGE[0];
    (tell)(&format!(
        "--- a claim: {} for at least {}, with a fee of {FEE}",
        wish.give, wish.want
    ));
    let asked = ClaimAsked {
        fee: Some(FEE.to_owned()),
        ..wish.asked()
    };
    let Asked { claim, swaps } = claim(&city.town, asked, sheet, tell).await?;
    let [order] = swaps.as_slice() else {
        bail!(
            "claim {}: expected one swap, got {}: {}",
            claim.id,
            swaps.len(),
            text::claim::quotes(&claim)
        );
    };
    let shown = city
        .town
        .client(Place::Wallet)?
        .order_show(*order, Some(false))
        .await?;
    let proof = shown
        .committed
        .with_context(|| format!("order {order} has begun and is not final"))?;
    let (height, epoch, signers) = (proof.height, proof.epoch, proof.signers);
    (tell)(&format!(
        "        order {order} is final: height {height}, signed by {signers} validators"
    ));
    sheet.row(&Final::new(*order, (height, epoch, signers)))?;
    Ok(*order)
}

/// Waits until the order is over, and tells who was paid, as all validators say and the receipt commits to.
pub(super) async fn ended(city: &City, order: Id, sheet: Sheet, tell: &Tell) -> Result<Settlement> {
    let client = city.town.client(Place::Wallet)?;
    let shown = over(&client, order, tell).await?;
    let receipt = shown.receipt.context("what is over has a receipt")?;
    let settlement = city.council.settlement(order).await?;
    ensure!(
        settlement.receipt().payouts == receipt.payouts.0,
        "the receipt of order {order} commits to other payments than the validators name"
    );
    let ending = receipt.ending.replace('_', " ");
    (tell)(&format!("        order {order} is over: {ending}"));
    let name = |account: &_| city.name(account);
    for line in text::payouts(&settlement, city.assets(), &name).lines() {
        (tell)(&format!("        {line}"));
    }
    let event = if settlement.ending == Ending::Settled {
        "paid"
    } else {
        "slashed"
    };
    let payouts = Paid::all(&settlement, city.assets(), &name);
    sheet.row(&Ended::new(event, order, &receipt.ending, &payouts))?;
    Ok(settlement)
}

/// Waits until a node has the verified receipt of an order.
async fn over(client: &RpcClient, order: Id, tell: &Tell) -> Result<OrderShown> {
    let (deadline, mut quiet) = (Instant::now() + OVER, Instant::now() + PATIENCE);
    loop {
        let shown = client.order_show(order, Some(false)).await?;
        if shown.state == OrderState::Ended {
            return Ok(shown);
        }
        if Instant::now() > deadline {
            bail!("order {order} is not over after {} s: {shown:?}", OVER.as_secs());
        }
        if Instant::now() > quiet {
            (tell)("        … waiting for the validators, who wait for the chains");
            quiet = Instant::now() + PATIENCE;
        }
        tokio::time::sleep(POLL).await;
    }
}

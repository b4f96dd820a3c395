//! Plays one act of a story and says what came of it.

use super::follow::Tell;
use super::ground::Ground;
use super::pools::Pools;
use super::row::{self, LegRow, Row};
use super::stage::Stage;
use super::story::{Act, Ending, Who};
use anyhow::{Context, Result, bail};
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_primitives::{Seconds, UnixTime};
use kofo_regtest::Chain;
use std::time::{Duration, Instant};

/// A swap in which nobody is away is over within so long.
const SWAP: Duration = Duration::from_secs(90);
/// One step of it comes within so long.
const STEP: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// So much later than the last timelock both refunds are possible on every chain.
const PAST: Seconds = Seconds(60);

/// A swap that ended as it was announced.
#[derive(Debug)]
pub struct Played {
    /// The figures.
    pub row: Row,
    /// What both nodes say of it.
    pub both: [SwapStatus; 2],
}

/// Plays an act; an error if it does not end as it must.
pub async fn play(stage: &mut Stage, act: &Act, tell: &Tell) -> Result<Played> {
    let (pair, arrow) = (pair(stage.ground(), act, "/")?, pair(stage.ground(), act, "→")?);
    (tell)(&format!("--- {} for {}", act.give, act.want));
    let pools = Pools::watch(stage.ground());
    let both = match act.ending {
        Ending::Redeemed => {
            let swap = stage.agree(act.give, act.want).await?;
            stage.follow(swap.id, &arrow, tell.clone()).done(SWAP).await?
        }
        Ending::Refunded => refunded(stage, act, &arrow, tell).await?,
    };
    check(act, &both)?;
    let row = figures(stage.ground(), pair, &both, pools.spans()).await?;
    Ok(Played { row, both })
}

/// The symbols of an act, such as `BTC/ETH`.
fn pair(ground: &Ground, act: &Act, between: &str) -> Result<String> {
    let symbol = |text: &str| -> Result<String> {
        let (asset, _) = ground.assets().parse(text)?;
        Ok(ground.assets().by_id(&asset)?.symbol.clone())
    };
    Ok(format!("{}{between}{}", symbol(act.give)?, symbol(act.want)?))
}

/// The participant dies when its lock waits for a block, so that the initiator cannot redeem it in time.
async fn refunded(stage: &mut Stage, act: &Act, arrow: &str, tell: &Tell) -> Result<[SwapStatus; 2]> {
    let (wanted, _) = stage.ground().assets().parse(act.want)?;
    let beta = stage.ground().chain(wanted.chain().as_str())?;
    stage.ground().pause(beta).await?;
    let swap = stage.agree(act.give, act.want).await?;
    let mut follow = stage.follow(swap.id, arrow, tell.clone());
    let sent = |status: Option<&SwapStatus>| status.is_some_and(|s| s.state == "lock_sent");
    follow
        .until("the participant's lock", STEP, |now| {
            sent(now.of(Who::Participant))
        })
        .await?;
    waits(stage.ground(), beta).await?;
    stage.kill(Who::Participant).await?;
    (tell)("        the participant is killed (-9); its lock waits for a block");
    stage.ground().advance_to(last_timelock(&swap).plus(PAST)).await?;
    stage.ground().resume(beta).await?;
    (tell)("        the chains' time has passed both timelocks");
    let over = |status: Option<&SwapStatus>| status.is_some_and(|s| s.outcome.is_some());
    follow
        .until("the initiator's refund", STEP, |now| over(now.of(Who::Initiator)))
        .await?;
    stage.start(Who::Participant).await?;
    (tell)("        the participant is back");
    follow.done(STEP).await
}

/// The latest timelock of a swap.
#[must_use]
pub fn last_timelock(swap: &SwapStatus) -> UnixTime {
    UnixTime(swap.legs.iter().map(|leg| leg.timelock).max().unwrap_or(0))
}

/// Waits until a transaction waits for a block of the chain.
pub async fn waits(ground: &Ground, chain: Chain) -> Result<()> {
    let deadline = Instant::now() + STEP;
    while ground.waiting(chain).await? == 0 {
        if Instant::now() > deadline {
            bail!(
                "no transaction came to the mempool of {chain} within {} s",
                STEP.as_secs()
            );
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn check(act: &Act, both: &[SwapStatus; 2]) -> Result<()> {
    let expected = match act.ending {
        Ending::Redeemed => OutcomeName::Redeemed,
        Ending::Refunded => OutcomeName::Refunded,
    };
    for (who, status) in Who::BOTH.into_iter().zip(both) {
        if status.outcome != Some(expected) {
            let got = status
                .outcome
                .map_or_else(|| status.state.clone(), |outcome| outcome.to_string());
            bail!(
                "{} for {}: expected the {} to end {expected}, got {got}",
                act.give,
                act.want,
                who.name()
            );
        }
    }
    Ok(())
}

/// The figures of a swap that both nodes have ended; `waits` are spans, in milliseconds by our clock, in which a
/// transaction of it is known to have waited for a block.
pub async fn figures(
    ground: &Ground,
    pair: String,
    both: &[SwapStatus; 2],
    waits: Vec<(u64, u64)>,
) -> Result<Row> {
    let (wall_ms, overhead_ms) = row::times(both, waits);
    let outcome = both[0].outcome.context("the swap is over")?;
    let (alpha, beta) = (
        leg(ground, both, "alpha").await?,
        leg(ground, both, "beta").await?,
    );
    Ok(Row {
        story: "direct",
        pair,
        outcome,
        alpha,
        beta,
        wall_ms,
        overhead_ms,
    })
}

async fn leg(ground: &Ground, both: &[SwapStatus; 2], name: &str) -> Result<LegRow> {
    let of = both[0].legs.iter().find(|leg| leg.leg.starts_with(name));
    let of = of.with_context(|| format!("the swap has no leg {name}"))?;
    let chain = ground.chain(&of.chain)?;
    let lock = row::act(both, name, &["lock"]);
    let end = row::act(both, name, &["redeem", "refund", "cancel"]);
    let mut costs = [None, None];
    for (act, cost) in [lock, end].into_iter().zip(&mut costs) {
        if let Some(act) = act {
            *cost = ground.cost(chain, act).await?;
        }
    }
    let [lock_cost, end_cost] = costs;
    Ok(LegRow {
        chain: of.chain.clone(),
        amount: of.amount.to_string(),
        lock_txid: lock.and_then(|act| act.txid.clone()),
        lock_cost,
        end: end.map(|act| act.act.clone()),
        end_txid: end.and_then(|act| act.txid.clone()),
        end_cost,
    })
}

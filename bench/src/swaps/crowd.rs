//! Many swaps at once between two nodes on real daemons: what an open swap asks of the daemons, and that all end well.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kofo_cli::demo::{Daemons, Played, Stage, Who, balance, figures};
use kofo_node::config::TimelockPolicy;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_regtest::Chain;

use super::counter::Calls;
use super::ground::{Counted, config};

const GIVE: &str = "0.001btc";
const WANT: &str = "0.02eth";
/// What each swap spends a coin of, in satoshi.
const COIN: u64 = 200_000;
/// So many blocks of each chain are counted over.
pub(super) const BLOCKS: u32 = 20;
/// Time between them while calls are counted.
const EVERY: Duration = Duration::from_secs(1);
/// Whatever is waited for comes within so long.
const PATIENCE: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(200);
const PAGE: u32 = 100;

/// What a crowd of swaps did.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    /// Both redeemed all of them, and both nodes have what that leaves them, to the last unit.
    pub(super) ok: bool,
    /// What the initiator asked of a daemon, on average, from one block to the next, while all swaps were open.
    pub(super) calls_per_block: f64,
    /// The same by method, over all the blocks counted.
    pub(super) calls: Calls,
}

/// Begins `swaps` swaps at once, counts calls while all are open, and sees them to their end.
pub(super) async fn measure(daemons: &Arc<Daemons>, kofo: &Path, swaps: usize) -> Result<Crowd> {
    let theirs = config(daemons, TimelockPolicy::Standard)?;
    let mut ours = theirs.clone();
    let counted = Counted::before(&mut ours).await?;
    let mut stage = Stage::configured(Arc::clone(daemons), kofo, [ours, theirs]).await?;
    give_coins(daemons, &stage, swaps).await?;
    let before = stage.purses().await?;
    locked(daemons, &mut stage, swaps).await?;
    let calls = count(daemons, &counted).await?;
    stage.start(Who::Participant).await?;
    for chain in [Chain::Bitcoin, Chain::Ethereum] {
        daemons.regtest().resume_miner(chain).await?;
    }
    let ended = ended(&stage, swaps).await?;
    let redeemed = |both: &[SwapStatus; 2]| both.iter().all(|s| s.outcome == Some(OutcomeName::Redeemed));
    let mut ok = ended.iter().all(redeemed);
    let mut played = Vec::new();
    for both in ended {
        let row = figures(stage.ground(), "BTC/ETH".to_owned(), &both, Vec::new()).await?;
        played.push(Played { row, both });
    }
    if let Err(error) = balance(&mut stage, before, &played).await {
        tell(&error);
        ok = false;
    }
    let blocks = f64::from(2 * BLOCKS);
    let sum: u64 = calls.values().sum();
    Ok(Crowd {
        ok,
        calls_per_block: (sum as f64 / blocks * 10.0).round() / 10.0,
        calls,
    })
}

fn tell(error: &anyhow::Error) {
    // Nobody reads: the figure says it too.
    let _unread = writeln!(std::io::stderr(), "{error:#}");
}

/// A coin for each lock, so that all can be made at once.
async fn give_coins(daemons: &Daemons, stage: &Stage, swaps: usize) -> Result<()> {
    let client = stage.client(Who::Initiator)?;
    let address = client.wallet_address("BTC".to_owned()).await?.address;
    let before = stage.balance(Who::Initiator, "BTC").await?.units();
    for _ in 0..swaps {
        daemons.regtest().fund_bitcoin(&address, COIN).await?;
    }
    let expected = before + u128::from(COIN) * u128::try_from(swaps)?;
    let deadline = Instant::now() + PATIENCE;
    while stage.balance(Who::Initiator, "BTC").await?.units() < expected {
        patient(deadline, "the initiator sees its coins")?;
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The initiator has locked in all swaps, and the participant is gone: they stay as they are.
async fn locked(daemons: &Daemons, stage: &mut Stage, swaps: usize) -> Result<()> {
    let regtest = daemons.regtest();
    for chain in [Chain::Bitcoin, Chain::Ethereum] {
        regtest.pause_miner(chain).await?;
    }
    for _ in 0..swaps {
        stage.agree(GIVE, WANT).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    while regtest.waiting(Chain::Bitcoin).await? < u64::try_from(swaps)? {
        patient(deadline, "the initiator sends its locks")?;
        tokio::time::sleep(POLL).await;
    }
    stage.kill(Who::Participant).await?;
    regtest.mine(Chain::Bitcoin, 1).await?;
    let locks = |swap: &SwapStatus| {
        let mut acts = swap.legs.iter().flat_map(|leg| &leg.acts);
        acts.any(|act| act.act == "lock" && act.final_ms.is_some())
    };
    while all(stage, Who::Initiator)
        .await?
        .iter()
        .filter(|s| locks(s))
        .count()
        < swaps
    {
        patient(deadline, "the initiator's locks are final")?;
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// What the initiator asks of the daemons during some blocks of each chain in which nothing of its swaps happens.
async fn count(daemons: &Daemons, counted: &Counted) -> Result<Calls> {
    let before = counted.calls()?;
    let mut tick = tokio::time::interval(EVERY);
    tick.tick().await;
    for _ in 0..BLOCKS {
        for chain in [Chain::Bitcoin, Chain::Ethereum] {
            daemons.regtest().mine(chain, 1).await?;
        }
        tick.tick().await;
    }
    let mut calls = counted.calls()?;
    for (method, earlier) in before {
        if let Some(count) = calls.get_mut(&method) {
            *count = count.saturating_sub(earlier);
        }
    }
    calls.retain(|_, count| *count > 0);
    Ok(calls)
}

/// Waits until all swaps are over on both nodes; both nodes' last words of each.
async fn ended(stage: &Stage, swaps: usize) -> Result<Vec<[SwapStatus; 2]>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let [ours, theirs] = [
            all(stage, Who::Initiator).await?,
            all(stage, Who::Participant).await?,
        ];
        let over = |swap: &&SwapStatus| swap.outcome.is_some();
        if ours.iter().filter(over).count() == swaps && theirs.iter().filter(over).count() == swaps {
            let pair = |our: SwapStatus| {
                let their = theirs.iter().find(|their| their.id == our.id).cloned();
                Ok([our, their.context("both nodes know the swap")?])
            };
            return ours.into_iter().map(pair).collect();
        }
        patient(deadline, "all swaps are over")?;
        tokio::time::sleep(POLL).await;
    }
}

async fn all(stage: &Stage, who: Who) -> Result<Vec<SwapStatus>> {
    let client = stage.client(who)?;
    let mut swaps = Vec::new();
    loop {
        let page = client
            .swap_list(Some(u32::try_from(swaps.len())?), Some(PAGE), None)
            .await?;
        swaps.extend(page.swaps);
        if !page.more {
            return Ok(swaps);
        }
    }
}

fn patient(deadline: Instant, what: &str) -> Result<()> {
    if Instant::now() > deadline {
        bail!("waited {} s until {what}", PATIENCE.as_secs());
    }
    Ok(())
}

//! Each act nine times, each time with other values; the median.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result};

use super::contracts::{HashLanes, TestToken};
use super::stage::Stage;
use super::swap::{AMOUNT, Lane, Swap};
use super::{ETH, signing};
use crate::onchain::figures::{BatchGas, Gas};

/// How often each act is measured.
const ROUNDS: usize = 9;
/// Swaps of a batch.
const BATCH: u16 = 32;
/// The lanes of the batches, far from those of single swaps.
const BATCH_LANES: [(u16, u16); 2] = [(0x4001, 0x4001 + BATCH), (0x4101, 0x4101 + BATCH)];
/// What a relayer keeps: 7 bytes, none of them zero.
const FEE: u128 = 12_345_678_901_234_567;

/// Lock and redeem, then lock and refund, in lanes of their own.
pub(super) async fn leg(stage: &mut Stage<'_>, token: Address, lane: Lane) -> Result<Gas> {
    let timelock = stage.timelock().await?;
    let (mut locks, mut redeems, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let swap = stage.swap(token, lane, timelock).await?;
        locks.push(stage.lock(&swap).await?);
        redeems.push(stage.redeem(&swap, stage.redeemer).await?);
    }
    let mut left = Vec::new();
    for _ in 0..ROUNDS {
        let swap = stage.swap(token, lane, timelock).await?;
        stage.lock(&swap).await?;
        left.push(swap);
    }
    stage.regtest.advance_to(timelock).await?;
    for swap in &left {
        refunds.push(stage.refund(swap).await?);
    }
    Ok(Gas {
        lock: median(locks)?,
        redeem: median(redeems)?,
        refund: median(refunds)?,
    })
}

/// 32 swaps locked by one transaction and redeemed by another, in lanes that a round before has used.
pub(super) async fn batch(stage: &mut Stage<'_>, token: Address) -> Result<BatchGas> {
    let (from, to) = BATCH_LANES[usize::from(token != ETH)];
    let timelock = stage.timelock().await?;
    let (mut locks, mut redeems, mut swaps) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let batch: Vec<Swap> = (from..to).map(|lane| stage.draw(token, lane, timelock)).collect();
        let lock = lock_batch(stage, token, &batch).await?;
        let items = batch.iter().map(Swap::redemption).collect();
        let call = HashLanes::redeemBatchCall {
            token,
            redeemer: stage.redeemer,
            items,
        };
        let redeem = stage
            .call(stage.redeemer, stage.contract, 0, call.abi_encode())
            .await?;
        if round > 0 {
            locks.push(lock);
            redeems.push(redeem);
            swaps.push(lock.saturating_add(redeem));
        }
    }
    let each = |gas: Vec<u64>| Ok::<_, anyhow::Error>(median(gas)?.div_ceil(u64::from(BATCH)));
    Ok(BatchGas {
        lock: each(locks)?,
        redeem: each(redeems)?,
        swap: each(swaps)?,
    })
}

async fn lock_batch(stage: &Stage<'_>, token: Address, batch: &[Swap]) -> Result<u64> {
    let locks = batch.iter().map(Swap::in_batch).collect();
    let (value, data) = if token == ETH {
        (
            AMOUNT.saturating_mul(u128::from(BATCH)),
            HashLanes::lockBatchCall { locks }.abi_encode(),
        )
    } else {
        (0, HashLanes::lockTokenBatchCall { token, locks }.abi_encode())
    };
    stage.call(stage.owner, stage.contract, value, data).await
}

/// A stranger pays the gas of a redeem.
pub(super) async fn third_party_redeem(stage: &mut Stage<'_>) -> Result<u64> {
    let timelock = stage.timelock().await?;
    let mut gas = Vec::new();
    for _ in 0..ROUNDS {
        let swap = stage.swap(ETH, Lane::Recycled, timelock).await?;
        stage.lock(&swap).await?;
        gas.push(stage.redeem(&swap, stage.relayer).await?);
    }
    median(gas)
}

/// A relayer pays the gas of a redeem and keeps a fee of it.
pub(super) async fn redeem_for(stage: &mut Stage<'_>, lane: Lane) -> Result<u64> {
    let timelock = stage.timelock().await?;
    let mut gas = Vec::new();
    for _ in 0..ROUNDS {
        let swap = stage.swap(ETH, lane, timelock).await?;
        stage.lock(&swap).await?;
        let fee = U256::from(FEE);
        let call = HashLanes::redeemForCall {
            preimage: swap.preimage,
            signature: signing::redeem_for(stage, &swap, stage.relayer, fee)?,
            it: swap.lock,
            fee,
        };
        gas.push(
            stage
                .call(stage.relayer, stage.contract, 0, call.abi_encode())
                .await?,
        );
    }
    median(gas)
}

/// The owner takes the money back before the timelock, by the redeemer's signature.
pub(super) async fn release(stage: &mut Stage<'_>, lane: Lane) -> Result<u64> {
    let timelock = stage.timelock().await?;
    let mut gas = Vec::new();
    for _ in 0..ROUNDS {
        let swap = stage.swap(ETH, lane, timelock).await?;
        stage.lock(&swap).await?;
        let call = HashLanes::releaseCall {
            hashlock: swap.hashlock,
            signature: signing::release(stage, &swap)?,
            it: swap.lock,
        };
        gas.push(
            stage
                .call(stage.owner, stage.contract, 0, call.abi_encode())
                .await?,
        );
    }
    median(gas)
}

/// The token alone, from holder to holder.
pub(super) async fn token_transfer(stage: &Stage<'_>) -> Result<u64> {
    let call = TestToken::transferCall {
        to: stage.redeemer,
        amount: U256::from(AMOUNT),
    };
    stage.call(stage.owner, stage.token, 0, call.abi_encode()).await
}

fn median(mut gas: Vec<u64>) -> Result<u64> {
    gas.sort_unstable();
    gas.get(gas.len() / 2).copied().context("nothing was measured")
}

//! The redeemer's word: digests as `kofo_evm` signs them, by a key of the benchmark's own.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::Eip712Domain;
use anyhow::{Context, Result};
use kofo_evm::{domain, redeem_for_digest, release_digest};

use super::stage::Stage;
use super::swap::{Swap, full};

/// The first key whose address has no zero byte.
pub(super) fn key() -> Result<PrivateKeySigner> {
    let keys = (1..=u8::MAX).filter_map(|byte| PrivateKeySigner::from_slice(&[byte; 32]).ok());
    let mut full = keys.filter(|key| full(key.address().as_slice()));
    full.next().context("every address has a zero byte")
}

/// The owner may take the lock back before its timelock.
pub(super) fn release(stage: &Stage<'_>, swap: &Swap) -> Result<Bytes> {
    let digest = release_digest(&here(stage), swap.lock.slot, swap.commitment());
    sign(stage, digest)
}

/// A relayer may redeem for the redeemer and keep a fee.
pub(super) fn redeem_for(stage: &Stage<'_>, swap: &Swap, relayer: Address, fee: U256) -> Result<Bytes> {
    let lock = (swap.lock.slot, swap.commitment());
    sign(stage, redeem_for_digest(&here(stage), lock, relayer, fee))
}

fn here(stage: &Stage<'_>) -> Eip712Domain {
    domain(stage.contract, stage.regtest.ethereum().chain_id)
}

fn sign(stage: &Stage<'_>, digest: B256) -> Result<Bytes> {
    let signature = stage.key.sign_hash_sync(&digest)?;
    Ok(Bytes::copy_from_slice(&signature.as_bytes()))
}

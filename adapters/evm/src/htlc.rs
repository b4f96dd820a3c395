//! One leg in the words of the contract: owner's lane, terms and commitment.

use crate::bindings::HashLanes;
use crate::config::EvmConfig;
use crate::contract::contract_address;
use crate::fees;
use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use kofo_adapter_api::AdapterError;
use kofo_primitives::{Amount, AssetId, HtlcSpec, Party};

/// A leg, parsed. Coins have the zero address as token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Htlc {
    pub(crate) contract: Address,
    pub(crate) token: Address,
    pub(crate) amount: Amount,
    pub(crate) hashlock: B256,
    pub(crate) timelock: u64,
    pub(crate) redeemer: Address,
    pub(crate) owner: Address,
    pub(crate) lane: u16,
}

fn malformed(field: &'static str, expected: &str, got: impl std::fmt::Display) -> AdapterError {
    AdapterError::Malformed {
        field,
        expected: expected.to_owned(),
        got: got.to_string(),
    }
}

/// The token's address, zero for the coin; or that the asset is not configured.
pub(crate) fn token_of(config: &EvmConfig, asset: &AssetId) -> Result<Address, AdapterError> {
    let unknown = || AdapterError::UnknownAsset {
        asset: asset.clone(),
        chain: config.chain(),
    };
    if *asset == config.coin {
        return Ok(Address::ZERO);
    }
    let ("erc20", hex) = asset.on_chain() else {
        return Err(unknown());
    };
    let token = hex.parse::<Address>().map_err(|_| unknown())?;
    let known = config.tokens.contains(asset) && !token.is_zero();
    known.then_some(token).ok_or_else(unknown)
}

/// The refunder's address and lane: 20 bytes and 2, big endian.
pub(crate) fn refunder(party: &Party) -> Result<(Address, u16), AdapterError> {
    let bytes = party.as_slice();
    let parts = bytes
        .split_last_chunk::<2>()
        .filter(|(address, _)| address.len() == 20);
    let (address, lane) =
        parts.ok_or_else(|| malformed("refunder", "20 bytes address, 2 bytes lane", hex(bytes)))?;
    Ok((Address::from_slice(address), u16::from_be_bytes(*lane)))
}

/// The redeemer's address.
pub(crate) fn redeemer(party: &Party) -> Result<Address, AdapterError> {
    let bytes = party.as_slice();
    let address =
        Address::try_from(bytes).map_err(|_| malformed("redeemer", "20 bytes address", hex(bytes)))?;
    if address.is_zero() {
        return Err(malformed("redeemer", "an address that somebody has", address));
    }
    Ok(address)
}

fn hex(bytes: &[u8]) -> String {
    alloy::hex::encode_prefixed(bytes)
}

impl Htlc {
    /// Reads the leg; refuses what is malformed or not of this chain's contract.
    pub(crate) fn new(config: &EvmConfig, spec: &HtlcSpec) -> Result<Self, AdapterError> {
        let contract = contract_address(config.profile, config.chain_id);
        let place = spec.place.as_slice();
        if place != contract.as_slice() {
            return Err(malformed("place", &contract.to_string(), hex(place)));
        }
        let timelock = spec.timelock.0;
        if timelock >= 1 << 48 {
            return Err(malformed("timelock", "unix seconds below 2^48", timelock));
        }
        let (owner, lane) = refunder(&spec.refunder)?;
        let redeemer = redeemer(&spec.redeemer)?;
        if redeemer == contract {
            return Err(malformed(
                "redeemer",
                "an address that is not the contract's",
                redeemer,
            ));
        }
        Ok(Self {
            contract,
            token: token_of(config, &spec.asset)?,
            amount: spec.amount,
            hashlock: B256::from(*spec.hashlock.as_bytes()),
            timelock,
            redeemer,
            owner,
            lane,
        })
    }

    /// The storage slot of the lane.
    pub(crate) fn slot(&self) -> U256 {
        slot(self.owner, self.lane)
    }

    /// What the lock's transaction shows.
    pub(crate) fn terms(&self) -> B256 {
        terms(self.hashlock, self.redeemer, self.timelock)
    }

    /// What the slot holds while it is locked, exactly so and with exactly the amount.
    pub(crate) fn commitment(&self) -> B256 {
        commitment(self.terms(), U256::from(self.amount.units()), self.token)
    }

    pub(crate) fn is_coin(&self) -> bool {
        self.token.is_zero()
    }

    /// The argument of redeem, refund and the like.
    pub(crate) fn lock_argument(&self) -> HashLanes::Lock {
        HashLanes::Lock {
            slot: self.slot(),
            redeemer: self.redeemer,
            timelock: U48::from(self.timelock),
            amount: U256::from(self.amount.units()),
            token: self.token,
        }
    }

    /// Gas limit of the lock.
    pub(crate) fn lock_gas(&self) -> u64 {
        if self.is_coin() {
            fees::LOCK_COIN_GAS
        } else {
            fees::LOCK_TOKEN_GAS
        }
    }

    /// Gas limit of a redeem or refund. What we send pays an account of ours, which has no code.
    pub(crate) fn end_gas(&self) -> u64 {
        if self.is_coin() {
            fees::END_COIN_GAS
        } else {
            fees::END_TOKEN_GAS
        }
    }
}

/// What a lock shows of itself: `keccak256(hashlock, redeemer, timelock)`, the timelock in unix seconds.
#[must_use]
pub fn terms(hashlock: B256, redeemer: Address, timelock: u64) -> B256 {
    keccak256((hashlock, redeemer, U256::from(timelock)).abi_encode())
}

/// What a slot holds while it is locked: `keccak256(terms, amount, token)`; the zero address stands for the coin.
#[must_use]
pub fn commitment(terms: B256, amount: U256, token: Address) -> B256 {
    keccak256((terms, amount, token).abi_encode())
}

/// The storage slot of a lane: `owner << 96 | lane`.
#[must_use]
pub fn slot(owner: Address, lane: u16) -> U256 {
    U256::from_be_slice(owner.as_slice()) << 96 | U256::from(lane)
}

#[cfg(test)]
mod tests;

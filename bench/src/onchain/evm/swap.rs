//! One lock as its owner makes it, of values without zero bytes: those are cheaper in calldata, and would make a
//! figure depend on luck.

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use bitcoin::hashes::{Hash, sha256};

use super::contracts::HashLanes;

/// Of every lock, in the smallest unit: 8 bytes, none of them zero.
pub(super) const AMOUNT: u128 = 1_234_567_890_123_456_789;
/// Lanes from here on are given back when they are settled.
const ONE_OFF: u16 = 0x8000;

/// What happened to a lane before, and what will.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Used and settled before, and kept.
    Recycled,
    /// Never used, and given back.
    OneOff,
    /// Never used, and kept.
    Opening,
}

impl Lane {
    /// The lane that is `count`th in its range.
    pub(super) fn number(self, count: u16) -> u16 {
        if self == Lane::OneOff {
            ONE_OFF | count
        } else {
            count
        }
    }
}

/// The secret of a swap and the terms that follow from it.
#[derive(Clone)]
pub(super) struct Swap {
    pub(super) preimage: B256,
    pub(super) hashlock: B256,
    pub(super) terms: B256,
    pub(super) lane: u16,
    pub(super) lock: HashLanes::Lock,
}

/// What of a swap is agreed on before its secret is drawn.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) owner: Address,
    pub(super) redeemer: Address,
    pub(super) token: Address,
    /// Unix seconds.
    pub(super) timelock: u64,
}

impl Swap {
    /// Draws a secret, the first after `seed` whose words have no zero byte. Moves `seed` past it.
    pub(super) fn draw(seed: &mut u64, of: Terms, lane: u16) -> Swap {
        loop {
            *seed = seed.wrapping_add(1);
            let preimage = keccak256(seed.to_be_bytes());
            let hashlock = B256::from(sha256::Hash::hash(preimage.as_slice()).to_byte_array());
            let terms = keccak256((hashlock, of.redeemer, U256::from(of.timelock)).abi_encode());
            if [preimage, hashlock, terms]
                .iter()
                .all(|word| full(word.as_slice()))
            {
                let lock = HashLanes::Lock {
                    slot: U256::from_be_slice(of.owner.as_slice()) << 96 | U256::from(lane),
                    redeemer: of.redeemer,
                    timelock: U48::from(of.timelock),
                    amount: U256::from(AMOUNT),
                    token: of.token,
                };
                return Swap {
                    preimage,
                    hashlock,
                    terms,
                    lane,
                    lock,
                };
            }
        }
    }

    /// What the slot holds while it is locked.
    pub(super) fn commitment(&self) -> B256 {
        keccak256((self.terms, self.lock.amount, self.lock.token).abi_encode())
    }

    /// As an item of a batch of locks.
    pub(super) fn in_batch(&self) -> HashLanes::NewLock {
        HashLanes::NewLock {
            terms: self.terms,
            laneAndAmount: U256::from(self.lane) << 240 | self.lock.amount,
        }
    }

    /// As an item of a batch of redeems.
    pub(super) fn redemption(&self) -> HashLanes::Redemption {
        let HashLanes::Lock {
            slot,
            timelock,
            amount,
            ..
        } = self.lock;
        HashLanes::Redemption {
            preimage: self.preimage,
            slot,
            timelock,
            amount,
        }
    }
}

/// Whether no byte is zero.
pub(super) fn full(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// The first moment at or after `from` (unix seconds) of which no byte is zero.
pub(super) fn full_moment(from: u64) -> u64 {
    let significant = |moment: &u64| {
        let bytes = moment.to_be_bytes();
        full(&bytes[4..])
    };
    (from..).find(significant).unwrap_or(from)
}

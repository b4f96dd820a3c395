//! What strangers send to the contract, as the adapter reads it from blocks and the pool.

use crate::choices::Choices;
use crate::fixture::preimage;
use alloy::primitives::{Address, B256, U256, aliases::U48};
use alloy::sol_types::{SolCall as _, SolInterface as _};
use kofo_evm::bindings::HashLanes::{self, HashLanesCalls as Calls};
use kofo_evm::{commitment, slot, terms};

/// Calldata: decoding never panics, and what was decoded is written so that it is read back as the same.
pub(crate) fn calldata(data: &[u8]) {
    if let Ok(call) = Calls::abi_decode(data) {
        let written = call.abi_encode();
        let again = Calls::abi_decode(&written).expect("what was written");
        assert_eq!(again.abi_encode(), written);
    }
}

fn a_lock() -> HashLanes::Lock {
    HashLanes::Lock {
        slot: slot(Address::repeat_byte(1), 3),
        redeemer: Address::repeat_byte(2),
        timelock: U48::from(1_800_000_000u64),
        amount: U256::from(1_000u64),
        token: Address::ZERO,
    }
}

pub(crate) fn seeds_of_calldata() -> Vec<Vec<u8>> {
    let hashlock = B256::from(*preimage(7).hashlock().as_bytes());
    let terms = terms(hashlock, Address::repeat_byte(2), 1_800_000_000);
    let locks = vec![HashLanes::NewLock {
        terms,
        laneAndAmount: (U256::from(3u64) << 240) | U256::from(1_000u64),
    }];
    let redeem = HashLanes::redeemCall {
        preimage: B256::from(*preimage(7).expose()),
        it: a_lock(),
    };
    let refund = HashLanes::refundCall {
        hashlock,
        it: a_lock(),
    };
    vec![
        HashLanes::lockCall { lane: 3, terms }.abi_encode(),
        redeem.abi_encode(),
        refund.abi_encode(),
        HashLanes::lockBatchCall { locks }.abi_encode(),
    ]
}

/// Two legs with different terms: owner, lane, redeemer, hashlock, timelock, amount, token, twice. They share a slot
/// only with owner and lane, and a commitment only if all of the rest is the same.
pub(crate) fn commitments(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (one, other) = (read_leg(&mut choices), read_leg(&mut choices));
    assert_eq!(one.slot() == other.slot(), one.place == other.place);
    assert_eq!(one.commitment() == other.commitment(), one.rest == other.rest);
    assert!(
        U256::from_be_bytes(one.commitment().0) > U256::from(1u64),
        "a lock looks like a free lane"
    );
}

struct Leg {
    place: (Address, u16),
    rest: (B256, Address, u64, u128, Address),
}

impl Leg {
    fn slot(&self) -> U256 {
        slot(self.place.0, self.place.1)
    }

    fn commitment(&self) -> B256 {
        let (hashlock, redeemer, timelock, amount, token) = self.rest;
        commitment(terms(hashlock, redeemer, timelock), U256::from(amount), token)
    }
}

fn read_leg(choices: &mut Choices<'_>) -> Leg {
    let owner = Address::from(choices.array());
    let lane = u16::from_le_bytes(choices.array());
    let (redeemer, hashlock) = (Address::from(choices.array()), B256::from(choices.array()));
    let (timelock, amount) = (
        u64::from_le_bytes(choices.array()),
        u128::from_le_bytes(choices.array()),
    );
    Leg {
        place: (owner, lane),
        rest: (
            hashlock,
            redeemer,
            timelock,
            amount,
            Address::from(choices.array()),
        ),
    }
}

pub(crate) fn seeds_of_commitments() -> Vec<Vec<u8>> {
    // 20 + 2 + 20 + 32 + 8 + 16 + 20 bytes a leg.
    let leg = |n: u8| [[1; 22].as_slice(), &[2; 20], &[3; 32], &[n; 24], &[0; 20]].concat();
    vec![[leg(4), leg(4)].concat(), [leg(4), leg(5)].concat()]
}

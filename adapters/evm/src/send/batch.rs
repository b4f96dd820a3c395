//! Which redeems go in one transaction.
//!
//! Only those that lose nothing if it fails: their preimages are public already, and their timelocks are so far that a
//! few batches may fail and each redeem still goes alone in time. The contract skips an item that somebody else redeemed
//! in front of us and pays the rest. A batch that reverts, or that no block takes in time, is not tried again: its
//! redeems go alone.

use super::gas::Act;
use super::wanted::{Wanted, is_timeless};
use crate::account::Call;
use crate::bindings::HashLanes;
use crate::facts::Leg;
use crate::htlc::Htlc;
use crate::prepared::Form;
use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolCall;
use kofo_primitives::Preimage;

/// At most so many in one transaction.
pub(super) const MOST: usize = 32;
/// A batch has so many blocks to get into one.
pub(super) const BLOCKS: u64 = 5;
/// A redeem with less time than this goes alone: room for three batches that fail, and for what comes after.
const FAR: u64 = 1_800;
/// Each item beside the first: 10,000 measured.
const ITEM_GAS: u64 = 20_000;

/// What the items of a batch share: the contract, the token, and who is paid.
pub(super) fn common(it: &Htlc) -> (Address, Address, Address) {
    (it.contract, it.token, it.redeemer)
}

/// Whether the act may be part of a batch at this time of the chain.
pub(super) fn is_joinable(act: Act, wanted: &Wanted, it: &Leg, time: u64) -> bool {
    let plain = matches!(wanted.form, Form::Redeem(..));
    let far = it.htlc.timelock >= time.saturating_add(FAR);
    plain && far && !wanted.single && is_timeless(it, act.1)
}

/// The one transaction. Of items of one kind ([`common`]); `None` without any.
pub(super) fn call(items: &[(&Htlc, &Preimage)]) -> Option<Call> {
    let (first, _) = items.first()?;
    let redemption = |(it, preimage): &(&Htlc, &Preimage)| HashLanes::Redemption {
        preimage: B256::from(*preimage.expose()),
        slot: it.slot(),
        timelock: U48::from(it.timelock),
        amount: U256::from(it.amount.units()),
    };
    let input = HashLanes::redeemBatchCall {
        token: first.token,
        redeemer: first.redeemer,
        items: items.iter().map(redemption).collect(),
    };
    let more = u64::try_from(items.len().saturating_sub(1)).unwrap_or(u64::MAX);
    Some(Call {
        to: first.contract,
        value: U256::ZERO,
        input: input.abi_encode().into(),
        gas: first.end_gas().saturating_add(more.saturating_mul(ITEM_GAS)),
    })
}

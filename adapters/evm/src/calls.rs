//! Calldata of the contract: what we send, and what others sent, read back.

use crate::account::Call;
use crate::bindings::{Erc20, HashLanes};
use crate::entrust::Wage;
use crate::htlc::{self, Htlc};
use crate::prepared::Form;
use crate::word::Word;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolInterface};
use kofo_primitives::{Amount, Preimage};

/// The lock.
pub(crate) fn lock(it: &Htlc) -> Call {
    let amount = U256::from(it.amount.units());
    let (value, input) = if it.is_coin() {
        (
            amount,
            HashLanes::lockCall {
                lane: it.lane,
                terms: it.terms(),
            }
            .abi_encode(),
        )
    } else {
        let call = HashLanes::lockTokenCall {
            lane: it.lane,
            terms: it.terms(),
            token: it.token,
            amount,
        };
        (U256::ZERO, call.abi_encode())
    };
    Call {
        to: it.contract,
        value,
        input: input.into(),
        gas: it.lock_gas(),
    }
}

/// The redeem. It shows the preimage.
pub(crate) fn redeem(it: &Htlc, preimage: &Preimage) -> Call {
    let call = HashLanes::redeemCall {
        preimage: B256::from(*preimage.expose()),
        it: it.lock_argument(),
    };
    Call {
        to: it.contract,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas: it.end_gas(),
    }
}

/// The refund.
fn refund(it: &Htlc) -> Call {
    let call = HashLanes::refundCall {
        hashlock: it.hashlock,
        it: it.lock_argument(),
    };
    Call {
        to: it.contract,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas: it.end_gas(),
    }
}

/// The redeem of which the sender keeps a wage, by the redeemer's word. It shows the preimage.
fn redeem_for(it: &Htlc, preimage: &Preimage, wage: &Wage) -> Call {
    let call = HashLanes::redeemForCall {
        preimage: B256::from(*preimage.expose()),
        it: it.lock_argument(),
        fee: U256::from(wage.keeps),
        signature: Bytes::copy_from_slice(wage.word.as_bytes()),
    };
    Call {
        to: it.contract,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas: it.end_gas(),
    }
}

/// The refund before the timelock, by the redeemer's word.
fn release(it: &Htlc, word: &Word) -> Call {
    let call = HashLanes::releaseCall {
        hashlock: it.hashlock,
        it: it.lock_argument(),
        signature: Bytes::copy_from_slice(word.as_bytes()),
    };
    Call {
        to: it.contract,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas: it.end_gas(),
    }
}

/// What ends the lock as the form says. A lock or a cancel ends nothing: they are no forms of this.
pub(crate) fn end(it: &Htlc, form: &Form) -> Call {
    match form {
        Form::Redeem(preimage, _) => redeem(it, preimage),
        Form::Release(word, _) => release(it, word),
        Form::RedeemFor(preimage, wage, _) => redeem_for(it, preimage, wage),
        Form::Lock(_) | Form::Cancel(_) | Form::Refund(_) => refund(it),
    }
}

/// Lets the contract take a token. Zero first where an allowance is there already: some tokens insist.
pub(crate) fn approve(token: Address, contract: Address, amount: U256) -> Call {
    let call = Erc20::approveCall {
        spender: contract,
        amount,
    };
    Call {
        to: token,
        value: U256::ZERO,
        input: call.abi_encode().into(),
        gas: crate::fees::APPROVE_GAS,
    }
}

/// Whether calldata to the contract ends this very lock: the contract compares the same commitment, so a successful
/// call that carries it is proof.
pub(crate) fn ends(it: &Htlc, input: &[u8]) -> bool {
    let matches = |hashlock: B256, lock: &HashLanes::Lock| {
        lock.slot == it.slot() && commitment(hashlock, lock) == it.commitment()
    };
    let by_preimage = |preimage: B256, lock: &HashLanes::Lock| matches(hash(preimage), lock);
    use HashLanes::HashLanesCalls as Calls;
    match Calls::abi_decode(input) {
        Ok(Calls::redeem(c)) => by_preimage(c.preimage, &c.it),
        Ok(Calls::redeemFor(c)) => by_preimage(c.preimage, &c.it),
        Ok(Calls::redeemTo(c)) => by_preimage(c.preimage, &c.it),
        Ok(Calls::refund(c)) => matches(c.hashlock, &c.it),
        Ok(Calls::refundTo(c)) => matches(c.hashlock, &c.it),
        Ok(Calls::release(c)) => matches(c.hashlock, &c.it),
        Ok(Calls::redeemBatch(c)) => c.items.iter().any(|item| {
            let (slot, timelock, amount) = (item.slot, item.timelock, item.amount);
            let lock = HashLanes::Lock {
                slot,
                redeemer: c.redeemer,
                timelock,
                amount,
                token: c.token,
            };
            by_preimage(item.preimage, &lock)
        }),
        _ => false,
    }
}

/// The amount that calldata puts under some lock in this lane, and whether it is exactly this lock.
pub(crate) fn locks(it: &Htlc, sender: Address, value: U256, input: &[u8]) -> Option<(U256, bool)> {
    if sender != it.owner {
        return None;
    }
    let found = |terms: B256, amount: U256, token: Address| {
        (amount, htlc::commitment(terms, amount, token) == it.commitment())
    };
    let in_batch = |locks: &[HashLanes::NewLock], token: Address| {
        let ours = locks
            .iter()
            .find(|l| (l.laneAndAmount >> 240) == U256::from(it.lane))?;
        Some(found(ours.terms, ours.laneAndAmount << 16 >> 16, token))
    };
    use HashLanes::HashLanesCalls as Calls;
    match Calls::abi_decode(input).ok()? {
        Calls::lock(c) if c.lane == it.lane => Some(found(c.terms, value, Address::ZERO)),
        Calls::lockToken(c) if c.lane == it.lane => Some(found(c.terms, c.amount, c.token)),
        Calls::lockBatch(c) => in_batch(&c.locks, Address::ZERO),
        Calls::lockTokenBatch(c) => in_batch(&c.locks, c.token),
        _ => None,
    }
}

/// A preimage of the hashlock in calldata to the contract: it is public, whatever became of the transaction.
pub(crate) fn shown_preimage(hashlock: B256, input: &[u8]) -> Option<Preimage> {
    let words = input
        .get(4..)?
        .chunks_exact(32)
        .filter_map(|word| <[u8; 32]>::try_from(word).ok());
    let mut preimages = words.map(Preimage::new);
    preimages.find(|p| p.hashlock().as_bytes() == &hashlock.0)
}

/// An amount of the port; what is more than it can say is as wrong as the largest that it can.
pub(crate) fn amount(units: U256) -> Amount {
    Amount::new(u128::try_from(units).unwrap_or(u128::MAX))
}

fn hash(preimage: B256) -> B256 {
    B256::from(*Preimage::new(preimage.0).hashlock().as_bytes())
}

fn commitment(hashlock: B256, lock: &HashLanes::Lock) -> B256 {
    let terms = htlc::terms(hashlock, lock.redeemer, lock.timelock.to());
    htlc::commitment(terms, lock.amount, lock.token)
}

/// Calldata of `slots`.
pub(crate) fn slots(which: &[U256]) -> Bytes {
    HashLanes::slotsCall {
        which: which.to_vec(),
    }
    .abi_encode()
    .into()
}

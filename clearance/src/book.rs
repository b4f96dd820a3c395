//! Who has what: one book of purses, in which money only ever moves.
//!
//! The one way to change it is [`Book::pay`], which takes from one purse what it gives to another, so that nothing is
//! made or lost by any rule of the ledger. What the genesis and deposits bring comes out of [`Purse::Outside`], whose
//! balance is what the ledger owes: the sum of all other purses of that asset, always.

use crate::state::{State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, NodeId, SwapId};

/// What a bond is for. Each secures one thing and counts for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum BondKind {
    /// A provider's margin: what its quotes reserve.
    Provider,
    /// A relay's: what it weighs when a fee is divided.
    Relay,
}

/// Where money is. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Purse {
    /// Not in the ledger. Deposits come out of it and withdrawals go into it.
    Outside,
    /// At an account's disposal.
    Free(NodeId),
    /// An account's bond.
    Bond(NodeId, BondKind),
    /// What a validator staked itself.
    Stake(NodeId),
    /// What the second delegated to the first.
    Delegated(NodeId, NodeId),
    /// What an account gets back once its time is over; which part when is written beside it.
    Unbonding(NodeId),
    /// What an account earned and has not collected.
    Reward(NodeId),
    /// Fee and premium of an order that goes on.
    Escrow(SwapId),
    /// What a provider reserved for an order that goes on.
    Reserved(SwapId),
    /// The validators' part of fees, until the epoch ends.
    Pool,
    /// Nobody's for ever.
    Burnt,
}

/// How much of an asset is in a purse; none is no entry.
pub(crate) const BALANCES: Table<(Purse, AssetId), Amount> = Table::new(1);

/// There is not so much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{purse:?} has {have} of {asset}, expected at least {need}")]
pub struct TooLittle {
    /// Which purse.
    pub purse: Purse,
    /// The asset. Boxed, or every refusal would be as large as this one.
    pub asset: Box<AssetId>,
    /// What is there.
    pub have: Amount,
    /// What was to be paid out of it.
    pub need: Amount,
}

/// The book within the state.
pub(crate) trait Book {
    /// What is in a purse.
    fn balance(&self, purse: Purse, asset: &AssetId) -> Amount;

    /// Moves an amount from a purse to another; nothing changes if there is too little.
    fn pay(&mut self, from: Purse, to: Purse, asset: &AssetId, amount: Amount) -> Result<(), TooLittle>;

    /// Brings money in from outside (genesis; later: a deposit).
    fn bring(&mut self, to: Purse, asset: &AssetId, amount: Amount) -> Result<(), TooLittle>;

    /// Moves all of a purse's asset; how much that was.
    fn pay_all(&mut self, from: Purse, to: Purse, asset: &AssetId) -> Amount;
}

impl Book for State {
    fn balance(&self, purse: Purse, asset: &AssetId) -> Amount {
        self.get(&BALANCES, &(purse, asset.clone()))
            .unwrap_or(Amount::ZERO)
    }

    fn pay(&mut self, from: Purse, to: Purse, asset: &AssetId, amount: Amount) -> Result<(), TooLittle> {
        if amount == Amount::ZERO {
            return Ok(());
        }
        let have = self.balance(from, asset);
        let less = have.checked_sub(amount).ok_or_else(|| TooLittle {
            purse: from,
            asset: asset.clone().into(),
            have,
            need: amount,
        })?;
        if from == to {
            return Ok(());
        }
        let more = self
            .balance(to, asset)
            .checked_add(amount)
            .expect("what is outside fits, and no purse has more than is outside");
        set(self, from, asset, less);
        set(self, to, asset, more);
        Ok(())
    }

    fn bring(&mut self, to: Purse, asset: &AssetId, amount: Amount) -> Result<(), TooLittle> {
        let refused = |have| TooLittle {
            purse: Purse::Outside,
            asset: asset.clone().into(),
            have,
            need: amount,
        };
        let owed = self.balance(Purse::Outside, asset);
        let more = owed.checked_add(amount).ok_or_else(|| refused(owed))?;
        let there = self.balance(to, asset);
        let sum = there.checked_add(amount).ok_or_else(|| refused(there))?;
        set(self, Purse::Outside, asset, more);
        set(self, to, asset, sum);
        Ok(())
    }

    fn pay_all(&mut self, from: Purse, to: Purse, asset: &AssetId) -> Amount {
        let all = self.balance(from, asset);
        self.pay(from, to, asset, all).expect("a purse has what it has");
        all
    }
}

fn set(state: &mut State, purse: Purse, asset: &AssetId, amount: Amount) {
    let key = (purse, asset.clone());
    if amount == Amount::ZERO {
        state.remove(&BALANCES, &key);
    } else {
        state.put(&BALANCES, &key, &amount);
    }
}

/// Whether the purses of each asset add up to what is outside: the double entry.
#[cfg(test)]
pub(crate) fn balanced(state: &State) -> bool {
    let (mut owed, mut there) = (
        std::collections::BTreeMap::new(),
        std::collections::BTreeMap::<AssetId, u128>::new(),
    );
    for ((purse, asset), amount) in state.scan(&BALANCES, &()) {
        if purse == Purse::Outside {
            owed.insert(asset, amount.units());
        } else {
            *there.entry(asset).or_default() += amount.units();
        }
    }
    owed == there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_moves_and_is_neither_made_nor_lost() {
        let asset = AssetId::new("kofo:test/fee:x").unwrap();
        let (a, b) = (Purse::Free(NodeId::new([1; 32])), Purse::Pool);
        let mut state = State::default();
        state.bring(a, &asset, Amount::new(10)).unwrap();
        state.pay(a, b, &asset, Amount::new(4)).unwrap();
        assert_eq!(state.balance(b, &asset), Amount::new(4));
        assert!(state.pay(a, b, &asset, Amount::new(7)).is_err());
        assert!(state.bring(a, &asset, Amount::new(u128::MAX)).is_err());
        assert_eq!(state.pay_all(a, b, &asset), Amount::new(6));
        assert_eq!(state.balance(a, &asset), Amount::ZERO);
        assert!(balanced(&state));
    }
}

//! How much of each asset a provider may promise at once.
//!
//! What is promised is held until the promise ends. What was paid out is gone from the allowance until the shell, which
//! knows the balances, says anew how much there is.

#[cfg(test)]
mod tests;

use kofo_primitives::{Amount, AssetId};
use std::collections::BTreeMap;

/// Names one hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldId(u64);

/// There is not so much left to promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {wanted} of {asset} to promise, {free} is free")]
pub struct Short {
    /// The asset.
    pub asset: AssetId,
    /// How much was asked for.
    pub wanted: Amount,
    /// How much is free.
    pub free: Amount,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stock {
    allowed: u128,
    held: u128,
    spent: u128,
}

#[derive(Debug)]
struct Hold {
    asset: AssetId,
    amount: u128,
    until_ms: u64,
}

/// What may be promised, and what is. An asset that was never allowed is never promised.
#[derive(Debug, Default)]
pub struct Inventory {
    stocks: BTreeMap<AssetId, Stock>,
    holds: BTreeMap<HoldId, Hold>,
    next: u64,
}

impl Inventory {
    /// From now on so much of the asset may be promised at once, whatever was spent before. What is held stays held.
    pub fn allow(&mut self, asset: AssetId, amount: Amount) {
        let stock = self.stocks.entry(asset).or_default();
        (stock.allowed, stock.spent) = (amount.units(), 0);
    }

    /// What can still be promised.
    #[must_use]
    pub fn free(&self, asset: &AssetId) -> Amount {
        let stock = self.stocks.get(asset).copied().unwrap_or_default();
        let gone = stock.held.saturating_add(stock.spent);
        Amount::new(stock.allowed.saturating_sub(gone))
    }

    /// What is promised.
    #[must_use]
    pub fn held(&self, asset: &AssetId) -> Amount {
        let stock = self.stocks.get(asset).copied().unwrap_or_default();
        Amount::new(stock.held)
    }

    /// The assets that may be promised.
    pub fn assets(&self) -> impl Iterator<Item = &AssetId> {
        self.stocks.keys()
    }

    /// Promises so much until then (unix ms).
    pub fn hold(&mut self, asset: &AssetId, amount: Amount, until_ms: u64) -> Result<HoldId, Short> {
        let free = self.free(asset);
        if amount > free {
            return Err(Short {
                asset: asset.clone(),
                wanted: amount,
                free,
            });
        }
        Ok(self.hold_again(asset, amount, until_ms))
    }

    /// The same for a promise that was made before a restart: it binds even where less is allowed now, and then nothing
    /// more is free until it ends.
    pub(crate) fn hold_again(&mut self, asset: &AssetId, amount: Amount, until_ms: u64) -> HoldId {
        let stock = self.stocks.entry(asset.clone()).or_default();
        stock.held = stock.held.saturating_add(amount.units());
        let id = HoldId(self.next);
        self.next = self.next.saturating_add(1);
        let hold = Hold {
            asset: asset.clone(),
            amount: amount.units(),
            until_ms,
        };
        self.holds.insert(id, hold);
        id
    }

    /// The hold ends then instead (unix ms); whether it is there.
    pub fn hold_until(&mut self, id: HoldId, until_ms: u64) -> bool {
        let hold = self.holds.get_mut(&id);
        hold.map(|hold| hold.until_ms = until_ms).is_some()
    }

    /// The promise came to nothing: its amount is free again. Whether it was there.
    pub fn release(&mut self, id: HoldId) -> bool {
        self.end(id).is_some()
    }

    /// The promise was kept: its amount is gone until [`Inventory::allow`]. Whether it was there.
    pub fn spent(&mut self, id: HoldId) -> bool {
        let Some(hold) = self.end(id) else {
            return false;
        };
        if let Some(stock) = self.stocks.get_mut(&hold.asset) {
            stock.spent = stock.spent.saturating_add(hold.amount);
        }
        true
    }

    fn end(&mut self, id: HoldId) -> Option<Hold> {
        let hold = self.holds.remove(&id)?;
        let stock = self.stocks.get_mut(&hold.asset)?;
        stock.held = stock.held.saturating_sub(hold.amount);
        Some(hold)
    }

    /// Releases what was held until now or earlier.
    pub fn expire(&mut self, now_ms: u64) {
        let over = self.holds.iter().filter(|(_, hold)| hold.until_ms <= now_ms);
        let over: Vec<_> = over.map(|(id, _)| *id).collect();
        for id in over {
            self.release(id);
        }
    }
}

//! Orders that come, go, and come again: after a restart, or when a feed that had failed is back.
//!
//! An order's id stands for all that it says. So what is left of an order that comes again is its size without what was
//! settled of it, and without what is being settled: no order is ever filled beyond its size.

use super::{Promise, Provider};
use crate::book::{Order, OrderRefused};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, Digest};

/// Of so many orders that were filled is remembered how far; beyond, those are forgotten that expire first, and of them
/// the ones that were filled the longest ago.
pub const MAX_USED: usize = 2_048;

/// The place of a fill whose order has not come again since a restart.
pub(super) const AWAITED: u64 = u64::MAX;

/// How far an order was filled by swaps that settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Used {
    amount: Amount,
    pub(super) expires_ms: u64,
    /// The last reservation that filled it.
    seq: u64,
}

impl Provider {
    /// Puts an order into the book, without what was filled of it before.
    pub fn add(&mut self, mut order: Order, now_ms: u64) -> Result<(), OrderRefused> {
        if let Some(used) = self.used.get(&order.id) {
            let least = order.least.unwrap_or(order.size);
            let rest = order.size.checked_sub(used.amount);
            let rest = rest.filter(|rest| *rest >= least);
            order.size = rest.ok_or(OrderRefused::Filled)?;
        }
        let id = order.id;
        self.book.add(order, now_ms)?;
        self.take_again(&id);
        Ok(())
    }

    /// The order is there again: what a selected quote has of it is taken out, and what a quote from before the restart
    /// has.
    fn take_again(&mut self, order: &Digest) {
        let behind = self.behind.range((*order, 0)..=(*order, u64::MAX));
        for (_, seq) in behind {
            let Some(promise) = self.promises.get_mut(seq) else {
                continue;
            };
            let selected = promise.selected.is_some();
            for fill in promise.fills.iter_mut().filter(|fill| fill.order == *order) {
                if selected || fill.place == AWAITED {
                    self.book.take_again(fill);
                }
            }
        }
    }

    /// Takes an order out at once; quotes with it that nobody has selected are refused from then on. Whether it was
    /// there.
    pub fn cancel_order(&mut self, id: &Digest) -> bool {
        let gone = self.book.cancel(id);
        let behind = self.behind.range((*id, 0)..=(*id, u64::MAX));
        self.withdraw_open(behind.map(|(_, seq)| *seq).collect());
        gone
    }

    /// The same for all orders of one source; how many there were.
    pub fn cancel_source(&mut self, source: &Digest) -> usize {
        let gone = self.book.cancel_source(source);
        let fell = |promise: &Promise| {
            promise
                .fills
                .iter()
                .any(|f| f.place != AWAITED && !self.book.holds(f))
        };
        let fallen = self.promises.iter().filter(|(_, promise)| fell(promise));
        self.withdraw_open(fallen.map(|(seq, _)| *seq).collect());
        gone
    }

    /// What was not selected of these.
    fn withdraw_open(&mut self, promises: Vec<u64>) {
        for seq in promises {
            let open = self
                .promises
                .get(&seq)
                .filter(|promise| promise.selected.is_none());
            if let Some(claim) = open.map(|promise| promise.claim) {
                self.withdraw(&claim);
            }
        }
    }

    /// What was behind a quote is paid out.
    pub(super) fn use_up(&mut self, seq: u64, promise: &Promise) {
        for fill in &promise.fills {
            self.book.spent(fill);
            let used = self.used.entry(fill.order).or_insert(Used {
                amount: Amount::ZERO,
                expires_ms: fill.expires_ms,
                seq,
            });
            used.seq = used.seq.max(seq);
            used.amount = used.amount.checked_add(fill.give).unwrap_or(used.amount);
        }
        while self.used.len() > MAX_USED {
            let first = self
                .used
                .iter()
                .min_by_key(|(_, used)| (used.expires_ms, used.seq));
            let Some(first) = first.map(|(id, _)| *id) else {
                return;
            };
            self.used.remove(&first);
        }
    }
}

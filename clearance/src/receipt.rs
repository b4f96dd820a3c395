//! How an order ended, and who was paid for it.

use crate::op::ClearedOrder;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, Digest, NodeId, SwapId, encode, tagged_hash};

/// How an order ended. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Ending {
    /// The initiator redeemed beta: the fee is paid.
    Settled,
    /// The initiator never locked.
    NeverLocked,
    /// The initiator locked in time and the provider did not.
    ProviderWalked,
    /// Both locked in time, and the initiator did not redeem.
    InitiatorWalked,
    /// The provider locked too late for the initiator to redeem safely.
    ProviderLate,
    /// Both refunded, or nobody had to lock: nobody's fault.
    Refunded,
    /// Both parties called it off before a lock.
    Cancelled,
    /// It ended by both signatures and nothing shows how.
    Unclear,
    /// Validators could not see the chains.
    Unobserved,
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Reason {
    /// The foundation's part of the fee.
    Foundation,
    /// The validators' part, into the epoch's pool.
    Validators,
    /// A hop's share; which entry of the path.
    Hop(u8),
    /// Fee that goes back to whom paid it.
    FeeBack,
    /// Premium or reserve that goes back.
    Back,
    /// Premium to whoever was left.
    Premium,
    /// Out of a slashed reserve, to the harmed party; paid after the unbonding time.
    Harmed,
    /// Burnt.
    Burnt,
}

/// One payment of an order's end.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payout {
    /// To whom; `None`: the pool, or nobody.
    pub to: Option<NodeId>,
    /// Of what.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
    /// What for.
    pub why: Reason,
}

/// All that validators know of an order's end.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settlement {
    /// Which order.
    pub order: SwapId,
    /// How it ended.
    pub ending: Ending,
    /// Time of the header (unix ms).
    pub time_ms: u64,
    /// Every payment; per asset they add up to what was escrowed and reserved.
    pub payouts: Vec<Payout>,
}

/// What everybody may see of it: a header commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// Which order.
    pub order: SwapId,
    /// How it ended.
    pub ending: Ending,
    /// Time of the header (unix ms).
    pub time_ms: u64,
    /// Commits to the payments.
    pub payouts: Digest,
}

impl Settlement {
    /// What of it the owner of a key is told: a party of the order all of it, anybody else who was paid its own payments,
    /// and a stranger nothing.
    #[must_use]
    pub fn told_to(&self, order: &ClearedOrder, key: &NodeId) -> Option<Self> {
        if order.is_party(key) {
            return Some(self.clone());
        }
        let own = self.payouts.iter().filter(|payout| payout.to == Some(*key));
        let payouts: Vec<_> = own.cloned().collect();
        (!payouts.is_empty()).then(|| Self {
            payouts,
            ..self.clone()
        })
    }

    /// What everybody may see.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            order: self.order,
            ending: self.ending,
            time_ms: self.time_ms,
            payouts: tagged_hash("kofo/payouts/v1", &[&encode(&self.payouts)]),
        }
    }
}

impl Receipt {
    /// Its leaf under the header's receipts.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        tagged_hash("kofo/leaf/receipt/v1", &[&encode(self)])
    }
}

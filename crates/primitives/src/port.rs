//! The data of the chain port: what the core asks of a chain and what a chain can tell it. The rules that go with
//! them are in `adapters/api`.

use crate::Amount;
use crate::bytes::{Bytes, Text};
use crate::hashlock::Preimage;
use crate::leg::{HtlcSpec, LegRef};
use crate::time::UnixTime;
use borsh::{BorshDeserialize, BorshSerialize};

/// An act on one leg. The preimage travels with the redeem.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Act {
    /// Put the asset under the hashlock.
    Lock,
    /// Take it with the preimage.
    Redeem(Preimage),
    /// Take it back after the timelock.
    Refund,
    /// Make our own lock, which was perhaps sent but is in no block, impossible: spend what it would spend.
    Cancel,
}

/// An act without its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum ActKind {
    /// See [`Act::Lock`].
    Lock,
    /// See [`Act::Redeem`].
    Redeem,
    /// See [`Act::Refund`].
    Refund,
    /// See [`Act::Cancel`].
    Cancel,
    /// Take it with the payer's signature, showing no preimage. Comes of a [`Together`] round, never of `Build`.
    RedeemTogether,
    /// Take it back before the timelock with the redeemer's signature. Comes of a [`Together`] round.
    RefundTogether,
}

/// What the party to a leg that gets nothing from it may help the other one to do: its signature makes the act cheaper,
/// or possible at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Together {
    /// The refunder signs, and the redeemer takes the asset.
    Redeem,
    /// The redeemer signs, and the refunder takes the asset back.
    Refund,
}

impl Together {
    /// What comes of it.
    #[must_use]
    pub const fn kind(self) -> ActKind {
        match self {
            Self::Redeem => ActKind::RedeemTogether,
            Self::Refund => ActKind::RefundTogether,
        }
    }
}

impl Act {
    /// The act without its secret.
    #[must_use]
    pub const fn kind(&self) -> ActKind {
        match self {
            Self::Lock => ActKind::Lock,
            Self::Redeem(_) => ActKind::Redeem,
            Self::Refund => ActKind::Refund,
            Self::Cancel => ActKind::Cancel,
        }
    }
}

/// A transaction that an adapter built and signed, with the UTXOs or the nonce that it reserves, in the adapter's own
/// form. It makes a repeated broadcast harmless. At most 16 KiB. May carry a preimage: never logged.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Prepared(pub Bytes<16_384>);

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({} bytes)", self.0.as_slice().len())
    }
}

/// A transaction id, in the byte order in which its chain prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct TxId(pub [u8; 32]);

impl std::fmt::Display for TxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for TxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The best block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tip {
    /// Its height.
    pub height: u64,
    /// The chain's own time, by which it judges timelocks: Bitcoin's median time past, an EVM block's timestamp.
    pub time: UnixTime,
}

/// Where a fact was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum At {
    /// In the mempool only: depth 0.
    Mempool,
    /// In the block of this height of the best chain, and still so at the tip.
    Block(u64),
}

/// Why an act is not possible. Trouble that passes (a lost connection, a busy node) is never reported: the adapter
/// tries again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, thiserror::Error)]
pub enum FailClass {
    /// Our wallet cannot pay for it.
    #[error("expected {need} units in the wallet, it has {have}: fund it")]
    Funds {
        /// What is spendable now.
        have: Amount,
        /// What is needed, fees included.
        need: Amount,
    },
    /// A lock is on chain but not as agreed: counts as not locked and is its payer's to refund.
    #[error("expected one lock of exactly {need} units, got {have}")]
    WrongAmount {
        /// What is locked.
        have: Amount,
        /// What was agreed.
        need: Amount,
    },
    /// This very transaction can never confirm: what it spends was spent by another that is final.
    #[error("the transaction is dead: what it spends was spent otherwise")]
    Dead,
    /// The fee it would need today is above the limit.
    #[error("today's fee {need} is above the limit {most}")]
    FeeCap {
        /// What it would cost.
        need: Amount,
        /// The limit.
        most: Amount,
    },
    /// The chain or the asset refuses it for good.
    #[error("refused: {0}")]
    Refused(Text<200>),
}

/// Whether what the chain's nodes tell can be relied upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Health {
    /// Impossible or contradictory answers, or none: start no new swap.
    Fault,
    /// As it should be.
    Healthy,
}

/// What the core asks of an adapter, about one leg. Every action may be repeated at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainAction {
    /// Follow this leg, reserve what `held` transactions spend, and answer: for each act `Seen` or `Unseen` as it is on
    /// chain now, then `Watched`. On a leg that is watched already: answer again.
    Watch {
        /// The leg.
        spec: HtlcSpec,
        /// Transactions of ours that were built for it and are perhaps sent.
        held: Vec<Prepared>,
    },
    /// Build and sign a transaction, reserve what it spends, send nothing. Answered by `Built` or `Failed`.
    Build(Act),
    /// Send what was built, now and again until it is in a block.
    Broadcast {
        /// Which act.
        act: ActKind,
        /// What was built for it.
        tx: Prepared,
        /// Do not send it, the first time or again, once the chain's own time is past this: a secret must not be shown
        /// too late, a lock not be made too late. Asking again replaces the limit.
        not_after: Option<UnixTime>,
    },
    /// Forget the leg and free what it holds and has not spent.
    Unwatch,
}

/// What an adapter tells the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainEvent {
    /// A new best block. All facts up to it were told before.
    Tip(Tip),
    /// The adapter's trust in its nodes changed.
    Health(Health),
    /// Something about one leg.
    Leg(LegRef, LegEvent),
}

/// What an adapter tells about one leg.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum LegEvent {
    /// What `Build` asked for, or a better-paying version of what is being broadcast (it spends the same).
    Built(ActKind, Prepared),
    /// The act is on chain, whoever sent it. Told again when `at` changes.
    Seen {
        /// The act; a redeem shows its preimage.
        act: Act,
        /// Where.
        at: At,
        /// In which transaction, where the chain tells.
        tx: Option<TxId>,
    },
    /// The act is in no block and no mempool, or is there no more: neither alone nor together.
    Unseen(ActKind),
    /// A `Watch` was answered: all that is on chain about the leg was told before, up to this tip, which was fetched
    /// after the `Watch` came.
    Watched(Tip),
    /// The act is not possible.
    Failed(ActKind, FailClass),
    /// The leg was redeemed with both parties' signatures; no preimage was shown. Told again when `at` changes.
    RedeemedTogether {
        /// Where.
        at: At,
        /// In which transaction, where the chain tells.
        tx: Option<TxId>,
    },
}

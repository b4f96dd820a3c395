//! One hash time-locked contract of a swap, as both parties and the adapter of its chain see it.

use crate::asset::AssetId;
use crate::bytes::Bytes;
use crate::hashlock::{Hashlock, SwapId, SwapNonce};
use crate::time::UnixTime;
use crate::{Amount, ChainId};
use borsh::{BorshDeserialize, BorshSerialize};

/// A side of a swap has at most so many legs.
pub const MAX_LEGS: usize = 8;

/// Alpha locks first and has the longer timelocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Side {
    /// Locked by the initiator, redeemed by the participant.
    Alpha,
    /// Locked by the participant, redeemed by the initiator.
    Beta,
}

/// Who we are in a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Role {
    /// Knows the preimage, locks alpha.
    Initiator,
    /// Locks beta.
    Participant,
}

impl Role {
    /// The side that this role locks.
    #[must_use]
    pub const fn locks(self) -> Side {
        match self {
            Self::Initiator => Side::Alpha,
            Self::Participant => Side::Beta,
        }
    }
}

/// Our end of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum End {
    /// We get the asset for the preimage.
    Redeemer,
    /// We locked the asset and get it back after the timelock.
    Refunder,
}

/// Which leg of a swap: its side and its place in that side's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct LegId {
    /// Its side.
    pub side: Side,
    /// 0 … [`MAX_LEGS`] − 1.
    pub index: u8,
}

impl LegId {
    /// The first leg of a side.
    #[must_use]
    pub const fn first(side: Side) -> Self {
        Self { side, index: 0 }
    }

    /// Our end of this leg.
    #[must_use]
    pub fn end_of(self, role: Role) -> End {
        if role.locks() == self.side {
            End::Refunder
        } else {
            End::Redeemer
        }
    }
}

impl std::fmt::Display for LegId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = match self.side {
            Side::Alpha => "alpha",
            Side::Beta => "beta",
        };
        write!(f, "{side}/{}", self.index)
    }
}

/// A leg of a swap: how the driver and an adapter name it to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct LegRef {
    /// The swap.
    pub swap: SwapId,
    /// The leg.
    pub leg: LegId,
}

/// All that a chain needs of one party to one leg, in that chain's own form. Bitcoin: compressed public key ‖ payout
/// script. EVM: address, and for the refunder the lane. Only the adapter reads it.
pub type Party = Bytes<128>;

/// Where on its chain a leg is locked, in that chain's own form. EVM: the 20 bytes of the contract. Bitcoin: empty.
pub type Place = Bytes<32>;

/// One leg as its adapter sees it from our end: enough to derive every on-chain identifier, so that no message of the
/// other party is needed to lock, to recognise or to end it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HtlcSpec {
    /// The asset, and with it the chain.
    pub asset: AssetId,
    /// Exactly so much is locked, neither more nor less.
    pub amount: Amount,
    /// SHA-256 of the preimage.
    pub hashlock: Hashlock,
    /// The refund is valid iff the chain's own time is at or past this.
    pub timelock: UnixTime,
    /// Gets the asset for the preimage.
    pub redeemer: Party,
    /// Gets the asset back after the timelock.
    pub refunder: Party,
    /// Where it is locked.
    pub place: Place,
    /// A fact is final when it is so many blocks deep; a block that is the tip has depth 1.
    pub depth: u32,
    /// Our end.
    pub end: End,
    /// Our own nonce, from which our keys of this leg are derived.
    pub nonce: SwapNonce,
    /// Nothing about this leg can be in a block below this height.
    pub from_height: u64,
}

impl HtlcSpec {
    /// The chain of the leg.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.asset.chain()
    }

    /// Our own party to the leg.
    #[must_use]
    pub fn ours(&self) -> &Party {
        match self.end {
            End::Redeemer => &self.redeemer,
            End::Refunder => &self.refunder,
        }
    }
}

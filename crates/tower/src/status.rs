//! What a tower watches, for people.

use kofo_primitives::{Amount, AssetId, ChainId, End, LegId, NodeId, Role, SwapId, UnixTime};

/// One swap in the tower's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// Whose.
    pub owner: NodeId,
    /// Which.
    pub swap: SwapId,
    /// The sequence of its package.
    pub sequence: u64,
    /// Who the owner is in it.
    pub role: Role,
    /// Its preimage was seen on a chain, or its owner was told it.
    pub preimage_is_known: bool,
    /// Its legs.
    pub legs: Vec<LegWatch>,
}

/// One leg of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegWatch {
    /// Which.
    pub leg: LegId,
    /// On which chain.
    pub chain: ChainId,
    /// What is locked in it.
    pub asset: AssetId,
    /// How much, in smallest units.
    pub amount: Amount,
    /// From when on it can be refunded.
    pub timelock: UnixTime,
    /// The owner's end.
    pub end: End,
    /// How many levels of fee were entrusted.
    pub levels: u8,
    /// `looking`, `not locked`, `locked`, `redeemed`, `refunded` or `cancelled`.
    pub state: &'static str,
    /// The level that the tower sent last.
    pub sent: Option<u8>,
    /// What keeps the tower from acting.
    pub trouble: Option<String>,
}

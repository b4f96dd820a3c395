//! The settlement order: the only way into a settlement, whether two agreed directly or were matched.

use crate::asset::{AssetId, NetworkId};
use crate::hash::Digest;
use crate::hashlock::{Hashlock, SwapId, SwapNonce};
use crate::leg::{LegId, Party, Place, Role};
use crate::matched::{MatchError, MatchedOrder, MatchedParts};
use crate::node_id::NodeId;
use crate::order::{Acceptance, Contact, DirectOrder, Offer, OrderError, Signed};
use crate::time::UnixTime;
use crate::{Amount, ChainId};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// What both parties signed. Every on-chain identifier of every leg is a function of it. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SettlementOrder {
    /// An offer and its acceptance.
    Direct(Box<DirectOrder>),
    /// A claim, a fulfil and a selection.
    Matched(Box<MatchedOrder>),
}

/// One leg of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLeg<'a> {
    /// Which.
    pub id: LegId,
    /// The asset.
    pub asset: &'a AssetId,
    /// How much, exactly.
    pub amount: Amount,
    /// Where it is locked.
    pub place: &'a Place,
    /// How deep a fact must be to be final.
    pub depth: u32,
    /// Locks it, and gets it back after the timelock.
    pub refunder: &'a Party,
    /// Gets it for the preimage.
    pub redeemer: &'a Party,
    /// The leg's timelock.
    pub timelock: UnixTime,
}

impl SettlementOrder {
    /// Joins an offer and its acceptance.
    pub fn new(offer: Signed<Offer>, acceptance: Signed<Acceptance>) -> Result<Self, OrderError> {
        DirectOrder::new(offer, acceptance)
            .map(Box::new)
            .map(Self::Direct)
    }

    /// Joins a claim, a fulfil, a selection and what was opened with them.
    pub fn matched(parts: MatchedParts) -> Result<Self, MatchError> {
        MatchedOrder::new(parts).map(Box::new).map(Self::Matched)
    }

    /// The order as two agreed it directly, if they did.
    #[must_use]
    pub fn as_direct(&self) -> Option<&DirectOrder> {
        match self {
            Self::Direct(order) => Some(order),
            Self::Matched(_) => None,
        }
    }

    /// The order as it was matched, if it was.
    #[must_use]
    pub fn as_matched(&self) -> Option<&MatchedOrder> {
        match self {
            Self::Direct(_) => None,
            Self::Matched(order) => Some(order),
        }
    }

    /// The order's id, which is the swap's: it commits to every field of what was signed.
    #[must_use]
    pub fn id(&self) -> SwapId {
        match self {
            Self::Direct(order) => order.id(),
            Self::Matched(order) => order.id(),
        }
    }

    /// What the order came of, which may be used once: the offer's id, or the fulfil's.
    #[must_use]
    pub fn origin(&self) -> Digest {
        match self {
            Self::Direct(order) => order.offer().body.id(),
            Self::Matched(order) => *order.parts().fulfil.body.id().as_bytes(),
        }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &NetworkId {
        match self {
            Self::Direct(order) => &order.offer().body.network,
            Self::Matched(order) => order.network(),
        }
    }

    /// The hashlock of all legs.
    #[must_use]
    pub fn hashlock(&self) -> Hashlock {
        match self {
            Self::Direct(order) => order.offer().body.hashlock,
            Self::Matched(order) => order.parts().select.body.hashlock,
        }
    }

    /// The nonce of the party in that role.
    #[must_use]
    pub fn nonce(&self, role: Role) -> SwapNonce {
        match (self, role) {
            (Self::Direct(order), Role::Initiator) => order.offer().body.nonce,
            (Self::Direct(order), Role::Participant) => order.acceptance().body.nonce,
            (Self::Matched(order), Role::Initiator) => order.parts().select.body.nonce,
            (Self::Matched(order), Role::Participant) => order.parts().terms.nonce,
        }
    }

    /// The key by which the party in that role signs what concerns this swap.
    #[must_use]
    pub fn party(&self, role: Role) -> NodeId {
        match (self, role) {
            (Self::Direct(order), Role::Initiator) => order.offer().body.maker,
            (Self::Direct(order), Role::Participant) => order.acceptance().body.taker,
            (Self::Matched(order), Role::Initiator) => order.parts().claim.body.key,
            (Self::Matched(order), Role::Participant) => order.parts().fulfil.body.key,
        }
    }

    /// Where the party in that role can be reached, as far as the order says; the taker of an offer says it beside it.
    #[must_use]
    pub fn contacts(&self, role: Role) -> &[Contact] {
        match (self, role) {
            (Self::Direct(order), Role::Initiator) => &order.offer().body.contacts,
            (Self::Direct(_), Role::Participant) => &[],
            (Self::Matched(order), Role::Initiator) => &order.parts().claimant.contacts,
            (Self::Matched(order), Role::Participant) => &order.parts().provider.contacts,
        }
    }

    /// The legs of both sides.
    #[must_use]
    pub fn legs(&self) -> Vec<OrderLeg<'_>> {
        match self {
            Self::Direct(order) => order.legs().collect(),
            Self::Matched(order) => order.legs().to_vec(),
        }
    }

    /// The chains that the order touches, each once.
    #[must_use]
    pub fn chains(&self) -> Vec<ChainId> {
        let chains: BTreeSet<_> = self.legs().iter().map(|leg| leg.asset.chain()).collect();
        chains.into_iter().collect()
    }
}

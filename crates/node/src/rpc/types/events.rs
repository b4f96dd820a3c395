//! What goes over the RPC about events: what became of claims and swaps, in order, each with a cursor.

use super::{AssetAmount, DeadlineStatus, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened. In order: `claimed → quoted → selected → committed → alpha_locked → beta_locked → redeemed →
/// complete`, or from any of them the refund way `refunding → refunded`, or `aborted`, or `lost`. A swap without a
/// claim begins with `committed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// A claim of ours is out.
    Claimed,
    /// It has its first quote.
    Quoted,
    /// A quote of it is selected.
    Selected,
    /// Both parties signed: a swap has begun. Nothing of ours is locked.
    Committed,
    /// All alpha legs are locked and final.
    AlphaLocked,
    /// All beta legs are locked and final.
    BetaLocked,
    /// What we wanted is in blocks: our redeems are, but not yet final.
    Redeemed,
    /// Our redeems are final: the swap is over.
    Complete,
    /// We wait for our timelock and take our lock back.
    Refunding,
    /// We have back what we gave, final: the swap is over.
    Refunded,
    /// A claim came to nothing, or a swap ended with nothing of ours locked.
    Aborted,
    /// What we locked is gone and we did not get the other asset: this node was away past a timelock.
    Lost,
}

impl EventName {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Claimed,
        Self::Quoted,
        Self::Selected,
        Self::Committed,
        Self::AlphaLocked,
        Self::BetaLocked,
        Self::Redeemed,
        Self::Complete,
        Self::Refunding,
        Self::Refunded,
        Self::Aborted,
        Self::Lost,
    ];

    /// Whether nothing follows it for the same swap, or for a claim of which no swap came.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Complete | Self::Refunded | Self::Aborted | Self::Lost)
    }
}

/// One event of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its place: grows by one from event to event of this node, is never used twice, survives restarts.
    pub cursor: u64,
    /// When the node noted it, by its clock, in milliseconds; never less than that of the event before.
    pub at_ms: u64,
    /// The swap; `None` while there is but a claim.
    pub swap: Option<Id>,
    /// The claim, if it began with one.
    pub claim: Option<Id>,
    /// What happened.
    pub event: EventName,
    /// What of ours was at risk when the node noted it.
    pub at_risk: Vec<AssetAmount>,
    /// The next deadline as it then was, and what happens at it.
    pub until: Option<DeadlineStatus>,
}

/// Events in order, and how far the node's log reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events after the cursor that was asked for, oldest first.
    pub events: Vec<Event>,
    /// The cursor of the oldest event that is kept.
    pub oldest: u64,
    /// The cursor of the newest event: one less than `oldest` if there is none. Subscribe after it to hear what is new.
    pub newest: u64,
}

/// What a subscription sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventNotice {
    /// The next event.
    Event(Event),
    /// The last word: nothing follows. Subscribe again, after `cursor`.
    Ended {
        /// Why.
        reason: EndReason,
        /// The last event that was sent, or else the one that was asked to begin after.
        cursor: u64,
    },
}

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The subscriber read too slowly.
    Lagged,
    /// The node is stopping.
    Stopping,
}

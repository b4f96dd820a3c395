//! What goes over the RPC, in JSON. Amounts are decimal text in whole units of their asset, ids are 64 hexadecimal
//! digits, times are unix seconds unless their name ends in `_ms`.

mod clearing;
mod events;
mod keys;
mod market;

pub use clearing::{
    AccountShown, ActDone, ClearanceShown, HoldingShown, LegProved, OrderProved, OrderShown, OrderState,
    PayoutShown, PayoutsShown, ProofShown, ReceiptShown, UnbondingShown, ValidatorShown,
};
pub use events::{EndReason, Event, EventName, EventNotice, EventPage};
pub use keys::{BackupMade, CopiesFound, TransferAsked, TransferShown};
pub use market::{
    BookShown, ClaimAsked, ClaimList, ClaimState, ClaimStatus, LevelShown, ListingShown, PeerStatus,
    QuoteState, QuoteStatus,
};

use kofo_primitives::{Hashlock, SwapId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 32 bytes, as 64 hexadecimal digits: the id of a swap, an offer, a claim or a quote, or a hashlock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 32]);

impl From<SwapId> for Id {
    fn from(id: SwapId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<Hashlock> for Id {
    fn from(lock: Hashlock) -> Self {
        Self(*lock.as_bytes())
    }
}

impl From<Id> for SwapId {
    fn from(id: Id) -> Self {
        Self::new(id.0)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Id({self})")
    }
}

impl std::str::FromStr for Id {
    type Err = kofo_primitives::ParseHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<SwapId>().map(Self::from)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "32 bytes, as 64 hexadecimal digits.",
            "type": "string",
            "pattern": "^[0-9a-fA-F]{64}$",
        })
    }
}

/// So much of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssetAmount {
    /// Decimal text in whole units, such as `0.1`.
    pub amount: String,
    /// The asset's symbol, such as `BTC`.
    pub symbol: String,
}

impl std::fmt::Display for AssetAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.symbol)
    }
}

/// An offer that was made: hand its URI, or a file with it, to the other party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferMade {
    /// The offer's id. `swap.show` and its kin take it until the swap has its own, and afterwards too.
    pub id: Id,
    /// The offer as one line of text, which `swap.accept` takes.
    pub uri: String,
    /// What is given.
    pub give: Vec<AssetAmount>,
    /// What is wanted.
    pub want: Vec<AssetAmount>,
    /// Not to be accepted later.
    pub expires: u64,
}

/// What we are in a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Made the offer, knows the preimage, locks first.
    Initiator,
    /// Accepted it, locks second.
    Participant,
}

/// How a swap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// We have what we wanted.
    Redeemed,
    /// We have back what we gave.
    Refunded,
    /// We never locked anything.
    Aborted,
    /// What we locked is gone and we did not get the other asset: this node was away past a timelock.
    Lost,
}

impl std::fmt::Display for OutcomeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Redeemed => "redeemed",
            Self::Refunded => "refunded",
            Self::Aborted => "aborted",
            Self::Lost => "lost",
        })
    }
}

/// An act that was seen on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActSeen {
    /// `lock`, `redeem`, `refund` or `cancel`.
    pub act: String,
    /// Its transaction as the chain writes it, where the chain tells.
    pub txid: Option<String>,
    /// The height of its block; `None` while it is in the mempool.
    pub height: Option<u64>,
    /// When it was first seen, by our clock, in milliseconds.
    pub seen_ms: u64,
    /// When it became final, by our clock, in milliseconds.
    pub final_ms: Option<u64>,
}

/// One leg of a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegStatus {
    /// Its name in the swap, such as `alpha/0`.
    pub leg: String,
    /// The chain, by CAIP-2.
    pub chain: String,
    /// What is locked in it.
    pub amount: AssetAmount,
    /// We locked it, or are to; else the other party does.
    pub ours: bool,
    /// From when on its refund is possible, by the chain's own time.
    pub timelock: u64,
    /// All that was seen on chain and still is, oldest first.
    pub acts: Vec<ActSeen>,
}

/// What happens next if nobody does anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadlineStatus {
    /// By which chain's time, by CAIP-2.
    pub chain: String,
    /// When.
    pub at: u64,
    /// What happens then, as a sentence.
    pub then: String,
}

/// All about one swap, or about an offer of ours that nobody accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SwapStatus {
    /// The swap's id; the offer's while it is but an offer.
    pub id: Id,
    /// The offer's id.
    pub offer: Id,
    /// Grows with each change of this status: the cursor of `swap.watch`.
    pub seq: u64,
    /// What we are.
    pub role: RoleName,
    /// The network's name of the other party; `None` while nobody accepted.
    pub peer: Option<String>,
    /// The state, as one word: `offered`, `to_approve` (above a limit of this node: `swap.approve` or `swap.decline`),
    /// `agreed`, `lock_built`, … `done`.
    pub state: String,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<OutcomeName>,
    /// What we give.
    pub give: Vec<AssetAmount>,
    /// What we get.
    pub get: Vec<AssetAmount>,
    /// The hashlock of all legs.
    pub hashlock: Id,
    /// What of ours is locked and neither final in our hands again nor replaced by what we wanted.
    pub at_risk: Vec<AssetAmount>,
    /// The next deadline and what happens then.
    pub deadline: Option<DeadlineStatus>,
    /// The legs, alpha first; none while it is but an offer.
    pub legs: Vec<LegStatus>,
    /// What keeps it from going on, and what to do about it.
    pub trouble: Option<String>,
    /// When the offer was made or accepted here, by our clock, in milliseconds.
    pub created_ms: u64,
    /// When it last changed, by our clock, in milliseconds.
    pub updated_ms: u64,
}

/// A page of swaps, youngest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SwapList {
    /// The swaps.
    pub swaps: Vec<SwapStatus>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// One chain as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainStatus {
    /// The chain, by CAIP-2.
    pub chain: String,
    /// The best block's height; `None` while the chain's node does not answer.
    pub height: Option<u64>,
    /// The chain's own time at it.
    pub time: Option<u64>,
    /// Why no new swap is started on it.
    pub trouble: Option<String>,
}

/// The node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// The program's version.
    pub version: String,
    /// The network.
    pub network: String,
    /// `wallet`, `relay` or `provider`.
    pub role: String,
    /// The key by which the node signs offers.
    pub node: String,
    /// Its addresses for peers, each with its peer id.
    pub listen: Vec<String>,
    /// How many neighbours it has in the mesh.
    pub neighbours: u64,
    /// What is wrong with sources of prices and orders, a sentence each.
    pub market: Vec<String>,
    /// The chains.
    pub chains: Vec<ChainStatus>,
    /// Offers and swaps that go on.
    pub live: u64,
    /// Swaps that ended.
    pub ended: u64,
    /// How long it has run, in seconds.
    pub uptime: u64,
}

/// What the wallet has of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// The asset, by CAIP-19.
    pub asset: String,
    /// What can be spent; `None` if the chain's node does not answer.
    pub spendable: Option<AssetAmount>,
    /// Why there is no figure.
    pub trouble: Option<String>,
}

/// Where the wallet receives one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalletAddress {
    /// The asset's symbol.
    pub symbol: String,
    /// The asset, by CAIP-19.
    pub asset: String,
    /// The address in the chain's own notation.
    pub address: String,
}

/// A tower of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TowerStatus {
    /// Its name among peers.
    pub peer: String,
    /// Where it is.
    pub address: String,
    /// How many swaps that go on it keeps.
    pub entrusted: u64,
    /// How many it is still to be given.
    pub behind: u64,
    /// Why the last attempt failed; it is given again.
    pub trouble: Option<String>,
}

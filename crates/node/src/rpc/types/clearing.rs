//! What goes over the RPC about the clearance layer: orders, accounts, validators.

use super::{AssetAmount, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// No validator that answered has it in a batch.
    Open,
    /// So many validators that one of them is honest say that the ledger refused it.
    Refused,
    /// It is final, by a certificate that was verified.
    Committed,
    /// It is final, and over, by certificates that were verified.
    Ended,
}

impl std::fmt::Display for OrderState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Committed => "committed",
            Self::Ended => "ended",
        })
    }
}

/// A proof that was verified, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofShown {
    /// Height of the header that has it.
    pub height: u64,
    /// By the validators of which epoch it was certified.
    pub epoch: u64,
    /// Time of the header, in milliseconds.
    pub time_ms: u64,
    /// The header's id.
    pub header: Id,
    /// How many validators signed.
    pub signers: u32,
    /// The proof itself in canonical bytes, as hexadecimal digits, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// How an order ended, as its receipt says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptShown {
    /// Such as `settled`, `never_locked` or `provider_walked`.
    pub ending: String,
    /// Time of the header in which it ended, in milliseconds.
    pub time_ms: u64,
    /// The hash that commits to all payments.
    pub payouts: Id,
    /// The header that has the receipt.
    pub proof: ProofShown,
}

/// One payment of an order's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PayoutShown {
    /// To which account; `None`: the validators' pool, a bond, or nobody.
    pub to: Option<Id>,
    /// Whether that is this node's own.
    pub own: bool,
    /// Whether it is the foundation's.
    pub foundation: bool,
    /// What for: `foundation`, `validators`, `hop 1` (which entry of the path), `fee_back`, `back` (premium or reserve),
    /// `premium`, `harmed` (out of a slashed reserve, after the unbonding time) or `burnt`.
    pub why: String,
    /// How much.
    pub amount: AssetAmount,
}

/// Who was paid when an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PayoutsShown {
    /// Whether it is every payment, which the receipt proves. Else those to this node alone, as validators say: whoever is
    /// no party of the order is told no more.
    pub whole: bool,
    /// The payments.
    pub rows: Vec<PayoutShown>,
    /// What they are of each asset in all.
    pub sums: Vec<AssetAmount>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderShown {
    /// The order's id, which is the swap's.
    pub id: Id,
    /// How far it is.
    pub state: OrderState,
    /// Why the ledger refused it, as validators say.
    pub refused: Option<String>,
    /// That it is final.
    pub committed: Option<ProofShown>,
    /// How it ended.
    pub receipt: Option<ReceiptShown>,
    /// Who was paid, if it ended and this node may know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payouts: Option<PayoutsShown>,
}

/// What a chain proved of a leg, and validators took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegProved {
    /// Which leg: `alpha/0` or `beta/0`.
    pub leg: String,
    /// On which chain, by CAIP-2.
    pub chain: String,
    /// How it ended: `redeemed` or `refunded`.
    pub fact: String,
    /// In which transaction.
    pub txid: String,
    /// In the block of this height.
    pub height: u64,
    /// So many headers are in the proof.
    pub depth: u32,
    /// So many bytes it has.
    pub bytes: u64,
}

/// What came of proving how an order's legs ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderProved {
    /// What was proved; nothing if the order was over before.
    pub proved: Vec<LegProved>,
    /// The order after it.
    pub order: OrderShown,
}

/// What comes back to an account later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnbondingShown {
    /// When, in milliseconds.
    pub at_ms: u64,
    /// How much.
    pub amount: AssetAmount,
}

/// What an account has of one asset of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldingShown {
    /// The asset, by CAIP-19.
    pub asset: String,
    /// At its disposal.
    pub free: AssetAmount,
    /// As a provider's bond that no order reserves.
    pub provider_bond: AssetAmount,
    /// As a relay's bond.
    pub relay_bond: AssetAmount,
    /// Staked by itself.
    pub stake: AssetAmount,
    /// Delegated to validators.
    pub delegated: AssetAmount,
    /// Earned and not collected.
    pub reward: AssetAmount,
    /// On its way back.
    pub unbonding: Vec<UnbondingShown>,
}

/// What validators say of an account: so many that one of them is honest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountShown {
    /// The account: 64 hexadecimal digits.
    pub key: Id,
    /// Whether it is this node's own.
    pub own: bool,
    /// At which height it was so.
    pub height: u64,
    /// The sequence of its next act.
    pub sequence: u64,
    /// One row for each asset that it has.
    pub holdings: Vec<HoldingShown>,
    /// Its points.
    pub points: u64,
    /// Its importance score, of 2³² in all.
    pub score: u64,
    /// Orders on its reservations that were settled.
    pub settled: u64,
    /// And that it failed.
    pub failed: u64,
    /// Its power among the validators, 0 if it is none.
    pub power: u64,
    /// Jailed until then, in milliseconds, if it is.
    pub jailed_until_ms: Option<u64>,
}

/// An act that is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActDone {
    /// Which of the account's acts it was, from 0.
    pub sequence: u64,
    /// The account after it.
    pub account: AccountShown,
}

/// A validator as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidatorShown {
    /// Its account, if the genesis names it.
    pub account: Option<Id>,
    /// Its power among the validators that this node knows, 0 if it is none of them.
    pub power: u64,
    /// Where its service is.
    pub service: String,
    /// The last height that it says is final; `None` if it does not answer.
    pub height: Option<u64>,
    /// The time of that header, in milliseconds.
    pub time_ms: Option<u64>,
    /// Why it does not answer.
    pub trouble: Option<String>,
}

/// The clearance layer as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClearanceShown {
    /// The digest of the genesis.
    pub genesis: Id,
    /// This node's account.
    pub account: Id,
    /// The newest epoch whose validators are known by certificates.
    pub epoch: u64,
    /// The power of all its validators.
    pub power: u64,
    /// The assets of the ledger, by their symbols.
    pub assets: Vec<String>,
    /// The validators that can be asked.
    pub validators: Vec<ValidatorShown>,
}

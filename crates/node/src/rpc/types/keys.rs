//! What goes over the RPC about keys and money.

use super::{AssetAmount, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the wallet is to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransferAsked {
    /// The payment's name: 32 random bytes. Asked again under the same name, it is paid once.
    pub id: Id,
    /// The asset's symbol.
    pub asset: String,
    /// Whom, in the chain's own notation.
    pub to: String,
    /// How much, as decimal text in whole units; the fee comes on top.
    pub amount: String,
    /// The most to pay for it: satoshi per virtual byte, or gwei per gas; `null`: what the chain asks for today.
    pub fee_rate: Option<u64>,
    /// Only say what it would cost.
    #[serde(default)]
    pub dry_run: bool,
}

/// A payment out of the wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransferShown {
    /// Its name.
    pub id: Id,
    /// How much is paid, without the fee.
    pub amount: AssetAmount,
    /// Whom.
    pub to: String,
    /// The most that it pays for itself.
    pub fee: AssetAmount,
    /// Its transaction, as the chain writes it; on an EVM chain another one of the same nonce may take its place, which pays
    /// the same for more gas.
    pub txid: String,
    /// `tried` (nothing is paid), `signed` (it will be sent), `sent`, or `in_block`.
    pub state: String,
    /// Why it is not sent yet.
    pub trouble: Option<String>,
}

/// An encrypted backup, which the node's 24 words open and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupMade {
    /// How many swaps are in it: those that go on.
    pub swaps: u64,
    /// Its bytes, as hexadecimal digits.
    pub sealed: String,
}

/// What one of those gave who may keep copies of our swaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopiesFound {
    /// Who was asked.
    pub from: String,
    /// The swaps that this node finishes or takes back from now on.
    pub restored: Vec<Id>,
    /// Copies of swaps that it knew.
    pub known: u64,
    /// Why copies are not believed: one reason for each, at most 16.
    pub refused: Vec<String>,
    /// Why there is nothing, or not all.
    pub trouble: Option<String>,
}

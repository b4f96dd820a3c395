//! What goes over the RPC about keys and money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An encrypted backup, which the node's 24 words open and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupMade {
    /// How many swaps are in it: those that go on.
    pub swaps: u64,
    /// Its bytes, as hexadecimal digits.
    pub sealed: String,
}

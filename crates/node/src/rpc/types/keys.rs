//! What goes over the RPC about keys and money.

use super::Id;
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

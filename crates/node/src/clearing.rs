//! What a node does at the clearance layer: it knows a network's genesis, submits to validators, and believes nobody
//! but certificates.

mod client;
mod error;
pub(crate) mod genesis;
mod kept;
mod prove;
pub(crate) mod services;
mod simulated;

pub use client::{Clearing, ClearingParts, Committed, OrderFate, ending, ledger_assets};
pub use error::ClearingError;
pub use genesis::{GENESIS_FILE, GenesisFile, GenesisFileError, MAX_GENESIS_BYTES};
pub use prove::{LegAsked, Proof, ProveFailed, Readers};
pub use simulated::{Mood, SimulatedValidators};

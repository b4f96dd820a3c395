//! What a node does at the clearance layer: it knows a network's genesis, submits to validators, and believes nobody
//! but certificates.

mod genesis;

pub use genesis::{GENESIS_FILE, GenesisFile, GenesisFileError, MAX_GENESIS_BYTES};

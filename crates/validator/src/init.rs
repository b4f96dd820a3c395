//! A new validator: its configuration beside a node's, and what stands of it in the genesis.

use crate::config::{ConfigError, ValidatorConfig};
use crate::keys::Keys;
use kofo_primitives::{NetworkId, NodeId, Seed, ValidatorKey};
use std::path::Path;

/// What a genesis says of a validator, beside its stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisEntry {
    /// Its account.
    pub account: NodeId,
    /// By which it votes.
    pub key: ValidatorKey,
    /// Where other validators reach its engine.
    pub engine: String,
    /// Where everybody reaches its service, with its peer id.
    pub service: String,
}

/// The entry of a validator with that configuration and seed.
#[must_use]
pub fn genesis_entry(config: &ValidatorConfig, seed: &Seed, network: &NetworkId) -> GenesisEntry {
    let keys = Keys::new(seed, network);
    let service = config.service.first().map_or("", String::as_str);
    GenesisEntry {
        account: keys.account.id(),
        key: keys.voter(),
        engine: config.engine.clone(),
        service: format!("{service}/p2p/{}", keys.identity.peer_id()),
    }
}

/// Writes the configuration of a validator into the data folder of a node that has none; its entry for the genesis.
pub fn init(
    data: &Path,
    config: &ValidatorConfig,
    seed: &Seed,
    network: &NetworkId,
) -> Result<GenesisEntry, ConfigError> {
    config.save_new(data)?;
    Ok(genesis_entry(config, seed, network))
}

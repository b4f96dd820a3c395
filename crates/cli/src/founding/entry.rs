//! A validator's entry for a genesis: what `kofo validator init` prints and `kofo genesis new` reads.

use anyhow::{Context, Result};
use kofo_clearance::{GenesisValidator, MAX_LISTED};
use kofo_node::config::Config;
use kofo_node::rpc::types::Id;
use kofo_primitives::{Amount, ChainId, NodeId, Text, ValidatorKey};
use kofo_validator::{Keys, ValidatorConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An entry is far shorter.
const MAX_ENTRY_BYTES: u64 = 64 * 1024;

/// The entry as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its account: 64 hexadecimal digits.
    pub account: String,
    /// By which it votes: 66 hexadecimal digits.
    pub key: String,
    /// What it stakes, in whole units of the network's first asset.
    pub stake: String,
    /// What it keeps of its delegators' rewards, in basis points.
    pub commission_bps: u16,
    /// The chains that it observes, by CAIP-2.
    pub observes: Vec<String>,
    /// Where other validators reach it.
    pub engine: String,
    /// Where everybody reaches it, with its peer id.
    pub service: String,
}

impl Entry {
    /// Of a validator with these keys and settings, which observes the chains of this configuration. `stake` is in whole
    /// units, and beside it the commission in basis points.
    #[must_use]
    pub fn of(
        keys: &Keys,
        config: &Config,
        settings: &ValidatorConfig,
        (stake, commission_bps): (String, u16),
    ) -> Self {
        let service = settings.service.first().map(String::as_str).unwrap_or_default();
        Self {
            account: keys.account.id().to_string(),
            key: keys.voter().to_string(),
            stake,
            commission_bps,
            observes: config.chains.iter().map(|chain| chain.id.to_string()).collect(),
            engine: settings.engine.clone(),
            service: format!("{service}/p2p/{}", keys.identity.peer_id()),
        }
    }

    /// Reads a file with an entry.
    pub fn load(path: &Path) -> Result<Self> {
        let why = || {
            format!(
                "cannot read {}, which should be what `kofo validator init` printed",
                path.display()
            )
        };
        let bytes = kofo_node::files::read_bounded(path, MAX_ENTRY_BYTES).with_context(why)?;
        let text = String::from_utf8(bytes).with_context(why)?;
        toml::from_str(&text).with_context(why)
    }

    /// As text.
    pub fn to_toml(&self) -> Result<String> {
        let head =
            "# A validator of a new network: for whoever founds it (`kofo genesis new --validator FILE`).";
        Ok(format!("{head}\n{}", toml::to_string(self)?))
    }

    /// As the genesis has it, with what it stakes in an asset of so many decimals.
    pub fn validator(&self, decimals: u8) -> Result<GenesisValidator> {
        let account = self.account.parse::<Id>().context("account")?;
        let observes: Result<Vec<_>, _> = self.observes.iter().map(|chain| ChainId::new(chain)).collect();
        let observes = observes.context("observes")?;
        anyhow::ensure!(
            observes.len() <= MAX_LISTED,
            "observes: expected at most {MAX_LISTED} chains"
        );
        let address = |name: &str, text: &str| -> Result<Text<160>> {
            let address = Text::new(text).filter(|_| text.starts_with('/'));
            address.with_context(|| {
                format!("{name}: expected an address such as /ip4/203.0.113.5/tcp/26650, got {text:?}")
            })
        };
        anyhow::ensure!(
            self.commission_bps <= 10_000,
            "commission_bps: expected at most 10000"
        );
        Ok(GenesisValidator {
            account: NodeId::new(account.0),
            key: self.key.parse::<ValidatorKey>().context("key")?,
            stake: Amount::parse_units(&self.stake, decimals).context("stake")?,
            commission_bps: self.commission_bps,
            observes,
            engine: address("engine", &self.engine)?,
            service: address("service", &self.service)?,
        })
    }
}

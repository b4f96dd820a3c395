//! The configuration of a node: one TOML file that `kofo init` writes with every value and its meaning, and that is
//! read strictly: an unknown key, a value out of its bounds or an asset on the wrong chain is an error that names it.
//!
//! What a command line says stands above what the environment says ([`Override`]), that above the file, and that above
//! the defaults.

mod chain;
mod environment;
pub mod format;
mod limits;
mod market;
pub(crate) mod page;
mod read;
mod write;

pub use chain::{Backend, BitcoinConfig, BitcoinWitness, BitcoindAuth, ChainConfig};
pub use chain::{Endpoint, EvmConfig, EvmProfile, LightConfig, LightMost, MAX_WITNESSES, TowerWage};
pub use environment::{MAX_OVERRIDES, Override};
pub use limits::LimitConfig;
pub use market::{
    ClearingConfig, InventoryLimit, MAX_BOOKS, MAX_NEIGHBOURS, MAX_PEERS, MAX_PRICES, MAX_QUOTE_LIFE,
    MAX_SERVICES, NoSuchRole, NodeRole, ProviderConfig, ReserveConfig, Source,
};
pub use read::STANDARD_DEPTHS;

use crate::assets::{AssetError, Assets};
use crate::signer::SignerAt;
use kofo_primitives::{NetworkId, ParseIdError};
use std::path::{Path, PathBuf};

/// The file's name in the data folder.
pub const CONFIG_FILE: &str = "kofo.toml";
/// A configuration has at most so many bytes.
pub const MAX_CONFIG_BYTES: u64 = 256 * 1024;
/// A node serves at most so many chains.
pub const MAX_CHAINS: usize = 16;
/// A node listens at most at so many addresses: as many as an offer names.
pub const MAX_LISTEN: usize = kofo_primitives::MAX_CONTACTS;

/// All that a node has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The network that the node belongs to.
    pub network: NetworkId,
    /// Where it listens for peers: multiaddresses; port 0 takes a free one.
    pub listen: Vec<String>,
    /// The port of the RPC on 127.0.0.1; 0 takes a free one.
    pub rpc_port: u16,
    /// The port of `/health`, `/ready` and `/metrics` on 127.0.0.1; 0 for none.
    pub health_port: u16,
    /// The journal's folder, relative to the data folder.
    pub journal: PathBuf,
    /// Who holds the keys, if another process does: then this folder has no keystore.
    pub signer: Option<SignerAt>,
    /// Where an encrypted backup is kept up to date, relative to the data folder.
    pub backup: Option<PathBuf>,
    /// How long the timelocks of swaps are.
    pub timelocks: TimelockPolicy,
    /// What the node does for others.
    pub role: NodeRole,
    /// Peers to connect to first and always: multiaddresses with peer ids.
    pub peers: Vec<String>,
    /// So many neighbours it looks for: 0 to [`MAX_NEIGHBOURS`]; with 0 it has only its peers and who finds it.
    pub neighbours: usize,
    /// Whether nobody can connect to the node.
    pub behind_nat: bool,
    /// What it deals in as a provider.
    pub provider: ProviderConfig,
    /// How much may leave without a second word of the owner, in the order of the symbols.
    pub limits: Vec<LimitConfig>,
    /// The clearance layer; without it only what is free and between two alone is done.
    pub clearing: Option<ClearingConfig>,
    /// The chains, in the order of their names.
    pub chains: Vec<ChainConfig>,
}

/// How long the timelocks of swaps are. Both parties need the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelockPolicy {
    /// For real chains: hours.
    Standard,
    /// For chains of tests, which mine every second or two: minutes. Loses money on any other.
    Test,
}

impl TimelockPolicy {
    /// The policy as the file names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Test => "test",
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; write one with `kofo init`, or name its folder with --data")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not UTF-8.
    #[error("{path} is no text in UTF-8: restore it, or write a new one with `kofo init`")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{path}, line {line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What was met and what was expected.
        message: String,
    },
    /// A variable of the environment is for no key, or for one of another type.
    #[error("environment variable {name}: {message}; correct it, or unset it")]
    Override {
        /// The variable.
        name: String,
        /// What was met and what was expected.
        message: String,
    },
    /// A value is not what its key needs.
    #[error("{path}, {key}: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key, with the tables it is in.
        key: String,
        /// What was expected and what came.
        why: ValueError,
    },
}

/// Why a value does not suit its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Another value than the key takes.
    #[error("expected {expected}, got {got:?}")]
    Expected {
        /// What the key takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// A key that this kind of chain needs.
    #[error("missing: a chain of kind {kind:?} needs it")]
    Missing {
        /// The kind of the chain.
        kind: &'static str,
    },
    /// A key that this kind of chain does not have.
    #[error("a chain of kind {kind:?} has no such key: remove it")]
    Foreign {
        /// The kind of the chain.
        kind: &'static str,
    },
    /// Not an id.
    #[error(transparent)]
    Id(#[from] ParseIdError),
    /// A price that is none.
    #[error(transparent)]
    Line(#[from] crate::market::LineError),
    /// The assets contradict each other.
    #[error(transparent)]
    Asset(#[from] AssetError),
}

impl ValueError {
    pub(crate) fn expected(expected: impl Into<String>, got: impl std::fmt::Display) -> Self {
        Self::Expected {
            expected: expected.into(),
            got: got.to_string().chars().take(160).collect(),
        }
    }
}

impl Config {
    /// A node of this network with these chains; all else as by default: it listens on this machine only, at free
    /// ports.
    #[must_use]
    pub fn new(network: NetworkId, mut chains: Vec<ChainConfig>) -> Self {
        chains.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            network,
            listen: default_listen(),
            rpc_port: 0,
            health_port: 0,
            journal: default_journal(),
            signer: None,
            backup: None,
            timelocks: TimelockPolicy::Standard,
            role: NodeRole::default(),
            peers: Vec::new(),
            neighbours: default_neighbours(),
            behind_nat: false,
            provider: ProviderConfig::default(),
            limits: Vec::new(),
            clearing: None,
            chains,
        }
    }

    /// Reads the configuration of a data folder, and of the environment.
    pub fn load(data: &Path) -> Result<Self, ConfigError> {
        Self::load_with(data, &Override::pick(std::env::vars_os())?)
    }

    /// Reads the configuration of a data folder, with these variables above it.
    pub fn load_with(data: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let path = data.join(CONFIG_FILE);
        let read = |source| ConfigError::Read {
            path: path.clone(),
            source,
        };
        let bytes = crate::files::read_bounded(&path, MAX_CONFIG_BYTES).map_err(read)?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::NotText { path: path.clone() })?;
        read::parse(&text, &path, overrides)
    }

    /// Reads a configuration; `path` is what errors name.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        read::parse(text, path, &[])
    }

    /// The commented TOML text that [`Config::parse`] reads back as this very configuration.
    #[must_use]
    pub fn to_toml(&self) -> String {
        write::text(self)
    }

    /// Writes the configuration into a data folder, which must have none.
    pub fn save_new(&self, data: &Path) -> Result<PathBuf, ConfigError> {
        let path = data.join(CONFIG_FILE);
        let unwritten = |path: PathBuf| move |source| ConfigError::Write { path, source };
        crate::files::create(&path, self.to_toml().as_bytes()).map_err(unwritten(path.clone()))?;
        // What has no number is of the first format, whatever the format of today is.
        let format = data.join(format::FORMAT_FILE);
        crate::files::replace(&format, format::text(format::FORMAT).as_bytes())
            .map_err(unwritten(format.clone()))?;
        Ok(path)
    }

    /// The assets of all chains.
    #[must_use]
    pub fn assets(&self) -> Assets {
        let all = self.chains.iter().flat_map(|c| c.assets.iter().cloned());
        Assets::new(all.collect()).expect("checked when the configuration was read or is the caller's own")
    }
}

pub(crate) fn default_listen() -> Vec<String> {
    vec![
        "/ip4/127.0.0.1/tcp/0".to_owned(),
        "/ip4/127.0.0.1/udp/0/quic-v1".to_owned(),
    ]
}

/// As many as the protocol sends a claim to, twice over.
pub(crate) const fn default_neighbours() -> usize {
    8
}

pub(crate) fn default_journal() -> PathBuf {
    PathBuf::from("journal")
}

#[cfg(test)]
mod tests;

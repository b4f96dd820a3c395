//! `validator.toml` in the data folder: what a validator is told beside the node's own configuration.

use kofo_consensus::Pace;
use kofo_node::files;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The file's name in the data folder.
pub const CONFIG_FILE: &str = "validator.toml";
/// It has at most so many bytes.
const MAX_CONFIG_BYTES: u64 = 64 * 1024;
/// Nobody is answered more often in a second.
pub(crate) const MOST_REQUESTS: u32 = 4_000;
/// The most peers of each kind.
const MAX_PEERS: usize = 64;

/// What a node does in the clearance layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Votes when it is elected.
    #[default]
    Validator,
    /// Follows what the validators decide, and answers nodes.
    Follower,
}

/// How fast heights follow each other. All validators of a network should have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speed {
    /// One height a second.
    #[default]
    Standard,
    /// Two, for validators on one machine or in one room.
    Dev,
}

impl Speed {
    /// As the engine takes it.
    #[must_use]
    pub fn pace(self) -> Pace {
        match self {
            Self::Standard => Pace::default(),
            Self::Dev => Pace::dev(),
        }
    }
}

/// The configuration of a validator or follower.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidatorConfig {
    /// What it does.
    pub role: Role,
    /// The genesis of its network: a file, relative to the data folder.
    pub genesis: PathBuf,
    /// Where its engine listens for other validators: `/ip4/<address>/tcp/<port>`.
    pub engine: String,
    /// Where its service listens for everybody: multiaddresses.
    pub service: Vec<String>,
    /// The port of its RPC on 127.0.0.1; 0 takes a free one.
    pub rpc_port: u16,
    /// How fast heights follow each other.
    pub speed: Speed,
    /// So many requests a second of one stranger are answered, and so many at once after a pause.
    pub requests_per_second: u32,
    /// Votes at once though nothing tells what it signed before. Only for a network that stands still because too many
    /// of its validators lost their folders, and to be removed again.
    pub vote_without_record: bool,
    /// Followers' engines that are given what validators decide, by the names that their status shows behind `/p2p/`.
    pub followers: Vec<String>,
    /// Engines of validators that are not in the genesis: `/ip4/<address>/tcp/<port>`.
    pub engine_peers: Vec<String>,
    /// Their services: multiaddresses with peer ids.
    pub service_peers: Vec<String>,
}

impl Default for ValidatorConfig {
    fn default() -> Self {
        Self {
            role: Role::Validator,
            genesis: PathBuf::from(kofo_node::clearing::GENESIS_FILE),
            engine: "/ip4/127.0.0.1/tcp/26650".into(),
            service: vec!["/ip4/127.0.0.1/tcp/26651".into()],
            rpc_port: 0,
            speed: Speed::Standard,
            requests_per_second: 100,
            vote_without_record: false,
            followers: Vec::new(),
            engine_peers: Vec::new(),
            service_peers: Vec::new(),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}; write one with `kofo validator init`, or name its folder with --data", file = .file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {file}: {source}", file = .file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{file}: {why}", file = .file.display())]
    Syntax {
        /// Which.
        file: PathBuf,
        /// What was expected and what came.
        why: String,
    },
}

impl FromStr for ValidatorConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if !(1..=MOST_REQUESTS).contains(&config.requests_per_second) {
            let got = config.requests_per_second;
            return Err(format!(
                "requests_per_second: expected 1 to {MOST_REQUESTS}, got {got}"
            ));
        }
        for (key, peers) in [
            ("service", &config.service),
            ("followers", &config.followers),
            ("engine_peers", &config.engine_peers),
            ("service_peers", &config.service_peers),
        ] {
            if peers.len() > MAX_PEERS {
                return Err(format!(
                    "{key}: expected at most {MAX_PEERS} of them, got {}",
                    peers.len()
                ));
            }
        }
        Ok(config)
    }
}

impl ValidatorConfig {
    /// Reads the configuration of a data folder.
    pub fn load(data: &Path) -> Result<Self, ConfigError> {
        let file = data.join(CONFIG_FILE);
        let bytes = files::read_bounded(&file, MAX_CONFIG_BYTES).map_err(|source| ConfigError::Read {
            file: file.clone(),
            source,
        })?;
        let text = String::from_utf8(bytes).map_err(|e| e.to_string());
        let read = text.and_then(|text| text.parse());
        read.map_err(|why| ConfigError::Syntax { file, why })
    }

    /// Writes it into a data folder that has none.
    pub fn save_new(&self, data: &Path) -> Result<PathBuf, ConfigError> {
        let file = data.join(CONFIG_FILE);
        match files::create(&file, self.to_toml().as_bytes()) {
            Ok(()) => Ok(file),
            Err(source) => Err(ConfigError::Write { file, source }),
        }
    }

    /// The commented text that reads back as this very configuration.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let role = match self.role {
            Role::Validator => "validator",
            Role::Follower => "follower",
        };
        let speed = match self.speed {
            Speed::Standard => "standard",
            Speed::Dev => "dev",
        };
        format!(
            "# The configuration of one validator or follower. Read once, at start; an unknown key is an error.\n\n\
             # validator: votes when it is elected. follower: follows what validators decide, and answers nodes.\n\
             role = {role:?}\n\n\
             # The genesis of the network, relative to this folder. All nodes of the network have the same file.\n\
             genesis = {genesis}\n\n\
             # Where the engine listens for other validators. A fixed port: it stands in the genesis.\n\
             engine = {engine}\n\n\
             # Where the service listens for nodes and other validators. A fixed port: it stands in the genesis.\n\
             service = {service}\n\n\
             # The port of the RPC on 127.0.0.1, which the kofo commands use. 0 takes a free one.\n\
             rpc_port = {rpc_port}\n\n\
             # How fast heights follow each other: standard (1 s) or dev (0.5 s). The same at all validators.\n\
             speed = {speed:?}\n\n\
             # So many requests a second of one stranger are answered, and so many at once after a pause.\n\
             requests_per_second = {requests}\n\n\
             # A validator whose folder was lost does not know what it signed. It follows until nothing is left to be\n\
             # decided that it may have signed; then it votes. If the network stands still because too many of its\n\
             # validators were lost at once, true has this one vote at once: if it did sign at the height that is\n\
             # being decided, it may be punished for it. Set it back to false when the network goes on.\n\
             vote_without_record = {vote_without_record}\n\n\
             # Batches name both parties of orders and their payouts. They are given to validators of the present and the\n\
             # next set, and to these followers, by the names of their engines: `kofo validator status` of a follower\n\
             # shows it behind /p2p/.\n\
             followers = {followers}\n\n\
             # Engines and services of validators that are not in the genesis.\n\
             engine_peers = {engine_peers}\n\
             service_peers = {service_peers}\n",
            genesis = quoted(&self.genesis.to_string_lossy()),
            engine = quoted(&self.engine),
            service = list(&self.service),
            rpc_port = self.rpc_port,
            requests = self.requests_per_second,
            vote_without_record = self.vote_without_record,
            followers = list(&self.followers),
            engine_peers = list(&self.engine_peers),
            service_peers = list(&self.service_peers),
        )
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(all: &[String]) -> String {
    toml::Value::from(all.to_vec()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_an_unknown_key_is_an_error() {
        let config = ValidatorConfig {
            role: Role::Follower,
            genesis: "a \"b\"/genesis.toml".into(),
            speed: Speed::Dev,
            service_peers: vec!["/ip4/127.0.0.1/tcp/1/p2p/x".into()],
            rpc_port: 7,
            vote_without_record: true,
            followers: vec!["12D3KooW".into()],
            ..ValidatorConfig::default()
        };
        assert_eq!(config.to_toml().parse(), Ok(config));
        assert!("requests_per_second = 0".parse::<ValidatorConfig>().is_err());
        assert!("rol = \"validator\"".parse::<ValidatorConfig>().is_err());
        assert_eq!("".parse(), Ok(ValidatorConfig::default()));
    }
}

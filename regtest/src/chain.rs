//! The three chains a regtest can run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the chains a regtest can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    /// bitcoind in regtest mode.
    Bitcoin,
    /// anvil with chain id 31337 and the rules of osaka.
    Ethereum,
    /// anvil with chain id 18 and the rules of petersburg, which knows legacy transactions only.
    Echoin,
}

impl Chain {
    /// All of them, in the order in which they start.
    pub const ALL: [Chain; 3] = [Chain::Bitcoin, Chain::Ethereum, Chain::Echoin];

    /// The name as a person writes it, in small letters; also the name of its folder and log.
    pub fn name(self) -> &'static str {
        match self {
            Chain::Bitcoin => "bitcoin",
            Chain::Ethereum => "ethereum",
            Chain::Echoin => "echoin",
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no chain.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no chain of a regtest; expected bitcoin, ethereum or echoin")]
pub struct UnknownChain(String);

impl FromStr for Chain {
    type Err = UnknownChain;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Chain::ALL
            .into_iter()
            .find(|chain| chain.name().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownChain(word.to_owned()))
    }
}

/// The last block of a chain, as this chain's own rules see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Its height.
    pub height: u64,
    /// The time that timelocks are compared with, in seconds since 1970: on Bitcoin the median time of the last
    /// eleven blocks, on EVM chains the block's timestamp.
    pub time: u64,
    /// Its hash, as the daemon prints it.
    pub hash: String,
}

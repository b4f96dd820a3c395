//! One chain of the configuration.

use super::ValueError;
use crate::assets::Asset;
use kofo_primitives::{Amount, AssetId, ChainId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One chain that the node follows, and the assets on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// What the file calls it, as in `[chain.bitcoin]`.
    pub name: String,
    /// What the protocol calls it.
    pub id: ChainId,
    /// A fact is final when it is so many blocks deep; at least 1.
    pub depth: u32,
    /// Its assets, in the order of their symbols.
    pub assets: Vec<Asset>,
    /// What it is reached by.
    pub backend: Backend,
}

/// How a chain is reached. The only place beside the wiring that tells kinds of chains apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A bitcoind.
    Bitcoin(BitcoinConfig),
    /// A light client of Bitcoin among its peers.
    Light(LightConfig),
    /// A node of an Ethereum-like chain.
    Evm(EvmConfig),
    /// A chain in this process' memory, for trials: it begins anew at each start.
    Sim,
}

/// A bitcoind and what we pay there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitcoinConfig {
    /// Its RPC.
    pub endpoint: Endpoint,
    /// How we prove to it that we may.
    pub auth: BitcoindAuth,
    /// It is our own: what we tell it stays with us.
    pub trusted: bool,
    /// Other nodes of the same chain: nothing is believed that they do not confirm. At most [`MAX_WITNESSES`].
    pub witnesses: Vec<BitcoinWitness>,
    /// We never pay more, in satoshi per virtual byte.
    pub fee_cap: u64,
    /// Nobody paid this wallet below this height: where it begins to look for its coins.
    pub birthday: u64,
}

/// Bitcoin without a node of our own: headers, compact filters and some blocks, from peers that are strangers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightConfig {
    /// Hosts and ports of peers that serve compact filters: two or more of different owners; on regtest one will do.
    pub peers: Vec<String>,
    /// Height and hash of a block from which headers are followed.
    pub checkpoint: Option<(u32, String)>,
    /// We never pay more, in satoshi per virtual byte.
    pub fee_cap: u64,
    /// Nobody paid this wallet below this height: where it begins to look for its coins.
    pub birthday: u64,
    /// The most that one of our swaps may lock or take here while we are its initiator, of each asset.
    pub light_most: LightMost,
}

/// How much we risk upon what strangers tell of a chain: of each asset the most that a leg of a swap may be in which we
/// are the initiator. Nothing of an asset that is not in it.
pub type LightMost = BTreeMap<AssetId, Amount>;

/// More witnesses of one chain are refused.
pub const MAX_WITNESSES: usize = 3;

/// A second bitcoind, which need not be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitcoinWitness {
    /// Its RPC.
    pub endpoint: Endpoint,
    /// How we prove to it that we may.
    pub auth: BitcoindAuth,
}

/// Credentials for a bitcoind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BitcoindAuth {
    /// The `.cookie` file that bitcoind writes at each start.
    Cookie(PathBuf),
    /// A user, and a file that holds nothing but the password.
    Password {
        /// The user.
        user: String,
        /// The file.
        file: PathBuf,
    },
}

/// An EVM chain's node, our contract there and what we pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvmConfig {
    /// Its JSON-RPC.
    pub endpoint: Endpoint,
    /// It is our own: what we tell it stays with us. If not, at least one witness must agree with it, and `light_most`
    /// limits what we do.
    pub trusted: bool,
    /// Other nodes of the same chain: nothing is believed that they do not confirm, and no preimage is shown to them
    /// first. At most [`MAX_WITNESSES`].
    pub witnesses: Vec<Endpoint>,
    /// Where the endpoint is not our own: the most that we risk upon it.
    pub light_most: LightMost,
    /// What a tower may keep of what it redeems for us.
    pub tower_wage: Option<TowerWage>,
    /// What the chain is like.
    pub profile: EvmProfile,
    /// The address of the contract that locks: `0x` and 40 hexadecimal digits.
    pub contract: String,
    /// We never pay less, in gwei per gas.
    pub fee_floor: u64,
    /// We never pay more, in gwei per gas.
    pub fee_cap: u64,
}

/// So that a tower's gas is paid. A tower without a wage redeems too, at its own cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerWage {
    /// The address of one of the tower's gas accounts.
    pub account: [u8; 20],
    /// Thousandths of the amount: 1 to 50.
    pub per_mille: u16,
}

/// What an EVM chain is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvmProfile {
    /// EIP-1559 fees.
    Ethereum,
    /// Legacy transactions, at least 2 gwei, an older EVM.
    Echoin,
}

impl EvmProfile {
    /// The profile as the file names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Echoin => "echoin",
        }
    }

    /// The least fee that the chain's nodes take, in gwei per gas.
    #[must_use]
    pub const fn least_fee(self) -> u64 {
        match self {
            Self::Ethereum => 0,
            Self::Echoin => 2,
        }
    }
}

impl Backend {
    /// The kind as the file names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bitcoin(_) => "bitcoin",
            Self::Light(_) => "bitcoin-light",
            Self::Evm(_) => "evm",
            Self::Sim => "sim",
        }
    }

    /// What we risk at most upon views of the chain that are not our own; nothing where a node of ours is asked.
    #[must_use]
    pub const fn light_most(&self) -> Option<&LightMost> {
        match self {
            Self::Light(light) => Some(&light.light_most),
            Self::Evm(evm) if !evm.trusted => Some(&evm.light_most),
            Self::Bitcoin(_) | Self::Evm(_) | Self::Sim => None,
        }
    }
}

/// The URL of a node's RPC. May carry a provider's secret: only its host is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads an `http://` or `https://` URL. One without credentials: those belong into files of their own.
    pub fn new(url: &str) -> Result<Self, ValueError> {
        let expected = "a URL such as http://127.0.0.1:8545";
        let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
        let host = rest.unwrap_or_default().split('/').next().unwrap_or_default();
        let plain = url.len() <= 512 && url.bytes().all(|b| b.is_ascii_graphic());
        if host.contains('@') {
            let expected = format!("{expected} without user and password");
            return Err(ValueError::expected(expected, "one with them"));
        }
        if host.is_empty() || host.starts_with(['?', '#']) || !plain {
            return Err(ValueError::expected(expected, url));
        }
        Ok(Self(url.to_owned()))
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A key stands in the path or in a query, which need not have a path before it.
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        write!(f, "{scheme}://{host}/…")
    }
}

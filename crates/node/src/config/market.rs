//! A node's part in the market: its role, its first peers, and what it deals in as a provider.

use super::chain::Endpoint;
use crate::market::PriceLine;
use kofo_primitives::Seconds;
use std::path::PathBuf;

/// A node connects at first to at most so many peers.
pub const MAX_PEERS: usize = 64;
/// A node looks for at most so many neighbours.
pub const MAX_NEIGHBOURS: usize = 32;
/// No quote of ours binds longer.
pub const MAX_QUOTE_LIFE: Seconds = Seconds(kofo_primitives::MAX_QUOTE_LIFE_MS / 1000);
/// A provider imports at most so many books.
pub const MAX_BOOKS: usize = 8;
/// A provider has at most so many fixed prices.
pub const MAX_PRICES: usize = 256;

/// A node asks at most so many validators beside those of the genesis.
pub const MAX_SERVICES: usize = 64;

/// A node's part in the clearance layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearingConfig {
    /// The network's genesis, relative to the data folder.
    pub genesis: PathBuf,
    /// Services of validators that the genesis does not name: addresses with their peer ids, each
    /// behind the validator's account and an `@`, or alone: then what it says without proof counts for nothing.
    pub services: Vec<String>,
    /// Whether our account is named where we relay cleared claims, so that it is paid.
    pub paid: bool,
}

/// What a provider reserves for each order that is cleared, out of its bond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveConfig {
    /// The symbol of an asset of the ledger.
    pub asset: String,
    /// What a claimant that walks away pays, of what the order is worth (basis points).
    pub premium_bps: u16,
    /// The most that it pays of the fee of one claim, in whole units of that asset.
    pub most_fee: String,
    /// How much of that asset one whole unit is worth of each asset that is given, in the order of the symbols: without it
    /// nothing of an asset is quoted to cleared claims.
    pub worth: Vec<InventoryLimit>,
}

/// What a node does for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeRole {
    /// Nothing: it makes claims, and takes and makes direct offers.
    #[default]
    Wallet,
    /// It passes claims and quotes on.
    Relay,
    /// It passes them on, and quotes itself.
    Provider,
}

impl NodeRole {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Wallet, Self::Relay, Self::Provider];

    /// The role as the configuration and the command name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Relay => "relay",
            Self::Provider => "provider",
        }
    }
}

impl std::fmt::Display for NodeRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Another word than a role's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"wallet\", \"relay\" or \"provider\", got {0:?}")]
pub struct NoSuchRole(pub String);

impl std::str::FromStr for NodeRole {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| NoSuchRole(text.chars().take(40).collect()))
    }
}

/// Where prices or orders come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, relative to the data folder, which is read again when it changes.
    File(PathBuf),
    /// An HTTP server, which is asked again and again.
    Url(Endpoint),
}

/// How much of one asset a provider may promise at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryLimit {
    /// The asset's symbol.
    pub symbol: String,
    /// Decimal text in whole units.
    pub most: String,
}

/// What a provider deals in. Read and kept in every role; only a provider uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// How long its quotes bind: 1 s to [`MAX_QUOTE_LIFE`].
    pub quote_life: Seconds,
    /// It quotes nothing from a price or a book that is older.
    pub stale_after: Seconds,
    /// A file or a feed of prices, beside the fixed ones.
    pub price_source: Option<Source>,
    /// Order books to import.
    pub books: Vec<Source>,
    /// Limits, in the order of the symbols; an asset without one is limited by the wallet alone.
    pub inventory: Vec<InventoryLimit>,
    /// Fixed prices, which are never stale.
    pub prices: Vec<PriceLine>,
    /// What is behind its quotes to cleared claims; without it there are none.
    pub reserve: Option<ReserveConfig>,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            quote_life: Seconds(30),
            stale_after: Seconds(30),
            price_source: None,
            books: Vec::new(),
            inventory: Vec::new(),
            prices: Vec::new(),
            reserve: None,
        }
    }
}

//! Who lives where in the story `exchange`.

use kofo_node::config::NodeRole;
use kofo_node::market::PriceLine;

/// How the nodes of a town are connected. Either way the wallet knows relay 1 and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// To provider A over relays 1 and 2, to provider B over relays 1 and 3.
    Fork,
    /// To both providers over relays 1, 2 and 3.
    Line,
}

impl Map {
    /// The name of the story that is played there.
    #[must_use]
    pub const fn story(self) -> &'static str {
        match self {
            Self::Fork => "exchange",
            Self::Line => "clearance",
        }
    }
}

/// One of six nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Makes claims.
    Wallet,
    /// The wallet's only neighbour.
    Relay1,
    /// Behind relay 1.
    Relay2,
    /// Beside relay 2, or behind it.
    Relay3,
    /// Has the better prices.
    ProviderA,
    /// Has the worse ones.
    ProviderB,
}

impl Place {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Wallet,
        Self::Relay1,
        Self::Relay2,
        Self::Relay3,
        Self::ProviderA,
        Self::ProviderB,
    ];

    /// The relays.
    pub const RELAYS: [Self; 3] = [Self::Relay1, Self::Relay2, Self::Relay3];

    /// Those with money.
    pub const TRADERS: [Self; 3] = [Self::Wallet, Self::ProviderA, Self::ProviderB];

    /// The providers.
    pub const PROVIDERS: [Self; 2] = [Self::ProviderA, Self::ProviderB];

    /// The word for people, and the name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Relay1 => "relay-1",
            Self::Relay2 => "relay-2",
            Self::Relay3 => "relay-3",
            Self::ProviderA => "provider-a",
            Self::ProviderB => "provider-b",
        }
    }

    /// What it does for others.
    #[must_use]
    pub const fn role(self) -> NodeRole {
        match self {
            Self::Wallet => NodeRole::Wallet,
            Self::Relay1 | Self::Relay2 | Self::Relay3 => NodeRole::Relay,
            Self::ProviderA | Self::ProviderB => NodeRole::Provider,
        }
    }

    /// Whom it connects to.
    #[must_use]
    pub const fn peers(self, map: Map) -> &'static [Self] {
        match (self, map) {
            (Self::Wallet, _) => &[Self::Relay1],
            (Self::Relay1, Map::Fork) => &[Self::Relay2, Self::Relay3],
            (Self::Relay1, Map::Line) => &[Self::Relay2],
            (Self::Relay2, Map::Fork) => &[Self::ProviderA],
            (Self::Relay2, Map::Line) => &[Self::Relay3],
            (Self::Relay3, Map::Fork) => &[Self::ProviderB],
            (Self::Relay3, Map::Line) => &[Self::ProviderA, Self::ProviderB],
            (Self::ProviderA | Self::ProviderB, _) => &[],
        }
    }

    /// Everybody that it is connected with.
    #[must_use]
    pub fn neighbours(self, map: Map) -> Vec<Self> {
        let connects = |other: &Self| other.peers(map).contains(&self) || self.peers(map).contains(other);
        Self::ALL.into_iter().filter(connects).collect()
    }

    /// Its fixed prices. Neither provider fills 0.1 BTC for USDX alone.
    #[must_use]
    pub fn prices(self) -> Vec<PriceLine> {
        let line = |pair: &str, price: &str, most: &str| PriceLine {
            pair: pair.to_owned(),
            price: price.to_owned(),
            spread_bps: 30,
            least: "0.001".to_owned(),
            most: most.to_owned(),
            as_of_ms: None,
        };
        match self {
            Self::ProviderA => vec![line("BTC/ETH", "16.25", "1"), line("BTC/USDX", "30000", "0.06")],
            Self::ProviderB => vec![line("BTC/ETH", "16.15", "1"), line("BTC/USDX", "29900", "0.04")],
            Self::Wallet | Self::Relay1 | Self::Relay2 | Self::Relay3 => Vec::new(),
        }
    }
}

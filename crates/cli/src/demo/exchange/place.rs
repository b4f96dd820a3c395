//! Who lives where in the story `exchange`.

use kofo_node::config::NodeRole;
use kofo_node::market::PriceLine;

/// One of six nodes. The way to provider A is wallet, relay 1, relay 2; to provider B it is wallet, relay 1, relay 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Makes claims.
    Wallet,
    /// The wallet's only neighbour.
    Relay1,
    /// Between relay 1 and provider A.
    Relay2,
    /// Between relay 1 and provider B.
    Relay3,
    /// Has the better prices.
    ProviderA,
    /// Has the worse ones.
    ProviderB,
}

impl Place {
    /// All, each after those that it connects to.
    pub const ALL: [Self; 6] = [
        Self::ProviderA,
        Self::ProviderB,
        Self::Relay2,
        Self::Relay3,
        Self::Relay1,
        Self::Wallet,
    ];

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
    pub const fn peers(self) -> &'static [Self] {
        match self {
            Self::Wallet => &[Self::Relay1],
            Self::Relay1 => &[Self::Relay2, Self::Relay3],
            Self::Relay2 => &[Self::ProviderA],
            Self::Relay3 => &[Self::ProviderB],
            Self::ProviderA | Self::ProviderB => &[],
        }
    }

    /// Everybody that it is connected with.
    #[must_use]
    pub fn neighbours(self) -> Vec<Self> {
        let connects = |other: &Self| other.peers().contains(&self) || self.peers().contains(other);
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

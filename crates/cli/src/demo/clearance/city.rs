//! A town with validators: everybody has the same genesis.

use super::council::Council;
use crate::demo::daemons::{Daemons, NETWORK};
use crate::demo::exchange::{Map, Place, Town};
use crate::founding::{self, DECIMALS, Founding, Profile, ledger_asset};
use anyhow::{Context, Result};
use kofo_clearance::{Genesis, GenesisBalance, ProofRule};
use kofo_node::assets::Assets;
use kofo_node::clearing::{GENESIS_FILE, GenesisFile};
use kofo_node::config::{CONFIG_FILE, ClearingConfig, Config, InventoryLimit, NodeRole, ReserveConfig};
use kofo_node::files;
use kofo_primitives::{Amount, ChainId, NetworkId, NodeId, NodeKey};
use std::path::Path;
use std::sync::Arc;

/// The symbol of the ledger's asset.
pub const SYMBOL: &str = "kofo";
/// Of a whole unit of it, in its smallest.
const UNIT: u128 = 1_000_000;
/// What each trader has at its disposal, in whole units.
const FREE: u128 = 1_000;
/// A provider's bond, in whole units.
const PROVIDER_BOND: u128 = 10_000;
/// The relays' bonds, in whole units: their weights are as 3 to 2 to 1.
const RELAY_BONDS: [u128; 3] = [30, 20, 10];

/// Validators, a wallet, three relays in a line and two providers behind them.
pub struct City {
    /// All but the validators.
    pub town: Town,
    /// The validators.
    pub council: Council,
    foundation: NodeId,
    assets: Assets,
}

/// What of a city is not as usual.
#[derive(Clone, Debug, Default)]
pub struct Twist {
    /// The chains whose own proofs count.
    pub proofs: Vec<ProofRule>,
    /// A chain that all validators say they observe, and none sees.
    pub unseen: Option<ChainId>,
}

impl City {
    /// Founds the network and starts everybody; those with money of chains have it, and validators decide.
    pub async fn up(daemons: Arc<Daemons>, kofo: &Path) -> Result<Self> {
        Self::twisted(daemons, kofo, Twist::default()).await
    }

    /// The same, but for that.
    pub async fn twisted(daemons: Arc<Daemons>, kofo: &Path, twist: Twist) -> Result<Self> {
        let mut town = Town::found(Arc::clone(&daemons), kofo, Map::Line)?;
        let mut council = Council::found(&daemons, town.folder(), kofo)?;
        let mut genesis = genesis(&daemons, &town, &council)?;
        genesis.params.proofs = twist.proofs;
        let file = GenesisFile { genesis };
        for data in council.folders() {
            file.save_new(&data.join(GENESIS_FILE))?;
            if let Some(chain) = &twist.unseen {
                blind(data, chain)?;
            }
        }
        for place in Place::ALL {
            file.save_new(&town.data(place).join(GENESIS_FILE))?;
            town.configure(place, |config| clearing(config, place))?;
        }
        let (town_up, council_up) = tokio::join!(town.inhabit(), council.start_all());
        council_up.context("the validators")?;
        town_up?;
        let params = file.genesis.params;
        Ok(Self {
            town,
            council,
            assets: founding::named(&params.assets)?,
            foundation: params.foundation,
        })
    }

    /// Asks all to stop and waits until they have, in good order.
    pub async fn stop(&mut self) -> Result<()> {
        self.town.stop().await?;
        self.council.stop().await
    }

    /// The ledger's assets.
    #[must_use]
    pub const fn assets(&self) -> &Assets {
        &self.assets
    }

    /// What people call an account.
    #[must_use]
    pub fn name(&self, account: &NodeId) -> String {
        if *account == self.foundation {
            return "foundation".to_owned();
        }
        let place = Place::ALL
            .into_iter()
            .find(|place| self.town.account(*place) == *account);
        place.map_or_else(
            || crate::text::claim::short(&account.to_string()),
            |place| place.name().to_owned(),
        )
    }
}

/// Takes a chain out of a validator's configuration.
fn blind(data: &Path, chain: &ChainId) -> Result<()> {
    let mut config = Config::load(data)?;
    config.chains.retain(|known| known.id != *chain);
    Ok(files::replace(
        &data.join(CONFIG_FILE),
        config.to_toml().as_bytes(),
    )?)
}

/// What an order of one bitcoin or ether is worth in the ledger's asset, as providers see it.
const WORTH: [(&str, &str); 2] = [("BTC", "30000"), ("ETH", "1800")];
/// What a claimant that walks away pays, of what the order is worth (basis points).
const PREMIUM_BPS: u16 = 50;

/// A node's part in the clearance layer.
fn clearing(config: &mut Config, place: Place) {
    config.clearing = Some(ClearingConfig {
        genesis: GENESIS_FILE.into(),
        services: Vec::new(),
        paid: true,
    });
    if place.role() == NodeRole::Provider {
        let worth = WORTH.map(|(symbol, most)| InventoryLimit {
            symbol: symbol.to_owned(),
            most: most.to_owned(),
        });
        config.provider.reserve = Some(ReserveConfig {
            asset: SYMBOL.to_ascii_uppercase(),
            premium_bps: PREMIUM_BPS,
            most_fee: "1".to_owned(),
            worth: worth.to_vec(),
        });
    }
}

/// Nobody's: what it gets is seen in its account all the same.
fn foundation() -> Result<NodeId> {
    Ok(NodeKey::new(&[0xf0; 32])
        .context("a number below the group's order")?
        .id())
}

fn genesis(daemons: &Daemons, town: &Town, council: &Council) -> Result<Genesis> {
    let network = NetworkId::new(NETWORK)?;
    let asset = ledger_asset(&network, SYMBOL, DECIMALS).context("the symbol is a word")?;
    let row = |place: Place| {
        let (free, provider, relay) = match place {
            Place::Wallet => (FREE, 0, 0),
            Place::ProviderA | Place::ProviderB => (FREE, PROVIDER_BOND, 0),
            Place::Relay1 => (0, 0, RELAY_BONDS[0]),
            Place::Relay2 => (0, 0, RELAY_BONDS[1]),
            Place::Relay3 => (0, 0, RELAY_BONDS[2]),
        };
        let of = |whole: u128| Amount::new(whole * UNIT);
        GenesisBalance {
            account: town.account(place),
            asset: asset.asset.clone(),
            free: of(free),
            provider: of(provider),
            relay: of(relay),
        }
    };
    let founding = Founding {
        network,
        profile: Profile::Dev,
        proofs: Vec::new(),
        validators: council.entries(),
        balances: Place::ALL.map(row).to_vec(),
        foundation: foundation()?,
        config: &daemons.config(NETWORK)?,
        assets: vec![asset],
    };
    founding.genesis()
}

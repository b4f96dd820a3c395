//! What a node and a tower begin with: a data folder, keys, a journal, peers and chains, in this order.

use super::unlock::{Keys, Unlock};
use super::{Folder, RunError, Stops};
use crate::clearing::GenesisFile;
use crate::config::{Config, NodeRole, format};
use crate::init::journal_key;
use crate::journal::SharedJournal;
use crate::wiring::{Wired, wire};
use kofo_adapter_api::Signer;
use kofo_clearance::Genesis;
use kofo_journal::Store;
use kofo_network::{Inbound, Limits, MeshConfig, MeshInbound, Network};
use kofo_primitives::{NetworkId, Seed};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A node, which is a neighbour in the mesh; in this role, if not the configuration's.
    Node(Option<NodeRole>),
    /// A tower, which is only spoken to.
    Tower,
}

/// All of it. Dropped from the last to the first: the folder is free when nothing uses it any more.
pub(crate) struct Started {
    pub(crate) folder: Folder,
    pub(crate) config: Config,
    /// The network's genesis, if the configuration names one.
    pub(crate) genesis: Option<Genesis>,
    /// What the node's own keys come from.
    pub(crate) seed: Seed,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) journal: SharedJournal,
    pub(crate) network: Network,
    pub(crate) inbound: Inbound,
    /// What neighbours do; none of a tower.
    pub(crate) mesh: Option<MeshInbound>,
    pub(crate) wired: Wired,
}

impl Started {
    /// Begins; `None` if it is to stop before the chains have answered.
    pub(crate) async fn up(
        part: Part,
        data: &Path,
        unlock: Unlock,
        network: Option<NetworkId>,
        stops: &mut Stops,
    ) -> Result<Option<Self>, RunError> {
        let folder = Folder::lock(data)?;
        format::upgrade(data)?;
        let mut config = Config::load(data)?;
        if let Part::Node(Some(role)) = part {
            config.role = role;
        }
        if let Some(expected) = network.filter(|network| *network != config.network) {
            let got = config.network;
            return Err(RunError::OtherNetwork { expected, got });
        }
        let genesis = match part {
            Part::Node(_) => genesis(&config, data)?,
            Part::Tower => None,
        };
        let keys = tokio::select! {
            keys = unlock.keys(&config, data) => keys?,
            () = stops.next() => return Ok(None),
        };
        let Keys { seed, signer } = keys;
        let key = journal_key(&seed, &config.network);
        let journal = SharedJournal::new(Store::open(&data.join(&config.journal), &key)?);
        let own = network_config(&config, &seed);
        let (network, inbound, mesh) = match part {
            Part::Node(_) => {
                let (network, inbound, mesh) = Network::start_mesh(own, mesh_config(&config)).await?;
                (network, inbound, Some(mesh))
            }
            Part::Tower => {
                let (network, inbound) = Network::start(own).await?;
                (network, inbound, None)
            }
        };
        let wired = tokio::select! {
            wired = wire(&config, data, &signer, &journal) => wired.map_err(Box::new)?,
            () = stops.next() => return Ok(None),
        };
        Ok(Some(Self {
            folder,
            config,
            genesis,
            seed,
            signer,
            journal,
            network,
            inbound,
            mesh,
            wired,
        }))
    }
}

/// Read before anything else is opened: whoever names the wrong file learns it at once.
fn genesis(config: &Config, data: &Path) -> Result<Option<Genesis>, RunError> {
    let Some(clearing) = &config.clearing else {
        return Ok(None);
    };
    let GenesisFile { genesis } = GenesisFile::load(&data.join(&clearing.genesis)).map_err(Box::new)?;
    if genesis.network != config.network {
        return Err(RunError::OtherNetwork {
            expected: config.network.clone(),
            got: genesis.network,
        });
    }
    Ok(Some(genesis))
}

fn network_config(config: &Config, seed: &Seed) -> kofo_network::Config {
    let secret = seed.node_secret("kofo/peer/v1", &config.network);
    kofo_network::Config {
        identity: kofo_network::Identity::from_secret(Zeroizing::new(*secret.expose())),
        network_id: config.network.to_string(),
        listen: config.listen.clone(),
        limits: Limits::default(),
    }
}

/// A wallet carries nothing for others, and who cannot be reached cannot.
fn mesh_config(config: &Config) -> MeshConfig {
    MeshConfig {
        bootstrap: config.peers.clone(),
        serves_relay: config.role != NodeRole::Wallet && !config.behind_nat,
        behind_nat: config.behind_nat,
        wanted_neighbours: config.neighbours,
        ..MeshConfig::default()
    }
}

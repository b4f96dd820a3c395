//! From the configuration to running adapters: the one place that tells kinds of chains apart.

mod preset;

pub use preset::{RegtestChains, TOKEN_DECIMALS, contract_code, regtest};

use crate::config::{Backend, BitcoinWitness, BitcoindAuth, ChainConfig, Config};
use crate::config::{EvmProfile, LightConfig, TimelockPolicy};
use crate::engine::Adapters;
use crate::journal::SharedJournal;
use bitcoin::Network;
use kofo_adapter_api::{AdapterError, ChainAdapter, Signer};
use kofo_bitcoin::{Access, BitcoinAdapter, BlockReader, Checkpoint, LightPeer, RpcAuth, Witness};
use kofo_evm::{EvmAdapter, FeePolicy, Profile};
use kofo_primitives::{Amount, AssetId, ChainId, Seconds};
use kofo_settlement::{BITCOIN, ECHOIN, ETHEREUM, Margins, Pace, Policy};
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const GWEI: u128 = 1_000_000_000;
/// How often a chain's node is asked for news.
const fn poll(timelocks: TimelockPolicy) -> Duration {
    match timelocks {
        // A look costs our own node a few small calls; four of them in a row are most of what a swap waits for us.
        TimelockPolicy::Standard => Duration::from_millis(200),
        // Chains of tests take a transaction as soon as it is there: waiting would be most of a swap.
        TimelockPolicy::Test => Duration::from_millis(150),
    }
}
/// How long a block of Bitcoin takes on average. Regtest mines every second or two.
const fn bitcoin_block_time(timelocks: TimelockPolicy) -> Duration {
    match timelocks {
        TimelockPolicy::Standard => Duration::from_secs(600),
        TimelockPolicy::Test => Duration::from_secs(2),
    }
}
/// A chain in memory mines so often.
const SIM_BLOCK: Duration = Duration::from_secs(1);
/// What the owner of a chain in memory begins with, of each asset, in smallest units and as so many notes.
const SIM_FUNDS: (Amount, u8) = (Amount::new(1_000_000_000_000), 8);

/// Why a chain cannot be served. The node does not start without one that is configured: its swaps would be left alone.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// An endpoint that is not our own.
    #[error(
        "chain.{chain}: expected trusted = true and a node of your own at the endpoint, got trusted = false: whoever \
         runs it sees preimages before the chain does, and can lie about it (an EVM chain may be seen by two strangers: \
         name a second endpoint in witnesses; Bitcoin without a node is kind = \"bitcoin-light\")"
    )]
    Untrusted {
        /// The chain.
        chain: String,
    },
    /// No Bitcoin network has this id.
    #[error("chain.{chain}.id: expected {expected}, got {got}")]
    Chain {
        /// The chain.
        chain: String,
        /// What ids there are.
        expected: String,
        /// What is configured.
        got: ChainId,
    },
    /// Another contract than ours.
    #[error(
        "chain.{chain}.contract: expected {expected}, which follows from its code and the chain, got {got}: correct it"
    )]
    Contract {
        /// The chain.
        chain: String,
        /// The address.
        expected: String,
        /// What is configured.
        got: String,
    },
    /// The password file of a bitcoind.
    #[error("chain.{chain}.password_file: cannot read {path}: {source}")]
    Password {
        /// The chain.
        chain: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The chain's node does not answer, is another chain, or lacks the contract.
    #[error("chain.{chain}: {source}")]
    Adapter {
        /// The chain.
        chain: String,
        /// Why.
        source: AdapterError,
    },
}

/// The chains of a node, running.
pub struct Wired {
    /// An adapter for each chain.
    pub adapters: Adapters,
    /// How fast they are.
    pub policy: Policy,
    /// How deep a fact must be on each to be final.
    pub depths: BTreeMap<ChainId, u32>,
    /// How much we risk as initiator, of each asset whose chain is seen by strangers alone.
    pub light_most: BTreeMap<AssetId, Amount>,
    /// Whose blocks can be read to prove how a leg ended, by chain.
    pub blocks: BTreeMap<ChainId, BlockReader>,
    /// What makes the chains in memory go on; they stop when this is dropped.
    pub tasks: JoinSet<()>,
}

/// What adapters are made of.
struct Materials<'a> {
    config: &'a Config,
    data: &'a Path,
    signer: &'a Arc<dyn Signer>,
    journal: &'a SharedJournal,
}

/// Starts an adapter for each chain of the configuration, and checks that each is the chain it should be.
pub async fn wire(
    config: &Config,
    data: &Path,
    signer: &Arc<dyn Signer>,
    journal: &SharedJournal,
) -> Result<Wired, WiringError> {
    let materials = Materials {
        config,
        data,
        signer,
        journal,
    };
    let mut wired = Wired {
        adapters: Adapters::new(),
        policy: policy(config),
        depths: config.chains.iter().map(|c| (c.id.clone(), c.depth)).collect(),
        light_most: light_most(config),
        blocks: BTreeMap::new(),
        tasks: JoinSet::new(),
    };
    for chain in &config.chains {
        let adapter = start(&materials, chain, &mut wired.tasks).await?;
        for asset in &chain.assets {
            adapter.place(&asset.id).map_err(|e| failed(chain, e))?;
        }
        wired.adapters.insert(chain.id.clone(), adapter);
    }
    wired.blocks = block_readers(&materials)?;
    Ok(wired)
}

async fn start(
    materials: &Materials<'_>,
    chain: &ChainConfig,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<dyn ChainAdapter>, WiringError> {
    match &chain.backend {
        Backend::Bitcoin(backend) => {
            trusted(chain, backend.trusted)?;
            let network = bitcoin_network(chain)?;
            let access = Access::Node {
                url: backend.endpoint.as_str().to_owned(),
                auth: bitcoind_auth(materials, chain, &backend.auth)?,
                witnesses: witnesses(materials, chain, &backend.witnesses)?,
            };
            let limits = (backend.birthday, backend.fee_cap);
            bitcoin(materials, (chain, network), access, limits).await
        }
        Backend::Light(backend) => {
            let network = bitcoin_network(chain)?;
            let access = light(chain, backend)?;
            let limits = (backend.birthday, backend.fee_cap);
            bitcoin(materials, (chain, network), access, limits).await
        }
        Backend::Evm(backend) => {
            trusted(chain, backend.trusted || !backend.witnesses.is_empty())?;
            let config = evm_config(materials, chain, backend)?;
            let adapter = EvmAdapter::start(config, Arc::clone(materials.signer)).await;
            Ok(Arc::new(adapter.map_err(|e| failed(chain, e))?))
        }
        Backend::Sim => Ok(Arc::new(sim(chain, tasks))),
    }
}

async fn bitcoin(
    materials: &Materials<'_>,
    (chain, network): (&ChainConfig, Network),
    access: Access,
    (birthday, max_fee_rate): (u64, u64),
) -> Result<Arc<dyn ChainAdapter>, WiringError> {
    let config = kofo_bitcoin::BitcoinConfig {
        network,
        kofo_network: materials.config.network.clone(),
        access,
        birthday,
        max_fee_rate,
        poll: poll(materials.config.timelocks),
        block_time: bitcoin_block_time(materials.config.timelocks),
    };
    let store = Arc::new(materials.journal.wallet(chain.id.as_str()));
    let adapter = BitcoinAdapter::start(config, Arc::clone(materials.signer), store).await;
    Ok(Arc::new(adapter.map_err(|e| failed(chain, e))?))
}

/// The peers of a light client, and where its headers begin.
fn light(chain: &ChainConfig, backend: &LightConfig) -> Result<Access, WiringError> {
    let malformed = |field, expected: &str, got: &str| {
        let (expected, got) = (expected.to_owned(), got.to_owned());
        failed(chain, AdapterError::Malformed { field, expected, got })
    };
    let peer = |text: &String| {
        let peer = text.parse::<LightPeer>();
        peer.map_err(|_| malformed("peers", "a host and a port", text))
    };
    let checkpoint = backend.checkpoint.as_ref().map(|(height, hash)| {
        let read = hash.parse().map(|hash| Checkpoint {
            height: *height,
            hash,
        });
        read.map_err(|_| malformed("checkpoint", "the hash of a block", hash))
    });
    Ok(Access::Light {
        peers: backend.peers.iter().map(peer).collect::<Result<_, _>>()?,
        checkpoint: checkpoint.transpose()?,
    })
}

/// Every bitcoind of ours gives blocks.
fn block_readers(materials: &Materials<'_>) -> Result<BTreeMap<ChainId, BlockReader>, WiringError> {
    let mut readers = BTreeMap::new();
    for chain in &materials.config.chains {
        if let Backend::Bitcoin(backend) = &chain.backend {
            let auth = bitcoind_auth(materials, chain, &backend.auth)?;
            let url = backend.endpoint.as_str().to_owned();
            readers.insert(chain.id.clone(), BlockReader::new(chain.id.clone(), url, auth));
        }
    }
    Ok(readers)
}

/// Of every asset of a chain that no node of ours follows: what was allowed, or nothing.
#[must_use]
pub fn light_most(config: &Config) -> BTreeMap<AssetId, Amount> {
    let seen = config
        .chains
        .iter()
        .filter_map(|chain| Some((chain, chain.backend.light_most()?)));
    let all = seen.flat_map(|(chain, most)| {
        let of = |id: &AssetId| most.get(id).copied().unwrap_or(Amount::ZERO);
        chain
            .assets
            .iter()
            .map(move |asset| (asset.id.clone(), of(&asset.id)))
    });
    all.collect()
}

fn failed(chain: &ChainConfig, source: AdapterError) -> WiringError {
    WiringError::Adapter {
        chain: chain.name.clone(),
        source,
    }
}

fn trusted(chain: &ChainConfig, trusted: bool) -> Result<(), WiringError> {
    let untrusted = || WiringError::Untrusted {
        chain: chain.name.clone(),
    };
    trusted.then_some(()).ok_or_else(untrusted)
}

fn bitcoin_network(chain: &ChainConfig) -> Result<Network, WiringError> {
    let all = [
        Network::Bitcoin,
        Network::Testnet,
        Network::Testnet4,
        Network::Signet,
        Network::Regtest,
    ];
    let found = all
        .iter()
        .find(|network| kofo_bitcoin::chain_id(**network) == chain.id);
    found.copied().ok_or_else(|| {
        let known = all.map(|network| format!("{} ({network})", kofo_bitcoin::chain_id(network)));
        WiringError::Chain {
            chain: chain.name.clone(),
            expected: format!("one of {}", known.join(", ")),
            got: chain.id.clone(),
        }
    })
}

fn bitcoind_auth(
    materials: &Materials<'_>,
    chain: &ChainConfig,
    auth: &BitcoindAuth,
) -> Result<RpcAuth, WiringError> {
    match auth {
        BitcoindAuth::Cookie(file) => Ok(RpcAuth::Cookie(materials.data.join(file))),
        BitcoindAuth::Password { user, file } => {
            let path = materials.data.join(file);
            let unreadable = |source| WiringError::Password {
                chain: chain.name.clone(),
                path: path.clone(),
                source,
            };
            Ok(RpcAuth::UserPass {
                user: user.clone(),
                password: crate::files::read_secret(&path).map_err(unreadable)?,
            })
        }
    }
}

fn witnesses(
    materials: &Materials<'_>,
    chain: &ChainConfig,
    witnesses: &[BitcoinWitness],
) -> Result<Vec<Witness>, WiringError> {
    let one = |witness: &BitcoinWitness| {
        Ok(Witness {
            url: witness.endpoint.as_str().to_owned(),
            auth: bitcoind_auth(materials, chain, &witness.auth)?,
        })
    };
    witnesses.iter().map(one).collect()
}

fn evm_config(
    materials: &Materials<'_>,
    chain: &ChainConfig,
    backend: &crate::config::EvmConfig,
) -> Result<kofo_evm::EvmConfig, WiringError> {
    let wrong_id = || WiringError::Chain {
        chain: chain.name.clone(),
        expected: "eip155: and a number".to_owned(),
        got: chain.id.clone(),
    };
    let number = chain.id.as_str().strip_prefix("eip155:");
    let number: u64 = number.and_then(|n| n.parse().ok()).ok_or_else(wrong_id)?;
    let (url, network) = (backend.endpoint.as_str(), materials.config.network.clone());
    let base = match backend.profile {
        EvmProfile::Ethereum => kofo_evm::EvmConfig::ethereum(url, number, network),
        EvmProfile::Echoin => kofo_evm::EvmConfig::echoin(url, number, network),
    };
    let mut config = base.map_err(|_| wrong_id())?;
    let expected = contract_address(backend.profile, number);
    if backend.contract != expected {
        return Err(WiringError::Contract {
            chain: chain.name.clone(),
            expected,
            got: backend.contract.clone(),
        });
    }
    let (coins, tokens): (Vec<_>, Vec<_>) = chain
        .assets
        .iter()
        .map(|asset| asset.id.clone())
        .partition(|id| id.on_chain().0 == "slip44");
    if let Some(coin) = coins.into_iter().next() {
        config.coin = coin;
    }
    config.tokens = tokens;
    let (floor, cap) = (
        u128::from(backend.fee_floor).saturating_mul(GWEI),
        u128::from(backend.fee_cap).saturating_mul(GWEI),
    );
    config.fees = FeePolicy {
        floor,
        cap,
        tip: config.fees.tip.min(cap),
        ..config.fees
    };
    config.strangers = !backend.trusted;
    config.witnesses = backend
        .witnesses
        .iter()
        .map(|url| url.as_str().to_owned())
        .collect();
    config.tower_wage = backend
        .tower_wage
        .map(|wage| kofo_evm::TowerWage::new(wage.account, wage.per_mille));
    config.poll = poll(materials.config.timelocks);
    Ok(config)
}

/// Where our contract is on a chain, in lower case.
pub(crate) fn contract_address(profile: EvmProfile, chain: u64) -> String {
    let address = kofo_evm::contract_address(adapter_profile(profile), chain);
    format!("0x{}", hex::encode(address))
}

const fn adapter_profile(profile: EvmProfile) -> Profile {
    match profile {
        EvmProfile::Ethereum => Profile::Ethereum,
        EvmProfile::Echoin => Profile::Echoin,
    }
}

fn sim(chain: &ChainConfig, tasks: &mut JoinSet<()>) -> SimAdapter {
    let assets = chain.assets.iter().map(|asset| asset.id.clone());
    let sim = SimChain::new(chain.id.clone(), assets, crate::clock::now());
    let owner = AccountId(1);
    for asset in &chain.assets {
        for _ in 0..SIM_FUNDS.1 {
            sim.fund(owner, &asset.id, SIM_FUNDS.0);
        }
    }
    let miner = sim.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(SIM_BLOCK).await;
            let gone_by = miner.tip().time.until(crate::clock::now());
            miner.advance(gone_by.max(Seconds(1)));
            miner.mine(1);
        }
    });
    SimAdapter::new(sim, owner)
}

/// How fast the chains of a configuration are, and the margins of its swaps.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    let pace = |chain: &ChainConfig| match (config.timelocks, &chain.backend) {
        (TimelockPolicy::Test, _) | (_, Backend::Sim) => Pace::REGTEST,
        (TimelockPolicy::Standard, Backend::Bitcoin(_) | Backend::Light(_)) => BITCOIN,
        (TimelockPolicy::Standard, Backend::Evm(evm)) => match evm.profile {
            EvmProfile::Ethereum => ETHEREUM,
            EvmProfile::Echoin => ECHOIN,
        },
    };
    Policy {
        paces: config.chains.iter().map(|c| (c.id.clone(), pace(c))).collect(),
        margins: match config.timelocks {
            TimelockPolicy::Standard => Margins::STANDARD,
            TimelockPolicy::Test => Margins::REGTEST,
        },
    }
}

#[cfg(test)]
mod tests;

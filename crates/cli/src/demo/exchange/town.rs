//! Six nodes in processes of their own, on real daemons: a wallet, three relays and two providers.

use super::place::{Map, Place};
use crate::demo::books::{self, Moved, POLL as BOOKS_POLL, SETTLED};
use crate::demo::daemons::{BITCOIN_GIFT, Daemons, NETWORK};
use crate::demo::ground::{Ground, Purse, Wallet};
use crate::demo::process::NodeProcess;
use anyhow::{Context, Result, bail};
use kofo_node::config::{CONFIG_FILE, Config, NodeRole};
use kofo_node::files;
use kofo_node::rpc::types::{Id, SwapStatus};
use kofo_node::rpc::{MarketRpcClient, NodeFile, NodeRpcClient, RpcClient, connect};
use kofo_primitives::{Amount, NodeId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Neighbours have met, and money that was given is seen, within so long.
const READY: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The nodes. They and all they hold are gone when this is dropped.
pub struct Town {
    ground: Ground,
    daemons: Arc<Daemons>,
    kofo: PathBuf,
    map: Map,
    accounts: BTreeMap<Place, NodeId>,
    nodes: BTreeMap<Place, NodeProcess>,
    wallets: BTreeMap<Place, Wallet>,
    folder: TempDir,
}

/// What those with money had before and have after, in the order of [`Place::TRADERS`].
#[derive(Debug)]
pub struct TownBooks {
    /// Before the first swap.
    pub before: Vec<Purse>,
    /// After the last.
    pub after: Vec<Purse>,
}

impl Town {
    /// Fresh nodes that have met each other; wallet and providers have money of every kind.
    pub async fn up(daemons: Arc<Daemons>, kofo: &Path) -> Result<Self> {
        let mut town = Self::found(daemons, kofo, Map::Fork)?;
        town.inhabit().await?;
        Ok(town)
    }

    /// Folders with keys for all nodes, of which none runs yet.
    pub fn found(daemons: Arc<Daemons>, kofo: &Path, map: Map) -> Result<Self> {
        let mut town = Self {
            ground: Ground::Daemons(Arc::clone(&daemons)),
            daemons,
            kofo: kofo.to_owned(),
            map,
            accounts: BTreeMap::new(),
            nodes: BTreeMap::new(),
            wallets: BTreeMap::new(),
            folder: tempfile::Builder::new().prefix("kofo-town-").tempdir()?,
        };
        for place in Place::ALL {
            let account = town.daemons.init(&town.data(place), &town.config(place)?)?;
            town.accounts.insert(place, account);
        }
        Ok(town)
    }

    /// Starts all nodes, each after those that it connects to, gives wallet and providers money of every kind, and waits
    /// until everybody has met.
    pub async fn inhabit(&mut self) -> Result<()> {
        while self.nodes.len() < Place::ALL.len() {
            let waits = |place: &Place| !self.nodes.contains_key(place);
            let ready = |place: &Place| !place.peers(self.map).iter().any(waits);
            let next: Vec<_> = Place::ALL.into_iter().filter(waits).filter(ready).collect();
            let started = futures::future::try_join_all(next.iter().map(|place| self.settle(*place)));
            let started = started.await?;
            self.nodes.extend(next.into_iter().zip(started));
        }
        for place in Place::TRADERS {
            self.fund(place).await?;
        }
        let since = self.daemons.heights().await?;
        for wallet in self.wallets.values_mut() {
            wallet.since.clone_from(&since);
        }
        for place in Place::TRADERS {
            self.funded(place).await?;
        }
        self.met().await
    }

    /// Changes the configuration of a node that does not run.
    pub fn configure(&self, place: Place, change: impl FnOnce(&mut Config)) -> Result<()> {
        let data = self.data(place);
        let mut config = Config::load(&data)?;
        change(&mut config);
        Ok(files::replace(
            &data.join(CONFIG_FILE),
            config.to_toml().as_bytes(),
        )?)
    }

    /// A node's account.
    #[must_use]
    pub fn account(&self, place: Place) -> NodeId {
        self.accounts[&place]
    }

    /// The name of its story in rows.
    #[must_use]
    pub const fn story(&self) -> &'static str {
        self.map.story()
    }

    /// The folder of all nodes' folders.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The chains.
    #[must_use]
    pub const fn ground(&self) -> &Ground {
        &self.ground
    }

    /// A node's data folder.
    #[must_use]
    pub fn data(&self, place: Place) -> PathBuf {
        self.folder.path().join(place.name())
    }

    /// A client of a node that runs.
    pub fn client(&self, place: Place) -> Result<RpcClient> {
        Ok(connect(&self.data(place))?)
    }

    /// Starts a node with what it has in its folder.
    pub async fn start(&mut self, place: Place) -> Result<()> {
        let node = self.process(place).await?;
        self.nodes.insert(place, node);
        Ok(())
    }

    async fn process(&self, place: Place) -> Result<NodeProcess> {
        let started = NodeProcess::start(&self.kofo, &self.data(place)).await;
        started.with_context(|| place.name())
    }

    /// Kills a node with -9; when this returns, it is gone.
    pub async fn kill(&mut self, place: Place) -> Result<()> {
        match self.nodes.remove(&place) {
            Some(process) => process.kill().await,
            None => bail!("the {} does not run", place.name()),
        }
    }

    /// Asks all nodes to stop and waits until they have, in good order.
    pub async fn stop(&mut self) -> Result<()> {
        for place in self.nodes.keys() {
            self.client(*place)?.node_stop().await?;
        }
        while let Some((place, process)) = self.nodes.pop_first() {
            process.ended().await.with_context(|| place.name())?;
        }
        Ok(())
    }

    /// Which provider is the participant of a swap, and what it says of it.
    pub async fn participant(&self, swap: Id) -> Result<(Place, SwapStatus)> {
        for place in Place::PROVIDERS {
            let Ok(client) = self.client(place) else {
                // One that was killed has no swap that could be followed.
                continue;
            };
            if let Ok(status) = client.swap_show(swap).await {
                return Ok((place, status));
            }
        }
        bail!("no provider that runs knows swap {swap}")
    }

    /// What those with money have and paid, in the order of [`Place::TRADERS`]; all of them must run.
    pub async fn purses(&mut self) -> Result<Vec<Purse>> {
        for place in Place::TRADERS {
            let satoshi = self.balance(place, "BTC").await?.units();
            self.wallets.entry(place).or_default().satoshi = satoshi;
        }
        let wallets: Vec<_> = Place::TRADERS
            .iter()
            .filter_map(|place| self.wallets.get(place))
            .collect();
        self.daemons.purses(&wallets).await
    }

    /// Waits until all have what the swaps left them, less what they paid; an error with both figures if they never do.
    pub async fn balance_books(&mut self, before: Vec<Purse>, moved: &[Moved<'_>]) -> Result<TownBooks> {
        let deadline = Instant::now() + SETTLED;
        let names = Place::TRADERS.map(Place::name);
        loop {
            let after = self.purses().await?;
            let wrong = books::differences(self.ground.assets(), &names, [&before, &after], moved)?;
            if wrong.is_empty() {
                return Ok(TownBooks { before, after });
            }
            if Instant::now() > deadline {
                bail!("balances are not conserved: {}", wrong.join("; "));
            }
            tokio::time::sleep(BOOKS_POLL).await;
        }
    }

    /// Waits until every node that runs knows the roles of those of its neighbours that run.
    pub async fn met(&self) -> Result<()> {
        let deadline = Instant::now() + READY;
        for place in self.nodes.keys() {
            let expected = place.neighbours(self.map);
            let expected = expected
                .iter()
                .filter(|other| self.nodes.contains_key(other))
                .count();
            loop {
                let peers = self.client(*place)?.peers_list().await?;
                if peers.iter().filter(|peer| peer.role.is_some()).count() >= expected {
                    break;
                }
                if Instant::now() > deadline {
                    bail!(
                        "the {} has not met its {expected} neighbours within {} s, only {peers:?}",
                        place.name(),
                        READY.as_secs()
                    );
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Starts a node for the first time, connected to those that it is to have as peers, which run.
    async fn settle(&self, place: Place) -> Result<NodeProcess> {
        let listens = |place| -> Result<_> { Ok(NodeFile::load(&self.data(place))?.listen) };
        let peer = |peer: &Place| -> Result<_> {
            let first = listens(*peer)?.into_iter().next();
            first.context("a node listens")
        };
        let peers: Vec<_> = place.peers(self.map).iter().map(peer).collect::<Result<_>>()?;
        self.configure(place, |config| config.peers.extend(peers))?;
        let node = self.process(place).await?;
        // When it comes back it is to be found where others remember it.
        let plain = |address: &String| address.split("/p2p/").next().map(str::to_owned);
        let listen = listens(place)?.iter().filter_map(plain).collect();
        self.configure(place, |config| config.listen = listen)?;
        Ok(node)
    }

    fn config(&self, place: Place) -> Result<Config> {
        let mut config = self.daemons.config(NETWORK)?;
        config.role = place.role();
        config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        // The story shows paths: they know whom they name, and nobody is to find a shorter way.
        config.neighbours = 0;
        config.provider.prices = place.prices();
        if place.role() == NodeRole::Relay {
            // A relay moves no money: it needs no chain.
            config.chains.clear();
        }
        Ok(config)
    }

    async fn fund(&mut self, place: Place) -> Result<()> {
        let client = self.client(place)?;
        let bitcoin = client.wallet_address("BTC".to_owned()).await?.address;
        let owner = client.wallet_address("ETH".to_owned()).await?.address;
        self.daemons.fund(&bitcoin, &owner).await?;
        self.wallets.entry(place).or_default().owner = owner;
        Ok(())
    }

    async fn funded(&self, place: Place) -> Result<()> {
        let deadline = Instant::now() + READY;
        for asset in self.ground.assets().iter() {
            let least = if asset.symbol == "BTC" { BITCOIN_GIFT } else { 1 };
            while self.balance(place, &asset.symbol).await?.units() < least {
                if Instant::now() > deadline {
                    let (name, seconds) = (place.name(), READY.as_secs());
                    bail!("the {name} does not see its {} within {seconds} s", asset.symbol);
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// What a node says that it can spend of an asset.
    pub async fn balance(&self, place: Place, symbol: &str) -> Result<Amount> {
        let balances = self.client(place)?.wallet_balances().await?;
        self.ground.spendable(&balances, place.name(), symbol)
    }
}

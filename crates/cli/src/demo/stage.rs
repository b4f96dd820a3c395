//! Two funded nodes on the chains of a demo or of a test.

use super::daemons::Daemons;
use super::follow::{Follow, Tell};
use super::ground::{Ground, Purse, Wallet};
use super::memory::{HereNode, Memory};
use super::process::NodeProcess;
use super::story::Who;
use anyhow::{Result, bail};
use kofo_node::config::Config;
use kofo_node::rpc::types::{Id, SwapStatus};
use kofo_node::rpc::{NodeRpcClient, RpcClient, connect};
use kofo_primitives::Amount;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A fresh node has so long to see the money that it was given.
const FUNDED: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Two nodes. They and all they hold are gone when this is dropped.
pub struct Stage {
    ground: Ground,
    kofo: PathBuf,
    nodes: [Option<Node>; 2],
    wallets: [Wallet; 2],
    folder: TempDir,
    _miner: JoinSet<()>,
}

enum Node {
    Process(NodeProcess),
    Here(HereNode),
}

impl Stage {
    /// Two fresh nodes of a network in processes of their own, `kofo node` each, with money of every kind.
    pub async fn on_daemons(daemons: Arc<Daemons>, kofo: &Path, network: &str) -> Result<Self> {
        let config = daemons.config(network)?;
        Self::configured(daemons, kofo, [config.clone(), config]).await
    }

    /// As [`Stage::on_daemons`], each with a configuration of its own: the initiator's and the participant's.
    pub async fn configured(daemons: Arc<Daemons>, kofo: &Path, configs: [Config; 2]) -> Result<Self> {
        let mut stage = Self::empty(Ground::Daemons(Arc::clone(&daemons)), kofo, JoinSet::new())?;
        for (who, config) in Who::BOTH.into_iter().zip(&configs) {
            daemons.init(&stage.data(who), config)?;
            stage.start(who).await?;
        }
        for who in Who::BOTH {
            let client = stage.client(who)?;
            let bitcoin = client.wallet_address("BTC".to_owned()).await?.address;
            let owner = client.wallet_address("ETH".to_owned()).await?.address;
            daemons.fund(&bitcoin, &owner).await?;
            stage.wallets[who.index()].owner = owner;
        }
        let since = daemons.heights().await?;
        for wallet in &mut stage.wallets {
            wallet.since.clone_from(&since);
        }
        stage.funded().await?;
        Ok(stage)
    }

    /// Two fresh nodes in this process, on chains in memory.
    pub async fn in_memory() -> Result<Self> {
        let (memory, miner) = Memory::start()?;
        let mut stage = Self::empty(Ground::Memory(memory), Path::new(""), miner)?;
        for who in Who::BOTH {
            kofo_node::files::create_folder(&stage.data(who))?;
            stage.start(who).await?;
        }
        Ok(stage)
    }

    fn empty(ground: Ground, kofo: &Path, miner: JoinSet<()>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("kofo-stage-").tempdir()?;
        let (nodes, wallets) = ([None, None], Default::default());
        Ok(Self {
            ground,
            kofo: kofo.to_owned(),
            nodes,
            wallets,
            folder,
            _miner: miner,
        })
    }

    /// The chains.
    #[must_use]
    pub const fn ground(&self) -> &Ground {
        &self.ground
    }

    /// A node's data folder.
    #[must_use]
    pub fn data(&self, who: Who) -> PathBuf {
        self.folder.path().join(who.name())
    }

    /// A client of a node that runs.
    pub fn client(&self, who: Who) -> Result<RpcClient> {
        Ok(connect(&self.data(who))?)
    }

    /// Starts a node, or starts it again with what it has in its folder.
    pub async fn start(&mut self, who: Who) -> Result<()> {
        let data = self.data(who);
        let node = match &self.ground {
            Ground::Daemons(_) => Node::Process(NodeProcess::start(&self.kofo, &data).await?),
            Ground::Memory(memory) => Node::Here(HereNode::start(memory, who, &data).await?),
        };
        self.nodes[who.index()] = Some(node);
        Ok(())
    }

    /// Kills a node with -9; when this returns, it is gone.
    pub async fn kill(&mut self, who: Who) -> Result<()> {
        match self.nodes[who.index()].take() {
            Some(Node::Process(process)) => process.kill().await,
            Some(Node::Here(node)) => {
                node.kill().await;
                Ok(())
            }
            None => bail!("the {} does not run", who.name()),
        }
    }

    /// Asks a node to stop and waits until it has, in good order.
    pub async fn stop(&mut self, who: Who) -> Result<()> {
        self.client(who)?.node_stop().await?;
        match self.nodes[who.index()].take() {
            Some(Node::Process(process)) => process.ended().await,
            Some(Node::Here(node)) => {
                node.kill().await;
                Ok(())
            }
            None => bail!("the {} does not run", who.name()),
        }
    }

    /// The initiator makes an offer and the participant accepts it.
    pub async fn agree(&self, give: &str, want: &str) -> Result<SwapStatus> {
        let (give, want) = (vec![give.to_owned()], vec![want.to_owned()]);
        let offer = self.client(Who::Initiator)?.swap_offer(give, want, None).await?;
        Ok(self.client(Who::Participant)?.swap_accept(offer.uri).await?)
    }

    /// Follows a swap on both nodes.
    #[must_use]
    pub fn follow(&self, id: Id, pair: &str, tell: Tell) -> Follow {
        Follow::start(Who::BOTH.map(|who| self.data(who)), id, pair, tell)
    }

    /// What both nodes have and paid, by the chains; Bitcoin wallets by the word of nodes that both run.
    pub async fn purses(&mut self) -> Result<[Purse; 2]> {
        if let Ground::Daemons(_) = self.ground {
            for who in Who::BOTH {
                let satoshi = self.balance(who, "BTC").await?.units();
                self.wallets[who.index()].satoshi = satoshi;
            }
        }
        let [initiator, participant] = &self.wallets;
        self.ground.purses([initiator, participant]).await
    }

    /// What a node says that it can spend of an asset.
    pub async fn balance(&self, who: Who, symbol: &str) -> Result<Amount> {
        let balances = self.client(who)?.wallet_balances().await?;
        self.ground.spendable(&balances, who.name(), symbol)
    }

    /// Waits until both nodes see all that they were given.
    async fn funded(&self) -> Result<()> {
        let deadline = Instant::now() + FUNDED;
        let symbols: Vec<_> = self
            .ground
            .assets()
            .iter()
            .map(|asset| asset.symbol.clone())
            .collect();
        for who in Who::BOTH {
            for symbol in &symbols {
                let least = if symbol == "BTC" {
                    super::daemons::BITCOIN_GIFT
                } else {
                    1
                };
                while self.balance(who, symbol).await?.units() < least {
                    if Instant::now() > deadline {
                        bail!(
                            "the {} does not see its {symbol} within {} s",
                            who.name(),
                            FUNDED.as_secs()
                        );
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
        }
        Ok(())
    }
}

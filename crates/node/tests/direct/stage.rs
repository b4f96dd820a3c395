//! Two nodes, two chains that mine while somebody waits, and words to command them.

use kofo_adapter_api::ChainAdapter;
use kofo_journal::memory::{Disk, Memory};
use kofo_network::{Identity, PeerAddress, SimulatedNetwork, SimulatedNode, Transport};
use kofo_node::agree::{Agreement, Held};
use kofo_node::assets::{Asset, Assets};
use kofo_node::driver::Driver;
use kofo_node::engine::{Adapters, Engine};
use kofo_node::events::{EventLog, Followed, follow};
use kofo_node::journal::SharedJournal;
use kofo_node::limits::Limits;
use kofo_node::rpc::NodeApi;
use kofo_node::rpc::api::OfferTerms;
use kofo_node::rpc::types::{Id, OfferMade, OutcomeName, SwapStatus};
use kofo_node::service::Service;
use kofo_node::transfers::Transfers;
use kofo_primitives::*;
use kofo_settlement::{Margins, Pace, Policy};
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// Nothing in memory takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn asset(chain: &str) -> AssetId {
    AssetId::new(&format!("sim:{chain}/coin:{chain}")).unwrap()
}

/// Both assets, with six decimals.
pub(crate) fn assets() -> Assets {
    let one = |name: &str| Asset {
        symbol: name.to_uppercase(),
        id: asset(name),
        decimals: 6,
        freezable: false,
    };
    Assets::new(vec![one("one"), one("two")]).unwrap()
}

pub(crate) struct Stage {
    pub(crate) chains: Vec<SimChain>,
    pub(crate) network: SimulatedNetwork,
    pub(crate) maker: Node,
    pub(crate) taker: Node,
}

/// What outlives a crash of a node.
pub(crate) struct Owner {
    account: AccountId,
    seed: Seed,
    disk: Disk,
    net: Arc<SimulatedNode>,
    chains: Vec<SimChain>,
    network: NetworkId,
    pub(crate) limits: Limits,
}

pub(crate) struct Node {
    pub(crate) owner: Owner,
    pub(crate) service: Arc<Service>,
    pub(crate) transfers: Arc<Transfers>,
    pub(crate) agreement: Arc<Agreement>,
    pub(crate) events: Arc<EventLog>,
    engine: JoinHandle<()>,
    telling: JoinHandle<()>,
    rounds: JoinHandle<()>,
    peers: Option<JoinHandle<()>>,
}

impl Owner {
    /// The machine is lost: its seed is all that is left.
    pub(crate) fn wiped(mut self) -> Self {
        self.disk = Disk::new();
        self
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::of(["kofo-sim", "kofo-sim"])
    }

    /// Maker and taker with these limits.
    pub(crate) fn limited(limits: [Limits; 2]) -> Self {
        Self::made(["kofo-sim", "kofo-sim"], limits)
    }

    /// Maker and taker of these networks.
    pub(crate) fn of(networks: [&str; 2]) -> Self {
        Self::made(networks, [Limits::default(), Limits::default()])
    }

    fn made(networks: [&str; 2], limits: [Limits; 2]) -> Self {
        let clock = kofo_node::clock::now();
        let chain = |name: &str| {
            SimChain::new(
                ChainId::new(&format!("sim:{name}")).unwrap(),
                [asset(name)],
                clock,
            )
        };
        let chains = vec![chain("one"), chain("two")];
        for (chain, name) in chains.iter().zip(["one", "two"]) {
            for account in [1, 2] {
                (0..3).for_each(|_| chain.fund(AccountId(account), &asset(name), Amount::new(5_000_000)));
            }
            chain.mine(2);
        }
        let network = SimulatedNetwork::new(1);
        let [maker, taker] = [0u8, 1].map(|n| {
            let (net, inbound) = network.join(&Identity::generate(), kofo_network::Limits::default());
            let owner = Owner {
                account: AccountId(u32::from(n) + 1),
                seed: Seed::new([n + 1; 64]),
                disk: Disk::new(),
                net: Arc::new(net),
                chains: chains.clone(),
                network: NetworkId::new(networks[usize::from(n)]).unwrap(),
                limits: limits[usize::from(n)].clone(),
            };
            let mut node = Node::start(owner);
            let agreement = Arc::clone(&node.agreement);
            node.peers = Some(tokio::spawn(async move { agreement.serve(inbound).await }));
            node
        });
        Self {
            chains,
            network,
            maker,
            taker,
        }
    }

    /// Lets blocks come until it is so.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                for chain in &self.chains {
                    chain.advance(Seconds(1));
                    chain.mine(1);
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("expected {what}"))
    }

    /// Waits until the swap is over for a node; how.
    pub(crate) async fn outcome(&self, node: &Node, id: Id) -> SwapStatus {
        self.until("the end of the swap", async || {
            Some(node.service.show(id).await.unwrap()).filter(|s| s.outcome.is_some())
        })
        .await
    }

    pub(crate) async fn both_redeem(&self, id: Id) {
        for node in [&self.maker, &self.taker] {
            let status = self.outcome(node, id).await;
            assert_eq!(status.outcome, Some(OutcomeName::Redeemed), "{status:#?}");
        }
    }

    /// What an account has of an asset, 15,000,000 being what it had.
    pub(crate) fn balance(&self, account: u32, name: &str) -> u128 {
        let chain = self
            .chains
            .iter()
            .find(|c| *c.id() == asset(name).chain())
            .unwrap();
        chain.balance(AccountId(account), &asset(name)).units()
    }
}

impl Node {
    pub(crate) fn start(owner: Owner) -> Self {
        let adapters: Adapters = owner
            .chains
            .iter()
            .map(|chain| {
                let adapter: Arc<dyn ChainAdapter> = Arc::new(SimAdapter::new(chain.clone(), owner.account));
                (chain.id().clone(), adapter)
            })
            .collect();
        let journal = SharedJournal::new(Memory::open(&owner.disk).unwrap());
        let driver = Driver::open(journal.clone()).unwrap();
        let (engine, asks, running) = Engine::start(driver, &adapters);
        let paces: BTreeMap<_, _> = adapters.keys().map(|id| (id.clone(), Pace::REGTEST)).collect();
        let secret = owner.seed.node_secret("kofo/node/v1", &owner.network);
        let agreement = Arc::new(Agreement {
            network: owner.network.clone(),
            key: NodeKey::new(secret.expose()).unwrap(),
            seed: owner.seed.clone(),
            signer: kofo_node::signer::local(&owner.seed),
            policy: Policy {
                paces: paces.clone(),
                margins: Margins::REGTEST,
            },
            depths: paces.keys().map(|id| (id.clone(), 2)).collect(),
            adapters,
            light_most: BTreeMap::new(),
            engine,
            transport: Arc::clone(&owner.net) as Arc<dyn Transport>,
            one_at_a_time: Mutex::new(()),
            limits: Arc::new(owner.limits.clone()),
            held: Held::default(),
        });
        let assets = assets();
        let events = Arc::new(EventLog::open(journal.clone(), kofo_node::clock::now_ms()).unwrap());
        let followed = Followed {
            engine: agreement.engine.clone(),
            market: None,
            assets: assets.clone(),
        };
        let telling = tokio::spawn(follow(Arc::clone(&events), followed));
        let transfers = Arc::new(Transfers::new(Arc::clone(&agreement), journal));
        let service = Service::new(Arc::clone(&agreement), assets, watch::channel(false).0)
            .with_transfers(Arc::clone(&transfers));
        let rounds = tokio::spawn(Arc::clone(&agreement).cooperate(asks));
        let engine = tokio::spawn(async move { running.await.expect("the journal in memory does not fail") });
        Self {
            owner,
            service: Arc::new(service),
            transfers,
            agreement,
            events,
            engine,
            telling,
            rounds,
            peers: None,
        }
    }

    /// The process dies; what was journaled is left.
    pub(crate) async fn die(self) -> Owner {
        self.telling.abort();
        let _aborted = self.telling.await;
        self.rounds.abort();
        let _aborted = self.rounds.await;
        self.engine.abort();
        let _aborted = self.engine.await;
        if let Some(peers) = self.peers {
            peers.abort();
            let _aborted = peers.await;
        }
        self.owner
    }

    pub(crate) async fn offer(&self, give: (&str, u128), want: (&str, u128)) -> OfferMade {
        let leg = |(name, units)| vec![(asset(name), Amount::new(units))];
        let terms = OfferTerms {
            give: leg(give),
            want: leg(want),
            expires_in: Seconds(600),
        };
        self.service.offer(terms).await.unwrap()
    }

    /// How many records of others it keeps that came from this node.
    pub(crate) async fn keeps_of(&self, other: &Node) -> usize {
        let peer = other.owner.net.peer_id().to_string();
        let look =
            move |core: &mut kofo_node::engine::Core| core.driver.records_of(&peer, None).records.len();
        self.agreement.engine.call(look).await.unwrap()
    }

    pub(crate) fn address(&self) -> PeerAddress {
        self.owner.net.address()
    }

    /// How many swaps and offers it knows.
    pub(crate) async fn known(&self) -> usize {
        let page = kofo_node::rpc::api::Page {
            skip: 0,
            limit: 100,
            live_only: false,
        };
        self.service.list(page).await.unwrap().swaps.len()
    }
}

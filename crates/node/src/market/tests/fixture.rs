//! Nodes to trade with.

use super::super::*;
use crate::assets::Asset;
use crate::rpc::api::ClaimTerms;
use crate::rpc::types::{ClaimState, ClaimStatus, QuoteState};
use kofo_journal::faulty::{Fault, Faulty, Syncs};
use kofo_journal::memory::{Disk, Memory};
use kofo_network::{Identity, Limits, SimulatedNetwork};
use kofo_primitives::{Amount, AssetId, FulfilId, Hashlock, Role, Seconds, SwapId};
use std::time::Instant;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

pub(super) fn assets() -> Assets {
    let asset = |symbol: &str, decimals| Asset {
        symbol: symbol.into(),
        id: AssetId::new(&format!("sim:{0}/coin:{0}", symbol.to_lowercase())).unwrap(),
        decimals,
        freezable: false,
    };
    Assets::new(vec![asset("BTC", 8), asset("ETH", 18)]).unwrap()
}

/// A provider that sells ETH for BTC at this price.
pub(super) fn sells(price: &str) -> ProviderConfig {
    let line = PriceLine {
        pair: "BTC/ETH".into(),
        price: price.into(),
        spread_bps: 0,
        least: "0.001".into(),
        most: "10".into(),
        as_of_ms: None,
    };
    ProviderConfig {
        prices: vec![line],
        ..ProviderConfig::default()
    }
}

/// One BTC for at least 10 ETH.
pub(super) fn terms() -> ClaimTerms {
    let assets = assets();
    ClaimTerms {
        give: assets.parse("1btc").unwrap(),
        want: assets.parse("10eth").unwrap(),
        partial: None,
        expires_in: Seconds(60),
        max_hops: 8,
        hide_limit: false,
        manual: false,
        pay_to: None,
        fee: None,
    }
}

pub(super) fn manual() -> ClaimTerms {
    ClaimTerms {
        manual: true,
        ..terms()
    }
}

/// Quick enough for tests.
pub(super) fn quick() -> Timing {
    Timing {
        window: Duration::from_millis(300),
        answer: Duration::from_millis(2_500),
        repeat: Duration::from_millis(300),
        tick: Duration::from_millis(20),
        beacon: Duration::from_millis(300),
        listing: Duration::from_secs(1),
    }
}

/// How one node is to be.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) number: u8,
    /// Whose keys it has, by the number of that node.
    pub(super) seed: u8,
    pub(super) role: NodeRole,
    pub(super) provider: ProviderConfig,
    pub(super) data: PathBuf,
    pub(super) timing: Timing,
    pub(super) disk: Disk,
    /// Its journal fails so.
    pub(super) fault: Option<Fault>,
    /// The clearance layer, if it knows one.
    pub(super) town: Option<super::town::Town>,
}

pub(super) struct Node {
    pub(super) plan: Plan,
    pub(super) net: SimulatedNetwork,
    pub(super) peer: PeerId,
    pub(super) market: Arc<Market>,
    pub(super) settles: Arc<SimulatedSettlement>,
    pub(super) syncs: Syncs,
    /// What it knew at its start, before anything happened: its selections, and its own quotes.
    pub(super) selected: Vec<Hashlock>,
    pub(super) stands_by: Vec<FulfilId>,
    task: Running,
}

/// Ends with its owner.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn plan(number: u8, role: NodeRole) -> Plan {
    Plan {
        number,
        seed: number,
        role,
        provider: ProviderConfig::default(),
        data: PathBuf::new(),
        timing: quick(),
        disk: Disk::new(),
        fault: None,
        town: None,
    }
}

impl Node {
    pub(super) fn start(net: &SimulatedNetwork, plan: Plan) -> Self {
        let settles = Arc::new(SimulatedSettlement::new());
        Self::start_with(net, plan, settles)
    }

    pub(super) fn start_with(net: &SimulatedNetwork, plan: Plan, settles: Arc<SimulatedSettlement>) -> Self {
        let identity = Identity::from_secret(Zeroizing::new([plan.number; 32]));
        let (mesh, _inbound, events) = net.join_mesh(&identity, Limits::default());
        let parts = MarketParts {
            network: NetworkId::new("kofo-sim").unwrap(),
            role: plan.role,
            seed: Seed::new([plan.seed; 64]),
            assets: assets(),
            provider: plan.provider.clone(),
            data: plan.data.clone(),
            mesh: Arc::new(mesh),
            settles: Arc::clone(&settles) as _,
            timing: plan.timing,
            clearing: None,
            paid: true,
        };
        let journal = Memory::open(&plan.disk).expect("the former node is gone");
        let journal = match plan.fault {
            Some(fault) => Faulty::new(journal, fault),
            None => Faulty::sound(journal),
        };
        let syncs = journal.syncs();
        let journal = SharedJournal::new(journal);
        let key = crate::run::node_key(&parts.seed, &parts.network);
        let clearing = plan.town.as_ref().map(|town| town.client(key, journal.clone()));
        let parts = MarketParts { clearing, ..parts };
        let market = Market::open(parts, journal).unwrap();
        let (selected, stands_by) = known(&market.state());
        let task = Running(tokio::spawn(Arc::clone(&market).run(events)));
        Self {
            peer: identity.peer_id(),
            net: net.clone(),
            selected,
            stands_by,
            syncs,
            plan,
            market,
            settles,
            task,
        }
    }

    /// Ends as by a crash: what is not in the journal is lost.
    pub(super) async fn stop(self) -> (SimulatedNetwork, Plan, Arc<SimulatedSettlement>) {
        let Self {
            net,
            plan,
            market,
            settles,
            mut task,
            ..
        } = self;
        task.0.abort();
        drop((&mut task.0).await);
        drop(market);
        until("the journal is free", || Memory::open(&plan.disk).is_ok()).await;
        (net, plan, settles)
    }

    pub(super) async fn restart(self) -> Self {
        let (net, plan, settles) = self.stop().await;
        Self::start_with(&net, plan, settles)
    }

    pub(super) fn claims(&self) -> Vec<ClaimStatus> {
        self.market.claim_statuses()
    }

    pub(super) fn status(&self, id: &ClaimId) -> ClaimStatus {
        self.market.claim_status(id).unwrap()
    }

    /// Makes a claim, as soon as there is a neighbour that takes it.
    pub(super) async fn claim(&self, terms: ClaimTerms) -> ClaimId {
        // One that is started again may leave between the look and the claim.
        loop {
            until("a neighbour", || self.market.state().links.anybody()).await;
            match self.market.claim(terms.clone()).await {
                Err(MarketError::Alone) => {}
                made => return made.unwrap(),
            }
        }
    }

    /// A claim by hand with so many quotes.
    pub(super) async fn quoted(&self, quotes: usize) -> ClaimId {
        self.quoted_for(manual(), quotes).await
    }

    pub(super) async fn quoted_for(&self, terms: ClaimTerms, quotes: usize) -> ClaimId {
        let id = self.claim(terms).await;
        until("quotes", || self.open_quotes(&id).len() >= quotes).await;
        id
    }

    /// The quotes that can be selected, best first.
    pub(super) fn open_quotes(&self, id: &ClaimId) -> Vec<kofo_primitives::FulfilId> {
        let quotes = self.status(id).quotes.into_iter();
        let open = quotes.filter(|quote| quote.state == QuoteState::Open);
        open.map(|quote| kofo_primitives::FulfilId::new(quote.fulfil.0))
            .collect()
    }

    /// The orders that began here, which must all be of this role.
    pub(super) fn orders(&self, role: Role) -> Vec<SwapId> {
        let begun = self.settles.begun();
        assert!(begun.iter().all(|(_, is)| *is == role), "each began as {role:?}");
        begun.iter().map(|(order, _)| order.id()).collect()
    }

    /// How many quotes of its own it remembers.
    pub(super) fn own_quotes(&self) -> usize {
        let state = self.market.state();
        state
            .dealing
            .as_ref()
            .map_or(0, |dealing| quotes::ids(dealing).len())
    }

    pub(super) fn bond(&self) -> String {
        self.market.bond.id().to_string()
    }

    pub(super) async fn ends(&self, id: &ClaimId, state: ClaimState) {
        until("the claim ends", || self.status(id).state == state).await;
    }
}

fn known(state: &State) -> (Vec<Hashlock>, Vec<FulfilId>) {
    let entries = state.claims.iter();
    let selections = entries.flat_map(|(_, entry)| entry.own.selections());
    let selected = selections.map(|s| s.select.body.hashlock).collect();
    let dealing = state.dealing.as_ref();
    (selected, dealing.map(quotes::ids).unwrap_or_default())
}

/// Polls for a condition.
pub(super) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !condition() {
        assert!(Instant::now() < deadline, "in 90 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Nodes that are neighbours in a row.
pub(super) fn row(net: &SimulatedNetwork, nodes: &[&Node]) {
    for pair in nodes.windows(2) {
        net.link(pair[0].peer, pair[1].peer);
    }
}

pub(super) fn provider(number: u8, price: &str) -> Plan {
    Plan {
        provider: sells(price),
        ..plan(number, NodeRole::Provider)
    }
}

/// A wallet, so many relays in a row behind it, and providers behind the last of them.
pub(super) struct Street {
    pub(super) net: SimulatedNetwork,
    pub(super) wallet: Node,
    pub(super) relays: Vec<Node>,
    pub(super) providers: Vec<Node>,
}

impl Street {
    pub(super) fn new(relays: u8, providers: Vec<Plan>) -> Self {
        Self::with(relays, providers, |_| ())
    }

    /// The same, with each plan altered.
    pub(super) fn with(relays: u8, providers: Vec<Plan>, alter: impl Fn(&mut Plan)) -> Self {
        let net = SimulatedNetwork::new(1);
        let start = |mut plan: Plan| {
            alter(&mut plan);
            Node::start(&net, plan)
        };
        let wallet = start(plan(1, NodeRole::Wallet));
        let relays: Vec<_> = (0..relays)
            .map(|n| start(plan(10 + n, NodeRole::Relay)))
            .collect();
        let providers: Vec<_> = providers.into_iter().map(start).collect();
        let line: Vec<_> = std::iter::once(&wallet).chain(&relays).collect();
        row(&net, &line);
        let last = line.last().unwrap().peer;
        for provider in &providers {
            net.link(last, provider.peer);
        }
        Self {
            net,
            wallet,
            relays,
            providers,
        }
    }
}

pub(super) fn units(text: &str) -> Amount {
    assets().parse(text).unwrap().1
}

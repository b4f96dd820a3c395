//! One node of the exchange: its market over any mesh, with a settlement that needs no chains.

use super::reachable::Reachable;
use kofo_journal::memory::{Disk, Memory};
use kofo_network::{Inbound, Mesh, MeshInbound, PeerId};
use kofo_node::assets::{Asset, Assets};
use kofo_node::config::{NodeRole, ProviderConfig};
use kofo_node::journal::SharedJournal;
use kofo_node::market::{Market, MarketParts, PriceLine, SimulatedSettlement, Timing};
use kofo_node::rpc::api::ClaimTerms;
use kofo_primitives::{Amount, AssetId, Contact, MAX_HOPS, NetworkId, Seconds, Seed, tagged_hash};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The network of all of them.
pub const NETWORK: &str = "kofo-mesh";

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What it does for others.
    pub role: NodeRole,
    /// What it deals in, as a provider.
    pub prices: Vec<PriceLine>,
    /// How long it waits for what.
    pub timing: Timing,
    /// Everything secret of it comes from this; two nodes never share one.
    pub secret: u64,
}

impl Wish {
    /// A node that relays.
    #[must_use]
    pub fn relay(secret: u64) -> Self {
        Self {
            role: NodeRole::Relay,
            prices: Vec::new(),
            timing: Timing::default(),
            secret,
        }
    }

    /// A node that issues claims and nothing else.
    #[must_use]
    pub fn wallet(secret: u64) -> Self {
        Self {
            role: NodeRole::Wallet,
            ..Self::relay(secret)
        }
    }

    /// A provider that gives so many ETH for a BTC, from 0.001 to `most` BTC at a time.
    #[must_use]
    pub fn provider(secret: u64, price: &str, most: &str) -> Self {
        let price = PriceLine {
            pair: "BTC/ETH".to_owned(),
            price: price.to_owned(),
            spread_bps: 0,
            least: "0.001".to_owned(),
            most: most.to_owned(),
            as_of_ms: None,
        };
        Self {
            role: NodeRole::Provider,
            prices: vec![price],
            ..Self::relay(secret)
        }
    }
}

/// A node at work, until it is dropped.
pub struct Member {
    /// Its name on the network.
    pub peer: PeerId,
    /// What it does for others.
    pub role: NodeRole,
    /// Its market.
    pub market: Arc<Market>,
    /// What it has settled.
    pub settled: Arc<SimulatedSettlement>,
    /// What it has on disk.
    pub journal: SharedJournal,
    runs: JoinHandle<()>,
    _direct: Inbound,
}

impl Member {
    /// Starts it.
    pub fn start(mesh: Arc<dyn Mesh>, (direct, inbound): (Inbound, MeshInbound), wish: Wish) -> Self {
        let mut seed = [0; 64];
        let half = tagged_hash("member", &[&wish.secret.to_le_bytes()]);
        seed[..32].copy_from_slice(&half);
        seed[32..].copy_from_slice(&half);
        let journal = SharedJournal::new(Memory::open(&Disk::new()).unwrap());
        let settled = Arc::new(SimulatedSettlement::new());
        let (peer, role) = (mesh.peer_id(), wish.role);
        let settles = Reachable {
            inner: settled.clone(),
            contact: Contact::new(&format!("/dns/{}.example.org/tcp/4001/p2p/{peer}", wish.secret)).unwrap(),
        };
        let parts = MarketParts {
            network: network(),
            role,
            seed: Seed::new(seed),
            assets: assets(),
            provider: ProviderConfig {
                prices: wish.prices,
                ..ProviderConfig::default()
            },
            data: PathBuf::new(),
            mesh,
            settles: Arc::new(settles),
            timing: wish.timing,
            clearing: None,
            paid: false,
        };
        let market = Market::open(parts, journal.clone()).unwrap();
        Self {
            peer,
            role,
            runs: tokio::spawn(Arc::clone(&market).run(inbound)),
            market,
            settled,
            journal,
            _direct: direct,
        }
    }

    /// Whether that neighbour has said hello.
    #[must_use]
    pub fn knows(&self, peer: PeerId) -> bool {
        self.knows_all(&[peer])
    }

    /// Whether all of these have.
    #[must_use]
    pub fn knows_all(&self, peers: &[PeerId]) -> bool {
        let said = self.market.peers().into_iter().filter(|one| one.role.is_some());
        let said: BTreeSet<String> = said.map(|one| one.peer).collect();
        peers.iter().all(|peer| said.contains(&peer.to_string()))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

/// The network's name.
#[must_use]
pub fn network() -> NetworkId {
    NetworkId::new(NETWORK).unwrap()
}

/// What all of them deal in.
#[must_use]
pub fn assets() -> Assets {
    let asset = |symbol: &str, decimals| Asset {
        symbol: symbol.to_owned(),
        id: asset_id(symbol),
        decimals,
        freezable: false,
    };
    Assets::new(vec![asset("BTC", 8), asset("ETH", 18)]).unwrap()
}

/// `BTC` or `ETH`.
#[must_use]
pub fn asset_id(symbol: &str) -> AssetId {
    let name = symbol.to_lowercase();
    AssetId::new(&format!("sim:{name}/coin:{name}")).unwrap()
}

/// A claim for `amount` satoshi of BTC at 15 ETH or more each, of which the owner selects a quote by hand.
#[must_use]
pub fn terms(amount: u128) -> ClaimTerms {
    const WEI_PER_SATOSHI: u128 = 15 * 10_000_000_000;
    ClaimTerms {
        give: (asset_id("BTC"), Amount::new(amount)),
        want: (asset_id("ETH"), Amount::new(amount * WEI_PER_SATOSHI)),
        partial: None,
        expires_in: Seconds(120),
        max_hops: MAX_HOPS,
        fee: None,
        hide_limit: false,
        manual: true,
        pay_to: None,
    }
}

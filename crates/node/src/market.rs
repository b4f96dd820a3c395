//! The exchange layer at work: claims, quotes and selections between this node and its neighbours.
//!
//! What is decided is decided by `kofo-exchange`, which knows no clock and no wire; what is settled, by [`Settles`]. Here
//! is what lies between: who the neighbours are, what is durable before what leaves, and what time brings. All of the
//! market's state is under one lock, which nobody holds while waiting for anything.
//!
//! **Durable before it leaves:** a claim of ours before it is sent; a quote, with its nonce and reservation, before its
//! fulfil; a selection before it is sent, and that it was answered before its swap begins; a swap before its yes. The
//! relay's guards follow within a second.

mod bond;
mod claims;
mod clear;
mod committed;
mod error;
mod feeds;
mod forward;
mod gossip;
mod history;
mod import;
mod inbound;
mod known;
mod ledger;
mod lines;
mod links;
mod pair;
mod prices;
mod quotes;
mod reached;
mod reserve;
mod run;
mod settles;
mod show;
mod simulated;
mod source;

pub use claims::{MAX_CLAIMS, MAX_LIVE_CLAIMS};
pub use error::MarketError;
pub use import::{BookSide, MAX_BOOK_BYTES, MAX_BOOK_ORDERS, OrderLine};
pub use kofo_clearance::Certified;
pub use ledger::LedgerError;
pub use lines::{BadLine, Lines, MAX_LINE};
pub use prices::{LineError, MAX_FED_PRICES, MAX_PRICE_BYTES, PriceLine, PriceRow};
pub use settles::{Drafted, Opened, Settles, may_begin};
pub use simulated::SimulatedSettlement;
pub use source::SourceError;

use crate::assets::Assets;
use crate::clearing::{Clearing, ledger_assets};
use crate::clock::now_ms;
use crate::config::{NodeRole, ProviderConfig};
use crate::journal::SharedJournal;
use claims::Claims;
use gossip::Maker;
use history::History;
use known::Counted;
use kofo_exchange::{
    Board, BoardBounds, Guards, Link, Payee, Received, Relay, RelayConfig, Reliability, ReturnMessage,
    SelectEnvelope,
};
use kofo_network::{Mesh, PeerId, Plane};
use kofo_primitives::{ClaimId, Mode, NetworkId, NodeId, NodeKey, Seed};
use ledger::Ledger;
use links::Links;
use quotes::Dealing;
use reserve::Reserve;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Jobs that wait; what finds no room is asked for again by whoever wants it.
const WAITING_JOBS: usize = 1_024;
/// Claims that wait to be quoted for. They have a queue of their own, so that whoever sends many holds up no selection.
const WAITING_OFFERS: usize = 128;
/// Where the journal has the relay's guards.
const GUARDS_PLACE: &str = "market/guards";

/// How long the market waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Quotes of a claim are collected so long before the first is selected.
    pub window: Duration,
    /// A selection without an answer is given up after so long.
    pub answer: Duration,
    /// It is sent again after so long.
    pub repeat: Duration,
    /// How often the market looks what time has brought.
    pub tick: Duration,
    /// Between two beacons of a pair.
    pub beacon: Duration,
    /// Between two listings of an asset.
    pub listing: Duration,
}

impl Default for Timing {
    /// The protocol's: 3 s, 10 s, 2 s, 200 ms, 10 s, 1 h.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(3),
            answer: Duration::from_secs(10),
            repeat: Duration::from_secs(2),
            tick: Duration::from_millis(200),
            beacon: Duration::from_secs(10),
            listing: Duration::from_secs(3_600),
        }
    }
}

/// What a market is made of.
pub struct MarketParts {
    /// Our network.
    pub network: NetworkId,
    /// What we do for others.
    pub role: NodeRole,
    /// What all keys come from.
    pub seed: Seed,
    /// The assets that we know.
    pub assets: Assets,
    /// What we deal in, if we are a provider.
    pub provider: ProviderConfig,
    /// The data folder, to which files of prices and books are relative.
    pub data: PathBuf,
    /// Our neighbours.
    pub mesh: Arc<dyn Mesh>,
    /// The settlement side.
    pub settles: Arc<dyn Settles>,
    /// How long to wait.
    pub timing: Timing,
    /// The clearance layer; without it all that has a fee is refused.
    pub clearing: Option<Arc<Clearing>>,
    /// Whether our account is named where we relay cleared claims.
    pub paid: bool,
}

/// What is done beside the lock.
enum Work {
    /// Say hello to a neighbour.
    Hello(PeerId),
    /// Answer a selection of a quote of ours, which that neighbour brought.
    Chosen(PeerId, Box<SelectEnvelope>),
    /// Select quotes for a claim of ours.
    Pick(ClaimId),
    /// Begin the swaps of a claim of ours.
    Begin(ClaimId),
    /// See which selections of a claim of ours are final.
    Clear(ClaimId),
    /// See which swaps have ended.
    Outcomes,
}

/// All that changes.
struct State {
    links: Links,
    relay: Relay,
    claims: Claims,
    /// A provider's.
    dealing: Option<Dealing>,
    board: Board,
    history: History,
    /// How reliable providers are by the clearance layer.
    counted: Counted,
    /// What is wrong with which source of prices or orders.
    troubles: BTreeMap<String, String>,
    guards_changed: bool,
    /// A job looks at outcomes.
    looking: bool,
}

/// One node's part in the market.
pub struct Market {
    parts: MarketParts,
    /// By which we vouch for reservations.
    bond: NodeKey,
    /// By which we list what we deal in; it says nothing of who we are.
    listing_key: NodeKey,
    state: Mutex<State>,
    ledger: Ledger,
    changed: watch::Sender<u64>,
    work: mpsc::Sender<Work>,
    offers: mpsc::Sender<Received>,
    jobs: Mutex<Option<run::Jobs>>,
    started_ms: u64,
}

impl Market {
    /// A market that goes on where the journal stands. Nothing happens before [`Market::run`].
    pub fn open(parts: MarketParts, journal: SharedJournal) -> Result<Arc<Self>, MarketError> {
        let now_ms = now_ms();
        let bond = crate::run::node_key(&parts.seed, &parts.network);
        let listing_key = parts.seed.listing_key(&parts.network);
        let (ledger, writer) = Ledger::new(journal);
        let relay = RelayConfig::new(parts.network.clone(), random()?);
        let mut relay = Relay::new(RelayConfig {
            paid: payee(&parts, &bond),
            ..relay
        });
        if let Some(guards) = ledger.get(GUARDS_PLACE)? {
            let guards: Guards =
                borsh::from_slice(&guards).map_err(|_| MarketError::Stored(GUARDS_PLACE.to_owned()))?;
            relay.restore(guards);
        }
        let dealing = match parts.role {
            NodeRole::Provider => Some(dealing(&parts, &ledger, now_ms)?),
            NodeRole::Wallet | NodeRole::Relay => None,
        };
        let claims = Claims::read(ledger.scan(claims::PLACE)?, now_ms)?;
        for (_, entry) in claims.iter() {
            entry.hold(parts.settles.as_ref());
        }
        let state = State {
            links: Links::default(),
            relay,
            claims,
            dealing,
            board: Board::new(parts.network.clone(), BoardBounds::default()),
            history: History::read(ledger.scan(history::PLACE)?)?,
            counted: Counted::default(),
            troubles: BTreeMap::new(),
            guards_changed: false,
            looking: false,
        };
        let (work, inbox) = mpsc::channel(WAITING_JOBS);
        let (offers, claims_in) = mpsc::channel(WAITING_OFFERS);
        Ok(Arc::new(Self {
            parts,
            bond,
            listing_key,
            state: Mutex::new(state),
            ledger,
            changed: watch::Sender::new(0),
            work,
            offers,
            jobs: Mutex::new(Some(run::Jobs::new(inbox, claims_in, writer))),
            started_ms: now_ms,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked was a bug; what the state owes is in the journal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; without room it is lost, and whoever needs it asks again.
    fn queue(&self, work: Work) {
        if self.work.try_send(work).is_err() {
            tracing::warn!("too many jobs of the market wait: one is dropped");
        }
    }

    /// Queues a claim to be quoted for; without room it is not.
    fn consider(&self, received: Received) {
        if self.offers.try_send(received).is_err() {
            tracing::debug!("too many claims wait to be quoted for: one is passed over");
        }
    }

    fn tell_change(&self) {
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Notes what is wrong with a source, or that nothing is any more.
    fn trouble(&self, source: &str, what: Option<String>) {
        let mut state = self.state();
        let before = state.troubles.get(source);
        if before == what.as_ref() {
            return;
        }
        match what {
            Some(what) => {
                tracing::warn!(source, what, "a source of prices or orders");
                state.troubles.insert(source.to_owned(), what);
            }
            None => {
                tracing::info!(source, "a source of prices or orders is well again");
                state.troubles.remove(source);
            }
        }
    }

    /// Changes whenever a claim may have changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What we do for others.
    #[must_use]
    pub const fn role(&self) -> NodeRole {
        self.parts.role
    }
}

impl State {
    /// The link of a neighbour that has said hello.
    fn linked(&self, peer: PeerId) -> Option<Link> {
        let known = self.links.known(peer)?;
        known.role.map(|_| known.link)
    }

    fn send_back(&self, to: Link, message: ReturnMessage) {
        let peer = self.links.peer(to);
        let sent = peer.is_some_and(|peer| self.links.send(peer, Plane::Return, message.write()));
        if !sent {
            tracing::debug!("a message back is lost: its neighbour left, or too many wait");
        }
    }

    /// How reliable a provider is, for claims of that mode: by our own count, or by everybody's.
    fn reliability(&self, mode: Mode, bond: &NodeId) -> Reliability {
        match mode {
            Mode::P2P => self.history.of(bond),
            Mode::Cleared => self.counted.of(bond),
        }
    }

    /// The neighbour with that pseudonym for a claim.
    fn neighbour_named(&self, claim: &ClaimId, pseudonym: &NodeId) -> Option<PeerId> {
        let named = |known: &&links::Known| {
            known.theirs.and_then(|base| base.pseudonym(claim)).as_ref() == Some(pseudonym)
        };
        let found = self.links.iter().find(|(_, known)| named(known));
        found.map(|(peer, _)| *peer)
    }
}

/// How we are paid where we relay.
fn payee(parts: &MarketParts, account: &NodeKey) -> Option<Payee> {
    let clearing = parts.clearing.as_ref().filter(|_| parts.paid)?;
    let secret = parts.seed.node_secret("kofo/payee/v1", &parts.network);
    Some(Payee {
        account: account.id(),
        validators: clearing.genesis().seal_key,
        secret: *secret.expose(),
    })
}

/// What stands behind a provider's quotes to cleared claims.
fn reserve(parts: &MarketParts) -> Result<Option<Reserve>, MarketError> {
    let (Some(config), Some(clearing)) = (&parts.provider.reserve, &parts.clearing) else {
        return Ok(None);
    };
    let genesis = clearing.genesis();
    let ledger = ledger_assets(genesis);
    Reserve::new(config, (genesis, &ledger), &parts.assets).map(Some)
}

/// A provider with what the journal has of it.
fn dealing(parts: &MarketParts, ledger: &Ledger, now_ms: u64) -> Result<Dealing, MarketError> {
    let reserve = reserve(parts)?;
    let mut dealing = Dealing::new(&parts.provider, &parts.assets, (Maker::new()?, reserve))?;
    let snapshot = ledger.get(quotes::PROVIDER_PLACE)?;
    let kept = ledger.scan(quotes::PLACE)?;
    dealing.restore(kept, snapshot.as_ref().map(|value| value.as_slice()))?;
    for (quote, until_ms) in dealing.held(now_ms) {
        let (claim, opening) = quote.parts();
        parts.settles.hold(claim, opening, until_ms);
        if let Some(promised) = quote.promised() {
            parts.settles.promise(claim, promised, until_ms);
        }
    }
    Ok(dealing)
}

fn random<const N: usize>() -> Result<[u8; N], MarketError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| MarketError::Random(e.to_string()))?;
    Ok(bytes)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

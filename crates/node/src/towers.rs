//! The towers of this node: which they are, and that each has what it needs for every swap that goes on.
//!
//! Nothing of what was entrusted is remembered over a restart: it is computed anew and given again, and a tower takes
//! the same swap as often as it comes.

mod deliver;
mod draft;
mod due;
mod records;

pub use draft::Draft;
pub use due::Due;

use crate::agree::Agreement;
use crate::journal::SharedJournal;
use crate::rpc::types::TowerStatus;
use crate::rpc::{ApiError, ApiErrorKind};
use kofo_journal::Journal;
use kofo_network::{AddressError, PeerAddress, PeerId, RequestError};
use kofo_primitives::{CodecError, SwapId};
use kofo_tower::{Ask, Request, Response, Standing};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A node has at most so many towers.
pub const MAX_TOWERS: usize = 8;
/// Names in the journal's side table begin so.
const PLACE: &str = "towers/";

/// Why a tower was not spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TowerTrouble {
    /// It cannot be reached.
    #[error("the tower cannot be asked: {0}")]
    Network(#[from] RequestError),
    /// It is none.
    #[error("that is no tower of ours, or of another version: {0}")]
    NoTower(#[from] CodecError),
    /// It answers something else than was asked.
    #[error("the tower gave another answer than was asked for")]
    OtherAnswer,
    /// It says no.
    #[error("the tower refused: {0}")]
    Refused(String),
}

/// Why the list of towers does not change.
#[derive(Debug, thiserror::Error)]
pub enum TowersError {
    /// Not an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Too many.
    #[error("there are {MAX_TOWERS} towers already: remove one with `kofo tower remove`")]
    TooMany,
    /// No such tower.
    #[error("no tower {0}: see `kofo tower list`")]
    Unknown(String),
    /// It does not answer as a tower does.
    #[error(transparent)]
    Trouble(#[from] TowerTrouble),
    /// The journal.
    #[error("the journal failed: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What the journal has is no address.
    #[error("{0} in the journal is not where a tower is: use the version that wrote it, or report this")]
    Stored(String),
}

/// Writes a tower into the journal of a node that does not run. Durable with its next sync.
pub(crate) fn note(journal: &mut impl Journal, address: &str) -> Result<(), TowersError> {
    let peer = PeerAddress::from_multiaddrs(&[address])?.peer();
    Ok(journal.put(&format!("{PLACE}{peer}"), address.as_bytes())?)
}

/// One tower.
#[derive(Clone, Debug)]
struct Known {
    address: PeerAddress,
    /// The sequences of the packages that it acknowledged.
    kept: BTreeMap<SwapId, u64>,
    /// The swaps whose preimage it was told.
    told: BTreeSet<SwapId>,
    /// The swaps of which it keeps our recovery record.
    recorded: BTreeSet<SwapId>,
    /// How many swaps it ought to have and does not.
    behind: usize,
    /// The last attempt failed.
    trouble: Option<String>,
}

/// All towers of a node.
pub struct Towers {
    agreement: Arc<Agreement>,
    journal: Mutex<SharedJournal>,
    known: Mutex<BTreeMap<PeerId, Known>>,
    changed: Notify,
}

impl Towers {
    /// The towers that the journal names.
    pub fn open(agreement: Arc<Agreement>, journal: SharedJournal) -> Result<Self, TowersError> {
        let mut known = BTreeMap::new();
        for (name, value) in journal.scan(PLACE)? {
            let stored = || TowersError::Stored(name.clone());
            let text = std::str::from_utf8(&value).map_err(|_| stored())?;
            let address = PeerAddress::from_multiaddrs(&[text]).map_err(|_| stored())?;
            known.insert(address.peer(), Known::new(address));
        }
        Ok(Self {
            agreement,
            journal: Mutex::new(journal),
            known: Mutex::new(known),
            changed: Notify::new(),
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PeerId, Known>> {
        // Every change is whole in one statement.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, peer: PeerId, address: Option<&str>) -> Result<(), kofo_journal::Error> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{PLACE}{peer}");
        match address {
            Some(address) => journal.put(&name, address.as_bytes())?,
            None => journal.remove(&name)?,
        }
        tokio::task::block_in_place(|| journal.sync())
    }

    /// Adds a tower that answers and serves us.
    pub async fn add(&self, address: &str) -> Result<TowerStatus, TowersError> {
        let at = PeerAddress::from_multiaddrs(&[address])?;
        let peer = at.peer();
        let full = |known: &BTreeMap<PeerId, Known>| !known.contains_key(&peer) && known.len() >= MAX_TOWERS;
        if full(&self.known()) {
            return Err(TowersError::TooMany);
        }
        self.standing(&at).await?;
        self.store(peer, Some(address))?;
        let known = Known::new(at);
        let status = known.status();
        self.known().insert(peer, known);
        self.changed.notify_one();
        Ok(status)
    }

    /// Forgets a tower, by its address or peer id. What it was given it keeps.
    pub fn remove(&self, tower: &str) -> Result<TowerStatus, TowersError> {
        let named = |known: &Known| {
            known.address.peer().to_string() == tower || known.address.multiaddrs().iter().any(|a| a == tower)
        };
        let peer = self
            .known()
            .iter()
            .find(|(_, known)| named(known))
            .map(|(peer, _)| *peer);
        let peer = peer.ok_or_else(|| TowersError::Unknown(tower.chars().take(160).collect()))?;
        self.store(peer, None)?;
        let known = self.known().remove(&peer);
        known
            .map(|known| known.status())
            .ok_or_else(|| TowersError::Unknown(peer.to_string()))
    }

    /// All towers.
    pub fn list(&self) -> Vec<TowerStatus> {
        self.known().values().map(Known::status).collect()
    }

    /// What a tower says that it watches for us.
    async fn standing(&self, at: &PeerAddress) -> Result<Standing, TowerTrouble> {
        let ask = Ask {
            version: 1,
            network: self.agreement.network.clone(),
            owner: self.agreement.key.id(),
        };
        match self
            .ask(at, &Request::Status(ask.sign(&self.agreement.key)))
            .await?
        {
            Response::Status(standing) => Ok(standing),
            Response::Refused(why) => Err(TowerTrouble::Refused(why.as_str().to_owned())),
            Response::Kept(_) | Response::Older(_) | Response::RecordKept | Response::Records(_) => {
                Err(TowerTrouble::OtherAnswer)
            }
        }
    }

    async fn ask(&self, at: &PeerAddress, request: &Request) -> Result<Response, TowerTrouble> {
        let answer = self.agreement.transport.request(at, request.write()).await?;
        Ok(Response::read(&answer)?)
    }
}

impl Known {
    fn new(address: PeerAddress) -> Self {
        Self {
            address,
            kept: BTreeMap::new(),
            told: BTreeSet::new(),
            recorded: BTreeSet::new(),
            behind: 0,
            trouble: None,
        }
    }

    fn status(&self) -> TowerStatus {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        TowerStatus {
            peer: self.address.peer().to_string(),
            address: self.address.multiaddrs().join(" "),
            entrusted: count(self.kept.len()),
            behind: count(self.behind),
            trouble: self.trouble.clone(),
        }
    }
}

impl From<TowersError> for ApiError {
    fn from(error: TowersError) -> Self {
        let kind = match &error {
            TowersError::Address(_) => ApiErrorKind::InvalidParams,
            TowersError::TooMany => ApiErrorKind::Busy,
            TowersError::Unknown(_) => ApiErrorKind::NotFound,
            TowersError::Trouble(TowerTrouble::Refused(_)) => ApiErrorKind::Refused,
            TowersError::Trouble(_) => ApiErrorKind::Peer,
            TowersError::Journal(_) | TowersError::Stored(_) => ApiErrorKind::Internal,
        };
        Self::new(kind, error)
    }
}

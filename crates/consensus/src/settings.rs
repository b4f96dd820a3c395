//! What an engine is started with.

use crate::veil::Veil;
use kofo_primitives::{NetworkId, ValidatorSecret};
use std::path::PathBuf;
use std::time::Duration;

/// Where the engine runs, with whom, and how fast.
#[derive(Debug)]
pub struct Settings {
    /// Part of everything that is signed, and of the names of the protocols: other networks cannot even connect.
    pub network: NetworkId,
    /// The engine's own folder: its write-ahead log, what was signed, payloads that are not decided yet, the key of its
    /// connections. It must not be restored from a backup, nor be used twice. See [`Unrecorded`] for a validator that lost
    /// it.
    pub data: PathBuf,
    /// Where to listen, `/ip4/<address>/tcp/<port>` or `/ip6/…`; port 0 takes a free one.
    pub listen: String,
    /// Whom to keep connections with, in the same form: for a validator all other validators.
    pub peers: Vec<String>,
    /// Who is given what was decided, beside the validators of the present and the next set: the names of the keys of
    /// their connections ([`crate::Engine::peer_id`]). What is decided reaches nobody else.
    pub followers: Vec<String>,
    /// Under which validators send each other what they propose.
    pub veil: Veil,
    /// By which we vote while we are in the set; a node without it follows.
    pub secret: Option<ValidatorSecret>,
    /// What the secret is for in a folder that has no record of what was signed.
    pub unrecorded: Unrecorded,
    /// How fast.
    pub pace: Pace,
    /// How much.
    pub limits: Limits,
}

/// What a validator does whose folder has no record of what it signed: it is new, or it lost its folder. The engine
/// cannot tell which, and who signs a second time at a height where it signed is punished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unrecorded {
    /// It shows others who it is, and follows: it signs nothing. When nothing is left to be decided that it may have
    /// signed, start it again with [`Unrecorded::Votes`].
    #[default]
    Follows,
    /// It begins a record, and votes.
    Votes,
}

/// How long a height and its steps last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A height lasts at least this long, if its payload is empty too.
    pub target: Duration,
    /// How long to wait for the proposal of a round before voting for nothing.
    pub propose: Duration,
    /// How long to wait for the votes of the others once some have come.
    pub vote: Duration,
    /// Each wait is longer by half in each round, up to this.
    pub cap: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            target: Duration::from_secs(1),
            propose: Duration::from_secs(2),
            vote: Duration::from_secs(1),
            cap: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// For validators on one machine or in one room.
    #[must_use]
    pub const fn dev() -> Self {
        Self {
            target: Duration::from_millis(500),
            propose: Duration::from_secs(1),
            vote: Duration::from_millis(500),
            cap: Duration::from_secs(5),
        }
    }
}

/// How much the engine takes from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload (bytes), ours and others'.
    pub payload: usize,
    /// The most connections from one address: many when validators share a machine.
    pub connections_per_ip: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload: 2 * 1024 * 1024,
            connections_per_ip: 64,
        }
    }
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Not an address that we can use.
    #[error(
        "expected an address such as /ip4/127.0.0.1/tcp/9400 (no names: they would have to be resolved), got {0:?}"
    )]
    Address(String),
    /// Not the name of a follower.
    #[error(
        "expected the name of a follower's engine, such as 12D3KooW…, which its status shows behind /p2p/; got {0:?}"
    )]
    Follower(String),
    /// Somebody else listens there, or it is not ours.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The data folder cannot be used, or another engine uses it.
    #[error("the consensus folder {} cannot be used: {why}", folder.display())]
    Data {
        /// Which.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// The application did not say where it is.
    #[error(transparent)]
    Application(#[from] crate::AppError),
    /// The engine itself.
    #[error("the consensus engine does not start: {0}")]
    Engine(String),
}

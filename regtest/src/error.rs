//! What can go wrong while starting and driving daemons.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chain::Chain;
use crate::fetch::FetchError;
use crate::rpc::RpcError;

/// The result of everything in this crate that touches a daemon.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a daemon could not be started, driven or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could be neither found nor fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A daemon did not answer a call, or refused it.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A file or folder of ours could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// `setpriv` ties a daemon's life to ours; without it a killed test would leave daemons behind.
    #[error(
        "`setpriv` is not in PATH: install util-linux, daemons are only started through it so that none survives us"
    )]
    SetprivMissing,
    /// The system refused to start a program.
    #[error("cannot start {}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A daemon ended by itself before it was ready.
    #[error("the {chain} daemon ended ({status}) before it was ready; the end of its log:\n{log}")]
    DaemonEnded {
        /// Whose daemon.
        chain: Chain,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// A daemon runs but never became ready.
    #[error("the {chain} daemon was not ready after {} s; the end of its log:\n{log}", after.as_secs())]
    DaemonNotReady {
        /// Whose daemon.
        chain: Chain,
        /// How long we waited.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// `Options::programs` was given, but lacks the program of this chain.
    #[error(
        "no program for {chain} among `Options::programs`: name one, or leave `programs` empty to have it found"
    )]
    NoProgram {
        /// Whose program.
        chain: Chain,
    },
    /// The caller asked for a chain that this regtest does not run.
    #[error("{chain} does not run here: it was not among `Options::chains`")]
    NoSuchChain {
        /// The chain asked for.
        chain: Chain,
    },
    /// The call makes sense on EVM chains only.
    #[error("{chain} is not an EVM chain; use Ethereum or Echoin")]
    NotEvm {
        /// The chain asked for.
        chain: Chain,
    },
    /// The chain has fewer blocks than should be replaced.
    #[error("cannot replace {asked} blocks of {chain}: ask for 1 to {most}")]
    ReorgDepth {
        /// Whose blocks.
        chain: Chain,
        /// How many should be replaced.
        asked: u64,
        /// How many can be.
        most: u64,
    },
    /// Somebody sends to the chain without a pause.
    #[error("no block of {chain} was empty in {tries} tries: let nobody send to it during a reorg")]
    NeverEmpty {
        /// The chain.
        chain: Chain,
        /// How often one was mined.
        tries: u32,
    },
    /// All ports that this crate gives are in use.
    #[error("no port of the loopback from {} to {} is free: stop what uses them", .0.start, .0.end - 1)]
    NoPort(std::ops::Range<u16>),
    /// Chain time only moves forwards.
    #[error("cannot move chain time to {asked}: {chain} is at {at} already")]
    TimeBackwards {
        /// The chain that is ahead.
        chain: Chain,
        /// The time asked for, seconds since 1970.
        asked: u64,
        /// Its chain time, seconds since 1970.
        at: u64,
    },
    /// A transaction of ours was not in the block mined for it, or failed in it.
    #[error("{chain}: {what} did not succeed (transaction {txid})")]
    TransactionFailed {
        /// On which chain.
        chain: Chain,
        /// What it was for.
        what: &'static str,
        /// Its id.
        txid: String,
    },
    /// An address of neither form.
    #[error(
        "`{address}` is neither a regtest Bitcoin address (bcrt1…, 2…, m…, n…) nor an EVM one (0x and 40 hex digits)"
    )]
    UnknownAddress {
        /// What was given.
        address: String,
    },
    /// Another process runs daemons in this folder.
    #[error("a regtest is up in {} already: use it, or stop it with `kofo regtest down`", dir.display())]
    AlreadyUp {
        /// The data folder.
        dir: PathBuf,
    },
    /// Nothing runs in this folder.
    #[error("no regtest is up in {}: start one with `kofo regtest up`", dir.display())]
    NotUp {
        /// The data folder.
        dir: PathBuf,
    },
    /// The state file is not one of ours.
    #[error("{} is not a state file of this version: {source}; run `kofo regtest down`, or remove the folder", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// What does not parse.
        source: serde_json::Error,
    },
    /// A process asked to stop still runs.
    #[error("process {pid} still runs {} s after it was told to stop", after.as_secs())]
    StillRunning {
        /// The process.
        pid: u32,
        /// How long we waited.
        after: Duration,
    },
    /// Processes are recognised through `/proc`, which Linux has.
    #[error("cannot read /proc/{pid}/stat: the regtest runs on Linux with /proc mounted")]
    NoProc {
        /// Our own process.
        pid: u32,
    },
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}

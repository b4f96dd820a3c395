//! What stands behind `kofo regtest up | down | status | logs`; the other verbs are on [`Chains`], through
//! [`Regtest::attach`]. Nothing here prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::chain::{Chain, Tip};
use crate::chains::{Chains, Endpoints};
use crate::error::{Error, Result};
use crate::process::{self, ProcessId};
use crate::regtest::Regtest;
use crate::state::{RunningDaemon, State};

/// How long the owner gets to stop its daemons in order.
const STOP_WITHIN: Duration = Duration::from_secs(45);
/// How long a killed process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How often it is checked that all daemons still run.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// The state of a regtest, as `kofo regtest status` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its folder.
    pub data_dir: PathBuf,
    /// The process that owns the daemons.
    pub owner: ProcessId,
    /// One per chain.
    pub chains: Vec<ChainStatus>,
    /// Where they answer, and the credentials.
    pub endpoints: Endpoints,
}

/// One chain of a [`Status`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainStatus {
    /// The daemon.
    pub daemon: RunningDaemon,
    /// The last block; none if the daemon does not answer.
    pub tip: Option<Tip>,
    /// How many transactions wait for a block; none if the daemon does not answer.
    pub waiting: Option<u64>,
}

/// Where `kofo regtest` keeps its files unless told otherwise: `$XDG_DATA_HOME/kofo/regtest`, else the same under
/// `$HOME/.local/share`, else `target/kofo-regtest`.
pub fn default_data_dir() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_DATA_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/share")))
        .map_or_else(
            || PathBuf::from("target/kofo-regtest"),
            |data| data.join("kofo/regtest"),
        )
}

/// Keeps `regtest` up until Ctrl-C, a TERM signal or [`down`], and then lets the daemons end in order.
///
/// # Errors
/// [`Error::DaemonEnded`] if a daemon ends before that; the others are stopped too.
pub async fn serve(regtest: Regtest) -> Result<()> {
    let here = regtest.data_dir().to_owned();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("catch signals for", &here))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("catch signals for", &here))?;
    let fallen = loop {
        tokio::select! {
            _ = interrupt.recv() => break None,
            _ = terminate.recv() => break None,
            () = tokio::time::sleep(WATCH_EVERY) => {
                if let Some(chain) = regtest.fallen().await {
                    break Some(chain);
                }
            }
        }
    };
    let error = fallen.map(|chain| {
        let log = process::log_end(&log_file(&here, chain));
        Error::DaemonEnded {
            chain,
            status: "by itself, or killed by somebody else".to_owned(),
            log,
        }
    });
    regtest.shut_down().await;
    error.map_or(Ok(()), Err)
}

/// Stops the regtest that is up in `dir`: asks its owner first, and kills what the owner leaves running. Only
/// processes that the state file names are touched. Returns those that ran.
pub async fn down(dir: &Path) -> Result<Vec<ProcessId>> {
    let state = State::read(dir)?;
    let mut ran: Vec<ProcessId> = state
        .daemons
        .into_iter()
        .filter_map(|daemon| daemon.process)
        .collect();
    ran.insert(0, state.owner.clone());
    ran.retain(ProcessId::runs);
    state.owner.signal("TERM");
    let mut limit = STOP_WITHIN;
    for process in &ran {
        if !process.gone_within(limit).await {
            process.signal("KILL");
            if !process.gone_within(GONE_WITHIN).await {
                return Err(Error::StillRunning {
                    pid: process.pid,
                    after: GONE_WITHIN,
                });
            }
        }
        // The owner waits for its daemons; once it is gone the kernel has killed what was left.
        limit = GONE_WITHIN;
    }
    State::remove(dir)?;
    if ran.is_empty() {
        return Err(Error::NotUp { dir: dir.to_owned() });
    }
    Ok(ran)
}

/// What runs in `dir`, and how far its chains are.
pub async fn status(dir: &Path) -> Result<Status> {
    let state = State::read(dir)?;
    if !state.owner.runs() {
        return Err(Error::NotUp { dir: dir.to_owned() });
    }
    let client = Chains::new(state.endpoints.clone(), dir);
    let mut chains = Vec::new();
    for daemon in state.daemons {
        let tip = client.tip(daemon.chain).await.ok();
        let waiting = client.waiting(daemon.chain).await.ok();
        chains.push(ChainStatus { daemon, tip, waiting });
    }
    Ok(Status {
        data_dir: dir.to_owned(),
        owner: state.owner,
        chains,
        endpoints: state.endpoints,
    })
}

/// The last `lines` lines that the daemon of `chain` printed; it need not be up any more.
pub fn logs(dir: &Path, chain: Chain, lines: usize) -> Result<Vec<String>> {
    let file = log_file(dir, chain);
    process::tail(&file, lines).map_err(Error::io("read", &file))
}

/// The file that the daemon of `chain` prints to.
pub fn log_file(dir: &Path, chain: Chain) -> PathBuf {
    dir.join(chain.name()).join(format!("{chain}.log"))
}

//! One daemon: how it is started, when it is ready, how it comes back.

mod anvil;
mod bitcoind;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::chain::Chain;
use crate::chains::{Clock, Endpoints};
use crate::error::{Error, Result};
use crate::fetch::Programs;
use crate::ports::free_port;
use crate::process::{Process, ProcessId, log_end};

/// A loaded machine may need a while, a healthy one needs less than a second.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often readiness is looked at.
const POLL: Duration = Duration::from_millis(20);
/// Somebody may take a port between our asking for a free one and the daemon's binding it.
const TRIES: u32 = 3;
/// What bitcoind gets to write its database before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A daemon of ours, running or not.
pub(crate) struct Daemon {
    chain: Chain,
    program: PathBuf,
    dir: PathBuf,
    kind: Kind,
    process: Option<Process>,
}

enum Kind {
    Bitcoind(bitcoind::Setup),
    Anvil(anvil::Setup),
}

impl Daemon {
    /// Starts the daemon of `chain` with its files in `root/<chain>`, on a free port.
    pub(crate) async fn start(chain: Chain, programs: &Programs, root: &Path) -> Result<Daemon> {
        let dir = root.join(chain.name());
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let mut tries = TRIES;
        loop {
            let port = free_port()?;
            let (program, kind) = match chain {
                Chain::Bitcoin => (
                    &programs.bitcoind,
                    Kind::Bitcoind(bitcoind::Setup::new(port, free_port()?)?),
                ),
                Chain::Ethereum | Chain::Echoin => {
                    (&programs.anvil, Kind::Anvil(anvil::Setup::new(chain, port)))
                }
            };
            let program = program.clone().ok_or(Error::NoProgram { chain })?;
            let mut daemon = Daemon {
                chain,
                program,
                dir: dir.clone(),
                kind,
                process: None,
            };
            match daemon.run(&Clock::of(root)).await {
                Ok(()) => return Ok(daemon),
                Err(Error::DaemonEnded { .. }) if tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts the process, on the port and with the files it had before; returns when it answers.
    pub(crate) async fn run(&mut self, clock: &Clock) -> Result<()> {
        let log = self.log();
        // Readiness of anvil is read from its log, so each start has a log of its own.
        if log.exists() {
            let old = log.with_extension("log.old");
            fs::rename(&log, &old).map_err(Error::io("keep the old log", &log))?;
        }
        let args = match &self.kind {
            Kind::Bitcoind(setup) => setup.arguments(&self.dir, clock)?,
            Kind::Anvil(setup) => setup.arguments(&self.dir),
        };
        let process = self.process.insert(Process::start(&self.program, &args, &log)?);
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = process.ended() {
                let status = status.to_string();
                return Err(Error::DaemonEnded {
                    chain: self.chain,
                    status,
                    log: log_end(&log),
                });
            }
            let ready = match &self.kind {
                Kind::Bitcoind(setup) => setup.ready().await,
                Kind::Anvil(_) => anvil::ready(&log),
            };
            if ready {
                return Ok(());
            }
            if Instant::now() > deadline {
                let log = log_end(&log);
                return Err(Error::DaemonNotReady {
                    chain: self.chain,
                    after: READY_WITHIN,
                    log,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whose daemon it is.
    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// What it prints goes here.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.chain))
    }

    /// Its process, while it runs.
    pub(crate) fn process(&self) -> Option<&ProcessId> {
        self.process.as_ref().and_then(Process::id)
    }

    /// Adds where this daemon answers.
    pub(crate) fn describe(&self, endpoints: &mut Endpoints) {
        match (&self.kind, self.chain) {
            (Kind::Bitcoind(setup), _) => endpoints.bitcoin = Some(setup.endpoint.clone()),
            (Kind::Anvil(setup), Chain::Echoin) => endpoints.echoin = Some(setup.endpoint.clone()),
            (Kind::Anvil(setup), _) => endpoints.ethereum = Some(setup.endpoint.clone()),
        }
    }

    /// Lets it write its state and end.
    pub(crate) async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop(STOP_WITHIN).await;
        }
    }

    /// Kills it on the spot.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }
}

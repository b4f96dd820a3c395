//! A set of daemons that lives as long as the value that owns it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::chain::Chain;
use crate::chains::{Chains, Clock, Endpoints};
use crate::daemon::Daemon;
use crate::data_dir::DataDir;
use crate::error::{Error, Result};
use crate::fetch::{self, Places, Program, Programs, Progress};
use crate::miner::{Miner, Mining};
use crate::process::ProcessId;
use crate::state::{RunningDaemon, State};

/// How to bring up a regtest.
#[derive(Clone)]
pub struct Options {
    /// Where its files live; without one, a temporary folder that goes with it. Blocks in a named folder are there
    /// again at the next start, if the daemons were stopped in order.
    pub data_dir: Option<PathBuf>,
    /// Which chains to run.
    pub chains: Vec<Chain>,
    /// When to mine; without it, only when told to.
    pub mining: Option<Mining>,
    /// The programs to run; without them they are found or fetched.
    pub programs: Option<Programs>,
    /// Told, a line at a time, what takes long.
    pub progress: Progress,
}

impl Default for Options {
    /// All chains in a temporary folder, with the miner on.
    fn default() -> Self {
        Options {
            data_dir: None,
            chains: Chain::ALL.to_vec(),
            mining: Some(Mining::default()),
            programs: None,
            progress: Arc::new(|line| tracing::info!("{line}")),
        }
    }
}

impl Options {
    /// All chains in a temporary folder, without a miner: what most tests want.
    pub fn manual() -> Self {
        Options {
            mining: None,
            ..Options::default()
        }
    }
}

/// Running daemons. They are killed when this is dropped and when this process ends, however it ends.
///
/// What can be done with the chains is on [`Chains`], to which this dereferences.
pub struct Regtest {
    // In the order in which they have to go.
    miner: Option<Miner>,
    daemons: Mutex<Vec<Daemon>>,
    chains: Chains,
    dir: DataDir,
}

impl Deref for Regtest {
    type Target = Chains;

    fn deref(&self) -> &Chains {
        &self.chains
    }
}

impl Regtest {
    /// Finds or fetches the programs, starts the daemons and mines Bitcoin's first blocks.
    pub async fn up(options: Options) -> Result<Regtest> {
        let dir = match &options.data_dir {
            Some(path) => DataDir::open(path)?,
            None => DataDir::temporary()?,
        };
        let programs = match options.programs {
            Some(programs) => programs,
            None => find_programs(&options.chains, options.progress.clone()).await?,
        };
        let mut daemons = Vec::new();
        let mut endpoints = Endpoints::default();
        for chain in Chain::ALL
            .into_iter()
            .filter(|chain| options.chains.contains(chain))
        {
            let daemon = Daemon::start(chain, &programs, dir.path()).await?;
            daemon.describe(&mut endpoints);
            daemons.push(daemon);
        }
        let chains = Chains::new(endpoints.clone(), dir.path());
        for daemon in &daemons {
            chains.prepare(daemon.chain()).await?;
        }
        write_state(&daemons, endpoints, dir.path())?;
        let miner = match options.mining {
            Some(mining) => Some(
                Miner::start(chains.clone(), mining).map_err(Error::io("start the miner of", dir.path()))?,
            ),
            None => None,
        };
        Ok(Regtest {
            miner,
            daemons: Mutex::new(daemons),
            chains,
            dir,
        })
    }

    /// As [`Regtest::up`], for a test: `None`, and a loud word on stderr, if a program can be neither found nor
    /// fetched, unless `KOFO_REQUIRE_NODES=1`.
    ///
    /// # Panics
    /// If daemons are required and cannot be had, or if they are there and do not start.
    pub async fn up_or_skip(test: &str, options: Options) -> Option<Regtest> {
        match Regtest::up(options).await {
            Ok(regtest) => Some(regtest),
            Err(Error::Fetch(error)) if error.is_absence() => {
                fetch::skip(test, &error);
                None
            }
            Err(error) => panic!("{test} needs its daemons: {error}"),
        }
    }

    /// A client of the regtest that another process has up in `dir`.
    pub fn attach(dir: &Path) -> Result<Chains> {
        let state = State::read(dir)?;
        if !state.owner.runs() {
            return Err(Error::NotUp { dir: dir.to_owned() });
        }
        Ok(Chains::new(state.endpoints, dir))
    }

    /// What can be done with the chains; this clone may be moved into a task.
    pub fn chains(&self) -> Chains {
        self.chains.clone()
    }

    /// The folder with the daemons' files and logs.
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Turns the miner off on one chain; when this returns, none of its blocks is under way.
    pub async fn pause_miner(&self, chain: Chain) -> Result<()> {
        self.chains.set_paused(chain, true).await
    }

    /// Turns the miner on again.
    pub async fn resume_miner(&self, chain: Chain) -> Result<()> {
        self.chains.set_paused(chain, false).await
    }

    /// Kills a daemon on the spot. bitcoind comes back with what it had written; anvil with the state of its last
    /// [`Regtest::stop`], or with an empty chain.
    pub async fn kill(&self, chain: Chain) -> Result<()> {
        let mut daemons = self.daemons.lock().await;
        find(&mut daemons, chain)?.kill();
        self.note(&daemons)
    }

    /// Lets a daemon write its state and end.
    pub async fn stop(&self, chain: Chain) -> Result<()> {
        let mut daemons = self.daemons.lock().await;
        find(&mut daemons, chain)?.stop().await;
        self.note(&daemons)
    }

    /// Starts a daemon again, at the same address and with the same credentials.
    pub async fn start(&self, chain: Chain) -> Result<()> {
        let mut daemons = self.daemons.lock().await;
        find(&mut daemons, chain)?
            .run(&Clock::of(self.dir.path()))
            .await?;
        self.chains.prepare(chain).await?;
        self.note(&daemons)
    }

    /// The first daemon that has ended without being told to.
    pub(crate) async fn fallen(&self) -> Option<Chain> {
        let daemons = self.daemons.lock().await;
        daemons
            .iter()
            .find(|daemon| daemon.process().is_some_and(|id| !id.runs()))
            .map(Daemon::chain)
    }

    /// Lets all daemons write their state and end, so that a named folder can be taken up again.
    pub async fn shut_down(mut self) {
        drop(self.miner.take());
        for daemon in self.daemons.lock().await.iter_mut() {
            daemon.stop().await;
        }
    }

    fn note(&self, daemons: &[Daemon]) -> Result<()> {
        let mut endpoints = Endpoints::default();
        for daemon in daemons {
            daemon.describe(&mut endpoints);
        }
        write_state(daemons, endpoints, self.dir.path())
    }
}

fn find(daemons: &mut [Daemon], chain: Chain) -> Result<&mut Daemon> {
    daemons
        .iter_mut()
        .find(|daemon| daemon.chain() == chain)
        .ok_or(Error::NoSuchChain { chain })
}

async fn find_programs(chains: &[Chain], progress: Progress) -> Result<Programs> {
    let mut wanted = Vec::new();
    if chains.contains(&Chain::Bitcoin) {
        wanted.push(Program::Bitcoind);
    }
    if chains.contains(&Chain::Ethereum) || chains.contains(&Chain::Echoin) {
        wanted.push(Program::Anvil);
    }
    let search = move || fetch::programs(&wanted, &Places::from_env(), &progress);
    match tokio::task::spawn_blocking(search).await {
        Ok(programs) => Ok(programs?),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn write_state(daemons: &[Daemon], endpoints: Endpoints, dir: &Path) -> Result<()> {
    let pid = std::process::id();
    let owner = ProcessId::of(pid).ok_or(Error::NoProc { pid })?;
    let daemons = daemons
        .iter()
        .map(|daemon| RunningDaemon {
            chain: daemon.chain(),
            process: daemon.process().cloned(),
            log: daemon.log(),
        })
        .collect();
    State {
        owner,
        daemons,
        endpoints,
    }
    .write(dir)
}

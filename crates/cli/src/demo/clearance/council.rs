//! Four validators in processes of their own.

use super::payments;
use crate::demo::daemons::{Daemons, NETWORK, new_folder};
use crate::demo::process::KofoProcess;
use crate::founding::{DECIMALS, Entry};
use anyhow::{Context, Result, bail, ensure};
use kofo_clearance::{GenesisValidator, Settlement};
use kofo_node::config::Config;
use kofo_node::rpc::types::Id;
use kofo_primitives::{NetworkId, NodeId, Seed};
use kofo_regtest::free_ports;
use kofo_validator::{Keys, Speed, Status, ValidatorConfig, ValidatorRpcClient, connect};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many validators.
pub const SEATS: usize = 4;
/// What each stakes, in whole units.
const STAKE: &str = "1000";
/// What each keeps of its delegators' rewards, in basis points.
const COMMISSION_BPS: u16 = 500;
/// The validators that run go on within so long, also when one of them was killed.
const GO_ON: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// The validators, by their numbers from 0. They are gone when this is dropped.
pub struct Council {
    kofo: PathBuf,
    members: Vec<Member>,
}

struct Member {
    data: PathBuf,
    entry: GenesisValidator,
    process: Option<KofoProcess>,
}

impl Council {
    /// Folders with keys for all of them under this one, of which none runs yet; they observe the chains of these daemons.
    pub fn found(daemons: &Daemons, folder: &Path, kofo: &Path) -> Result<Self> {
        let config = daemons.config(NETWORK)?;
        Self::founded(kofo, folder, &config, |data| {
            daemons.init_with_seed(data, &config)
        })
    }

    /// As [`Council::found`], but they observe no chain.
    pub fn found_blind(folder: &Path, kofo: &Path) -> Result<Self> {
        let config = Config::new(NetworkId::new(NETWORK)?, Vec::new());
        Self::founded(kofo, folder, &config, |data| new_folder(data, &config))
    }

    fn founded(
        kofo: &Path,
        folder: &Path,
        config: &Config,
        new_folder: impl Fn(&Path) -> Result<Seed>,
    ) -> Result<Self> {
        // Known before anybody listens: they stand in the genesis.
        let ports = free_ports(2 * SEATS)?;
        let mut members = Vec::with_capacity(SEATS);
        for (number, ports) in ports.chunks_exact(2).enumerate() {
            let data = folder.join(format!("validator-{}", number + 1));
            let seed = new_folder(&data)?;
            let address = |port: &u16| format!("/ip4/127.0.0.1/tcp/{port}");
            let settings = ValidatorConfig {
                engine: address(&ports[0]),
                service: vec![address(&ports[1])],
                speed: Speed::Dev,
                ..ValidatorConfig::default()
            };
            settings.save_new(&data)?;
            let keys = Keys::new(&seed, &config.network);
            let entry = Entry::of(&keys, config, &settings, (STAKE.to_owned(), COMMISSION_BPS));
            let entry = entry.validator(DECIMALS)?;
            let process = None;
            members.push(Member { data, entry, process });
        }
        let kofo = kofo.to_owned();
        Ok(Self { kofo, members })
    }

    /// As the genesis has them.
    #[must_use]
    pub fn entries(&self) -> Vec<GenesisValidator> {
        self.members.iter().map(|member| member.entry.clone()).collect()
    }

    /// Their data folders.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.members.iter().map(|member| member.data.as_path())
    }

    /// The account of a validator.
    #[must_use]
    pub fn account(&self, number: usize) -> NodeId {
        self.members[number].entry.account
    }

    /// Starts all, and waits until they have decided something.
    pub async fn start_all(&mut self) -> Result<()> {
        let started = self.members.iter().map(|member| start(&self.kofo, &member.data));
        let started = futures::future::try_join_all(started).await?;
        for (member, process) in self.members.iter_mut().zip(started) {
            member.process = Some(process);
        }
        self.reaches(0, 1).await
    }

    /// Starts one with what it has in its folder.
    pub async fn start(&mut self, number: usize) -> Result<()> {
        let process = start(&self.kofo, &self.members[number].data).await?;
        self.members[number].process = Some(process);
        Ok(())
    }

    /// Kills one with -9; when this returns, it is gone.
    pub async fn kill(&mut self, number: usize) -> Result<()> {
        match self.members[number].process.take() {
            Some(process) => process.kill().await,
            None => bail!("validator {} does not run", number + 1),
        }
    }

    /// Asks all that run to stop and waits until they have, in good order.
    pub async fn stop(&mut self) -> Result<()> {
        for member in &mut self.members {
            if let Some(process) = member.process.take() {
                connect(&member.data)?.validator_stop().await?;
                process.ended().await?;
            }
        }
        Ok(())
    }

    /// How one is that runs.
    pub async fn status(&self, number: usize) -> Result<Status> {
        let client = connect(&self.members[number].data)?;
        Ok(client.validator_status().await?)
    }

    /// The last height that is final there.
    pub async fn height(&self, number: usize) -> Result<u64> {
        Ok(self.status(number).await?.height)
    }

    /// Waits until that height is final there.
    pub async fn reaches(&self, number: usize, height: u64) -> Result<()> {
        let deadline = Instant::now() + GO_ON;
        loop {
            let status = self.status(number).await?;
            if status.height >= height {
                return Ok(());
            }
            if Instant::now() > deadline {
                let (name, seconds) = (number + 1, GO_ON.as_secs());
                bail!("validator {name} has not reached height {height} within {seconds} s: {status:?}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until all that run are met at one height; that height and its header's id. An error if they name different
    /// headers or states for it: a fork.
    pub async fn agree(&self) -> Result<(u64, Id)> {
        let deadline = Instant::now() + GO_ON;
        let running: Vec<_> = (0..self.members.len())
            .filter(|n| self.members[*n].process.is_some())
            .collect();
        loop {
            let asked = running.iter().map(|number| self.status(*number));
            let seen = futures::future::try_join_all(asked).await?;
            let first = seen.first().context("no validator runs")?;
            if seen.iter().all(|status| status.height == first.height) {
                let at = (first.header, first.state);
                for status in &seen {
                    ensure!(
                        at == (status.header, status.state),
                        "a fork at height {}: {seen:?}",
                        first.height
                    );
                }
                return Ok((first.height, first.header));
            }
            let late = Instant::now() > deadline;
            ensure!(!late, "the validators are never at the same height: {seen:?}");
        }
    }

    /// Every payment of an order that is over, as a validator that runs says.
    pub async fn settlement(&self, order: Id) -> Result<Settlement> {
        let runs = self.members.iter().find(|member| member.process.is_some());
        let client = connect(&runs.context("no validator runs")?.data)?;
        let shown = client.validator_order(order).await?.settlement;
        let shown = shown.with_context(|| format!("order {order} is not over by that validator"))?;
        payments::settlement(order, &shown)
    }
}

async fn start(kofo: &Path, data: &Path) -> Result<KofoProcess> {
    let own = data.join(kofo_validator::FOLDER);
    let asked = async || match connect(data) {
        Ok(client) => client.validator_status().await.is_ok(),
        Err(_) => false,
    };
    KofoProcess::start(kofo, &["validator", "run"], (data, &own), asked).await
}

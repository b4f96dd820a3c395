//! The program in processes of their own, which never outlive ours.

use anyhow::{Context, Result, bail};
use kofo_node::rpc::{NODE_FILE, NodeFile, NodeRpcClient, connect};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A node has so long to start, journal and chains included.
const START: Duration = Duration::from_secs(60);
/// A node that is asked to stop has so long.
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
/// What the passphrase file in the data folder is called.
pub(super) const PASSPHRASE_FILE: &str = "passphrase";
/// Where the node's own words go.
const LOG_FILE: &str = "node.log";

/// A process of the program under a data folder. It dies when this is dropped and, by the kernel's doing, when the thread
/// that started it ends.
pub(super) struct KofoProcess {
    child: Child,
    data: PathBuf,
}

impl KofoProcess {
    /// Starts `kofo ARGS --data FOLDER`, and waits until its file is in the folder `own` and it answers as `asked` asks.
    pub(super) async fn start(
        kofo: &Path,
        args: &[&str],
        (data, own): (&Path, &Path),
        asked: impl AsyncFn() -> bool,
    ) -> Result<Self> {
        // A file of a former life would answer for a process that is not there yet.
        let _none = fs::remove_file(own.join(NODE_FILE));
        let mut process = Self::spawn(kofo, args, data)?;
        process.answers(own, asked).await?;
        Ok(process)
    }

    fn spawn(kofo: &Path, args: &[&str], data: &Path) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.join(LOG_FILE))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(kofo)
            .args(args)
            .arg("--data")
            .arg(data)
            .env("KOFO_PASSPHRASE_FILE", data.join(PASSPHRASE_FILE))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a node by `setpriv` (of util-linux): install it")?;
        let data = data.to_owned();
        Ok(Self { child, data })
    }

    /// Waits until it answers; an error with its last words if it ends instead, or never does.
    async fn answers(&mut self, own: &Path, asked: impl AsyncFn() -> bool) -> Result<()> {
        let (deadline, data) = (Instant::now() + START, self.data.clone());
        let data = data.display();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the process in {data} ended with {status}: {}", self.last_words());
            }
            let pid = self.child.id();
            let ours = NodeFile::load(own).is_ok_and(|file| Some(file.pid) == pid);
            if ours && asked().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                let (seconds, words) = (START.as_secs(), self.last_words());
                bail!("the process in {data} does not answer within {seconds} s: {words}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Kills it with -9; when this returns, it is gone.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill a process")
    }

    /// Waits until it has ended by itself, and kills it if it does not.
    pub(super) async fn ended(mut self) -> Result<()> {
        match tokio::time::timeout(STOP, self.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!(
                "a process that was asked to stop ended with {status:?}: {}",
                self.last_words()
            ),
            Err(_) => {
                self.child.kill().await?;
                let seconds = STOP.as_secs();
                bail!("a process that was asked to stop still ran after {seconds} s")
            }
        }
    }

    /// The end of what it printed.
    fn last_words(&self) -> String {
        let text = fs::read(self.data.join(LOG_FILE)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(8)..);
        last.unwrap_or_default().join("\n")
    }
}

/// A running `kofo node`.
pub struct NodeProcess(KofoProcess);

impl NodeProcess {
    /// Starts `kofo node --data FOLDER` and waits until it answers.
    pub async fn start(kofo: &Path, data: &Path) -> Result<Self> {
        let asked = async || match connect(data) {
            Ok(client) => client.node_status().await.is_ok(),
            Err(_) => false,
        };
        Ok(Self(
            KofoProcess::start(kofo, &["node"], (data, data), asked).await?,
        ))
    }

    /// Kills it with -9; when this returns, it is gone.
    pub async fn kill(self) -> Result<()> {
        self.0.kill().await
    }

    /// Waits until it has ended by itself, as after `node.stop`, and kills it if it does not.
    pub async fn ended(self) -> Result<()> {
        self.0.ended().await
    }
}

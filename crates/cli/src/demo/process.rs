//! A node in a process of its own, which never outlives ours.

use anyhow::{Context, Result, bail};
use kofo_node::rpc::{NodeFile, NodeRpcClient, connect};
use std::fs::{self, File};
use std::path::Path;
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

/// A running `kofo node`. It dies when this is dropped and, by the kernel's doing, when the thread that started it ends.
pub struct NodeProcess(Child);

impl NodeProcess {
    /// Starts `kofo node --data FOLDER` and waits until it answers.
    pub async fn start(kofo: &Path, data: &Path) -> Result<Self> {
        // A file of a former life would answer for a node that is not there yet.
        let _none = fs::remove_file(data.join(kofo_node::rpc::NODE_FILE));
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.join(LOG_FILE))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(kofo)
            .args(["node", "--data"])
            .arg(data)
            .env("KOFO_PASSPHRASE_FILE", data.join(PASSPHRASE_FILE))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a node by `setpriv` (of util-linux): install it")?;
        let mut node = Self(child);
        node.answers(data).await?;
        Ok(node)
    }

    async fn answers(&mut self, data: &Path) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.0.try_wait()? {
                bail!(
                    "the node in {} ended with {status}: {}",
                    data.display(),
                    last_words(data)
                );
            }
            let ours = NodeFile::load(data).is_ok_and(|file| Some(file.pid) == self.0.id());
            if let (true, Ok(client)) = (ours, connect(data))
                && client.node_status().await.is_ok()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                let words = last_words(data);
                bail!(
                    "the node in {} does not answer within {} s: {words}",
                    data.display(),
                    START.as_secs()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.0.id()
    }

    /// Kills it with -9; when this returns, it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.0.kill().await.context("cannot kill a node")
    }

    /// Waits until it has ended by itself, as after `node.stop`, and kills it if it does not.
    pub async fn ended(mut self) -> Result<()> {
        match tokio::time::timeout(STOP, self.0.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!("a node that was asked to stop ended with {status:?}"),
            Err(_) => {
                self.0.kill().await?;
                bail!(
                    "a node that was asked to stop still ran after {} s",
                    STOP.as_secs()
                )
            }
        }
    }
}

/// The end of what the node printed.
fn last_words(data: &Path) -> String {
    let text = fs::read(data.join(LOG_FILE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(8)..)
        .unwrap_or_default()
        .join("\n")
}

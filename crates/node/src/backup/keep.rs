//! A running node's backups: made when its owner asks, and kept in a file if the configuration names one.

use super::{Backup, BackupError, SwapCopy, seal};
use crate::agree::Agreement;
use crate::clock::now_ms;
use crate::engine::{Core, Stopped};
use crate::towers::Towers;
use kofo_primitives::SwapId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(200);
/// A file that could not be written is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The node is stopping.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The file cannot be written.
    #[error("cannot write the backup {path}: {source}; correct [backup] file, or make room", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What backups are made of.
pub struct Backups {
    agreement: Arc<Agreement>,
    towers: Arc<Towers>,
    config: String,
    file: Option<PathBuf>,
}

/// What a backup must have, as far as it changes: the swaps that go on, and whether their preimages were shown.
type Kept = (BTreeMap<SwapId, bool>, Vec<String>);

impl Backups {
    /// Backups of this node; `config` is the text of its configuration, `file` where they are kept.
    #[must_use]
    pub const fn new(
        agreement: Arc<Agreement>,
        towers: Arc<Towers>,
        config: String,
        file: Option<PathBuf>,
    ) -> Self {
        Self {
            agreement,
            towers,
            config,
            file,
        }
    }

    /// A sealed backup of all swaps that go on now, and how many there are.
    pub async fn make(&self) -> Result<(Vec<u8>, usize), KeepError> {
        let copy = |core: &mut Core| {
            let swaps = core.driver.swaps().values();
            swaps.filter(|live| live.goes_on()).map(SwapCopy::of).collect()
        };
        let swaps: Vec<SwapCopy> = self.agreement.engine.call(copy).await?;
        let count = swaps.len();
        let backup = Backup {
            made_ms: now_ms(),
            config: self.config.clone(),
            swaps,
            towers: self.tower_addresses(),
        };
        let sealed = seal(&backup, &self.agreement.seed, &self.agreement.network)?;
        Ok((sealed, count))
    }

    fn tower_addresses(&self) -> Vec<String> {
        let one = |tower: crate::rpc::types::TowerStatus| tower.address;
        self.towers.list().into_iter().map(one).collect()
    }

    async fn kept(&self) -> Result<Kept, Stopped> {
        let look = |core: &mut Core| {
            let live = core.driver.swaps().iter().filter(|(_, live)| live.goes_on());
            live.map(|(id, live)| (*id, live.swap().preimage_is_public()))
                .collect()
        };
        Ok((self.agreement.engine.call(look).await?, self.tower_addresses()))
    }

    /// Keeps the file as it should be, until the engine has stopped.
    pub async fn run(&self) {
        let Some(file) = &self.file else {
            return;
        };
        let mut changes = self.agreement.engine.changes();
        let mut written: Option<Kept> = None;
        loop {
            changes.mark_unchanged();
            let Ok(wanted) = self.kept().await else {
                return;
            };
            let fresh = written.as_ref() == Some(&wanted);
            if !fresh {
                match self.write(file).await {
                    Ok(()) => written = Some(wanted),
                    Err(KeepError::Stopped(_)) => return,
                    Err(error) => {
                        tracing::error!(%error, "the backup is not as it should be");
                        tokio::time::sleep(AGAIN).await;
                        continue;
                    }
                }
            }
            if changes.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    async fn write(&self, file: &std::path::Path) -> Result<(), KeepError> {
        let (sealed, _) = self.make().await?;
        let write = || crate::files::replace(file, &sealed);
        tokio::task::block_in_place(write).map_err(|source| KeepError::Write {
            path: file.to_owned(),
            source,
        })
    }
}

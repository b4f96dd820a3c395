//! The state file: how another process finds a running regtest.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::chains::Endpoints;
use crate::error::{Error, Result};
use crate::process::ProcessId;

pub(crate) const STATE_FILE: &str = "state.json";

/// What a running regtest writes into its folder, readable by its user only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The process that owns the daemons.
    pub owner: ProcessId,
    /// The daemons.
    pub daemons: Vec<RunningDaemon>,
    /// Where they answer, and the credentials.
    pub endpoints: Endpoints,
}

/// A daemon in the state file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningDaemon {
    /// Whose daemon.
    pub chain: Chain,
    /// Its process; none if it was stopped.
    pub process: Option<ProcessId>,
    /// What it prints goes here.
    pub log: PathBuf,
}

impl State {
    /// Replaces the state file of `dir` in one step.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(STATE_FILE);
        let fresh = dir.join(format!("{STATE_FILE}.new"));
        let text = serde_json::to_vec_pretty(self).map_err(|source| Error::State {
            path: path.clone(),
            source,
        })?;
        OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(&text))
            .map_err(Error::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(Error::io("replace", &path))
    }

    /// Removes the state file of `dir`, if there is one.
    pub(crate) fn remove(dir: &Path) -> Result<()> {
        let path = dir.join(STATE_FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Io {
                doing: "remove",
                path,
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// The state file of `dir`; [`Error::NotUp`] if there is none.
    pub(crate) fn read(dir: &Path) -> Result<State> {
        let path = dir.join(STATE_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NotUp { dir: dir.to_owned() });
            }
            Err(source) => {
                return Err(Error::Io {
                    doing: "read",
                    path,
                    source,
                });
            }
        };
        serde_json::from_slice(&text).map_err(|source| Error::State { path, source })
    }
}

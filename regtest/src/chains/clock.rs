//! The one clock of all chains: wall time plus what was advanced.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// Wall time plus an offset kept in a file, so that the miner of one process and the `advance` of another agree.
pub(crate) struct Clock {
    path: PathBuf,
}

impl Clock {
    /// The clock of the regtest in `dir`; its offset outlives a restart.
    pub(crate) fn of(dir: &Path) -> Self {
        Clock {
            path: dir.join("clock"),
        }
    }

    /// Seconds since 1970 on the chains' clock.
    pub(crate) fn now(&self) -> u64 {
        wall().saturating_add(self.offset())
    }

    /// From now on the chains' clock continues from `time`.
    pub(crate) fn continue_from(&self, time: u64) -> Result<()> {
        let offset = time.saturating_sub(wall());
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, offset.to_string()).map_err(Error::io("write", &fresh))?;
        fs::rename(&fresh, &self.path).map_err(Error::io("replace", &self.path))
    }

    /// No file means that time was never advanced.
    fn offset(&self) -> u64 {
        fs::read_to_string(&self.path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }
}

fn wall() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_advanced_runs_on_from_there_also_when_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Clock::of(dir.path()).now() - wall() <= 1);
        let target = wall() + 5_000;
        Clock::of(dir.path()).continue_from(target).unwrap();
        let now = Clock::of(dir.path()).now();
        assert!((target..target + 3).contains(&now), "{now} after {target}");
    }
}

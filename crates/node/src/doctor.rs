//! What is wrong with a node, and what to do about it: looked at from outside, whether the node runs or not.
//!
//! Nothing is changed, except that a port is taken and let go of, and no secret is shown. The passphrase is needed for
//! one thing only, to read the journal through while no node uses it.

mod call;
mod chains;
mod folder;
mod peers;
mod ports;
mod running;
mod signer;

use crate::config::Config;
use crate::keystore::Passphrase;
use crate::rpc::types::{NodeStatus, PeerStatus};
use serde::Serialize;
use std::path::Path;

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The node runs, but not as well as it could; or it could not be looked at.
    Warn,
    /// The node does not start, or cannot swap.
    Fail,
}

impl Verdict {
    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What: such as `config`, `disk` or `chain.bitcoin`.
    pub check: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, where something is to be done.
    pub todo: Option<String>,
}

impl Checked {
    pub(crate) fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            verdict: Verdict::Ok,
            found: found.into(),
            todo: None,
        }
    }

    pub(crate) fn warn(check: impl Into<String>, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            todo: Some(todo.into()),
            ..Self::ok(check, found)
        }
    }

    pub(crate) fn fail(check: impl Into<String>, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            todo: Some(todo.into()),
            ..Self::ok(check, found)
        }
    }
}

/// All that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One line for each thing.
    pub checks: Vec<Checked>,
}

impl Report {
    /// How many have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|one| one.verdict == verdict).count()
    }
}

/// What is looked at.
struct Patient<'a> {
    data: &'a Path,
    config: &'a Config,
    /// The node, if it runs: what it says of itself and its neighbours.
    running: Option<&'a (NodeStatus, Vec<PeerStatus>)>,
}

/// Looks at the node of a data folder. Takes as long as its slowest daemon, and at most some seconds if one hangs.
pub async fn examine(data: &Path, passphrase: Option<&Passphrase>) -> Report {
    let format = folder::format(data);
    if format.verdict == Verdict::Fail {
        return Report { checks: vec![format] };
    }
    let mut checks = vec![format];
    let config = match Config::load(data) {
        Ok(config) => config,
        Err(error) => {
            let todo = "correct it; without a configuration nothing else can be looked at";
            checks.push(Checked::fail("config", error.to_string(), todo));
            return Report { checks };
        }
    };
    let places = format!("network {}, chains: {}", config.network, config.chains.len());
    checks.push(Checked::ok("config", places));
    let (found, status) = running::node(data, &config).await;
    checks.push(found);
    let patient = Patient {
        data,
        config: &config,
        running: status.as_ref(),
    };
    let (signer, household) = signer::check(&patient).await.unzip();
    checks.extend(signer);
    checks.extend(folder::checks(&patient, passphrase, household.flatten().as_ref()));
    checks.extend(ports::checks(&patient).await);
    checks.extend(chains::checks(&patient).await);
    checks.extend(peers::checks(&patient).await);
    Report { checks }
}

#[cfg(test)]
mod tests;

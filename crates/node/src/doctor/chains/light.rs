//! A light client's peers. Only the node itself speaks their protocol: here is seen whether somebody listens.

use super::Place;
use crate::config::LightConfig;
use crate::doctor::Checked;
use crate::doctor::ports::reach;
use futures::future::join_all;
use std::time::Duration;

/// A name that takes longer to resolve has no address.
const RESOLVED: Duration = Duration::from_secs(3);
/// A block counts when so many have named it.
const ENOUGH: usize = 2;

pub(super) async fn checks(place: &Place<'_>, config: &LightConfig) -> Vec<Checked> {
    let tried = join_all(config.peers.iter().map(|peer| answers(peer))).await;
    let all = tried.len();
    let silent: Vec<_> = tried.into_iter().filter_map(Result::err).collect();
    let there = all.saturating_sub(silent.len());
    let found = format!("{there} of {all} peers answer{}", listed(&silent));
    let enough = if place.is_test() { 1 } else { ENOUGH };
    let todo = "name further peers that serve compact filters, of different owners, in kofo.toml";
    vec![match (there >= enough, silent.is_empty()) {
        (false, _) => Checked::fail(place.name(), found, todo),
        (true, false) => Checked::warn(place.name(), found, todo),
        (true, true) => Checked::ok(place.name(), found),
    }]
}

fn listed(silent: &[String]) -> String {
    if silent.is_empty() {
        return String::new();
    }
    format!("; {}", silent.join("; "))
}

async fn answers(peer: &str) -> Result<(), String> {
    let resolved = tokio::time::timeout(RESOLVED, tokio::net::lookup_host(peer)).await;
    let mut addresses = match resolved {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(format!("{peer}: {error}")),
        Err(_late) => return Err(format!("{peer}: its name is not resolved in time")),
    };
    let at = addresses.next().ok_or_else(|| format!("{peer}: no address"))?;
    reach(at).await.map_err(|why| format!("{peer}: {why}"))
}

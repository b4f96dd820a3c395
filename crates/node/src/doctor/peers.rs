//! The peers that the configuration names, and the neighbours that a running node has.

use super::ports::{reach, socket};
use super::{Checked, Patient};
use futures::future::join_all;

pub(super) async fn checks(patient: &Patient<'_>) -> Vec<Checked> {
    if let Some((_, neighbours)) = patient.running {
        return vec![connected(patient, neighbours.len())];
    }
    if patient.config.peers.is_empty() {
        return vec![none_named()];
    }
    join_all(patient.config.peers.iter().map(|peer| named(peer))).await
}

fn none_named() -> Checked {
    let todo = "name some in `peers` for claims and quotes; offers that are handed over need none";
    Checked::warn("peers", "none is configured, and none may find this node", todo)
}

fn connected(patient: &Patient<'_>, neighbours: usize) -> Checked {
    match (neighbours, patient.config.peers.is_empty()) {
        (0, true) => none_named(),
        (0, false) => {
            let todo = "see whether they run, and whether a firewall is between";
            Checked::fail("peers", "none of the configured peers is connected", todo)
        }
        (some, _) => Checked::ok("peers", format!("{some} neighbours")),
    }
}

async fn named(peer: &str) -> Checked {
    let Some((at, false)) = socket(peer) else {
        return Checked::ok("peers", format!("{peer}: not tried, only the node can"));
    };
    match reach(at).await {
        Ok(()) => Checked::ok("peers", format!("{peer} answers")),
        Err(why) => {
            let todo = "see whether it runs, and whether a firewall is between";
            Checked::warn("peers", format!("{peer}: {why}"), todo)
        }
    }
}

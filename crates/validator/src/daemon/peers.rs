//! The other validators: where they are, and the secret that one that joins later asks them for.

use super::{RunError, Shared, Start};
use crate::intake::Peers;
use crate::keys::Keys;
use kofo_clearance::{Ask, Request, Response};
use kofo_network::{PeerAddress, Transport};
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds of asking for the secret.
const REST: Duration = Duration::from_secs(1);

/// Where the others are.
pub(super) struct Others {
    /// Their engines.
    pub(super) engines: Vec<String>,
    /// Their services, by their names among peers.
    pub(super) services: Peers,
}

impl Others {
    pub(super) fn of(start: &Start, keys: &Keys) -> Result<Self, RunError> {
        let ours = keys.account.id();
        let named = start.genesis.validators.iter();
        let named: Vec<_> = named.filter(|one| one.account != ours).collect();
        let extra = &start.config;
        let engines = named.iter().map(|one| one.engine.as_str().to_owned());
        let services = named.iter().map(|one| one.service.as_str());
        let mut known = Peers::new();
        for address in services.chain(extra.service_peers.iter().map(String::as_str)) {
            let peer = PeerAddress::from_multiaddrs(&[address])?;
            if peer.peer() != keys.identity.peer_id() {
                known.insert(peer.peer(), peer);
            }
        }
        Ok(Self {
            engines: engines.chain(extra.engine_peers.iter().cloned()).collect(),
            services: known,
        })
    }
}

/// Asks the others until the secret is known. They answer as soon as we are elected.
pub(super) async fn ask_for_secret(shared: Arc<Shared>, transport: Arc<dyn Transport>, others: Peers) {
    while shared.committee.key().is_none() {
        for peer in others.values() {
            let ask = Ask {
                version: 1,
                network: shared.network.clone(),
                key: shared.keys.account.id(),
                of: None,
                after: 0,
                time_ms: shared.clock.now_ms(),
            };
            let request = Request::Share(ask.sign(&shared.keys.account)).write();
            let Ok(answer) = transport.request(peer, request).await else {
                continue;
            };
            if let Ok(Response::Share(sealed)) = Response::read(&answer) {
                match shared.committee.take(&shared.keys.account, &sealed) {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(peer = %peer.peer(), %error, "a share of the secret"),
                }
            }
        }
        tokio::time::sleep(REST).await;
    }
}

//! Our settings as the engine's.

use crate::settings::{Limits, Pace, Settings, StartError};
use arc_malachitebft_app_channel::app::config::{
    ConsensusConfig, DiscoveryConfig, NodeConfig, P2pConfig, ProtocolNames, PubSubProtocol, ValuePayload,
    ValueSyncConfig,
};
use arc_malachitebft_core_types::LinearTimeouts;
use kofo_primitives::NetworkId;
use std::net::SocketAddr;
use std::time::Duration;

/// Decided payloads in one answer to a peer that is behind.
pub(crate) const SYNC_BATCH: usize = 8;
/// A certificate and what is around it, at most.
const CERTIFICATE_BYTES: usize = 16 * 1024;
/// What stands around a chunk in its message.
const ENVELOPE: usize = 4 * 1024;

/// What the engine reads.
#[derive(Debug)]
pub(crate) struct EngineConfig {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

/// Bytes in the engine's own type of sizes, which it reads from text.
macro_rules! size {
    ($bytes:expr) => {
        format!("{}B", $bytes)
            .parse()
            .expect("a number with its unit is a size")
    };
}

/// Those of another network do not even connect.
fn protocol_names(network: &NetworkId) -> ProtocolNames {
    let name = |part: &str| format!("/kofo/{}/{part}/1", network.as_str());
    ProtocolNames {
        consensus: name("consensus"),
        discovery_kad: name("kad"),
        discovery_regres: name("discovery"),
        sync: name("sync"),
        validator_proof: name("proof"),
    }
}

fn p2p(settings: &Settings, listen: SocketAddr) -> Result<P2pConfig, StartError> {
    let wrong = |text: &str| StartError::Address(text.into());
    let listen = crate::address::text(listen);
    let peers = settings.peers.iter().map(|text| {
        let checked = crate::address::peer(text)?;
        checked.parse().map_err(|_| wrong(text))
    });
    let discovery = DiscoveryConfig {
        enabled: false,
        max_connections_per_ip: settings.limits.connections_per_ip,
        ..DiscoveryConfig::default()
    };
    let message = (crate::parts::CHUNK + ENVELOPE).max(64 * 1024);
    Ok(P2pConfig {
        listen_addr: listen.parse().map_err(|_| wrong(&listen))?,
        persistent_peers: peers.collect::<Result<_, _>>()?,
        // Whoever connects may stay: the gate gives nothing to strangers, and knows joining validators by their proofs.
        persistent_peers_only: false,
        discovery,
        // Between validators that all know each other; whoever does not follows by sync.
        protocol: PubSubProtocol::Broadcast,
        pubsub_max_size: size!(message),
        rpc_max_size: size!(response_bytes(&settings.limits)),
        protocol_names: protocol_names(&settings.network),
        ..P2pConfig::default()
    })
}

/// The longest answer to a peer that is behind: one payload always fits.
pub(crate) fn response_bytes(limits: &Limits) -> usize {
    let one = limits.payload.saturating_add(CERTIFICATE_BYTES);
    one.max(8 * 1024 * 1024).saturating_add(ENVELOPE)
}

impl EngineConfig {
    /// Of our settings, with the address that was found free.
    pub(crate) fn new(settings: &Settings, moniker: String, listen: SocketAddr) -> Result<Self, StartError> {
        let consensus = ConsensusConfig {
            enabled: settings.secret.is_some(),
            p2p: p2p(settings, listen)?,
            value_payload: ValuePayload::ProposalAndParts,
            ..ConsensusConfig::default()
        };
        let sync = ValueSyncConfig {
            enabled: true,
            // Peers are told of every height when it is decided.
            status_update_interval: Duration::ZERO,
            max_response_size: size!(response_bytes(&settings.limits)),
            batch_size: SYNC_BATCH,
            ..ValueSyncConfig::default()
        };
        Ok(Self {
            moniker,
            consensus,
            sync,
        })
    }
}

/// How long the engine waits, round by round.
pub(crate) fn timeouts(pace: &Pace) -> LinearTimeouts {
    let cap = |wait: Duration| wait.min(pace.cap);
    LinearTimeouts {
        propose: cap(pace.propose),
        propose_delta: pace.propose / 2,
        prevote: cap(pace.vote),
        prevote_delta: pace.vote / 2,
        precommit: cap(pace.vote),
        precommit_delta: pace.vote / 2,
        rebroadcast: cap(pace.propose.saturating_add(pace.vote)),
        max_timeout: pace.cap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_protocols_are_of_one_network() {
        let names = |of: &str| protocol_names(&NetworkId::new(of).unwrap());
        assert_ne!(names("kofo-a"), names("kofo-b"));
        assert_eq!(names("kofo-a").consensus, "/kofo/kofo-a/consensus/1");
    }

    #[test]
    fn waits_grow_with_the_round_up_to_the_cap() {
        let waits = timeouts(&Pace::default());
        let propose = |round| {
            let timeout = arc_malachitebft_core_types::Timeout::propose(round);
            waits.duration_for(timeout)
        };
        assert_eq!(propose(0u32.into()), Duration::from_secs(2));
        assert_eq!(propose(1u32.into()), Duration::from_secs(3));
        assert_eq!(propose(1000u32.into()), Duration::from_secs(5));
    }
}

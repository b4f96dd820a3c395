//! From the configuration to the views of the chain.

use bitcoin::Network;
use kofo_adapter_api::AdapterError;

use super::BitcoinConfig;
use crate::light::{Checkpoint, Light, LightPeer};
use crate::nodes::Nodes;
use crate::rpc::{Rpc, RpcAuth};
use crate::source::Source;
use crate::terms::malformed;

/// By what a chain is seen.
#[derive(Debug, Clone)]
pub enum Access {
    /// Our own bitcoind.
    Node {
        /// Such as `http://127.0.0.1:8332`.
        url: String,
        /// How to log in.
        auth: RpcAuth,
        /// Other nodes of the same chain, at most [`MAX_WITNESSES`]: nothing is believed that they do not confirm.
        witnesses: Vec<Witness>,
    },
    /// No node of ours: peers that serve compact filters (BIP-157), which are strangers. Two of them are followed at a
    /// time, and nothing is believed that not both say; there is no mempool, and no fee estimate but from blocks.
    Light {
        /// Two to [`MAX_LIGHT_PEERS`]; on regtest one will do. Those at even places, and those at odd places, stand in
        /// for each other.
        peers: Vec<LightPeer>,
        /// Where headers begin, at least eleven blocks below everything that matters; without one, the last block
        /// before taproot on the main chain, elsewhere genesis.
        checkpoint: Option<Checkpoint>,
    },
}

/// More peers than this are refused.
pub const MAX_LIGHT_PEERS: usize = 8;

/// A second opinion: a bitcoind that need not be ours.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Such as `http://127.0.0.1:8332`.
    pub url: String,
    /// How to log in.
    pub auth: RpcAuth,
}

/// More witnesses than this are refused.
pub const MAX_WITNESSES: usize = 3;

pub(super) fn nodes(config: &BitcoinConfig) -> Result<Nodes, AdapterError> {
    match &config.access {
        Access::Node { url, auth, witnesses } => own_node(url, auth, witnesses),
        Access::Light { peers, checkpoint } => {
            let checkpoint = checkpoint.unwrap_or_else(|| Checkpoint::of(config.network));
            strangers(config.network, peers, checkpoint)
        }
    }
}

fn own_node(url: &str, auth: &RpcAuth, witnesses: &[Witness]) -> Result<Nodes, AdapterError> {
    let have = witnesses.len();
    if have > MAX_WITNESSES {
        let most = format!("at most {MAX_WITNESSES}");
        return Err(malformed("witnesses", &most, have.to_string()));
    }
    let witness = |witness: &Witness| -> Box<dyn Source> {
        Box::new(Rpc::witness(witness.url.clone(), witness.auth.clone()))
    };
    Ok(Nodes {
        ours: Box::new(Rpc::own(url.to_owned(), auth.clone())),
        witnesses: witnesses.iter().map(witness).collect(),
        strangers: false,
    })
}

/// Two light clients, which share no peer. On regtest, where nobody lies, one will do.
fn strangers(network: Network, peers: &[LightPeer], checkpoint: Checkpoint) -> Result<Nodes, AdapterError> {
    let least = if network == Network::Regtest { 1 } else { 2 };
    let same = peers
        .iter()
        .enumerate()
        .any(|(at, peer)| peers.iter().skip(at.saturating_add(1)).any(|p| p == peer));
    if !(least..=MAX_LIGHT_PEERS).contains(&peers.len()) || same {
        let expected = format!("{least} to {MAX_LIGHT_PEERS} of different addresses");
        let got: Vec<String> = peers.iter().map(LightPeer::to_string).collect();
        return Err(malformed("peers", &expected, got.join(", ")));
    }
    let every_other =
        |from: usize| -> Vec<LightPeer> { peers.iter().skip(from).step_by(2).cloned().collect() };
    let light =
        |peers: Vec<LightPeer>| -> Box<dyn Source> { Box::new(Light::start(network, peers, checkpoint)) };
    let others = Some(every_other(1)).filter(|others| !others.is_empty());
    Ok(Nodes {
        ours: light(every_other(0)),
        witnesses: others.map(light).into_iter().collect(),
        strangers: true,
    })
}

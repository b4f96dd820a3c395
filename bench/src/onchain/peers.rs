//! What the same acts cost with others: constants, kept with their sources in `data/peers.json`.

use anyhow::{Context, Result};
use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peers {
    /// How the numbers came about.
    pub(crate) source: String,
    pub(crate) evm: Vec<EvmPeer>,
    pub(crate) batches: Vec<BatchPeer>,
    pub(crate) acts: ActPeers,
    pub(crate) btc: Vec<BtcPeer>,
    /// Whole swaps of bitcoin for ether.
    pub(crate) swaps: Vec<SwapPeer>,
}

/// One contract.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvmPeer {
    pub(crate) name: String,
    /// Repository, commit and compiler.
    pub(crate) source: String,
    pub(crate) eth: PeerGas,
    pub(crate) erc20: PeerGas,
}

/// Gas of the three acts.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeerGas {
    pub(crate) lock: u64,
    pub(crate) redeem: u64,
    pub(crate) refund: u64,
}

/// Gas per swap of many together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchPeer {
    pub(crate) name: String,
    pub(crate) lock: u64,
    pub(crate) redeem: u64,
}

/// The nearest peer of each rarer act.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActPeers {
    pub(crate) third_party_redeem: ActPeer,
    pub(crate) release: ActPeer,
    pub(crate) token_transfer: ActPeer,
}

/// One act of one peer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActPeer {
    pub(crate) name: String,
    pub(crate) gas: u64,
}

/// One script. Pairs are virtual bytes with a P2WPKH and with a P2TR payout.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BtcPeer {
    pub(crate) name: String,
    /// With one P2TR input and P2TR change.
    pub(crate) lock: u64,
    pub(crate) redeem: [u64; 2],
    pub(crate) refund: [u64; 2],
    /// Both parties together, where the script allows it.
    pub(crate) cooperative: Option<[u64; 2]>,
}

/// What one peer swaps bitcoin for ether with, when all goes well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwapPeer {
    pub(crate) name: String,
    /// The name of its script.
    pub(crate) btc: String,
    /// Whether its parties spend that script together then.
    pub(crate) together: bool,
    /// The name of its contract.
    pub(crate) evm: String,
}

impl PeerGas {
    /// What a leg that goes well costs.
    pub(crate) fn swap(&self) -> u64 {
        self.lock.saturating_add(self.redeem)
    }
}

impl BatchPeer {
    /// What one of the swaps costs.
    pub(crate) fn swap(&self) -> u64 {
        self.lock.saturating_add(self.redeem)
    }
}

impl Peers {
    /// Reads the file that is compiled in.
    pub(crate) fn read() -> Result<Peers> {
        serde_json::from_str(include_str!("../../data/peers.json")).context("bench/data/peers.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_every_list_has_somebody() {
        let peers = Peers::read().unwrap();
        assert!(!peers.evm.is_empty() && !peers.batches.is_empty() && !peers.btc.is_empty());
        assert!(!peers.swaps.is_empty());
        assert!(
            peers
                .evm
                .iter()
                .all(|peer| peer.eth.swap() > 2 * 21_000 && !peer.source.is_empty())
        );
    }
}

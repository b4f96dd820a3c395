//! A whole swap that goes well, from the lock of bitcoin to the redeem of ether, beside the same with others.

use anyhow::{Context, Result};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness};
use bitcoin::{absolute::LockTime, transaction::Version};
use kofo_bitcoin::Htlc;

use super::figures::Figures;
use super::peers::{Peers, SwapPeer};
use crate::table::{difference, grouped, markdown};

/// What one such swap needs: all its transactions on both chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    name: String,
    /// Lock and redeem of bitcoin, in virtual bytes.
    vb: u64,
    /// Lock and redeem of ether.
    gas: u64,
}

/// Ours, and then the peers'.
pub(crate) struct Wholes {
    ours: Vec<Whole>,
    peers: Vec<Whole>,
}

impl Wholes {
    /// Of what was measured now and what was measured of others.
    pub(crate) fn of(figures: &Figures, peers: &Peers) -> Result<Self> {
        let lock = lock()?;
        let row = |name: &str, redeem: u64, gas: u64| Whole {
            name: name.to_owned(),
            vb: lock.saturating_add(redeem),
            gas,
        };
        let (btc, eth) = (&figures.btc, &figures.evm.eth);
        let ours = vec![
            row(
                "kofo, together, recycled lane",
                btc.coop_redeem,
                eth.recycled.swap(),
            ),
            row(
                "kofo, together, first use of a lane",
                btc.coop_redeem,
                eth.first.swap(),
            ),
            row("kofo, alone, recycled lane", btc.leaf_redeem, eth.recycled.swap()),
        ];
        let peers = peers
            .swaps
            .iter()
            .map(|swap| theirs(swap, peers))
            .collect::<Result<_>>()?;
        Ok(Self { ours, peers })
    }

    /// The table. The last two columns are what ours needs, the first row, compared with that row.
    pub(crate) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .ours
            .iter()
            .chain(&self.peers)
            .map(|whole| {
                let (vb, gas) = self.ours.first().map_or((0, 0), |ours| (ours.vb, ours.gas));
                vec![
                    whole.name.clone(),
                    grouped(whole.vb),
                    grouped(whole.gas),
                    difference(vb, whole.vb),
                    difference(gas, whole.gas),
                ]
            })
            .collect();
        let head = ["BTC → ETH, all went well", "vB", "gas", "ours, vB", "ours, gas"];
        markdown(&head, &rows)
    }

    /// A sentence for each peer that needs fewer virtual bytes, or not more gas, than we do when both parties help.
    pub(crate) fn not_least(&self) -> Vec<String> {
        let Some(ours) = self.ours.first() else {
            return Vec::new();
        };
        let beats = |peer: &&Whole| peer.vb < ours.vb || peer.gas <= ours.gas;
        let says = |peer: &Whole| {
            let Whole { name, vb, gas } = peer;
            format!(
                "NOT THE LEAST: {name} swaps BTC for ETH in {vb} vB and {gas} gas, we in {} and {}",
                ours.vb, ours.gas
            )
        };
        self.peers.iter().filter(beats).map(says).collect()
    }
}

/// Made of the peer's script and of its contract, by their names.
fn theirs(swap: &SwapPeer, peers: &Peers) -> Result<Whole> {
    let script = peers.btc.iter().find(|script| script.name == swap.btc);
    let script = script.with_context(|| format!("no script is named {}", swap.btc))?;
    let contract = peers.evm.iter().find(|contract| contract.name == swap.evm);
    let contract = contract.with_context(|| format!("no contract is named {}", swap.evm))?;
    let [_, redeem] = match script.cooperative {
        Some(together) if swap.together => together,
        _ => script.redeem,
    };
    Ok(Whole {
        name: format!("{}: {}, {}", swap.name, script.name, contract.name),
        vb: script.lock.saturating_add(redeem),
        gas: contract.eth.swap(),
    })
}

/// Virtual bytes of our lock, made as the peers' were: it spends one taproot output and has change in another.
fn lock() -> Result<u64> {
    let secp = Secp256k1::new();
    let key =
        |byte| SecretKey::from_slice(&[byte; 32]).map(|secret| PublicKey::from_secret_key(&secp, &secret));
    let [redeemer, refunder] = [key(0x11)?, key(0x22)?];
    let hashlock = sha256::Hash::hash(&[0x5a; 32]).to_byte_array();
    let htlc = Htlc::new(redeemer, refunder, hashlock, 1_800_000_000)?;
    let change = ScriptBuf::new_p2tr(&secp, redeemer.x_only_public_key().0, None);
    let output = |script_pubkey| TxOut {
        value: Amount::ONE_BTC,
        script_pubkey,
    };
    let lock = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            // One Schnorr signature.
            witness: Witness::from_slice(&[[0x33; 64]]),
            ..TxIn::default()
        }],
        output: vec![output(htlc.script_pubkey()), output(change)],
    };
    Ok(u64::try_from(lock.vsize())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wholes(vb: u64, gas: u64) -> Wholes {
        let whole = |name: &str, vb, gas| Whole {
            name: name.to_owned(),
            vb,
            gas,
        };
        Wholes {
            ours: vec![whole("ours", vb, gas)],
            peers: vec![whole("theirs", 265, 80_069)],
        }
    }

    #[test]
    fn a_lock_is_as_large_as_the_peers_taproot_locks() {
        assert_eq!(lock().unwrap(), 154);
    }

    #[test]
    fn a_peer_that_needs_less_is_named() {
        assert!(wholes(265, 64_090).not_least().is_empty());
        for (vb, gas) in [(266, 64_090), (265, 80_069), (309, 90_000)] {
            let says = wholes(vb, gas).not_least();
            assert!(says.len() == 1 && says[0].contains("theirs"), "{says:?}");
        }
    }

    #[test]
    fn the_swaps_of_the_four_peers_are_made_of_what_was_measured() {
        let peers = Peers::read().unwrap();
        let made: Vec<Whole> = peers
            .swaps
            .iter()
            .map(|swap| theirs(swap, &peers).unwrap())
            .collect();
        let sums: Vec<(u64, u64)> = made.iter().map(|whole| (whole.vb, whole.gas)).collect();
        assert_eq!(
            sums,
            [(265, 80_069), (452, 88_608), (309, 99_341), (308, 202_918)]
        );
    }
}

//! What we sent and a peer asked for: all that a light client knows of what waits for a block.

use std::collections::BTreeMap;

use bitcoin::{Block, OutPoint, Transaction, Txid};

/// More of ours do not wait for a block; the oldest ids go first, and are sent again.
const KEPT: usize = 1_000;

#[derive(Default)]
pub(super) struct Sent(BTreeMap<Txid, Transaction>);

impl Sent {
    /// A peer has it: what spends the same is replaced by it.
    pub(super) fn insert(&mut self, tx: Transaction) {
        self.forget_spenders(&tx);
        self.0.insert(tx.compute_txid(), tx);
        while self.0.len() > KEPT {
            self.0.pop_first();
        }
    }

    /// What is in the block, or conflicts with it, waits no more.
    pub(super) fn mined(&mut self, block: &Block) {
        if !self.0.is_empty() {
            block.txdata.iter().for_each(|tx| self.forget_spenders(tx));
        }
    }

    fn forget_spenders(&mut self, tx: &Transaction) {
        let spent: Vec<OutPoint> = tx.input.iter().map(|input| input.previous_output).collect();
        self.0.retain(|_, old| !spends(old, &spent));
    }

    pub(super) fn ids(&self) -> Vec<Txid> {
        self.0.keys().copied().collect()
    }

    pub(super) fn get(&self, txid: Txid) -> Option<Transaction> {
        self.0.get(&txid).cloned()
    }

    pub(super) fn spenders(&self, outpoints: &[OutPoint]) -> Vec<Txid> {
        let touching = self.0.iter().filter(|(_, tx)| spends(tx, outpoints));
        touching.map(|(txid, _)| *txid).collect()
    }
}

fn spends(tx: &Transaction, outpoints: &[OutPoint]) -> bool {
    tx.input
        .iter()
        .any(|input| outpoints.contains(&input.previous_output))
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;
    use bitcoin::hashes::Hash;
    use bitcoin::{Amount, Network, TxIn, TxOut};

    use super::*;

    fn outpoint(byte: u8) -> OutPoint {
        OutPoint::new(Txid::from_byte_array([byte; 32]), 0)
    }

    fn spending(byte: u8, sats: u64) -> Transaction {
        let mut tx = genesis_block(Network::Regtest).txdata.remove(0);
        let previous_output = outpoint(byte);
        tx.input = vec![TxIn {
            previous_output,
            ..TxIn::default()
        }];
        tx.output = vec![TxOut {
            value: Amount::from_sat(sats),
            script_pubkey: Default::default(),
        }];
        tx
    }

    #[test]
    fn a_replacement_takes_the_place_of_what_spends_the_same() {
        let mut sent = Sent::default();
        let (old, new, other) = (spending(1, 5), spending(1, 4), spending(2, 5));
        for tx in [&old, &other, &new] {
            sent.insert(tx.clone());
        }
        assert_eq!(sent.get(old.compute_txid()), None);
        assert_eq!(sent.spenders(&[outpoint(1)]), [new.compute_txid()]);
        assert_eq!(sent.ids().len(), 2);
    }

    #[test]
    fn what_a_block_holds_or_makes_impossible_waits_no_more() {
        let mut sent = Sent::default();
        sent.insert(spending(1, 5));
        sent.insert(spending(2, 5));
        let mut block = genesis_block(Network::Regtest);
        block.txdata.push(spending(1, 3));
        sent.mined(&block);
        assert_eq!(sent.ids(), [spending(2, 5).compute_txid()]);
    }
}

//! What we sent and a peer asked for: all that a light client knows of what waits for a block.

use std::collections::BTreeMap;

use bitcoin::{Block, OutPoint, Transaction, Txid};

/// More of ours do not wait for a block; the oldest ids go first, and are sent again.
const KEPT: usize = 1_000;

/// Every version of what spends the same outbids those that were offered before it, and a peer asks for them in any order:
/// what it keeps is the version that was offered first the latest.
#[derive(Default)]
pub(super) struct Sent {
    /// What waits for a block.
    waiting: BTreeMap<Txid, Transaction>,
    /// When each was offered first, by a count.
    offered: BTreeMap<Txid, u64>,
    count: u64,
}

impl Sent {
    /// It is offered to a peer, perhaps not for the first time.
    pub(super) fn offer(&mut self, txid: Txid) {
        self.count = self.count.saturating_add(1);
        self.offered.entry(txid).or_insert(self.count);
        if self.offered.len() > KEPT {
            let oldest = self.offered.iter().min_by_key(|(_, at)| **at);
            let oldest = oldest.map(|(txid, _)| *txid);
            oldest.and_then(|txid| self.offered.remove(&txid));
        }
    }

    /// A peer has it: it takes the place of what spends the same, unless that outbids it.
    pub(super) fn insert(&mut self, tx: Transaction) {
        let txid = tx.compute_txid();
        let offered = |txid: &Txid| self.offered.get(txid).copied().unwrap_or_default();
        let rivals = self.spenders(&spent_by(&tx));
        if rivals.iter().any(|rival| offered(rival) > offered(&txid)) {
            return;
        }
        self.forget_spenders(&tx);
        self.waiting.insert(txid, tx);
        while self.waiting.len() > KEPT {
            self.waiting.pop_first();
        }
    }

    /// What is in the block, or conflicts with it, waits no more.
    pub(super) fn mined(&mut self, block: &Block) {
        if !self.waiting.is_empty() {
            block.txdata.iter().for_each(|tx| self.forget_spenders(tx));
        }
    }

    fn forget_spenders(&mut self, tx: &Transaction) {
        let spent = spent_by(tx);
        self.waiting.retain(|_, old| !spends(old, &spent));
    }

    pub(super) fn ids(&self) -> Vec<Txid> {
        self.waiting.keys().copied().collect()
    }

    pub(super) fn get(&self, txid: Txid) -> Option<Transaction> {
        self.waiting.get(&txid).cloned()
    }

    pub(super) fn spenders(&self, outpoints: &[OutPoint]) -> Vec<Txid> {
        let touching = self.waiting.iter().filter(|(_, tx)| spends(tx, outpoints));
        touching.map(|(txid, _)| *txid).collect()
    }
}

fn spent_by(tx: &Transaction) -> Vec<OutPoint> {
    tx.input.iter().map(|input| input.previous_output).collect()
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
    fn a_peer_that_asks_for_the_older_one_last_keeps_the_newer_one() {
        let mut sent = Sent::default();
        let (old, new) = (spending(1, 5), spending(1, 4));
        // The old one is offered again after it was outbid.
        for tx in [&old, &new, &old] {
            sent.offer(tx.compute_txid());
        }
        for tx in [&new, &old] {
            sent.insert(tx.clone());
        }
        assert_eq!(sent.ids(), [new.compute_txid()]);
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

//! That a transaction, with its witness, is in the first block of a chain of headers.

use bitcoin::block::Header;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{Transaction, WitnessMerkleNode};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_clearance::ProofRule;

use crate::branch::{Branch, MAX_DEPTH};
use crate::flaw::Flaw;
use crate::headers;

/// How the output begins by which a coinbase commits to the witnesses of its block (BIP-141).
const COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
/// A node of the tree is the hash of so many bytes.
const NODE_BYTES: usize = 64;

/// A transaction and where it is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Included {
    /// From the transaction's block on.
    pub(crate) headers: Vec<[u8; 80]>,
    /// The first transaction of the block. Its branch is as long as the tree is deep, and nobody can make it look
    /// longer or shorter: so no inner node passes for a transaction.
    pub(crate) coinbase: Vec<u8>,
    pub(crate) coinbase_branch: Vec<[u8; 32]>,
    /// The transaction's place in the block.
    pub(crate) index: u32,
    pub(crate) branch: Vec<[u8; 32]>,
    pub(crate) tx: Vec<u8>,
}

impl Included {
    /// The transaction, if it is where the proof says, and with the witness that the block has: `witness_branch` is that of
    /// its hash with witness.
    pub(crate) fn check(&self, rule: &ProofRule, witness_branch: &[[u8; 32]]) -> Result<Transaction, Flaw> {
        let (coinbase, tx) = self.place(rule)?;
        self.check_witness(&coinbase, &tx, witness_branch)?;
        Ok(tx)
    }

    /// The coinbase and the transaction, if they are where the proof says. Nothing is said of their witnesses.
    fn place(&self, rule: &ProofRule) -> Result<(Transaction, Transaction), Flaw> {
        let headers: Result<Vec<Header>, _> = self.headers.iter().map(|bytes| deserialize(bytes)).collect();
        let headers = headers.map_err(|error| Flaw::Form {
            bytes: self.headers.len().saturating_mul(80),
            why: error.to_string(),
        })?;
        headers::check(&headers, rule)?;
        let root = headers.first().map(|header| header.merkle_root.to_byte_array());
        let depth = self.coinbase_branch.len();
        if depth > MAX_DEPTH || self.branch.len() != depth {
            return Err(Flaw::Branch { what: "transaction" });
        }
        let coinbase = read(&self.coinbase, "coinbase")?;
        if !coinbase.is_coinbase() {
            return Err(Flaw::Coinbase);
        }
        let first = Branch {
            index: 0,
            halves: &self.coinbase_branch,
        };
        if first.root(coinbase.compute_txid().to_byte_array()) != root {
            return Err(Flaw::Branch { what: "coinbase" });
        }
        let tx = read(&self.tx, "transaction")?;
        let place = Branch {
            index: self.index,
            halves: &self.branch,
        };
        if place.root(tx.compute_txid().to_byte_array()) != root {
            return Err(Flaw::Branch { what: "transaction" });
        }
        Ok((coinbase, tx))
    }

    fn check_witness(
        &self,
        coinbase: &Transaction,
        tx: &Transaction,
        halves: &[[u8; 32]],
    ) -> Result<(), Flaw> {
        let place = Branch {
            index: self.index,
            halves,
        };
        let committed = commitment(coinbase, |reserved| {
            let root = place.root(tx.compute_wtxid().to_byte_array())?;
            let root = WitnessMerkleNode::from_byte_array(root);
            Some(bitcoin::Block::compute_witness_commitment(&root, reserved).to_byte_array())
        });
        let fits = halves.len() == self.branch.len() && committed.is_some_and(|fits| fits);
        fits.then_some(()).ok_or_else(|| Flaw::Witness {
            tx: tx.compute_txid(),
        })
    }
}

/// Whether the commitment of the coinbase, which is in the last output that looks like one, is what `of` makes of the
/// reserved value in its witness; `None` where it has none.
fn commitment(coinbase: &Transaction, of: impl Fn(&[u8]) -> Option<[u8; 32]>) -> Option<bool> {
    let scripts = coinbase
        .output
        .iter()
        .rev()
        .map(|output| output.script_pubkey.as_bytes());
    let mut hashes =
        scripts.filter_map(|script| script.strip_prefix(&COMMITMENT).and_then(|rest| rest.get(..32)));
    let hash = hashes.next()?;
    let witness = &coinbase.input.first()?.witness;
    let reserved = witness
        .nth(0)
        .filter(|item| witness.len() == 1 && item.len() == 32)?;
    Some(of(reserved)? == hash)
}

/// The transaction that these bytes are, all of them.
fn read(bytes: &[u8], what: &'static str) -> Result<Transaction, Flaw> {
    let tx: Transaction = deserialize(bytes).map_err(|_| Flaw::Transaction { what })?;
    if tx.base_size() == NODE_BYTES {
        return Err(Flaw::SixtyFour);
    }
    Ok(tx)
}

/// The same for one that comes without witness: nothing in its bytes may be altered.
pub(crate) fn read_bare(bytes: &[u8], what: &'static str) -> Result<Transaction, Flaw> {
    read(bytes, what).and_then(bare)
}

/// Refuses a witness that nobody asked for, and so nobody has checked.
fn bare(tx: Transaction) -> Result<Transaction, Flaw> {
    if tx.input.iter().any(|input| !input.witness.is_empty()) {
        return Err(Flaw::Witness {
            tx: tx.compute_txid(),
        });
    }
    Ok(tx)
}

/// The hash of a transaction in the tree of witnesses: a coinbase has none there.
pub(crate) fn witness_leaf(tx: &Transaction) -> [u8; 32] {
    if tx.is_coinbase() {
        return sha256d::Hash::all_zeros().to_byte_array();
    }
    tx.compute_wtxid().to_byte_array()
}

#[cfg(test)]
mod tests;

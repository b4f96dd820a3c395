//! Proofs, made of what a node gives.

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{Block, Transaction, Txid, Witness};
use kofo_clearance::MAX_PROOF_BYTES;
use kofo_primitives::{TxId, encode};

use crate::branch;
use crate::included::{Included, witness_leaf};
use crate::proof::{Proof, VERSION};

/// What a proof is made of, all of it as the chain's nodes serialize it.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The block that has the transaction, with witnesses.
    pub block: &'a [u8],
    /// The headers above it, the next one first: one less than the rule's depth, or more.
    pub above: &'a [[u8; 80]],
    /// The transaction that ended the leg.
    pub tx: TxId,
    /// The transaction that locked the leg.
    pub lock: &'a [u8],
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The bytes of the block are none.
    #[error("the bytes given are not a block: {0}")]
    Block(String),
    /// The bytes of the lock are no transaction.
    #[error("the bytes of the lock are not a transaction: {0}")]
    Lock(String),
    /// Another block.
    #[error("transaction {0} is not in the block given")]
    Missing(TxId),
    /// The coinbase or one of the transactions is too long.
    #[error(
        "expected a proof of at most {MAX_PROOF_BYTES} bytes, got {0}: validators' own observations must do"
    )]
    TooLong(usize),
}

/// The proof of an end. Does not check that it proves what is wanted:
/// [`crate::BitcoinProofs`] does.
pub fn prove(parts: &Parts<'_>) -> Result<Vec<u8>, ProveError> {
    let block: Block = deserialize(parts.block).map_err(|error| ProveError::Block(error.to_string()))?;
    let missing = || ProveError::Missing(parts.tx);
    let wanted = internal(&parts.tx);
    let txids: Vec<Txid> = block.txdata.iter().map(Transaction::compute_txid).collect();
    let index = txids
        .iter()
        .position(|txid| *txid == wanted)
        .ok_or_else(missing)?;
    let leaves: Vec<[u8; 32]> = txids.iter().map(|txid| txid.to_byte_array()).collect();
    let tx = block.txdata.get(index).ok_or_else(missing)?;
    let coinbase = block.txdata.first().ok_or_else(missing)?;
    let lock: Transaction = deserialize(parts.lock).map_err(|error| ProveError::Lock(error.to_string()))?;
    let witnesses: Vec<[u8; 32]> = block.txdata.iter().map(witness_leaf).collect();
    let mut headers = vec![header(&block)];
    headers.extend_from_slice(parts.above);
    let proof = Proof {
        version: VERSION,
        included: Included {
            headers,
            coinbase: serialize(coinbase),
            coinbase_branch: branch::of(&leaves, 0).ok_or_else(missing)?,
            index: u32::try_from(index).map_err(|_| missing())?,
            branch: branch::of(&leaves, index).ok_or_else(missing)?,
            tx: serialize(tx),
        },
        witness_branch: branch::of(&witnesses, index).ok_or_else(missing)?,
        lock: bare(&lock),
    };
    let bytes = encode(&proof);
    if bytes.len() > MAX_PROOF_BYTES {
        return Err(ProveError::TooLong(bytes.len()));
    }
    Ok(bytes)
}

fn header(block: &Block) -> [u8; 80] {
    let bytes = serialize(&block.header);
    bytes.try_into().expect("a header has 80 bytes")
}

/// Without witness.
fn bare(tx: &Transaction) -> Vec<u8> {
    let mut tx = tx.clone();
    for input in &mut tx.input {
        input.witness = Witness::new();
    }
    serialize(&tx)
}

/// Bitcoin prints ids with the bytes reversed.
fn internal(tx: &TxId) -> Txid {
    let mut bytes = tx.0;
    bytes.reverse();
    Txid::from_byte_array(bytes)
}

//! What is wrong with a proof.

use bitcoin::{Amount, BlockHash, CompactTarget, Txid};
use kofo_clearance::{MAX_PROOF_BYTES, ProofError};
use kofo_primitives::{AssetId, ChainId};

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not the encoding of a proof.
    #[error("expected a Bitcoin proof of version 1 in at most {MAX_PROOF_BYTES} bytes, got {bytes}: {why}")]
    Form {
        /// Its length.
        bytes: usize,
        /// What the decoder met.
        why: String,
    },
    /// The bytes of a transaction are none.
    #[error("the bytes of the {what} are not a transaction")]
    Transaction {
        /// Which of them.
        what: &'static str,
    },
    /// Another asset than the coin of the rule's chain.
    #[error("expected the coin of {chain}, got a leg in {asset}")]
    Asset {
        /// The rule's chain.
        chain: ChainId,
        /// The leg's asset.
        asset: AssetId,
    },
    /// The leg's terms make no output.
    #[error("the leg has no Bitcoin output: {0}")]
    Terms(String),
    /// Not buried deep enough.
    #[error("expected {want} headers or more, got {got}: wait for more blocks")]
    Shallow {
        /// The rule's depth.
        want: u32,
        /// Headers given.
        got: usize,
    },
    /// A target that is no target, or easier than the rule's.
    #[error("block {block} has the target {bits:x}: expected one no easier than {easiest:x}")]
    Easy {
        /// The block.
        block: BlockHash,
        /// Its target.
        bits: CompactTarget,
        /// The rule's.
        easiest: CompactTarget,
    },
    /// A header whose hash is above its own target.
    #[error("block {block} has not the work that it claims")]
    Work {
        /// The block.
        block: BlockHash,
    },
    /// A header that does not name the one before it.
    #[error("block {block} does not build on {below}")]
    Link {
        /// The block.
        block: BlockHash,
        /// The header before it.
        below: BlockHash,
    },
    /// A branch that is longer than any block's, not of the coinbase's length, or off the tree.
    #[error("the Merkle branch of the {what} does not fit its block")]
    Branch {
        /// Of what.
        what: &'static str,
    },
    /// A transaction of 64 bytes can pass for two hashes.
    #[error("a transaction of 64 bytes proves nothing")]
    SixtyFour,
    /// What is at the first place of the block is no coinbase.
    #[error("the first transaction of the block is no coinbase")]
    Coinbase,
    /// The block does not commit to the witness.
    #[error("the block does not commit to the witness of {tx}")]
    Witness {
        /// The transaction.
        tx: Txid,
    },
    /// Nothing, or more than one thing, pays to the leg's output.
    #[error("expected one output of {want} to the leg's script in {tx}, got {outputs} that hold {got}")]
    Lock {
        /// The transaction.
        tx: Txid,
        /// The leg's amount.
        want: Amount,
        /// How many outputs pay to it.
        outputs: usize,
        /// What they hold in sum.
        got: Amount,
    },
    /// The spend is of something else.
    #[error("{tx} does not spend the leg's output")]
    Elsewhere {
        /// The transaction.
        tx: Txid,
    },
    /// The spend does not show whose it is.
    #[error("{tx} ended the leg, and nothing shows how: unclear")]
    Unclear {
        /// The transaction.
        tx: Txid,
    },
}

impl From<Flaw> for ProofError {
    fn from(flaw: Flaw) -> Self {
        Self(flaw.to_string())
    }
}

//! What a block proves by itself, so that a node cannot alter it.

use bitcoin::block::Header;
use bitcoin::{Block, BlockHash, Network, Target, TxOut};

/// The work that a block needs is set anew so often.
const RETARGET: u64 = 2_016;
/// How the output begins by which a coinbase commits to the witnesses of its block (BIP-141).
const WITNESS_COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// Why bytes are not the block that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forged {
    #[error("the node gave block {got} for {asked}")]
    Hash { asked: BlockHash, got: BlockHash },
    #[error("block {0} has not the work that its chain asks for")]
    Work(BlockHash),
    #[error("the transactions of block {0} are not those that its header commits to")]
    Transactions(BlockHash),
    #[error("block {0} does not build on the one below it")]
    Link(BlockHash),
}

/// Whether this is the block of that hash, whole and with work in it.
pub(crate) fn check_block(block: &Block, asked: BlockHash, network: Network) -> Result<(), Forged> {
    check_header(&block.header, asked, network)?;
    if !(block.check_merkle_root() && block.check_witness_commitment()) || is_stripped(block) {
        return Err(Forged::Transactions(asked));
    }
    Ok(())
}

/// Whether the block commits to witnesses and came without any: a preimage stands in a witness.
fn is_stripped(block: &Block) -> bool {
    let Some(coinbase) = block.txdata.first() else {
        return true;
    };
    let commits = |output: &TxOut| output.script_pubkey.as_bytes().starts_with(&WITNESS_COMMITMENT);
    coinbase.output.iter().any(commits) && coinbase.input.iter().all(|input| input.witness.is_empty())
}

/// Whether this is the header of that hash, with work in it.
pub(crate) fn check_header(header: &Header, asked: BlockHash, network: Network) -> Result<(), Forged> {
    let got = header.block_hash();
    if got != asked {
        return Err(Forged::Hash { asked, got });
    }
    let target = header.target();
    let easy = target > network.params().max_attainable_target;
    if easy || header.validate_pow(target).is_err() {
        return Err(Forged::Work(asked));
    }
    Ok(())
}

/// Whether a header of this height may stand above another: it names it, and does not make its own work easier than
/// the rules of the chain allow.
pub(crate) fn check_link(
    below: &Header,
    above: &Header,
    height: u64,
    network: Network,
) -> Result<(), Forged> {
    let hash = above.block_hash();
    if above.prev_blockhash != below.block_hash() {
        return Err(Forged::Link(hash));
    }
    // Test networks let blocks be easy for reasons of their own.
    if !matches!(network, Network::Bitcoin | Network::Signet) {
        return Ok(());
    }
    let kept = !height.is_multiple_of(RETARGET);
    let easiest: Target = match kept {
        true => below.target(),
        false => below.target().max_transition_threshold(network.params()),
    };
    let right = match kept {
        true => above.bits == below.bits,
        false => above.target() <= easiest,
    };
    right.then_some(()).ok_or(Forged::Work(hash))
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;
    use bitcoin::hashes::Hash;
    use bitcoin::{Amount, CompactTarget, TxMerkleNode};

    use super::*;

    const NETWORK: Network = Network::Regtest;

    fn mined(below: &Header, change: impl FnOnce(&mut Block)) -> Block {
        let mut block = genesis_block(NETWORK);
        block.header.prev_blockhash = below.block_hash();
        change(&mut block);
        block.header.merkle_root = block.compute_merkle_root().unwrap();
        while block.header.validate_pow(block.header.target()).is_err() {
            block.header.nonce += 1;
        }
        block
    }

    #[test]
    fn a_block_is_what_its_hash_says() {
        let genesis = genesis_block(NETWORK);
        let block = mined(&genesis.header, |_| ());
        let hash = block.block_hash();
        assert_eq!(check_block(&block, hash, NETWORK), Ok(()));
        assert_eq!(check_link(&genesis.header, &block.header, 1, NETWORK), Ok(()));
        let other = genesis.block_hash();
        let got = hash;
        assert_eq!(
            check_block(&block, other, NETWORK),
            Err(Forged::Hash { asked: other, got })
        );
    }

    #[test]
    fn no_transaction_is_hidden_added_or_altered() {
        let genesis = genesis_block(NETWORK);
        let block = mined(&genesis.header, |block| {
            let mut second = block.txdata[0].clone();
            second.output[0].value = Amount::from_sat(1);
            block.txdata.push(second);
        });
        let hash = block.block_hash();
        assert_eq!(check_block(&block, hash, NETWORK), Ok(()));
        let hidden = |change: fn(&mut Block)| {
            let mut altered = block.clone();
            change(&mut altered);
            check_block(&altered, hash, NETWORK)
        };
        let refused = Err(Forged::Transactions(hash));
        assert_eq!(hidden(|block| drop(block.txdata.pop())), refused);
        assert_eq!(
            hidden(|block| block.txdata[1].output[0].value = Amount::from_sat(2)),
            refused
        );
        assert_eq!(
            hidden(|block| block.txdata.push(block.txdata[1].clone())),
            refused
        );
        assert!(hidden(|block| block.header.merkle_root = TxMerkleNode::all_zeros()).is_err());
    }

    #[test]
    fn a_block_that_commits_to_witnesses_does_not_come_without_them() {
        let genesis = genesis_block(NETWORK);
        let block = mined(&genesis.header, |block| {
            let mut script = WITNESS_COMMITMENT.to_vec();
            script.extend([7; 32]);
            block.txdata[0].output.push(TxOut {
                value: Amount::ZERO,
                script_pubkey: script.into(),
            });
        });
        let hash = block.block_hash();
        assert_eq!(
            check_block(&block, hash, NETWORK),
            Err(Forged::Transactions(hash))
        );
    }

    #[test]
    fn a_block_without_work_or_of_another_branch_is_refused() {
        let genesis = genesis_block(NETWORK);
        let mut lazy = mined(&genesis.header, |_| ());
        while lazy.header.validate_pow(lazy.header.target()).is_ok() {
            lazy.header.nonce += 1;
        }
        let hash = lazy.block_hash();
        assert_eq!(check_block(&lazy, hash, NETWORK), Err(Forged::Work(hash)));
        let block = mined(&lazy.header, |_| ());
        let link = check_link(&genesis.header, &block.header, 2, NETWORK);
        assert_eq!(link, Err(Forged::Link(block.block_hash())));
    }

    #[test]
    fn on_the_main_chain_work_is_not_made_easier_between_two_adjustments() {
        let below = genesis_block(Network::Bitcoin).header;
        let mut above = below;
        above.prev_blockhash = below.block_hash();
        assert_eq!(check_link(&below, &above, 5, Network::Bitcoin), Ok(()));
        above.bits = CompactTarget::from_consensus(0x1d00_fffe);
        let refused = Err(Forged::Work(above.block_hash()));
        assert_eq!(check_link(&below, &above, 5, Network::Bitcoin), refused);
        assert_eq!(check_link(&below, &above, RETARGET, Network::Bitcoin), Ok(()));
    }
}

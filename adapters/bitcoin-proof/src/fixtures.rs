//! A leg, and blocks that are mined in the test with the easiest target.

use bitcoin::block::Header;
use bitcoin::consensus::serialize;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, Block, BlockHash, Network, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Witness};
use kofo_bitcoin::{BitcoinParty, Htlc, asset_id, chain_id};
use kofo_clearance::{ProofLeg, ProofRule};
use kofo_primitives::{AssetId, Bytes, Hashlock, Party, Place, TxId, UnixTime};

use crate::prove::{Parts, prove};

/// The target of regtest.
pub(crate) const EASY: u32 = 0x207f_ffff;
pub(crate) const PREIMAGE: [u8; 32] = [9; 32];
pub(crate) const SATS: u64 = 100_000;
pub(crate) const TIMELOCK: u64 = 1_800_000_000;

/// The terms of a leg.
pub(crate) struct Terms {
    pub(crate) asset: AssetId,
    pub(crate) amount: u64,
    pub(crate) place: Place,
    pub(crate) redeemer: Party,
    pub(crate) refunder: Party,
    pub(crate) hashlock: Hashlock,
    pub(crate) timelock: u64,
}

impl Default for Terms {
    fn default() -> Self {
        let party =
            |byte| Bytes::new(BitcoinParty::new(public(byte), payout(byte)).unwrap().to_bytes()).unwrap();
        Self {
            asset: asset_id(Network::Regtest),
            amount: SATS,
            place: Place::default(),
            redeemer: party(1),
            refunder: party(2),
            hashlock: Hashlock::new(sha256::Hash::hash(&PREIMAGE).to_byte_array()),
            timelock: TIMELOCK,
        }
    }
}

impl Terms {
    pub(crate) fn leg(&self) -> ProofLeg<'_> {
        ProofLeg {
            asset: &self.asset,
            amount: kofo_primitives::Amount::new(u128::from(self.amount)),
            place: &self.place,
            redeemer: &self.redeemer,
            refunder: &self.refunder,
            hashlock: &self.hashlock,
            timelock: UnixTime(self.timelock),
        }
    }
}

/// The leg's output as the adapter makes it.
pub(crate) fn htlc() -> Htlc {
    let hashlock = sha256::Hash::hash(&PREIMAGE).to_byte_array();
    Htlc::new(public(1), public(2), hashlock, TIMELOCK).unwrap()
}

pub(crate) fn rule(depth: u32) -> ProofRule {
    ProofRule {
        chain: chain_id(Network::Regtest),
        easiest: EASY,
        depth,
    }
}

pub(crate) fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

pub(crate) fn public(byte: u8) -> PublicKey {
    secret(byte).public_key(&Secp256k1::new())
}

/// Where a party's money goes.
pub(crate) fn payout(byte: u8) -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), public(byte + 10).x_only_public_key().0, None)
}

pub(crate) fn pay(script: ScriptBuf, sats: u64) -> TxOut {
    TxOut {
        value: Amount::from_sat(sats),
        script_pubkey: script,
    }
}

/// A transaction of somebody's coin to these outputs.
pub(crate) fn paying(outputs: Vec<TxOut>) -> Transaction {
    let mut tx = genesis_block(Network::Regtest).txdata[0].clone();
    tx.input = vec![TxIn {
        previous_output: OutPoint::new(tx.compute_txid(), 7),
        witness: Witness::from_slice(&[[5u8; 64]]),
        ..TxIn::default()
    }];
    tx.output = outputs;
    tx
}

/// The right lock, beside some change.
pub(crate) fn lock() -> Transaction {
    paying(vec![pay(payout(50), 7), pay(htlc().script_pubkey(), SATS)])
}

pub(crate) fn printed(tx: &Transaction) -> TxId {
    let mut bytes = tx.compute_txid().to_byte_array();
    bytes.reverse();
    TxId(bytes)
}

/// A block with these transactions behind its coinbase, which commits to their witnesses.
pub(crate) fn mined(below: BlockHash, txs: Vec<Transaction>) -> Block {
    let mut block = genesis_block(Network::Regtest);
    block.header.prev_blockhash = below;
    block.txdata.extend(txs);
    block.txdata[0].input[0].witness = Witness::from_slice(&[[0u8; 32]]);
    let commitment = Block::compute_witness_commitment(&block.witness_root().unwrap(), &[0; 32]);
    let script = [
        &[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed][..],
        commitment.as_byte_array(),
    ]
    .concat();
    block.txdata[0].output.push(pay(script.into(), 0));
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    work(&mut block.header);
    assert!(block.check_merkle_root() && block.check_witness_commitment());
    block
}

pub(crate) fn work(header: &mut Header) {
    while !header.target().is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
}

/// Headers above a block.
pub(crate) fn above(below: BlockHash, count: u32) -> Vec<Header> {
    let mut below = below;
    let next = |_| {
        let header = mined(below, Vec::new()).header;
        below = header.block_hash();
        header
    };
    (0..count).map(next).collect()
}

pub(crate) fn bytes(header: &Header) -> [u8; 80] {
    serialize(header).try_into().unwrap()
}

/// The proof of a transaction that is mined among others, with two headers above.
pub(crate) fn proof(tx: &Transaction, lock: &Transaction) -> Vec<u8> {
    let others = |sats| paying(vec![pay(payout(60), sats)]);
    let block = mined(
        genesis_block(Network::Regtest).block_hash(),
        vec![others(1), tx.clone(), others(2), others(3)],
    );
    proof_in(&block, tx, lock)
}

/// The same from a block that is there.
pub(crate) fn proof_in(block: &Block, tx: &Transaction, lock: &Transaction) -> Vec<u8> {
    let above: Vec<_> = above(block.block_hash(), 2).iter().map(bytes).collect();
    let parts = Parts {
        block: &serialize(block),
        above: &above,
        tx: printed(tx),
        lock: &serialize(lock),
    };
    prove(&parts).unwrap()
}

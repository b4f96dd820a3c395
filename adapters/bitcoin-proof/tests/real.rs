//! Proofs of what a real bitcoind mined: the ways in which a leg ends.
#![allow(clippy::unwrap_used, reason = "tests")]

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, Transaction};
use kofo_bitcoin::{BitcoinParty, Coin, Htlc, KeyInput, KeySpend, Spend, asset_id, chain_id};
use kofo_bitcoin_proof::{BitcoinProofs, Parts, prove};
use kofo_clearance::{Fact, LegProofs, ProofLeg, ProofRule};
use kofo_primitives::{Bytes, Hashlock, Place, Together, TxId, UnixTime};
use kofo_regtest::{Chain, Options, Regtest};
use serde_json::{Value, json};

const PREIMAGE: [u8; 32] = [9; 32];
const VALUE: Amount = Amount::from_sat(100_000);
const DEPTH: u32 = 3;

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn public(byte: u8) -> PublicKey {
    secret(byte).public_key(&Secp256k1::new())
}

fn payout(byte: u8) -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), public(byte + 10).x_only_public_key().0, None)
}

struct World {
    regtest: Regtest,
    htlc: Htlc,
    timelock: u64,
    lock: Transaction,
}

impl World {
    /// A leg of key 1 (redeemer) and key 2 (refunder), locked and final.
    async fn locked(test: &str) -> Option<Self> {
        let options = Options {
            chains: vec![Chain::Bitcoin],
            ..Options::manual()
        };
        let regtest = Regtest::up_or_skip(test, options).await?;
        let timelock = regtest.tip(Chain::Bitcoin).await.unwrap().time + 3_600;
        let hashlock = sha256::Hash::hash(&PREIMAGE).to_byte_array();
        let htlc = Htlc::new(public(1), public(2), hashlock, timelock).unwrap();
        let address = htlc.address(Network::Regtest).to_string();
        let txid = regtest.fund_bitcoin(&address, VALUE.to_sat()).await.unwrap();
        let block = regtest.tip(Chain::Bitcoin).await.unwrap().hash;
        let hex = call(&regtest, "getrawtransaction", json!([txid, false, block])).await;
        let lock = deserialize_hex(hex.as_str().unwrap()).unwrap();
        regtest.mine(Chain::Bitcoin, u64::from(DEPTH)).await.unwrap();
        Some(Self {
            regtest,
            htlc,
            timelock,
            lock,
        })
    }

    fn coin(&self) -> Coin {
        let script = self.htlc.script_pubkey();
        let vout = self
            .lock
            .output
            .iter()
            .position(|output| output.script_pubkey == script);
        Coin {
            outpoint: OutPoint::new(self.lock.compute_txid(), u32::try_from(vout.unwrap()).unwrap()),
            value: VALUE,
        }
    }

    /// What the proof of this transaction, which is in this block, shows.
    async fn shown(&self, block: &str, tx: &Transaction, lock: &Transaction) -> Fact {
        let raw = call(&self.regtest, "getblock", json!([block, 0])).await;
        let mut above: Vec<[u8; 80]> = Vec::new();
        let mut hash = self.header(block).await["nextblockhash"].clone();
        while above.len() + 1 < DEPTH as usize {
            let header = call(&self.regtest, "getblockheader", json!([hash, false])).await;
            above.push(hex::decode(header.as_str().unwrap()).unwrap().try_into().unwrap());
            hash = self.header(hash.as_str().unwrap()).await["nextblockhash"].clone();
        }
        let proof = prove(&Parts {
            block: &hex::decode(raw.as_str().unwrap()).unwrap(),
            above: &above,
            tx: printed(tx),
            lock: &bitcoin::consensus::serialize(lock),
        });
        self.fact(&proof.unwrap())
    }

    async fn header(&self, block: &str) -> Value {
        call(&self.regtest, "getblockheader", json!([block])).await
    }

    fn fact(&self, proof: &[u8]) -> Fact {
        let asset = asset_id(Network::Regtest);
        let party =
            |byte| Bytes::new(BitcoinParty::new(public(byte), payout(byte)).unwrap().to_bytes()).unwrap();
        let leg = ProofLeg {
            asset: &asset,
            amount: kofo_primitives::Amount::new(u128::from(VALUE.to_sat())),
            place: &Place::default(),
            redeemer: &party(1),
            refunder: &party(2),
            hashlock: &Hashlock::new(*self.htlc.hashlock()),
            timelock: UnixTime(self.timelock),
        };
        let rule = ProofRule {
            chain: chain_id(Network::Regtest),
            easiest: 0x207f_ffff,
            depth: DEPTH,
        };
        BitcoinProofs.fact(&leg, &rule, proof).unwrap()
    }

    /// Mines the end of the leg; what the proof of it shows.
    async fn ended(&self, tx: &Transaction) -> Fact {
        call(&self.regtest, "sendrawtransaction", json!([serialize_hex(tx)])).await;
        let block = self.regtest.mine(Chain::Bitcoin, 1).await.unwrap().hash;
        self.regtest.mine(Chain::Bitcoin, u64::from(DEPTH)).await.unwrap();
        self.shown(&block, tx, &self.lock).await
    }

    fn spend(&self, whom: u8, spend: impl FnOnce(&Spend<'_>) -> Transaction) -> Transaction {
        spend(&Spend {
            coins: &[self.coin()],
            payout: &payout(whom),
            fee: Amount::from_sat(500),
        })
    }
}

fn printed(tx: &Transaction) -> TxId {
    let mut bytes = tx.compute_txid().to_byte_array();
    bytes.reverse();
    TxId(bytes)
}

async fn call(regtest: &Regtest, method: &str, params: Value) -> Value {
    regtest.rpc(Chain::Bitcoin, method, params).await.unwrap()
}

#[tokio::test]
async fn a_real_redeem_is_a_redeem() {
    let Some(world) = World::locked("a_real_redeem_is_a_redeem").await else {
        return;
    };
    let redeem = world.spend(1, |spend| {
        world.htlc.redeem(spend, &PREIMAGE, &secret(1)).unwrap()
    });
    assert_eq!(world.ended(&redeem).await, Fact::Redeemed);
}

#[tokio::test]
async fn a_real_refund_is_a_refund() {
    let Some(world) = World::locked("a_real_refund_is_a_refund").await else {
        return;
    };
    world.regtest.advance_to(world.timelock).await.unwrap();
    let refund = world.spend(2, |spend| world.htlc.refund(spend, &secret(2)).unwrap());
    assert_eq!(world.ended(&refund).await, Fact::Refunded);
}

#[tokio::test]
async fn what_both_parties_signed_is_told_by_whom_it_pays() {
    for (what, asks, helps, told) in [
        (Together::Redeem, 1, 2, Fact::Redeemed),
        (Together::Refund, 2, 1, Fact::Refunded),
    ] {
        let Some(world) = World::locked("what_both_parties_signed_is_told_by_whom_it_pays").await else {
            return;
        };
        let input = KeyInput {
            htlc: &world.htlc,
            coin: world.coin(),
            payout: &payout(asks),
        };
        let spend = KeySpend::new(what, &[input], Amount::from_sat(500)).unwrap();
        let asked = spend.clone().ask(&[secret(asks)]).unwrap();
        let helps = spend.help(&[secret(helps)], &asked.nonces()).unwrap();
        let tx = asked.finish(&[secret(asks)], &helps).unwrap();
        assert_eq!(world.ended(&tx).await, told);
    }
}

//! The HTLC on a real bitcoind: what its scripts let through, and what a spend weighs.
#![allow(clippy::unwrap_used)] // functions beside the tests are not covered by allow-unwrap-in-tests

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, Transaction, Witness};
use kofo_bitcoin::{Coin, Htlc, Spend};
use kofo_regtest::{Chain, Options, Regtest, Tip};
use serde_json::{Value, json};

const PREIMAGE: [u8; 32] = [9; 32];
const VALUE: Amount = Amount::from_sat(100_000);

struct Locked {
    regtest: Regtest,
    htlc: Htlc,
    coin: Coin,
    timelock: u64,
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn public(byte: u8) -> PublicKey {
    secret(byte).public_key(&Secp256k1::new())
}

fn payout() -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), public(3).x_only_public_key().0, None)
}

/// An HTLC of key 1 (redeemer) and key 2 (refunder) in a block, an hour before its timelock.
async fn locked(test: &str, hashlock: [u8; 32]) -> Option<Locked> {
    let options = Options {
        chains: vec![Chain::Bitcoin],
        ..Options::manual()
    };
    let regtest = Regtest::up_or_skip(test, options).await?;
    let timelock = tip(&regtest).await.time + 3_600;
    let htlc = Htlc::new(public(1), public(2), hashlock, timelock).unwrap();
    let address = htlc.address(Network::Regtest).to_string();
    let txid = regtest.fund_bitcoin(&address, VALUE.to_sat()).await.unwrap();
    let block = tip(&regtest).await.hash;
    let lock = rpc(&regtest, "getrawtransaction", json!([txid, true, block]))
        .await
        .unwrap();
    let outputs = lock["vout"].as_array().unwrap();
    let vout = outputs
        .iter()
        .position(|output| output["scriptPubKey"]["address"] == address)
        .unwrap();
    let outpoint = OutPoint {
        txid: txid.parse().unwrap(),
        vout: u32::try_from(vout).unwrap(),
    };
    Some(Locked {
        regtest,
        htlc,
        coin: Coin {
            outpoint,
            value: VALUE,
        },
        timelock,
    })
}

async fn tip(regtest: &Regtest) -> Tip {
    regtest.tip(Chain::Bitcoin).await.unwrap()
}

async fn rpc(regtest: &Regtest, method: &str, params: Value) -> Result<Value, String> {
    regtest
        .rpc(Chain::Bitcoin, method, params)
        .await
        .map_err(|error| error.to_string())
}

async fn offer(regtest: &Regtest, tx: &Transaction) -> Result<(), String> {
    rpc(regtest, "sendrawtransaction", json!([serialize_hex(tx)]))
        .await
        .map(drop)
}

/// Mines the transaction; its virtual size as bitcoind counts it.
async fn mined_vsize(regtest: &Regtest, tx: &Transaction) -> u64 {
    let block = regtest.mine(Chain::Bitcoin, 1).await.unwrap().hash;
    let mined = rpc(
        regtest,
        "getrawtransaction",
        json!([tx.compute_txid(), true, block]),
    )
    .await
    .unwrap();
    assert_eq!(mined["confirmations"], 1);
    mined["vsize"].as_u64().unwrap()
}

fn hashlock(preimage: &[u8]) -> [u8; 32] {
    sha256::Hash::hash(preimage).to_byte_array()
}

#[tokio::test]
async fn a_redeem_by_leaf_is_mined_and_weighs_no_more_than_155_vbytes() {
    let test = "a_redeem_by_leaf_is_mined_and_weighs_no_more_than_155_vbytes";
    let Some(locked) = locked(test, hashlock(&PREIMAGE)).await else {
        return;
    };
    let payout = payout();
    let fee = Amount::from_sat(200);
    let spend = Spend {
        coins: &[locked.coin],
        payout: &payout,
        fee,
    };
    let redeem = locked.htlc.redeem(&spend, &PREIMAGE, &secret(1)).unwrap();

    let mut wrong = redeem.clone();
    let items = redeem.input[0].witness.to_vec();
    wrong.input[0].witness = Witness::from_slice(&[&items[0][..], &[8; 32], &items[2], &items[3]]);
    let refused = offer(&locked.regtest, &wrong).await.unwrap_err();
    assert!(refused.contains("OP_EQUALVERIFY"), "{refused}");

    offer(&locked.regtest, &redeem).await.unwrap();
    assert!(mined_vsize(&locked.regtest, &redeem).await <= 155);
}

#[tokio::test]
async fn a_refund_is_refused_one_second_early_and_mined_at_its_time_in_138_vbytes() {
    let test = "a_refund_is_refused_one_second_early_and_mined_at_its_time_in_138_vbytes";
    let Some(locked) = locked(test, hashlock(&PREIMAGE)).await else {
        return;
    };
    let payout = payout();
    let spend = Spend {
        coins: &[locked.coin],
        payout: &payout,
        fee: Amount::from_sat(200),
    };
    let refund = locked.htlc.refund(&spend, &secret(2)).unwrap();

    locked.regtest.advance_to(locked.timelock - 1).await.unwrap();
    assert_eq!(tip(&locked.regtest).await.time, locked.timelock - 1);
    let refused = offer(&locked.regtest, &refund).await.unwrap_err();
    assert!(refused.contains("non-final"), "{refused}");

    locked.regtest.advance_to(locked.timelock).await.unwrap();
    assert_eq!(tip(&locked.regtest).await.time, locked.timelock);
    offer(&locked.regtest, &refund).await.unwrap();
    assert!(mined_vsize(&locked.regtest, &refund).await <= 138);
}

#[tokio::test]
async fn preimages_of_other_lengths_open_nothing_even_if_they_hash_right() {
    let test = "preimages_of_other_lengths_open_nothing_even_if_they_hash_right";
    for length in [31, 33] {
        let long = vec![9; length];
        let Some(locked) = locked(test, hashlock(&long)).await else {
            return;
        };
        let payout = payout();
        let spend = Spend {
            coins: &[locked.coin],
            payout: &payout,
            fee: Amount::from_sat(200),
        };
        let mut redeem = locked.htlc.refund(&spend, &secret(2)).unwrap();
        redeem.lock_time = bitcoin::absolute::LockTime::ZERO;
        // The control block of a leaf is the other leaf's, with the sibling exchanged.
        let refund_block = redeem.input[0].witness.last().unwrap().to_vec();
        let sibling = locked.htlc.refund_leaf().tapscript_leaf_hash();
        let block = [&refund_block[..33], sibling.as_byte_array()].concat();
        let leaf = locked.htlc.redeem_leaf();
        redeem.input[0].witness = Witness::from_slice(&[&[1; 64][..], &long, leaf.as_bytes(), &block]);
        // The hash is right, so that the only comparison that can fail is the one of the length, which comes
        // before the signature is looked at.
        let refused = offer(&locked.regtest, &redeem).await.unwrap_err();
        assert!(refused.contains("OP_EQUALVERIFY"), "{refused}");
    }
}

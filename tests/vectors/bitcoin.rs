//! Alpha on Bitcoin: the scripts, and every way to spend the lock.

use crate::file::Vectors;
use crate::order::{Of, SATOSHI, T_ALPHA, preimage, public};
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::{
    Amount, Network, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid, Witness, XOnlyPublicKey,
};
use kofo_bitcoin::{Coin, Htlc, KeyInput, KeySpend, NONCE_BYTES, Spend};
use kofo_primitives::{Side, Together};

/// One satoshi for each virtual byte of the redeem.
pub(crate) const FEE: Amount = Amount::from_sat(143);

pub(crate) fn htlc() -> Htlc {
    let [maker, taker] = [Of::Maker, Of::Taker].map(|of| public(&of.leg_secret(Side::Alpha)));
    Htlc::new(taker, maker, *preimage().hashlock().as_bytes(), T_ALPHA.0).unwrap()
}

pub(crate) fn coin() -> Coin {
    Coin {
        outpoint: OutPoint {
            txid: Txid::from_byte_array([0xc0; 32]),
            vout: 1,
        },
        value: Amount::from_sat(SATOSHI),
    }
}

fn locked() -> TxOut {
    TxOut {
        value: coin().value,
        script_pubkey: htlc().script_pubkey(),
    }
}

pub(crate) fn redeemed() -> Transaction {
    let (payout, coins) = (Of::Taker.payout(), [coin()]);
    let spend = spend(&coins, &payout);
    let secret = Of::Taker.leg_secret(Side::Alpha);
    htlc().redeem(&spend, preimage().expose(), &secret).unwrap()
}

pub(crate) fn refunded() -> Transaction {
    let (payout, coins) = (Of::Maker.payout(), [coin()]);
    let secret = Of::Maker.leg_secret(Side::Alpha);
    htlc().refund(&spend(&coins, &payout), &secret).unwrap()
}

fn spend<'a>(coins: &'a [Coin], payout: &'a Script) -> Spend<'a> {
    let fee = FEE;
    Spend { coins, payout, fee }
}

fn leaf_message(tx: &Transaction, leaf: &Script) -> [u8; 32] {
    let leaf = TapLeafHash::from_script(leaf, LeafVersion::TapScript);
    let (coins, kind) = ([locked()], TapSighashType::Default);
    let mut cache = SighashCache::new(tx);
    let hash = cache.taproot_script_spend_signature_hash(0, &Prevouts::All(&coins), leaf, kind);
    hash.unwrap().to_byte_array()
}

fn signed(signature: &[u8], message: [u8; 32], key: XOnlyPublicKey) {
    let signature = schnorr::Signature::from_slice(signature).unwrap();
    let checked = Secp256k1::new().verify_schnorr(&signature, &Message::from_digest(message), &key);
    checked.unwrap();
}

pub(crate) fn script(out: &mut Vectors) {
    out.section("bitcoin");
    let (redeem, refund) = (htlc().redeem_leaf(), htlc().refund_leaf());
    out.number("satoshi", SATOSHI.into());
    out.number("timelock", T_ALPHA.0.into());
    for (name, leaf) in [("redeem", &redeem), ("refund", &refund)] {
        out.bytes(&format!("{name}_leaf"), leaf.as_bytes());
        let hash = TapLeafHash::from_script(leaf, LeafVersion::TapScript);
        out.bytes(&format!("{name}_leaf_hash"), hash.to_byte_array());
    }
    // The last part of a witness by leaf: version and parity, internal key, the other leaf's hash.
    let control = redeemed().input[0].witness.nth(3).unwrap().to_vec();
    out.bytes("internal_key", &control[1..33]);
    out.bytes("script_pubkey", htlc().script_pubkey().as_bytes());
    out.text("regtest_address", &htlc().address(Network::Regtest).to_string());
    out.text("mainnet_address", &htlc().address(Network::Bitcoin).to_string());
}

/// The spends by one party.
pub(crate) fn spends(out: &mut Vectors) {
    out.section("bitcoin_alone");
    let coin = coin();
    out.bytes("lock_txid", coin.outpoint.txid.to_byte_array());
    out.number("lock_vout", coin.outpoint.vout.into());
    out.number("fee", FEE.to_sat().into());
    for (name, tx, leaf, key) in [
        ("redeem", redeemed(), htlc().redeem_leaf(), *htlc().redeemer()),
        ("refund", refunded(), htlc().refund_leaf(), *htlc().refunder()),
    ] {
        let message = leaf_message(&tx, &leaf);
        let witness = &tx.input[0].witness;
        signed(&witness[0], message, key.x_only_public_key().0);
        out.number(
            &format!("{name}_lock_time"),
            tx.lock_time.to_consensus_u32().into(),
        );
        out.bytes(&format!("{name}_message"), message);
        for (n, part) in witness.iter().enumerate() {
            out.bytes(&format!("{name}_witness_{n}"), part);
        }
        out.bytes(&format!("{name}_tx"), serialize(&tx));
    }
}

/// The spends by both: all but nonces and signatures, which are drawn anew each time.
pub(crate) fn together(out: &mut Vectors) {
    out.section("bitcoin_together");
    for (name, what, asker, helper) in [
        ("redeem", Together::Redeem, Of::Taker, Of::Maker),
        ("return", Together::Refund, Of::Maker, Of::Taker),
    ] {
        let tx = round(what, &[(htlc(), coin(), asker.payout())], [asker, helper]);
        let message = key_message(&tx, 0, &[locked()]);
        signed(
            &tx.input[0].witness[0],
            message,
            output_key(&htlc().script_pubkey()),
        );
        out.bytes(&format!("{name}_tx_unsigned"), serialize(&unsigned(tx)));
        out.bytes(&format!("{name}_message"), message);
    }
    let [request, reply] = said();
    out.bytes("request", request);
    out.bytes("reply", reply);
    // Two locks of one redeemer in one transaction, by the order of the legs.
    let other = Coin {
        outpoint: OutPoint {
            vout: 2,
            ..coin().outpoint
        },
        value: Amount::from_sat(SATOSHI / 2),
    };
    let payout = Of::Maker.payout();
    let legs = [(htlc(), coin(), payout.clone()), (htlc(), other, payout)];
    let tx = round(Together::Refund, &legs, [Of::Maker, Of::Taker]);
    let second = TxOut {
        value: other.value,
        ..locked()
    };
    for index in 0..2 {
        let message = key_message(&tx, index, &[locked(), second.clone()]);
        out.bytes(&format!("return_of_two_message_{index}"), message);
    }
    out.bytes("return_of_two_tx_unsigned", serialize(&unsigned(tx)));
}

/// A question and an answer of one leg (rule B9), with nonces that nobody may use: the generator and its double.
fn said() -> [Vec<u8>; 2] {
    let point = |n: u8| {
        let secret = [&[0; 31][..], &[n]].concat();
        public(&SecretKey::from_slice(&secret).unwrap()).serialize()
    };
    let nonce = [point(1), point(2)].concat();
    let one = [1, 0, 0, 0];
    let (coin, fee) = (coin(), FEE.to_sat().to_le_bytes());
    let request = [
        &[1][..],
        &fee,
        &one,
        &coin.outpoint.txid.to_byte_array(),
        &coin.outpoint.vout.to_le_bytes(),
        &coin.value.to_sat().to_le_bytes(),
        &nonce,
    ];
    let reply = [&[1][..], &one, &nonce, &[0x55; 32]];
    [request.concat(), reply.concat()]
}

/// A whole round of both parties.
fn round(what: Together, legs: &[(Htlc, Coin, ScriptBuf)], [asker, helper]: [Of; 2]) -> Transaction {
    let input = |(htlc, coin, payout): &'_ (Htlc, Coin, ScriptBuf)| (htlc.clone(), *coin, payout.clone());
    let legs: Vec<_> = legs.iter().map(input).collect();
    let inputs: Vec<_> = legs
        .iter()
        .map(|(htlc, coin, payout)| KeyInput {
            htlc,
            coin: *coin,
            payout,
        })
        .collect();
    let secrets = |of: Of| vec![of.leg_secret(Side::Alpha); inputs.len()];
    let new = || KeySpend::new(what, &inputs, FEE).unwrap();
    let asked = new().ask(&secrets(asker)).unwrap();
    let nonces: Vec<[u8; NONCE_BYTES]> = asked.nonces();
    let helps = new().help(&secrets(helper), &nonces).unwrap();
    asked.finish(&secrets(asker), &helps).unwrap()
}

fn key_message(tx: &Transaction, index: usize, coins: &[TxOut]) -> [u8; 32] {
    let mut cache = SighashCache::new(tx);
    let hash = cache.taproot_key_spend_signature_hash(index, &Prevouts::All(coins), TapSighashType::Default);
    hash.unwrap().to_byte_array()
}

fn output_key(script: &Script) -> XOnlyPublicKey {
    XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).unwrap()
}

fn unsigned(mut tx: Transaction) -> Transaction {
    for input in &mut tx.input {
        input.witness = Witness::new();
    }
    tx
}

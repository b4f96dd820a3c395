//! What a counterparty and the Bitcoin chain can hand us.

use crate::choices::Choices;
use crate::fixture::preimage;
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, Transaction, Witness};
use kofo_bitcoin::{BitcoinParty, Coin, Htlc, Spend, preimage_in};

pub(crate) fn party(data: &[u8]) {
    if let Ok(party) = BitcoinParty::from_bytes(data) {
        assert_eq!(party.to_bytes(), data, "one party has one encoding");
        assert!(!party.payout.is_op_return());
    }
}

fn secret(n: u8) -> SecretKey {
    SecretKey::from_slice(&[n; 32]).expect("a key of the curve")
}

fn public(n: u8) -> PublicKey {
    secret(n).public_key(&Secp256k1::signing_only())
}

fn party_of(n: u8) -> BitcoinParty {
    let payout = ScriptBuf::from_bytes([&[0, 20], &[n; 20][..]].concat());
    BitcoinParty::new(public(n), payout).expect("an ordinary address")
}

pub(crate) fn seeds_of_parties() -> Vec<Vec<u8>> {
    let taproot = ScriptBuf::from_bytes([&[0x51, 32], &[7; 32][..]].concat());
    let other = BitcoinParty::new(public(3), taproot).expect("an ordinary address");
    vec![party_of(1).to_bytes(), other.to_bytes()]
}

/// Terms of arbitrary parties: hashlock, timelock, value, fee, length of the redeemer's party, both parties. What has
/// an output can be redeemed and refunded from it by its owners, for exactly the fee that was said, or not at all.
pub(crate) fn htlc(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (hashlock, timelock) = (choices.array(), u64::from_le_bytes(choices.array()));
    let (value, fee) = (
        u64::from_le_bytes(choices.array()),
        u64::from_le_bytes(choices.array()),
    );
    let length = usize::from(choices.byte());
    let redeemer = BitcoinParty::from_bytes(choices.take(length));
    let refunder = BitcoinParty::from_bytes(choices.rest());
    let (Ok(redeemer), Ok(refunder)) = (redeemer, refunder) else {
        return;
    };
    let Ok(htlc) = Htlc::new(redeemer.key, refunder.key, hashlock, timelock) else {
        return;
    };
    assert!(htlc.script_pubkey().is_p2tr());
    assert_eq!(
        htlc.address(Network::Regtest).script_pubkey(),
        htlc.script_pubkey()
    );
    assert_eq!(
        u64::from(htlc.refund_lock_time().to_consensus_u32()) + 1,
        timelock
    );
    let value = Amount::from_sat(value);
    let coins = [Coin {
        outpoint: OutPoint::null(),
        value,
    }];
    let fee = Amount::from_sat(fee);
    let spend = |payout| Spend {
        coins: &coins,
        payout,
        fee,
    };
    if let Ok(tx) = htlc.redeem(&spend(&redeemer.payout), preimage(7).expose(), &secret(1)) {
        assert_eq!(tx.vsize() as u64, htlc.redeem_vsize(1, &redeemer.payout));
        check_paid(&tx, (value, fee), &redeemer.payout);
        let shown = preimage_in(&tx.input[0].witness, &hashlock);
        assert_eq!(
            shown.as_ref(),
            Some(preimage(7).expose()),
            "a redeem shows the preimage"
        );
    }
    if let Ok(tx) = htlc.refund(&spend(&refunder.payout), &secret(2)) {
        assert_eq!(tx.vsize() as u64, htlc.refund_vsize(1, &refunder.payout));
        check_paid(&tx, (value, fee), &refunder.payout);
        assert_eq!(tx.lock_time, htlc.refund_lock_time());
        assert_eq!(
            preimage_in(&tx.input[0].witness, &hashlock),
            None,
            "a refund shows none"
        );
    }
}

fn check_paid(tx: &Transaction, (value, fee): (Amount, Amount), payout: &ScriptBuf) {
    let [output] = tx.output.as_slice() else {
        panic!("one payout, got {}", tx.output.len());
    };
    assert_eq!(
        output.value.checked_add(fee),
        Some(value),
        "less the fee and nothing else"
    );
    assert_eq!(output.script_pubkey, *payout);
    assert!(deserialize::<Transaction>(&serialize(tx)).is_ok_and(|again| again == *tx));
}

pub(crate) fn seeds_of_htlcs() -> Vec<Vec<u8>> {
    let of = |timelock: u64, value: u64, fee: u64| {
        let (redeemer, refunder) = (party_of(1).to_bytes(), party_of(2).to_bytes());
        let length = u8::try_from(redeemer.len()).expect("a short party");
        let numbers = [timelock, value, fee].map(u64::to_le_bytes).concat();
        [
            preimage(7).hashlock().as_bytes(),
            &numbers[..],
            &[length],
            &redeemer,
            &refunder,
        ]
        .concat()
    };
    vec![
        of(1_800_000_000, 100_000, 500),
        of(500_000_001, 300, 1),
        of(u64::from(u32::MAX), u64::MAX, 1),
    ]
}

/// The witness of a spend by anybody: a preimage is found where there is one, and nothing else is taken for it.
pub(crate) fn witness(data: &[u8]) {
    let hashlock = *preimage(7).hashlock().as_bytes();
    let witness = deserialize::<Witness>(data).unwrap_or_else(|_| Witness::from_slice(&[data]));
    let found = preimage_in(&witness, &hashlock);
    let there = witness.iter().any(|item| item == preimage(7).expose());
    assert_eq!(found.is_some(), there);
    assert!(found.is_none_or(|p| sha256::Hash::hash(&p).to_byte_array() == hashlock));
}

pub(crate) fn seeds_of_witnesses() -> Vec<Vec<u8>> {
    let leaf = [0xac; 100];
    let redeem = Witness::from_slice(&[&[1; 64][..], preimage(7).expose(), &leaf, &[0xc0; 65]]);
    let refund = Witness::from_slice(&[&[1; 64][..], &leaf, &[0xc0; 65]]);
    vec![serialize(&redeem), serialize(&refund)]
}

use std::sync::LazyLock;

use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::taproot::LeafVersion;
use proptest::prelude::*;

use super::*;

const PREIMAGE: [u8; 32] = [9; 32];
const TIMELOCK: u64 = 1_800_000_000;

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn public(byte: u8) -> PublicKey {
    secret(byte).public_key(&Secp256k1::new())
}

fn htlc() -> Htlc {
    let hashlock = sha256::Hash::hash(&PREIMAGE).to_byte_array();
    Htlc::new(public(1), public(2), hashlock, TIMELOCK).unwrap()
}

fn p2tr() -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), public(3).x_only_public_key().0, None)
}

fn p2wpkh() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&bitcoin::PublicKey::new(public(3)).wpubkey_hash().unwrap())
}

fn coin(vout: u32, sats: u64) -> Coin {
    let outpoint = OutPoint {
        txid: bitcoin::Txid::from_byte_array([5; 32]),
        vout,
    };
    Coin {
        outpoint,
        value: Amount::from_sat(sats),
    }
}

static COINS: LazyLock<[Coin; 1]> = LazyLock::new(|| [coin(3, 100_000)]);

fn spend(payout: &Script) -> Spend<'_> {
    Spend {
        coins: &*COINS,
        payout,
        fee: Amount::from_sat(310),
    }
}

/// Checks the signature of the first input against the leaf in its witness.
fn assert_signed(tx: &Transaction, value: Amount, key: &PublicKey) {
    let witness = &tx.input[0].witness;
    let leaf = Script::from_bytes(witness.second_to_last().unwrap());
    let coin = [TxOut {
        value,
        script_pubkey: htlc().script_pubkey(),
    }];
    let hash = SighashCache::new(tx)
        .taproot_script_spend_signature_hash(
            0,
            &Prevouts::All(&coin),
            TapLeafHash::from_script(leaf, LeafVersion::TapScript),
            TapSighashType::Default,
        )
        .unwrap();
    let signature = Signature::from_slice(witness.nth(0).unwrap()).unwrap();
    let key = key.x_only_public_key().0;
    Secp256k1::new()
        .verify_schnorr(&signature, &Message::from(hash), &key)
        .unwrap();
}

#[test]
fn a_redeem_pays_the_payout_and_is_signed_by_the_redeemer() {
    let payout = p2tr();
    let tx = htlc().redeem(&spend(&payout), &PREIMAGE, &secret(1)).unwrap();
    assert_eq!(
        tx.output,
        [TxOut {
            value: Amount::from_sat(99_690),
            script_pubkey: payout
        }]
    );
    assert!(tx.is_explicitly_rbf());
    assert_eq!(tx.lock_time, LockTime::ZERO);
    assert_signed(&tx, Amount::from_sat(100_000), &public(1));
}

#[test]
fn a_refund_carries_the_timelock_and_is_signed_by_the_refunder() {
    let payout = p2tr();
    let tx = htlc().refund(&spend(&payout), &secret(2)).unwrap();
    assert_eq!(tx.lock_time.to_consensus_u32(), 1_799_999_999);
    assert!(tx.is_lock_time_enabled() && tx.is_explicitly_rbf());
    assert_signed(&tx, Amount::from_sat(100_000), &public(2));
}

#[test]
fn spends_are_no_larger_than_the_best_tree_allows() {
    assert_eq!(htlc().redeem_vsize(1, &p2tr()), 155);
    assert_eq!(htlc().refund_vsize(1, &p2tr()), 138);
    assert_eq!(htlc().redeem_vsize(1, &p2wpkh()), 143);
    assert_eq!(htlc().refund_vsize(1, &p2wpkh()), 126);
}

#[test]
fn the_predicted_size_is_the_size() {
    for payout in [p2tr(), p2wpkh()] {
        let redeem = htlc().redeem(&spend(&payout), &PREIMAGE, &secret(1)).unwrap();
        assert_eq!(redeem.vsize() as u64, htlc().redeem_vsize(1, &payout));
        let refund = htlc().refund(&spend(&payout), &secret(2)).unwrap();
        assert_eq!(refund.vsize() as u64, htlc().refund_vsize(1, &payout));
    }
}

#[test]
fn two_coins_of_one_script_go_into_one_refund() {
    let payout = p2tr();
    let coins = [coin(0, 60_000), coin(1, 40_000)];
    let tx = htlc()
        .refund(
            &Spend {
                coins: &coins,
                ..spend(&payout)
            },
            &secret(2),
        )
        .unwrap();
    assert_eq!(tx.output[0].value, Amount::from_sat(99_690));
    assert_eq!(tx.vsize() as u64, htlc().refund_vsize(2, &payout));
    assert_ne!(
        tx.input[0].witness, tx.input[1].witness,
        "each input is signed by itself"
    );
}

#[test]
fn the_wrong_key_or_preimage_builds_nothing() {
    let payout = p2tr();
    let spend = spend(&payout);
    let wrong = htlc().redeem(&spend, &PREIMAGE, &secret(2)).unwrap_err();
    assert_eq!(wrong, SpendError::WrongKey { want: public(1) });
    let wrong = htlc().refund(&spend, &secret(1)).unwrap_err();
    assert_eq!(wrong, SpendError::WrongKey { want: public(2) });
    assert_eq!(
        htlc().redeem(&spend, &[8; 32], &secret(1)).unwrap_err(),
        SpendError::WrongPreimage
    );
}

#[test]
fn a_payout_below_dust_is_not_built() {
    let payout = p2tr();
    for fee in [99_671, 100_000, 100_001, u64::MAX] {
        let spend = Spend {
            fee: Amount::from_sat(fee),
            ..spend(&payout)
        };
        let refused = htlc().refund(&spend, &secret(2)).unwrap_err();
        let (value, dust) = (Amount::from_sat(100_000), Amount::from_sat(330));
        assert_eq!(
            refused,
            SpendError::Uneconomic {
                value,
                fee: spend.fee,
                dust
            }
        );
    }
    let least = Spend {
        fee: Amount::from_sat(99_670),
        ..spend(&payout)
    };
    assert!(htlc().refund(&least, &secret(2)).is_ok());
}

#[test]
fn building_twice_gives_the_same_bytes() {
    let payout = p2tr();
    let build = || htlc().redeem(&spend(&payout), &PREIMAGE, &secret(1)).unwrap();
    assert_eq!(build(), build());
}

#[test]
fn the_preimage_is_read_back_from_a_redeem_and_only_from_a_redeem() {
    let payout = p2tr();
    let redeem = htlc().redeem(&spend(&payout), &PREIMAGE, &secret(1)).unwrap();
    assert_eq!(
        preimage_in(&redeem.input[0].witness, htlc().hashlock()),
        Some(PREIMAGE)
    );
    assert_eq!(preimage_in(&redeem.input[0].witness, &[0; 32]), None);
    let refund = htlc().refund(&spend(&payout), &secret(2)).unwrap();
    assert_eq!(preimage_in(&refund.input[0].witness, htlc().hashlock()), None);
}

proptest! {
    #[test]
    fn nothing_is_lost_between_value_payout_and_fee(value in 0u64..21_000_000, fee in 0u64..1_000_000) {
        let payout = p2tr();
        let coins = [coin(0, value)];
        let spend = Spend { coins: &coins, payout: &payout, fee: Amount::from_sat(fee) };
        match htlc().redeem(&spend, &PREIMAGE, &secret(1)) {
            Ok(tx) => prop_assert_eq!(tx.output[0].value.to_sat() + fee, value),
            Err(_) => prop_assert!(value < fee + 330),
        }
    }

    #[test]
    fn a_witness_of_strangers_gives_no_preimage(items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..6)) {
        let witness = Witness::from_slice(&items);
        prop_assert_eq!(preimage_in(&witness, htlc().hashlock()), None);
    }
}

use bitcoin::hashes::sha256;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, XOnlyPublicKey};
use bitcoin::{ScriptBuf, Txid};

use super::*;

const FEE: Amount = Amount::from_sat(4_001);

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn public(byte: u8) -> PublicKey {
    secret(byte).public_key(&Secp256k1::new())
}

fn p2tr(byte: u8) -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), public(byte).x_only_public_key().0, None)
}

fn p2wpkh() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&bitcoin::PublicKey::new(public(3)).wpubkey_hash().unwrap())
}

/// Leg number so and so: its redeemer has the secret `2n + 1`, its refunder `2n + 2`.
struct TestLeg {
    htlc: Htlc,
    coin: Coin,
    payout: ScriptBuf,
    redeemer: SecretKey,
    refunder: SecretKey,
}

fn leg(n: u8) -> TestLeg {
    let (redeemer, refunder) = (2 * n + 1, 2 * n + 2);
    let hashlock = sha256::Hash::hash(&[n; 32]).to_byte_array();
    let outpoint = OutPoint {
        txid: Txid::from_byte_array([n + 1; 32]),
        vout: u32::from(n),
    };
    TestLeg {
        htlc: Htlc::new(public(redeemer), public(refunder), hashlock, 1_800_000_000).unwrap(),
        coin: Coin {
            outpoint,
            value: Amount::from_sat(100_000 + u64::from(n)),
        },
        payout: p2tr(100 + n),
        redeemer: secret(redeemer),
        refunder: secret(refunder),
    }
}

fn legs(count: u8) -> Vec<TestLeg> {
    (0..count).map(leg).collect()
}

fn inputs(legs: &[TestLeg]) -> Vec<KeyInput<'_>> {
    legs.iter()
        .map(|leg| KeyInput {
            htlc: &leg.htlc,
            coin: leg.coin,
            payout: &leg.payout,
        })
        .collect()
}

fn redeemers(legs: &[TestLeg]) -> Vec<SecretKey> {
    legs.iter().map(|leg| leg.redeemer).collect()
}

fn refunders(legs: &[TestLeg]) -> Vec<SecretKey> {
    legs.iter().map(|leg| leg.refunder).collect()
}

/// Both parties build it for themselves, as they do on two machines.
fn signed(what: Together, legs: &[TestLeg]) -> Transaction {
    let build = || KeySpend::new(what, &inputs(legs), FEE).unwrap();
    let (asker, helper) = match what {
        Together::Redeem => (redeemers(legs), refunders(legs)),
        Together::Refund => (refunders(legs), redeemers(legs)),
    };
    let asked = build().ask(&asker).unwrap();
    let helps = build().help(&helper, &asked.nonces()).unwrap();
    asked.finish(&asker, &helps).unwrap()
}

fn assert_valid(tx: &Transaction, legs: &[TestLeg]) {
    let spent: Vec<TxOut> = legs
        .iter()
        .map(|leg| paid(&leg.htlc.script_pubkey(), leg.coin.value))
        .collect();
    for (index, leg) in legs.iter().enumerate() {
        let witness = &tx.input[index].witness;
        assert_eq!((witness.len(), witness[0].len()), (1, 64));
        let hash = SighashCache::new(tx)
            .taproot_key_spend_signature_hash(index, &Prevouts::All(&spent), TapSighashType::Default)
            .unwrap();
        let script = leg.htlc.script_pubkey();
        let output_key = XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).unwrap();
        let signature = Signature::from_slice(&witness[0]).unwrap();
        Secp256k1::new()
            .verify_schnorr(&signature, &Message::from(hash), &output_key)
            .unwrap();
    }
}

#[test]
fn a_redeem_together_is_valid_shows_one_signature_and_pays_the_first_payout() {
    for count in [1, 3] {
        let legs = legs(count);
        let tx = signed(Together::Redeem, &legs);
        assert_valid(&tx, &legs);
        let value: Amount = legs.iter().map(|leg| leg.coin.value).sum();
        assert_eq!(tx.output, [paid(&legs[0].payout, value - FEE)]);
        assert!(tx.is_explicitly_rbf());
        assert_eq!(tx.lock_time, LockTime::ZERO);
    }
}

#[test]
fn a_refund_together_pays_each_leg_to_its_own_payout_and_shares_the_fee() {
    let legs = legs(3);
    let tx = signed(Together::Refund, &legs);
    assert_valid(&tx, &legs);
    let paid_fees: Vec<u64> = legs
        .iter()
        .zip(&tx.output)
        .map(|(leg, output)| {
            assert_eq!(output.script_pubkey, leg.payout);
            (leg.coin.value - output.value).to_sat()
        })
        .collect();
    assert_eq!(paid_fees, [1_335, 1_333, 1_333], "4,001 satoshi in three shares");
}

#[test]
fn key_path_spends_have_the_sizes_of_the_table() {
    for what in [Together::Redeem, Together::Refund] {
        assert_eq!(KeySpend::vsize(what, &inputs(&legs(1))), 111);
        let mut one = leg(1);
        one.payout = p2wpkh();
        assert_eq!(KeySpend::vsize(what, &inputs(&[one])), 99);
    }
    assert_eq!(KeySpend::vsize(Together::Redeem, &inputs(&legs(32))), 1_894);
}

#[test]
fn the_predicted_size_is_the_size() {
    for what in [Together::Redeem, Together::Refund] {
        for count in [1, 2, 32] {
            let legs = legs(count);
            let tx = signed(what, &legs);
            assert_eq!(tx.vsize() as u64, KeySpend::vsize(what, &inputs(&legs)));
        }
    }
}

#[test]
fn what_is_signed_for_one_transaction_is_worth_nothing_for_another() {
    let legs = legs(2);
    let asked = KeySpend::new(Together::Redeem, &inputs(&legs), FEE).unwrap();
    let asked = asked.ask(&redeemers(&legs)).unwrap();
    let other = KeySpend::new(Together::Redeem, &inputs(&legs), FEE + Amount::ONE_SAT).unwrap();
    let helps = other.help(&refunders(&legs), &asked.nonces()).unwrap();
    let refused = asked.finish(&redeemers(&legs), &helps).unwrap_err();
    let error = MusigError::Partial;
    assert_eq!(refused, KeySpendError::Musig { index: 0, error });
}

#[test]
fn none_too_many_and_repeated_coins_are_refused() {
    let refusal = |legs: &[TestLeg]| KeySpend::new(Together::Redeem, &inputs(legs), FEE).err();
    assert_eq!(refusal(&[]), Some(KeySpendError::Count { got: 0 }));
    assert_eq!(refusal(&legs(33)), Some(KeySpendError::Count { got: 33 }));
    let outpoint = leg(4).coin.outpoint;
    assert_eq!(
        refusal(&[leg(4), leg(4)]),
        Some(KeySpendError::Twice { outpoint })
    );
}

#[test]
fn the_message_of_a_fixed_redeem_never_changes() {
    let htlc = Htlc::new(public(1), public(2), [7; 32], 1_800_000_000).unwrap();
    let payout = p2tr(3);
    let outpoint = OutPoint {
        txid: Txid::from_byte_array([5; 32]),
        vout: 3,
    };
    let input = KeyInput {
        htlc: &htlc,
        coin: Coin {
            outpoint,
            value: Amount::from_sat(100_000),
        },
        payout: &payout,
    };
    let spend = KeySpend::new(Together::Redeem, &[input], Amount::from_sat(310)).unwrap();
    let message: String = spend
        .message(0)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let pinned = "ae94a9909929206984b71599008f388e98923f1b09a04584f8b43b0d018ccaa8";
    assert_eq!(message, pinned);
}

#[test]
fn a_fee_that_eats_the_coins_is_refused() {
    let legs = legs(2);
    for what in [Together::Redeem, Together::Refund] {
        for fee in [Amount::from_sat(200_000), Amount::MAX] {
            let refused = KeySpend::new(what, &inputs(&legs), fee).err();
            assert!(
                matches!(refused, Some(KeySpendError::Spend(SpendError::Uneconomic { .. }))),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn each_coin_wants_its_own_key_nonce_and_signature() {
    let legs = legs(2);
    let spend = KeySpend::new(Together::Redeem, &inputs(&legs), FEE).unwrap();
    let parts = |what, got| Some(KeySpendError::Parts { what, want: 2, got });
    assert_eq!(spend.clone().ask(&redeemers(&legs)[..1]).err(), parts("keys", 1));
    assert_eq!(spend.help(&refunders(&legs), &[]).err(), parts("nonces", 0));
    let asked = spend.clone().ask(&redeemers(&legs)).unwrap();
    assert_eq!(asked.finish(&redeemers(&legs), &[]).err(), parts("signatures", 0));
    // The keys in the wrong order.
    let mut swapped = redeemers(&legs);
    swapped.reverse();
    let error = MusigError::Stranger { got: public(3) };
    assert_eq!(
        spend.ask(&swapped).err(),
        Some(KeySpendError::Musig { index: 0, error })
    );
}

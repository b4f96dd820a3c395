use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::transaction::Version;
use bitcoin::{TxIn, TxOut, Witness};

use super::*;

const AMOUNT: u64 = 50_000;
const PREIMAGE: [u8; 32] = [9; 32];
const CONTROL_BLOCK: [u8; 33] = [0xc0; 33];

fn script(byte: u8) -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 0x20][..], &[byte; 32]].concat())
}

fn outpoint(byte: u8) -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([byte; 32]),
        vout: 0,
    }
}

fn wanted() -> Wanted {
    Wanted {
        script: script(1),
        refund_leaf: ScriptBuf::from_bytes(vec![0xb1]),
        refund_payout: script(3),
        amount: Amount::from_sat(AMOUNT),
        hashlock: sha256::Hash::hash(&PREIMAGE).to_byte_array(),
        depth: 3,
        lock_inputs: [outpoint(7)].into(),
    }
}

fn sighting(
    height: impl Into<Option<u64>>,
    input: OutPoint,
    witness: &[&[u8]],
    outputs: &[(u8, u64)],
) -> Sighting {
    let witness = Witness::from_slice(witness);
    let input = vec![TxIn {
        previous_output: input,
        witness,
        ..TxIn::default()
    }];
    let output = |&(to, sats): &(u8, u64)| TxOut {
        value: Amount::from_sat(sats),
        script_pubkey: script(to),
    };
    let output = outputs.iter().map(output).collect();
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input,
        output,
    };
    Sighting {
        height: height.into(),
        txid: tx.compute_txid(),
        tx,
    }
}

fn lock(height: impl Into<Option<u64>>, sats: u64) -> Sighting {
    sighting(height, outpoint(7), &[], &[(9, 1_000), (1, sats)])
}

fn fact(sighting: &Sighting) -> Option<Fact> {
    Some(sighting.fact())
}

fn coin_of(sighting: &Sighting) -> OutPoint {
    OutPoint {
        txid: sighting.txid,
        vout: 1,
    }
}

#[test]
fn one_output_of_exactly_the_amount_is_a_lock_in_mempool_and_block() {
    for height in [None, Some(5)] {
        let seen = lock(height, AMOUNT);
        let picture = wanted().picture(std::slice::from_ref(&seen));
        assert_eq!(
            (picture.lock, picture.wrong, picture.cancel),
            (fact(&seen), None, None)
        );
        assert_eq!(
            picture.unspent.len(),
            usize::from(height.is_some()),
            "the mempool is no coin to build on"
        );
    }
}

#[test]
fn too_little_and_too_much_are_no_lock_once_they_are_mined() {
    for sats in [AMOUNT - 1, AMOUNT + 1] {
        let picture = wanted().picture(&[lock(5, sats)]);
        assert_eq!(
            (picture.lock, picture.wrong),
            (None, Some(Amount::from_sat(sats)))
        );
        assert_eq!(picture.unspent.len(), 1, "it stays refundable");
        let picture = wanted().picture(&[lock(None, sats)]);
        assert_eq!(
            (picture.lock, picture.wrong),
            (None, None),
            "nothing is concluded from a mempool"
        );
    }
}

#[test]
fn two_outputs_are_no_lock_be_they_right_or_parts() {
    for (one, two) in [(AMOUNT, AMOUNT), (AMOUNT, 1), (AMOUNT - 1, 1)] {
        let both = sighting(5, outpoint(7), &[], &[(1, one), (1, two)]);
        let picture = wanted().picture(&[both]);
        assert_eq!(
            (picture.lock, picture.wrong),
            (None, Some(Amount::from_sat(one + two)))
        );
        assert_eq!(picture.unspent.len(), 2);
    }
}

#[test]
fn dust_undoes_a_lock_until_it_is_final_and_never_after() {
    let first = lock(5, AMOUNT);
    let dust = |height| sighting(height, outpoint(8), &[], &[(1, 330)]);
    let early = wanted().picture(&[first.clone(), dust(7)]);
    assert_eq!(
        (early.lock, early.wrong),
        (None, Some(Amount::from_sat(AMOUNT + 330)))
    );
    let late = wanted().picture(&[first.clone(), dust(8)]);
    assert_eq!((late.lock, late.wrong), (fact(&first), None));
}

#[test]
fn a_redeem_shows_its_preimage_whoever_sent_it_and_wherever_it_is() {
    for height in [None, Some(6)] {
        let lock = lock(5, AMOUNT);
        let redeem = sighting(
            height,
            coin_of(&lock),
            &[&[1; 64], &PREIMAGE, &[0x82], &[0xc0]],
            &[(4, 1)],
        );
        let picture = wanted().picture(&[lock, redeem.clone()]);
        assert_eq!(picture.redeem, Some((redeem.fact(), PREIMAGE)));
        assert_eq!(picture.refund, None);
        assert_eq!(
            picture.unspent.is_empty(),
            height.is_some(),
            "a mempool spend may never be mined"
        );
    }
}

#[test]
fn a_refund_is_told_by_its_leaf_or_by_whom_it_pays() {
    let lock = lock(5, AMOUNT);
    let by_leaf = sighting(6, coin_of(&lock), &[&[1; 64], &[0xb1], &CONTROL_BLOCK], &[(4, 1)]);
    let by_key = sighting(6, coin_of(&lock), &[&[1; 64]], &[(3, 1)]);
    for refund in [by_leaf, by_key] {
        let picture = wanted().picture(&[lock.clone(), refund.clone()]);
        assert_eq!((picture.refund, picture.redeem), (fact(&refund), None));
    }
}

#[test]
fn a_key_path_spend_that_pays_no_refunder_is_a_redeem_together() {
    for height in [None, Some(6)] {
        let lock = lock(5, AMOUNT);
        let spend = sighting(height, coin_of(&lock), &[&[1; 64]], &[(4, 1), (5, 1)]);
        let picture = wanted().picture(&[lock, spend.clone()]);
        assert_eq!(picture.together, fact(&spend));
        assert_eq!(picture.redeemed(), fact(&spend));
        assert_eq!((picture.refund, picture.redeem), (None, None));
    }
}

#[test]
fn a_refund_of_several_legs_together_is_one_in_each_of_them() {
    let lock = lock(5, AMOUNT);
    let both = sighting(6, coin_of(&lock), &[&[1; 64]], &[(4, 1), (3, 1)]);
    let picture = wanted().picture(&[lock, both.clone()]);
    assert_eq!((picture.refund, picture.together), (fact(&both), None));
}

#[test]
fn a_redeem_by_leaf_is_none_together_whomever_it_pays() {
    let lock = lock(5, AMOUNT);
    let redeem = sighting(
        6,
        coin_of(&lock),
        &[&[1; 64], &PREIMAGE, &[0x82], &CONTROL_BLOCK],
        &[(3, 1)],
    );
    let picture = wanted().picture(&[lock, redeem.clone()]);
    assert_eq!((picture.together, picture.refund), (None, None));
    assert_eq!(picture.redeemed(), fact(&redeem));
}

#[test]
fn the_coin_of_a_lock_is_there_until_a_block_spends_it() {
    let lock = lock(5, AMOUNT);
    let dust = sighting(9, outpoint(8), &[], &[(1, 330)]);
    let spend = |height| sighting(height, coin_of(&lock), &[&[1; 64]], &[(4, 1)]);
    let locked = |more: Sighting| wanted().picture(&[lock.clone(), dust.clone(), more]).locked();
    let coin = Coin {
        outpoint: coin_of(&lock),
        value: Amount::from_sat(AMOUNT),
    };
    assert_eq!(locked(spend(None)), Some((coin, 5)));
    assert_eq!(locked(spend(Some(10))), None);
    let pending = Sighting {
        height: None,
        ..lock.clone()
    };
    assert_eq!(wanted().picture(&[pending]).locked(), None);
}

#[test]
fn a_spend_of_something_else_says_nothing_about_the_leg() {
    let stranger = sighting(6, outpoint(8), &[&[1; 64], &PREIMAGE], &[(3, 1)]);
    let picture = wanted().picture(&[lock(5, AMOUNT), stranger]);
    assert_eq!(
        (picture.redeem, picture.refund, picture.cancel),
        (None, None, None)
    );
}

#[test]
fn the_lock_s_coin_spent_without_a_lock_is_a_cancel() {
    let cancel = sighting(5, outpoint(7), &[], &[(9, 1_000)]);
    let picture = wanted().picture(std::slice::from_ref(&cancel));
    assert_eq!((picture.cancel, picture.lock), (fact(&cancel), None));
}

#[test]
fn a_block_beats_the_mempool() {
    let lock = lock(5, AMOUNT);
    let spend = |height, to| {
        sighting(
            height,
            coin_of(&lock),
            &[&[1; 64], &[0xb1], &CONTROL_BLOCK],
            &[(to, 1)],
        )
    };
    let (pending, mined) = (spend(None, 4), spend(Some(6), 5));
    let picture = wanted().picture(&[lock.clone(), pending, mined.clone()]);
    assert_eq!(picture.refund, fact(&mined));
}

use bitcoin::constants::genesis_block;
use bitcoin::{Amount, Network, OutPoint, Transaction};
use kofo_bitcoin::{Coin, Spend};
use kofo_primitives::encode;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{
    PREIMAGE, SATS, Terms, htlc, lock, mined, pay, paying, payout, proof, proof_in, rule, secret,
};
use crate::prove::{Parts, ProveError, prove};

fn ask(proof: &[u8]) -> Result<Fact, Flaw> {
    fact(&Terms::default().leg(), &rule(3), proof)
}

fn spend(spend: impl FnOnce(&Spend<'_>) -> Transaction, whom: u8) -> Transaction {
    let outpoint = OutPoint::new(lock().compute_txid(), 1);
    let coin = Coin {
        outpoint,
        value: Amount::from_sat(SATS),
    };
    spend(&Spend {
        coins: &[coin],
        payout: &payout(whom),
        fee: Amount::from_sat(200),
    })
}

fn redeem() -> Transaction {
    spend(|spend| htlc().redeem(spend, &PREIMAGE, &secret(1)).unwrap(), 1)
}

fn refund() -> Transaction {
    spend(|spend| htlc().refund(spend, &secret(2)).unwrap(), 2)
}

/// What both parties sign shows a signature and nothing else.
fn by_both(whom: &[u8]) -> Transaction {
    let mut tx = refund();
    tx.input[0].witness = bitcoin::Witness::from_slice(&[[5u8; 64]]);
    tx.output = whom.iter().map(|whom| pay(payout(*whom), 1_000)).collect();
    tx
}

#[test]
fn a_lock_by_itself_is_not_proved() {
    // Whoever paid twice to one script would prove one of both.
    let told = ask(&proof(&lock(), &lock()));
    assert!(matches!(told, Err(Flaw::Elsewhere { .. })), "{told:?}");
}

#[test]
fn a_redeem_that_shows_the_preimage_is_a_redeem_and_a_refund_a_refund() {
    assert_eq!(ask(&proof(&redeem(), &lock())), Ok(Fact::Redeemed));
    assert_eq!(ask(&proof(&refund(), &lock())), Ok(Fact::Refunded));
}

#[test]
fn what_both_parties_signed_is_told_by_whom_it_pays() {
    let told = |whom: &[u8]| ask(&proof(&by_both(whom), &lock()));
    assert_eq!(told(&[1]), Ok(Fact::Redeemed));
    assert_eq!(told(&[70, 2]), Ok(Fact::Refunded));
    for whom in [&[70][..], &[1, 2], &[2, 1]] {
        assert!(matches!(told(whom), Err(Flaw::Unclear { .. })), "{whom:?}");
    }
}

#[test]
fn a_refund_that_shows_the_preimage_too_is_unclear() {
    let mut tx = refund();
    let mut items = tx.input[0].witness.to_vec();
    items.insert(0, PREIMAGE.to_vec());
    tx.input[0].witness = items.into();
    let told = ask(&proof(&tx, &lock()));
    assert!(matches!(told, Err(Flaw::Unclear { .. })), "{told:?}");
}

#[test]
fn a_witness_that_the_block_does_not_have_is_refused() {
    // The refund is in the block; its redeemer signs the same transaction by the other leaf.
    let forged = proof(&refund(), &lock());
    let mut forged: Proof = decode(&forged).unwrap();
    let mut tx = refund();
    tx.input[0].witness = redeem().input[0].witness.clone();
    forged.included.tx = bitcoin::consensus::serialize(&tx);
    let refused = Flaw::Witness {
        tx: tx.compute_txid(),
    };
    assert_eq!(ask(&encode(&forged)), Err(refused));
}

#[test]
fn a_lock_of_another_amount_or_output_or_two_of_them_is_none() {
    let script = htlc().script_pubkey();
    let wrong = [
        vec![pay(script.clone(), SATS - 1)],
        vec![pay(script.clone(), SATS + 1)],
        vec![pay(payout(1), SATS)],
        vec![pay(script.clone(), SATS), pay(script.clone(), SATS)],
        vec![pay(script.clone(), SATS), pay(script, 1)],
    ];
    for outputs in wrong {
        let told = ask(&proof(&redeem(), &paying(outputs)));
        assert!(matches!(told, Err(Flaw::Lock { .. })), "{told:?}");
    }
}

#[test]
fn the_spend_of_another_lock_proves_nothing() {
    let other = paying(vec![pay(htlc().script_pubkey(), SATS)]);
    let told = ask(&proof(&redeem(), &other));
    assert!(matches!(told, Err(Flaw::Elsewhere { .. })), "{told:?}");
    let beside = paying(vec![pay(payout(50), SATS)]);
    let told = ask(&proof(&redeem(), &beside));
    assert!(matches!(told, Err(Flaw::Lock { .. })), "{told:?}");
}

#[test]
fn a_proof_of_one_leg_proves_nothing_of_another() {
    let proof = proof(&redeem(), &lock());
    let other = |terms: Terms| fact(&terms.leg(), &rule(3), &proof);
    let later = other(Terms {
        timelock: crate::fixtures::TIMELOCK + 1,
        ..Terms::default()
    });
    assert!(matches!(later, Err(Flaw::Lock { .. })), "{later:?}");
    let chain = other(Terms {
        asset: kofo_bitcoin::asset_id(Network::Signet),
        ..Terms::default()
    });
    assert!(matches!(chain, Err(Flaw::Asset { .. })), "{chain:?}");
}

#[test]
fn a_proof_that_is_too_shallow_for_the_rule_is_refused() {
    let told = fact(&Terms::default().leg(), &rule(4), &proof(&redeem(), &lock()));
    assert_eq!(told, Err(Flaw::Shallow { want: 4, got: 3 }));
}

#[test]
fn a_lock_with_witnesses_that_nobody_checked_is_refused() {
    let mut odd: Proof = decode(&proof(&redeem(), &lock())).unwrap();
    odd.lock = bitcoin::consensus::serialize(&lock());
    assert!(matches!(ask(&encode(&odd)), Err(Flaw::Witness { .. })));
}

#[test]
fn truncated_bytes_trailing_bytes_and_other_versions_are_refused() {
    let whole = proof(&redeem(), &lock());
    for length in 0..whole.len() {
        assert!(ask(&whole[..length]).is_err(), "{length}");
    }
    let refused = |bytes: &[u8]| matches!(ask(bytes), Err(Flaw::Form { .. }));
    assert!(refused(&[whole.as_slice(), &[0]].concat()));
    let mut newer = whole.clone();
    newer[0] = VERSION + 1;
    assert!(refused(&newer));
    assert!(refused(&vec![0; MAX_PROOF_BYTES + 1]));
}

#[test]
fn one_flipped_bit_anywhere_but_in_the_work_of_a_spend_s_proof_fails() {
    // A nonce of regtest is as good as its neighbour: the last header is left out, and the first is held by the second.
    let whole = proof(&redeem(), &lock());
    let headers = 1 + 4 + 2 * 80..1 + 4 + 3 * 80;
    for bit in (0..whole.len() * 8).filter(|bit| !headers.contains(&(bit / 8))) {
        let mut altered = whole.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(ask(&altered).is_err(), "bit {bit} of {}", whole.len() * 8);
    }
}

#[test]
fn a_transaction_anywhere_in_a_block_is_proved() {
    let others = |sats| paying(vec![pay(payout(60), sats)]);
    for (before, behind) in [(0, 0), (0, 5), (3, 0), (6, 2)] {
        let mut txs: Vec<_> = (1..=before).map(others).collect();
        txs.push(redeem());
        txs.extend((100..100 + behind).map(others));
        let block = mined(genesis_block(Network::Regtest).block_hash(), txs);
        assert_eq!(ask(&proof_in(&block, &redeem(), &lock())), Ok(Fact::Redeemed));
    }
}

#[test]
fn a_proof_is_made_of_its_own_block_only_and_within_bounds() {
    let block = mined(genesis_block(Network::Regtest).block_hash(), vec![lock()]);
    let block = bitcoin::consensus::serialize(&block);
    let made = |block: &[u8], above: &[[u8; 80]]| {
        prove(&Parts {
            block,
            above,
            tx: crate::fixtures::printed(&redeem()),
            lock: &bitcoin::consensus::serialize(&lock()),
        })
    };
    assert_eq!(
        made(&block, &[]),
        Err(ProveError::Missing(crate::fixtures::printed(&redeem())))
    );
    assert!(matches!(made(&block[1..], &[]), Err(ProveError::Block(_))));
    let long = prove(&Parts {
        block: &block,
        above: &[[0; 80]; 700],
        tx: crate::fixtures::printed(&lock()),
        lock: &bitcoin::consensus::serialize(&lock()),
    });
    assert!(matches!(long, Err(ProveError::TooLong(_))), "{long:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..2_000) {
        let mut proof = proof(&redeem(), &lock());
        let at = at.min(proof.len());
        proof.splice(at..proof.len().min(at + bytes.len()), bytes);
        let _ = ask(&proof);
    }
}

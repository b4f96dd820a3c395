use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::PublicKey;
use bitcoin::transaction::Version;
use bitcoin::{OutPoint, Script, TxIn, Txid};
use kofo_primitives::{Bytes, Hashlock, HtlcSpec, LegId, NetworkId, Party, Place, Side, SwapNonce, UnixTime};

use super::*;
use crate::BitcoinParty;
use crate::ours::AskedCoin;

const AMOUNT: u64 = 100_000;
const NONCE: SwapNonce = SwapNonce::new([3; 32]);

fn keys(seed: u8) -> BitcoinKeys {
    BitcoinKeys::new(Seed::new([seed; 64]))
}

fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

fn key(of: &BitcoinKeys, end: End, payout: Option<&Script>) -> PublicKey {
    let question = Question::Key {
        network: network(),
        nonce: NONCE,
        leg: LegId::first(Side::Alpha),
        end,
        payout: payout.map(|script| script.to_bytes()),
    };
    let answer = of.answered(question).unwrap();
    PublicKey::from_slice(&borsh::from_slice::<Vec<u8>>(&answer).unwrap()).unwrap()
}

fn wallet(seed: u8) -> ScriptBuf {
    keys(seed).at(false, (false, 7)).unwrap()
}

fn party(seed: u8, end: End, payout: ScriptBuf) -> Party {
    let key = key(&keys(seed), end, None);
    Bytes::new(BitcoinParty::new(key, payout).unwrap().to_bytes()).unwrap()
}

/// The leg that 2 locks for 1, at this end.
fn leg(end: End) -> OurLeg {
    OurLeg {
        network: network(),
        leg: LegId::first(Side::Alpha),
        place: Some((false, 7)),
        spec: HtlcSpec {
            asset: crate::asset_id(Network::Regtest),
            amount: kofo_primitives::Amount::new(AMOUNT.into()),
            hashlock: Hashlock::new([9; 32]),
            timelock: UnixTime(1_800_000_000),
            redeemer: party(1, End::Redeemer, wallet(1)),
            refunder: party(2, End::Refunder, wallet(2)),
            place: Place::default(),
            depth: 1,
            end,
            nonce: NONCE,
            from_height: 0,
        },
    }
}

fn coin() -> AskedCoin {
    AskedCoin {
        txid: [8; 32],
        vout: 0,
        value: AMOUNT,
    }
}

fn spent(by: &BitcoinKeys, leg: &OurLeg) -> Result<Vec<[u8; 64]>, SignerError> {
    let coins = [Coin::from(&coin())];
    by.spend(leg, ActKind::Redeem, (&coins, Amount::from_sat(1_000)))
}

/// Pays from the wallet of 2 to these scripts, the first of which is said to be our own.
fn payment(to: &[ScriptBuf], lock: Option<OurLeg>) -> Payment {
    let input = TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([4; 32]), 0),
        ..TxIn::default()
    };
    let output = |script: &ScriptBuf| TxOut {
        value: Amount::from_sat(1_000),
        script_pubkey: script.clone(),
    };
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: to.iter().map(output).collect(),
    };
    let place = |at: usize| (at == 0).then_some((false, 7));
    Payment {
        main: false,
        tx: Payment::write(&tx),
        coins: vec![((false, 1), AMOUNT)],
        back: (0..to.len()).map(place).collect(),
        lock: lock.map(Box::new),
    }
}

#[test]
fn coins_of_the_wallet_go_back_to_it_or_into_a_lock_that_we_can_refund() {
    let owner = keys(2);
    let lock = owner.lock_of(&leg(End::Refunder)).unwrap();
    let good = payment(&[wallet(2), lock.clone()], Some(leg(End::Refunder)));
    assert_eq!(owner.pay(&good).unwrap().len(), 1);
    for (why, wrong) in [
        (
            "a stranger",
            payment(&[wallet(2), wallet(1)], Some(leg(End::Refunder))),
        ),
        (
            "change to a stranger",
            payment(&[wallet(1), lock.clone()], Some(leg(End::Refunder))),
        ),
        ("a lock without terms", payment(&[wallet(2), lock.clone()], None)),
    ] {
        assert!(matches!(owner.pay(&wrong), Err(SignerError::Refused(_))), "{why}");
    }
    let stranger = payment(&[wallet(2), wallet(1)], None);
    assert!(owner.pay(&stranger).is_err(), "a payment");
    assert!(
        keys(2).paying().pay(&stranger).is_ok(),
        "a payment by keys that may pay"
    );
    let others = payment(&[wallet(1), lock], Some(leg(End::Refunder)));
    assert!(keys(1).pay(&others).is_err(), "a lock that another refunds");
}

#[test]
fn a_leg_is_spent_to_our_wallet_whether_or_not_its_place_is_known() {
    let mut leg = leg(End::Redeemer);
    assert!(spent(&keys(1), &leg).is_ok());
    leg.place = None;
    assert!(spent(&keys(1), &leg).is_ok(), "it is looked for");
}

#[test]
fn a_leg_is_not_spent_to_a_script_that_is_neither_ours_nor_bound_to_its_key() {
    let mut leg = leg(End::Redeemer);
    leg.spec.redeemer = party(1, End::Redeemer, wallet(3));
    assert!(matches!(spent(&keys(1), &leg), Err(SignerError::Refused(_))));
    let bound = key(&keys(1), End::Redeemer, Some(&wallet(3)));
    leg.spec.redeemer = Bytes::new(BitcoinParty::new(bound, wallet(3)).unwrap().to_bytes()).unwrap();
    assert!(spent(&keys(1), &leg).is_ok());
}

#[test]
fn nobody_signs_for_a_leg_of_another_seed() {
    assert!(matches!(
        spent(&keys(3), &leg(End::Redeemer)),
        Err(SignerError::Refused(_))
    ));
}

#[test]
fn the_nonce_of_a_round_signs_once_whatever_comes_of_it() {
    let round = |end| AskedRound {
        what: Together::Redeem,
        legs: vec![(leg(end), coin())],
        fee: 500,
    };
    let (asker, helper) = (keys(1), keys(2));
    let (number, nonces) = asker.open(&round(End::Redeemer)).unwrap();
    let help = helper.help(&round(End::Refunder), &nonces).unwrap();
    let help: Vec<Help> = help.into_iter().map(Help::from).collect();
    assert!(asker.close(number, &help).is_ok());
    assert!(matches!(asker.close(number, &help), Err(SignerError::Refused(_))));

    let (number, nonces) = asker.open(&round(End::Redeemer)).unwrap();
    let good = helper.help(&round(End::Refunder), &nonces).unwrap();
    let good: Vec<Help> = good.into_iter().map(Help::from).collect();
    assert!(asker.close(number, &help).is_err(), "help with another round");
    assert!(asker.close(number, &good).is_err(), "a failed round is over");
    assert!(
        asker.open(&round(End::Refunder)).is_err(),
        "who gives cannot take"
    );
}

#[test]
fn of_many_open_rounds_the_oldest_is_forgotten() {
    let round = AskedRound {
        what: Together::Redeem,
        legs: vec![(leg(End::Redeemer), coin())],
        fee: 500,
    };
    let asker = keys(1);
    let first = asker.open(&round).unwrap().0;
    for _ in 0..ROUNDS {
        asker.open(&round).unwrap();
    }
    let rounds = asker.rounds.lock().unwrap();
    assert_eq!(rounds.open.len(), ROUNDS);
    assert!(!rounds.open.contains_key(&first));
}

#[test]
fn what_is_no_question_is_refused() {
    for bytes in [vec![], vec![99], vec![0xff; 200]] {
        assert!(matches!(keys(1).answer(&bytes), Err(SignerError::Refused(_))));
    }
}

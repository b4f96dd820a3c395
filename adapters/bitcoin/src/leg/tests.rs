use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::transaction::Version;
use bitcoin::{Network, ScriptBuf, TxIn, TxOut};
use kofo_primitives::{Bytes, End, LegId, Party, Place, Side, SwapId, SwapNonce, UnixTime};

use super::*;
use crate::BitcoinParty;

const UNITS: u64 = 50_000;

fn leg_ref() -> LegRef {
    LegRef {
        swap: SwapId::new([1; 32]),
        leg: LegId {
            side: Side::Beta,
            index: 0,
        },
    }
}

fn party(byte: u8) -> Party {
    let key = SecretKey::from_slice(&[byte; 32])
        .unwrap()
        .public_key(&Secp256k1::new());
    let payout = ScriptBuf::new_p2tr(&Secp256k1::new(), key.x_only_public_key().0, None);
    Bytes::new(BitcoinParty::new(key, payout).unwrap().to_bytes()).unwrap()
}

fn leg() -> Leg {
    let asset = crate::asset_id(Network::Regtest);
    let spec = HtlcSpec {
        asset: asset.clone(),
        amount: kofo_primitives::Amount::new(UNITS.into()),
        hashlock: Preimage::new([9; 32]).hashlock(),
        timelock: UnixTime(1_800_000_000),
        redeemer: party(1),
        refunder: party(2),
        place: Place::default(),
        depth: 2,
        end: End::Refunder,
        nonce: SwapNonce::new([3; 32]),
        from_height: 100,
    };
    let terms = Terms::read(&spec, &asset).unwrap();
    Leg::new(spec, terms)
}

fn lock(leg: &Leg, height: u64, sats: u64) -> Sighting {
    let output = TxOut {
        value: Amount::from_sat(sats),
        script_pubkey: leg.wanted.script.clone(),
    };
    let (version, lock_time) = (Version::TWO, LockTime::ZERO);
    let tx = Transaction {
        version,
        lock_time,
        input: vec![TxIn::default()],
        output: vec![output],
    };
    Sighting {
        height: Some(height),
        txid: tx.compute_txid(),
        tx,
    }
}

fn told(leg: &mut Leg) -> Vec<LegEvent> {
    let mut out = VecDeque::new();
    let picture = leg.picture();
    leg.tell(leg_ref(), &picture, &mut out);
    let event = |event| match event {
        ChainEvent::Leg(_, event) => event,
        other => panic!("expected something about the leg, got {other:?}"),
    };
    out.into_iter().map(event).collect()
}

fn seen_lock(sighting: &Sighting) -> LegEvent {
    let at = At::Block(sighting.height.unwrap());
    LegEvent::Seen {
        act: Act::Lock,
        at,
        tx: Some(tx_id(sighting.txid)),
    }
}

fn nothing() -> Vec<LegEvent> {
    [ActKind::Lock, ActKind::Cancel, ActKind::Refund, ActKind::Redeem]
        .map(LegEvent::Unseen)
        .to_vec()
}

#[test]
fn whoever_asks_is_told_the_whole_picture_and_then_only_news() {
    let mut leg = leg();
    assert_eq!(told(&mut leg), nothing());
    assert_eq!(told(&mut leg), []);
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock.clone(), false);
    assert_eq!(told(&mut leg), [seen_lock(&lock)]);
    assert_eq!(told(&mut leg), []);
    leg.asked_again = true;
    let mut all = nothing();
    all[0] = seen_lock(&lock);
    assert_eq!(told(&mut leg), all);
}

#[test]
fn what_a_reorg_takes_is_untold_and_what_it_moves_is_told_anew() {
    let mut leg = leg();
    let first = lock(&leg, 105, UNITS);
    leg.record(first, false);
    told(&mut leg);
    leg.next = 107;
    leg.rewind(105);
    assert_eq!(leg.next, 105);
    assert_eq!(told(&mut leg), [LegEvent::Unseen(ActKind::Lock)]);
    let second = lock(&leg, 106, UNITS);
    leg.record(second.clone(), false);
    assert_eq!(told(&mut leg), [seen_lock(&second)]);
}

#[test]
fn a_rewind_leaves_what_is_below_it_and_never_goes_before_the_leg() {
    let mut leg = leg();
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock, false);
    leg.next = 110;
    leg.rewind(106);
    assert_eq!((leg.next, leg.picture().unspent.len()), (106, 1));
    leg.rewind(0);
    assert_eq!((leg.next, leg.picture().unspent.len()), (100, 0));
}

#[test]
fn a_wrong_amount_is_told_once_with_both_figures() {
    let mut leg = leg();
    told(&mut leg);
    let wrong = lock(&leg, 105, UNITS + 1);
    leg.record(wrong, false);
    let class = FailClass::WrongAmount {
        have: kofo_primitives::Amount::new((UNITS + 1).into()),
        need: kofo_primitives::Amount::new(UNITS.into()),
    };
    assert_eq!(told(&mut leg), [LegEvent::Failed(ActKind::Lock, class)]);
    assert_eq!(told(&mut leg), []);
}

#[test]
fn of_two_versions_the_better_paying_one_is_kept_whatever_comes_last() {
    let mut leg = leg();
    let tx = lock(&leg, 105, UNITS).tx;
    let version = |fee| Signed {
        kind: ActKind::Lock,
        tx: tx.clone(),
        fee: Amount::from_sat(fee),
    };
    for fee in [100, 300, 200] {
        leg.keep(version(fee));
    }
    assert_eq!(leg.built[&ActKind::Lock].fee, Amount::from_sat(300));
    assert!(
        leg.outpoints().contains(&OutPoint::null()),
        "what a lock spends is watched"
    );
}

#[test]
fn a_transaction_id_is_told_as_bitcoin_prints_it() {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    let txid = Txid::from_byte_array(bytes);
    assert_eq!(tx_id(txid).to_string(), txid.to_string());
}

#[test]
fn a_flood_of_dust_hides_no_spend() {
    let mut leg = leg();
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock.clone(), false);
    for height in 200..200 + MAX_SIGHTINGS as u64 {
        let dust = Sighting {
            height: Some(height),
            ..lock.clone()
        };
        leg.record(dust, false);
    }
    let mut redeem = lock.clone();
    redeem.height = Some(5_000);
    redeem.tx.output.clear();
    redeem.tx.input[0].previous_output = OutPoint {
        txid: lock.txid,
        vout: 0,
    };
    redeem.tx.input[0].witness = bitcoin::Witness::from_slice(&[[9; 32]]);
    leg.record(redeem, true);
    assert_eq!(leg.picture().redeem.map(|(_, preimage)| preimage), Some([9; 32]));
}

/// A spend of the coin of `lock`.
fn spend(lock: &Sighting, height: impl Into<Option<u64>>, witness: &[&[u8]]) -> Sighting {
    let mut tx = lock.tx.clone();
    tx.output[0].script_pubkey = ScriptBuf::new();
    tx.input[0].previous_output = OutPoint {
        txid: lock.txid,
        vout: 0,
    };
    tx.input[0].witness = bitcoin::Witness::from_slice(witness);
    tx.lock_time = LockTime::from_consensus(u32::try_from(witness.len()).unwrap());
    Sighting {
        height: height.into(),
        txid: tx.compute_txid(),
        tx,
    }
}

fn together_at(sighting: &Sighting) -> LegEvent {
    LegEvent::RedeemedTogether {
        at: sighting.height.map_or(At::Mempool, At::Block),
        tx: Some(tx_id(sighting.txid)),
    }
}

fn redeemed_at(sighting: &Sighting) -> LegEvent {
    LegEvent::Seen {
        act: Act::Redeem(Preimage::new([9; 32])),
        at: sighting.height.map_or(At::Mempool, At::Block),
        tx: Some(tx_id(sighting.txid)),
    }
}

#[test]
fn a_redeem_together_is_told_where_it_is_and_untold_when_it_is_gone() {
    let mut leg = leg();
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock.clone(), false);
    told(&mut leg);
    let by_both = |height| spend(&lock, height, &[&[1; 64]]);
    leg.pending.push(by_both(None));
    assert_eq!(told(&mut leg), [together_at(&by_both(None))]);
    assert_eq!(told(&mut leg), []);
    leg.pending.clear();
    leg.record(by_both(Some(106)), true);
    assert_eq!(told(&mut leg), [together_at(&by_both(Some(106)))]);
    leg.rewind(106);
    assert_eq!(told(&mut leg), [LegEvent::Unseen(ActKind::Redeem)]);
    leg.record(by_both(Some(107)), true);
    assert_eq!(told(&mut leg), [together_at(&by_both(Some(107)))]);
    leg.asked_again = true;
    let mut all = nothing();
    (all[0], all[3]) = (seen_lock(&lock), together_at(&by_both(Some(107))));
    assert_eq!(told(&mut leg), all);
}

#[test]
fn when_one_way_to_redeem_takes_the_place_of_the_other_that_one_is_untold_first() {
    let mut leg = leg();
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock.clone(), false);
    let together = spend(&lock, None, &[&[1; 64]]);
    let alone = spend(&lock, None, &[&[1; 64], &[9; 32], &[0x82], &[0xc0; 65]]);
    leg.pending.push(together.clone());
    told(&mut leg);
    leg.pending = vec![alone.clone()];
    let unseen = LegEvent::Unseen(ActKind::Redeem);
    assert_eq!(told(&mut leg), [unseen.clone(), redeemed_at(&alone)]);
    leg.pending = vec![together.clone()];
    assert_eq!(told(&mut leg), [unseen, together_at(&together)]);
}

#[test]
fn what_is_signed_together_is_in_conflict_with_every_other_spend_of_its_coins() {
    let mut leg = leg();
    let lock = lock(&leg, 105, UNITS);
    leg.record(lock.clone(), false);
    let signed = Signed {
        kind: ActKind::RedeemTogether,
        tx: spend(&lock, None, &[&[1; 64]]).tx,
        fee: Amount::from_sat(100),
    };
    assert_eq!(leg.spent_otherwise(&signed), None);
    leg.record(spend(&lock, 106, &[&[1; 64]]), true);
    assert_eq!(leg.spent_otherwise(&signed), None, "it is in a block itself");
    leg.rewind(106);
    leg.record(spend(&lock, 108, &[&[1; 64], &[0xb1]]), true);
    assert_eq!(leg.spent_otherwise(&signed), Some(108));
}

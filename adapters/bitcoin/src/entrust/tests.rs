use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::{Network, ScriptBuf, TxOut};
use kofo_primitives::{HtlcSpec, Party, Place, Preimage, SwapNonce, UnixTime};
use proptest::prelude::*;

use super::*;
use crate::BitcoinParty;

const AMOUNT: u64 = 100_000;
const PREIMAGE: [u8; 32] = [9; 32];
const MOST: SatPerVb = SatPerVb(100);

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn payout(byte: u8) -> ScriptBuf {
    let key = secret(byte).public_key(&Secp256k1::new());
    ScriptBuf::new_p2tr(&Secp256k1::new(), key.x_only_public_key().0, None)
}

fn party(byte: u8) -> Party {
    let key = secret(byte).public_key(&Secp256k1::new());
    Bytes::new(BitcoinParty::new(key, payout(byte)).unwrap().to_bytes()).unwrap()
}

fn terms(end: End) -> Terms {
    let asset = crate::asset_id(Network::Regtest);
    let spec = HtlcSpec {
        asset: asset.clone(),
        amount: kofo_primitives::Amount::new(AMOUNT.into()),
        hashlock: Preimage::new(PREIMAGE).hashlock(),
        timelock: UnixTime(1_800_000_000),
        redeemer: party(1),
        refunder: party(2),
        place: Place::default(),
        depth: 2,
        end,
        nonce: SwapNonce::new([3; 32]),
        from_height: 100,
    };
    Terms::read(&spec, &asset).unwrap()
}

fn coin() -> Coin {
    Coin {
        outpoint: OutPoint {
            txid: Txid::from_byte_array([5; 32]),
            vout: 1,
        },
        value: Amount::from_sat(AMOUNT),
    }
}

/// All packages, as the owner of this key makes them.
pub(crate) fn entrust(
    terms: &Terms,
    act: ActKind,
    coin: Coin,
    (secret, most): (&SecretKey, SatPerVb),
) -> Result<Vec<Entrusted>, EntrustError> {
    let of = |fee| {
        let (coins, payout) = (&[coin], &terms.ours().payout);
        let signed = terms.htlc.presign(&Spend { coins, payout, fee }, act, secret)?;
        package(act, coin, fee, &signed)
    };
    levels(terms, act, coin, most)?.into_iter().map(of).collect()
}

fn redeems() -> Vec<Entrusted> {
    entrust(&terms(End::Redeemer), ActKind::Redeem, coin(), (&secret(1), MOST)).unwrap()
}

fn refunds() -> Vec<Entrusted> {
    entrust(&terms(End::Refunder), ActKind::Refund, coin(), (&secret(2), MOST)).unwrap()
}

fn redeem() -> Act {
    Act::Redeem(Preimage::new(PREIMAGE))
}

fn taken(act: &Act, entrusted: &Entrusted) -> Result<(Transaction, Amount), EntrustError> {
    let end = match act {
        Act::Redeem(_) => End::Redeemer,
        _ => End::Refunder,
    };
    take_over(&terms(end), act, entrusted, coin())
}

#[test]
fn an_entrusted_redeem_is_byte_for_byte_the_owners_own() {
    for package in redeems() {
        let (tx, fee) = taken(&redeem(), &package).unwrap();
        let spend = Spend {
            coins: &[coin()],
            payout: &payout(1),
            fee,
        };
        let own = terms(End::Redeemer).htlc.redeem(&spend, &PREIMAGE, &secret(1));
        assert_eq!(tx, own.unwrap());
    }
}

#[test]
fn an_entrusted_refund_pays_the_owner_and_waits_for_the_timelock() {
    for package in refunds() {
        let (tx, fee) = taken(&Act::Refund, &package).unwrap();
        let (value, script_pubkey) = (coin().value - fee, payout(2));
        assert_eq!(tx.output, [TxOut { value, script_pubkey }]);
        assert_eq!(tx.lock_time.to_consensus_u32(), 1_799_999_999);
        assert!(tx.is_lock_time_enabled());
    }
}

#[test]
fn the_levels_rise_from_the_least_fee_to_the_cap() {
    let fees = |packages: &[Entrusted], act: &Act| -> Vec<u64> {
        let fee = |package| taken(act, package).unwrap().1.to_sat();
        packages.iter().map(fee).collect()
    };
    assert_eq!(fees(&redeems(), &redeem()), [155, 620, 2_480, 9_920, 15_500]);
    assert_eq!(fees(&refunds(), &Act::Refund), [138, 552, 2_208, 8_832, 13_800]);
}

#[test]
fn no_level_pays_more_than_a_quarter_of_the_coin() {
    assert_eq!(
        cap(Amount::from_sat(AMOUNT), 155, SatPerVb(u64::MAX)),
        SatPerVb(161)
    );
    assert_eq!(cap(Amount::from_sat(1_000), 155, MOST), SatPerVb(1));
    assert_eq!(rates(SatPerVb(1)), [SatPerVb(1)]);
    assert_eq!(rates(SatPerVb(3)), [1, 2, 3].map(SatPerVb));
    assert_eq!(rates(SatPerVb(u64::MAX / 620)).len(), 5);
}

#[test]
fn a_package_holds_no_preimage_and_needs_the_right_one() {
    for package in redeems() {
        let holds = package.as_slice().windows(32).any(|window| window == PREIMAGE);
        assert!(!holds);
        let wrong = Act::Redeem(Preimage::new([8; 32]));
        let refused = taken(&wrong, &package).unwrap_err();
        assert_eq!(refused, EntrustError::Spend(SpendError::WrongPreimage));
    }
}

#[test]
fn another_act_coin_amount_or_owner_is_refused() {
    let package = &redeems()[0];
    let (want, got) = (ActKind::Refund, ActKind::Redeem);
    assert_eq!(
        taken(&Act::Refund, package),
        Err(EntrustError::Other { want, got })
    );

    let mut moved = coin();
    moved.outpoint.vout += 1;
    let refused = take_over(&terms(End::Redeemer), &redeem(), package, moved);
    let got = coin().outpoint;
    assert_eq!(refused, Err(EntrustError::Coin { got }));

    let mut dearer = terms(End::Redeemer);
    dearer.amount += Amount::ONE_SAT;
    let (want, got) = (dearer.amount, coin().value);
    let refused = take_over(&dearer, &redeem(), package, coin());
    assert_eq!(refused, Err(EntrustError::Amount { want, got }));

    let mut foreign = terms(End::Redeemer);
    foreign.redeemer.payout = payout(7);
    let refused = take_over(&foreign, &redeem(), package, coin());
    let want = foreign.redeemer.key;
    assert_eq!(
        refused,
        Err(EntrustError::Spend(SpendError::WrongSignature { want }))
    );
}

#[test]
fn only_the_end_whose_act_it_is_entrusts_it_and_only_with_its_own_key() {
    let give = |end, act, byte| entrust(&terms(end), act, coin(), (&secret(byte), MOST)).unwrap_err();
    for (end, act) in [
        (End::Redeemer, ActKind::Refund),
        (End::Refunder, ActKind::Redeem),
        (End::Refunder, ActKind::Lock),
        (End::Refunder, ActKind::Cancel),
        (End::Redeemer, ActKind::RedeemTogether),
    ] {
        assert_eq!(give(end, act, 1), EntrustError::Act { act, end });
    }
    let want = secret(1).public_key(&Secp256k1::new());
    let wrong_key = EntrustError::Spend(SpendError::WrongKey { want });
    assert_eq!(give(End::Redeemer, ActKind::Redeem, 2), wrong_key);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_bit_is_refused(level in 0usize..5, at in 0usize..118, bit in 0u8..8) {
        let mut bytes = redeems()[level].as_slice().to_vec();
        prop_assert_eq!(bytes.len(), 118);
        bytes[at] ^= 1 << bit;
        prop_assert!(taken(&redeem(), &Bytes::new(bytes).unwrap()).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(taken(&redeem(), &Bytes::new(bytes).unwrap()).is_err());
    }
}

use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::taproot::{ControlBlock, TapNodeHash, TapTweakHash};
use proptest::prelude::*;

use super::*;

fn public(byte: u8) -> PublicKey {
    SecretKey::from_slice(&[byte; 32])
        .unwrap()
        .public_key(&Secp256k1::new())
}

const TIMELOCK: u64 = 1_800_000_000;

fn htlc() -> Htlc {
    Htlc::new(public(1), public(2), [7; 32], TIMELOCK).unwrap()
}

#[test]
fn the_redeem_leaf_is_these_bytes() {
    let key = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";
    let expected = format!("82012088a820{}8820{key}ac", "07".repeat(32));
    assert_eq!(htlc().redeem_leaf().to_hex_string(), expected);
    assert_eq!(htlc().redeem_leaf().len(), 73);
}

#[test]
fn the_refund_leaf_is_these_bytes() {
    let key = "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766";
    // 1_799_999_999 = 0x6b49d1ff, little-endian in a script.
    assert_eq!(
        htlc().refund_leaf().to_hex_string(),
        format!("20{key}ad04ffd1496bb1")
    );
    assert_eq!(htlc().refund_leaf().len(), 40);
}

#[test]
fn the_address_of_fixed_terms_never_changes() {
    assert_eq!(
        htlc().address(Network::Regtest).to_string(),
        "bcrt1ps6vp25qle30eh6qupnld3w5ea6qwzk9ymce308zjd8y5kre2hnkq44g0hn"
    );
}

#[test]
fn after_2038_the_timelock_takes_five_bytes() {
    let late = Htlc::new(public(1), public(2), [7; 32], 0x8000_0001).unwrap();
    assert!(late.refund_leaf().to_hex_string().ends_with("ad050000008000b1"));
    assert_eq!(late.refund_leaf().len(), 41);
}

#[test]
fn a_height_or_a_time_beyond_a_script_is_no_timelock() {
    for got in [0, 499_999_999, 500_000_000, u64::from(u32::MAX) + 1, u64::MAX] {
        let refused = Htlc::new(public(1), public(2), [7; 32], got).unwrap_err();
        assert_eq!(refused, HtlcError::Timelock { got });
    }
    assert!(Htlc::new(public(1), public(2), [7; 32], 500_000_001).is_ok());
    assert!(Htlc::new(public(1), public(2), [7; 32], u64::from(u32::MAX)).is_ok());
}

#[test]
fn one_key_for_both_parties_is_refused_in_either_sign() {
    let refused = Htlc::new(public(1), public(1), [7; 32], TIMELOCK).unwrap_err();
    assert_eq!(refused, HtlcError::SameKey { key: public(1) });
    let negated = public(1).negate(&Secp256k1::new());
    assert!(Htlc::new(public(1), negated, [7; 32], TIMELOCK).is_err());
}

#[test]
fn the_output_commits_to_both_leaves_and_to_nothing_else() {
    let htlc = htlc();
    let leaves = [htlc.redeem_leaf(), htlc.refund_leaf()];
    let [redeem, refund] = leaves
        .clone()
        .map(|leaf| TapNodeHash::from_script(&leaf, LeafVersion::TapScript));
    let root = TapNodeHash::from_node_hashes(redeem, refund);
    let internal = crate::musig::aggregate(&public(1), &public(2)).unwrap();
    let tweak = TapTweakHash::from_key_and_tweak(internal, Some(root)).to_scalar();
    let (output, _) = internal.add_tweak(&Secp256k1::new(), &tweak).unwrap();
    let expected = [&[0x51, 0x20][..], &output.serialize()].concat();
    assert_eq!(htlc.script_pubkey().as_bytes(), expected);
    for leaf in leaves {
        let block = ControlBlock::decode(&htlc.control_block(&leaf)).unwrap();
        assert!(block.verify_taproot_commitment(&Secp256k1::new(), output, &leaf));
    }
}

proptest! {
    #[test]
    fn each_term_changes_the_address(
        redeemer in 1u8..100, refunder in 100u8..200, hash in any::<[u8; 32]>(),
        timelock in 500_000_001u64..4_294_967_294, bit in 0usize..256,
    ) {
        let address = |redeemer, refunder, hash, timelock| {
            Htlc::new(public(redeemer), public(refunder), hash, timelock).unwrap().script_pubkey()
        };
        let base = address(redeemer, refunder, hash, timelock);
        let mut other = hash;
        other[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(&base, &address(redeemer, refunder, other, timelock));
        prop_assert_ne!(&base, &address(redeemer, refunder, hash, timelock + 1));
        prop_assert_ne!(&base, &address(refunder, redeemer, hash, timelock));
        prop_assert_ne!(&base, &address(redeemer, refunder + 1, hash, timelock));
        prop_assert_eq!(&base, &address(redeemer, refunder, hash, timelock));
    }
}

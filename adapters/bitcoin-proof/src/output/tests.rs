use bitcoin::Network;
use kofo_bitcoin::Htlc;
use kofo_primitives::{Amount, Bytes, Hashlock, Place};
use proptest::prelude::*;

use super::*;
use crate::fixtures::{Terms, payout, public};

#[test]
fn the_output_of_fixed_terms_never_changes() {
    let terms = Terms {
        hashlock: Hashlock::new([7; 32]),
        ..Terms::default()
    };
    let output = Output::of(&terms.leg()).unwrap();
    let address = bitcoin::Address::from_script(&output.script, Network::Regtest).unwrap();
    assert_eq!(
        address.to_string(),
        "bcrt1ps6vp25qle30eh6qupnld3w5ea6qwzk9ymce308zjd8y5kre2hnkq44g0hn"
    );
    assert_eq!(output.redeemer_payout, payout(1));
    assert_eq!(output.refunder_payout, payout(2));
}

proptest! {
    #[test]
    fn whatever_the_adapter_locks_in_is_derived_here_too(
        redeemer in 1u8..100, refunder in 100u8..200, hashlock in any::<[u8; 32]>(),
        timelock in prop_oneof![Just(500_000_000u64), Just(500_000_001), 500_000_002..4_294_967_296u64, Just(1u64 << 32)],
    ) {
        let party = |key| Bytes::new([&public(key).serialize()[..], payout(1).as_bytes()].concat()).unwrap();
        let terms = Terms {
            redeemer: party(redeemer),
            refunder: party(refunder),
            hashlock: Hashlock::new(hashlock),
            timelock,
            ..Terms::default()
        };
        let ours = Output::of(&terms.leg()).ok();
        let adapter = Htlc::new(public(redeemer), public(refunder), hashlock, timelock).ok();
        prop_assert_eq!(
            ours.map(|output| (output.script, output.redeem_leaf, output.refund_leaf)),
            adapter.map(|htlc| (htlc.script_pubkey(), htlc.redeem_leaf(), htlc.refund_leaf()))
        );
    }
}

#[test]
fn terms_that_are_none_on_bitcoin_have_no_output() {
    let bytes = |bytes: &[u8]| Bytes::new(bytes.to_vec()).unwrap();
    let wrong = [
        Terms {
            place: Place::new(vec![1]).unwrap(),
            ..Terms::default()
        },
        Terms {
            redeemer: bytes(&[2; 20]),
            ..Terms::default()
        },
        Terms {
            redeemer: bytes(&public(1).serialize()),
            ..Terms::default()
        },
        Terms {
            refunder: Terms::default().redeemer,
            ..Terms::default()
        },
        Terms {
            timelock: 0,
            ..Terms::default()
        },
        Terms {
            timelock: 800_000,
            ..Terms::default()
        },
    ];
    for terms in wrong {
        assert!(matches!(Output::of(&terms.leg()), Err(Flaw::Terms(_))));
    }
    let terms = Terms::default();
    let mut leg = terms.leg();
    leg.amount = Amount::new(u128::MAX);
    assert!(matches!(Output::of(&leg), Err(Flaw::Terms(_))));
}

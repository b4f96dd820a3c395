use super::*;
use crate::fixtures::{claim, claim_key, key, limit_opening};
use crate::{Place, decode};

fn checked(change: impl FnOnce(&mut Claim)) -> Result<(), ClaimError> {
    let mut claim = claim();
    change(&mut claim);
    claim.sign(&claim_key()).check()
}

#[test]
fn a_claim_that_is_right_is_right() {
    assert_eq!(checked(|_| ()), Ok(()));
    assert_eq!(checked(|c| c.partial = None), Ok(()));
    assert_eq!(checked(|c| c.partial = Some(c.give_amount)), Ok(()));
}

#[test]
fn a_claim_is_of_version_1_gives_something_and_for_another_asset() {
    assert_eq!(checked(|c| c.version = 2), Err(ClaimError::Version(2)));
    let given = claim().give.asset;
    assert_eq!(
        checked(|c| c.give_amount = Amount::ZERO),
        Err(ClaimError::Nothing(given.clone()))
    );
    assert_eq!(
        checked(|c| c.want.asset = c.give.asset.clone()),
        Err(ClaimError::SameAsset(given.clone()))
    );
    assert_eq!(checked(|c| c.give.depth = 0), Err(ClaimError::Depth(given)));
    let wanted = claim().want.asset;
    assert_eq!(checked(|c| c.want.depth = 0), Err(ClaimError::Depth(wanted)));
}

#[test]
fn the_least_fill_is_something_and_no_more_than_all() {
    let all = claim().give_amount;
    for least in [Amount::ZERO, Amount::new(101), Amount::new(u128::MAX)] {
        assert_eq!(
            checked(|c| c.partial = Some(least)),
            Err(ClaimError::Partial { least, all })
        );
    }
}

#[test]
fn a_path_has_1_to_8_hops() {
    for hops in [0, MAX_HOPS + 1, 255] {
        assert_eq!(checked(|c| c.max_hops = hops), Err(ClaimError::Hops(hops)));
    }
    for hops in [1, MAX_HOPS] {
        assert_eq!(checked(|c| c.max_hops = hops), Ok(()));
    }
}

#[test]
fn a_claim_lives_no_longer_than_ten_minutes_and_not_backwards() {
    let until = |expires_ms| move |c: &mut Claim| c.expires_ms = expires_ms;
    let made = claim().created_ms;
    assert_eq!(checked(until(made)), Err(ClaimError::Life(0)));
    assert_eq!(checked(until(made - 1)), Err(ClaimError::Life(-1)));
    assert_eq!(
        checked(until(made + MAX_CLAIM_LIFE_MS + 1)),
        Err(ClaimError::Life(600_001))
    );
    assert_eq!(checked(until(made + MAX_CLAIM_LIFE_MS)), Ok(()));
    assert_eq!(checked(until(made + 1)), Ok(()));
    let widest = |c: &mut Claim| (c.created_ms, c.expires_ms) = (0, u64::MAX);
    assert_eq!(checked(widest), Err(ClaimError::Life(u64::MAX.into())));
    let reversed = |c: &mut Claim| (c.created_ms, c.expires_ms) = (u64::MAX, 0);
    assert_eq!(checked(reversed), Err(ClaimError::Life(-i128::from(u64::MAX))));
}

#[test]
fn a_swap_between_two_alone_has_no_fee_and_a_cleared_one_has_none_of_0() {
    let asset = AssetId::new("test:a/slip44:1").unwrap();
    let pool = |amount, payer| FeeTerms::Pool {
        asset: asset.clone(),
        amount: Amount::new(amount),
        payer,
    };
    let posted = |cap, payer| FeeTerms::Posted {
        asset: asset.clone(),
        cap: Amount::new(cap),
        payer,
    };
    let with = |mode, fee| {
        checked(|c| {
            c.mode = mode;
            c.fee = fee;
        })
    };
    let wrong = |result| matches!(result, Err(ClaimError::Fee(_)));
    let split = |claimant_bps| FeePayer::Split { claimant_bps };
    for fee in [pool(1, FeePayer::Claimant), posted(1, FeePayer::Provider)] {
        assert!(wrong(with(Mode::P2P, fee.clone())));
        assert_eq!(with(Mode::Cleared, fee), Ok(()));
    }
    for fee in [
        pool(0, FeePayer::Claimant),
        posted(0, FeePayer::Claimant),
        pool(1, split(10_001)),
        posted(1, split(10_001)),
    ] {
        assert!(wrong(with(Mode::Cleared, fee)));
    }
    assert_eq!(with(Mode::Cleared, pool(1, split(10_000))), Ok(()));
    assert_eq!(with(Mode::Cleared, FeeTerms::Free), Ok(()));
}

#[test]
fn every_byte_of_a_claim_is_signed() {
    let bytes = encode(&claim().sign(&claim_key()));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let right = decode::<Signed<Claim>>(&altered).is_ok_and(|claim| claim.check().is_ok());
            assert!(!right, "bit {bit} of byte {at} is not signed");
        }
    }
}

#[test]
fn no_two_claims_have_one_id_on_two_networks_or_with_two_nonces() {
    let other = NetworkId::new("kofo-test2").unwrap();
    let elsewhere = Claim {
        network: other,
        ..claim()
    };
    let again = Claim {
        nonce: [8; 32],
        ..claim()
    };
    assert_ne!(claim().id(), elsewhere.id());
    assert_ne!(claim().id(), again.id());
}

#[test]
fn another_key_signs_no_claim() {
    assert!(matches!(
        claim().sign(&key(9)).check(),
        Err(ClaimError::Signature(_))
    ));
    let no_point = |c: &mut Claim| c.key = NodeId::new([0xff; 32]);
    assert!(matches!(checked(no_point), Err(ClaimError::Signature(_))));
}

#[test]
fn a_claim_has_one_encoding() {
    let bytes = encode(&claim().sign(&claim_key()));
    assert_eq!(encode(&decode::<Signed<Claim>>(&bytes).unwrap()), bytes);
    assert!(decode::<Signed<Claim>>(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert!(decode::<Signed<Claim>>(&bytes[..bytes.len() - 1]).is_err());
    // An option that is neither none nor some, an unknown kind of limit, a ratio that is not in lowest terms.
    let marker = |of: Claim, like: Claim| {
        let (a, b) = (encode(&of), encode(&like));
        a.iter().zip(&b).position(|(a, b)| a != b).unwrap()
    };
    let bare = Claim {
        partial: None,
        ..claim()
    };
    let at = marker(claim(), bare);
    let mut odd = encode(&claim());
    odd[at] = 2;
    assert!(decode::<Claim>(&odd).is_err());
    let stated = |ratio| Claim {
        limit: Limit::Stated(ratio),
        ..claim()
    };
    let (half, third) = (Ratio::new(1, 2).unwrap(), Ratio::new(1, 3).unwrap());
    let at = marker(stated(half), claim());
    let mut unknown = encode(&stated(half));
    unknown[at] = 2;
    assert!(decode::<Claim>(&unknown).is_err());
    let at = marker(stated(half), stated(third));
    let mut unreduced = encode(&stated(half));
    (unreduced[at], unreduced[at - 16]) = (4, 2);
    assert!(decode::<Claim>(&unreduced).is_err());
    (unreduced[at], unreduced[at - 16]) = (3, 2);
    assert_eq!(decode::<Claim>(&unreduced), Ok(stated(Ratio::new(2, 3).unwrap())));
}

#[test]
fn texts_and_places_that_are_too_long_do_not_decode() {
    let mut bytes = encode(&claim());
    // The network's length stands behind the version.
    bytes[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(decode::<Claim>(&bytes).is_err());
    assert!(Place::new([0; 33]).is_err());
}

#[test]
fn a_hidden_limit_tells_nothing_without_its_salt() {
    let other_salt = LimitOpening {
        salt: [10; 32],
        ..limit_opening()
    };
    let other_ratio = LimitOpening {
        ratio: Ratio::new(20, 1).unwrap(),
        ..limit_opening()
    };
    assert_ne!(limit_opening().commit(), other_salt.commit());
    assert_ne!(limit_opening().commit(), other_ratio.commit());
}

#[test]
fn a_cancel_is_the_word_of_the_key_that_it_names_and_every_byte_of_it_is_signed() {
    let cancel = Cancel {
        version: 1,
        network: claim().network,
        claim: claim().id(),
        key: claim_key().id(),
        expires_ms: claim().expires_ms,
    };
    let signed = cancel.clone().sign(&claim_key());
    assert_eq!(signed.check(), Ok(()));
    assert!(matches!(
        cancel.clone().sign(&key(9)).check(),
        Err(ClaimError::Signature(_))
    ));
    let new = Cancel { version: 2, ..cancel };
    assert_eq!(new.sign(&claim_key()).check(), Err(ClaimError::Version(2)));
    let bytes = encode(&signed);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let right = decode::<Signed<Cancel>>(&altered).is_ok_and(|cancel| cancel.check().is_ok());
        assert!(!right, "byte {at} is not signed");
    }
}

use super::*;

fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

fn member(n: u8, power: u64) -> Validator {
    Validator {
        key: secret(n).key(),
        account: NodeId::new([n; 32]),
        power,
    }
}

fn network(name: &str) -> NetworkId {
    NetworkId::new(name).unwrap()
}

fn vote(header: Option<Digest>) -> Vote {
    Vote {
        kind: VoteKind::Precommit,
        height: 7,
        round: 1,
        header,
    }
}

fn signed(n: u8, vote: Vote) -> SignedVote {
    let signature = secret(n).sign(&vote.digest(&network("kofo-test")));
    SignedVote {
        vote,
        key: secret(n).key(),
        signature,
    }
}

#[test]
fn a_vote_verifies_for_its_signer_and_its_network_alone() {
    let one = signed(1, vote(Some([9; 32])));
    let digest = one.vote.digest(&network("kofo-test"));
    assert_eq!(one.key.verify(&digest, &one.signature), Ok(()));
    assert!(secret(2).key().verify(&digest, &one.signature).is_err());
    let elsewhere = one.vote.digest(&network("kofo-other"));
    assert!(one.key.verify(&elsewhere, &one.signature).is_err());
}

#[test]
fn a_signature_with_the_high_s_is_none() {
    // n - s for s = 1 is the largest s there is.
    let mut high = [0; 64];
    high[31] = 1;
    high[32..].copy_from_slice(
        &hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140").unwrap(),
    );
    let one = signed(1, vote(None));
    let digest = one.vote.digest(&network("kofo-test"));
    assert!(one.key.verify(&digest, &VoteSignature::new(high)).is_err());
    // The same point with the other s: valid algebra, refused here.
    let sig = ecdsa::Signature::from_compact(one.signature.as_bytes()).unwrap();
    let mut flipped = one.signature;
    let s = SecretKey::from_slice(&sig.serialize_compact()[32..])
        .unwrap()
        .negate();
    flipped.0[32..].copy_from_slice(&s.secret_bytes());
    assert!(one.key.verify(&digest, &flipped).is_err());
}

#[test]
fn a_set_is_the_same_in_whatever_order_its_members_come() {
    let (a, b) = (member(1, 5), member(2, 7));
    let set = ValidatorSet::new(3, vec![a, b]).unwrap();
    assert_eq!(set, ValidatorSet::new(3, vec![b, a]).unwrap());
    assert_eq!(set.find(&b.key), Some(&b));
    assert_eq!((set.total(), set.quorum(), set.epoch()), (12, 9, 3));
    assert_ne!(set.digest(), ValidatorSet::new(4, vec![a, b]).unwrap().digest());
    assert_eq!(borsh::from_slice::<ValidatorSet>(&encode(&set)).unwrap(), set);
}

#[test]
fn what_is_no_set_is_refused_when_made_and_when_read() {
    let twice = Validator {
        account: NodeId::new([1; 32]),
        ..member(2, 1)
    };
    assert_eq!(ValidatorSet::new(0, vec![]), Err(ValidatorSetError::Count(0)));
    for wrong in [
        vec![member(1, 1), member(1, 1)],
        vec![member(1, 1), twice],
        vec![member(1, 0)],
        vec![member(1, MAX_POWER), member(2, 1)],
    ] {
        assert!(ValidatorSet::new(0, wrong.clone()).is_err(), "{wrong:?}");
        assert!(borsh::from_slice::<ValidatorSet>(&encode(&(0u64, wrong))).is_err());
    }
    let mut members = ValidatorSet::new(0, vec![member(1, 1), member(2, 1)])
        .unwrap()
        .members()
        .to_vec();
    members.reverse();
    assert!(borsh::from_slice::<ValidatorSet>(&encode(&(0u64, members))).is_err());
}

#[test]
fn a_quorum_is_more_than_two_thirds() {
    let quorum = |powers: &[u64]| {
        let members = (1..).zip(powers).map(|(n, power)| member(n, *power)).collect();
        ValidatorSet::new(0, members).unwrap().quorum()
    };
    assert_eq!(quorum(&[1; 4]), 3);
    assert_eq!(quorum(&[1; 3]), 3);
    assert_eq!(quorum(&[1; 25]), 17);
    assert_eq!(quorum(&[1]), 1);
}

#[test]
fn only_two_contradicting_votes_of_one_validator_are_evidence() {
    let net = network("kofo-test");
    let double = |first, second| DoubleVote { first, second };
    let (yes, nil) = (signed(1, vote(Some([1; 32]))), signed(1, vote(None)));
    assert_eq!(double(yes, nil).check(&net), Ok(secret(1).key()));
    let later = signed(1, Vote { round: 2, ..nil.vote });
    for harmless in [
        double(yes, yes),
        double(yes, signed(2, nil.vote)),
        double(yes, later),
    ] {
        assert_eq!(harmless.check(&net), Err(DoubleVoteError::NoConflict));
    }
    assert!(double(yes, nil).check(&network("kofo-other")).is_err());
    let forged = SignedVote {
        signature: yes.signature,
        ..nil
    };
    assert!(double(yes, forged).check(&net).is_err());
}

#[test]
fn a_key_that_is_no_point_is_told_from_one_that_is() {
    assert!(secret(1).key().is_point());
    assert!(!ValidatorKey::new([0; 33]).is_point());
}

use super::*;
use crate::context::{Height, Value};
use crate::parts::payload_hash;
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};

fn network(name: &str) -> NetworkId {
    NetworkId::new(name).unwrap()
}

fn pen(n: u8) -> Pen {
    some_pen("kofo-a", n)
}

fn proposal() -> BallotProposal {
    BallotProposal {
        height: Height(5),
        round: Round::new(2),
        value: Value([1; 32]),
        pol_round: Round::Nil,
        proposer: pen(1).address(),
    }
}

fn head() -> Head {
    pen(1).sign_head(Head {
        height: 5,
        round: 2,
        proposer: pen(1).key(),
        id: [1; 32],
        size: 3,
        hash: payload_hash(b"abc"),
        signature: VoteSignature::new([0; 64]),
    })
}

#[tokio::test]
async fn a_vote_is_signed_as_certificates_have_it_and_for_one_network_only() {
    let at = (Height(5), Round::new(2));
    let value = NilOrVal::Val(Value([1; 32]));
    let ballot = BallotVote::new(VoteType::Precommit, at, value, pen(1).address());
    let signed = pen(1).sign_vote(ballot.clone()).await.unwrap();
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 5,
        round: 2,
        header: Some([1; 32]),
    };
    let digest = vote.digest(&network("kofo-a"));
    assert_eq!(pen(1).key().verify(&digest, &signed.signature.0), Ok(()));
    for (of, key, valid) in [("kofo-a", 1, true), ("kofo-b", 1, false), ("kofo-a", 2, false)] {
        let eye = Eye::new(network(of));
        let verdict = eye
            .verify_signed_vote(&ballot, &signed.signature, &pen(key).key())
            .await;
        assert_eq!(verdict.unwrap().is_valid(), valid, "{of} {key}");
    }
    // The same vote gives the same signature: the log replays to what was sent.
    assert_eq!(
        pen(1).sign_vote(ballot).await.unwrap().signature,
        signed.signature
    );
}

#[tokio::test]
async fn a_vote_without_a_round_is_neither_signed_nor_valid() {
    let at = (Height(5), Round::Nil);
    let ballot = BallotVote::new(VoteType::Prevote, at, NilOrVal::Nil, pen(1).address());
    assert!(pen(1).sign_vote(ballot.clone()).await.is_err());
    let eye = Eye::new(network("kofo-a"));
    let mark = Mark(VoteSignature::new([1; 64]));
    let verdict = eye.verify_signed_vote(&ballot, &mark, &pen(1).key()).await;
    assert!(verdict.unwrap().is_invalid());
}

#[tokio::test]
async fn every_field_of_a_proposal_and_the_network_is_signed() {
    let digest = proposal_digest(&network("kofo-a"), &proposal());
    let changes: [fn(&mut BallotProposal); 4] = [
        |p| p.height = Height(6),
        |p| p.round = Round::new(3),
        |p| p.value = Value([2; 32]),
        |p| p.pol_round = Round::new(0),
    ];
    for change in changes {
        let mut changed = proposal();
        change(&mut changed);
        assert_ne!(proposal_digest(&network("kofo-a"), &changed), digest);
    }
    assert_ne!(proposal_digest(&network("kofo-b"), &proposal()), digest);
    let signed = pen(1).sign_proposal(proposal()).await.unwrap();
    let eye = Eye::new(network("kofo-a"));
    let verdict = eye
        .verify_signed_proposal(&proposal(), &signed.signature, &pen(1).key())
        .await;
    assert!(verdict.unwrap().is_valid());
}

#[test]
fn every_field_of_a_head_and_the_network_is_signed() {
    assert!(head().signed(&network("kofo-a")));
    assert!(!head().signed(&network("kofo-b")));
    let changes: [fn(&mut Head); 6] = [
        |h| h.height = 6,
        |h| h.round = 3,
        |h| h.proposer = pen(2).key(),
        |h| h.id = [2; 32],
        |h| h.size = 4,
        |h| h.hash = [0; 32],
    ];
    for change in changes {
        let mut changed = head();
        change(&mut changed);
        assert!(!changed.signed(&network("kofo-a")), "{changed:?}");
    }
}

#[test]
fn the_high_s_of_a_signature_is_none() {
    // The order of the group, whose difference with s is the other s.
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let signed = head();
    let mut bytes = *signed.signature.as_bytes();
    let mut borrow = 0i16;
    for place in (0..32).rev() {
        let difference = i16::from(N[place]) - i16::from(bytes[32 + place]) - borrow;
        borrow = i16::from(difference < 0);
        bytes[32 + place] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let mut high = signed.clone();
    high.signature = VoteSignature::new(bytes);
    assert_ne!(high, signed);
    assert!(!high.signed(&network("kofo-a")));
}

#[tokio::test]
async fn a_proof_is_of_one_key_and_one_peer() {
    let eye = Eye::new(network("kofo-a"));
    let proof = pen(1).prove_peer(vec![1, 2, 3]);
    assert!(eye.verify_validator_proof(&proof).await.unwrap().is_valid());
    let mut other_peer = proof.clone();
    other_peer.peer_id = vec![1, 2, 4];
    let mut other_key = proof.clone();
    other_key.public_key = pen(2).key().as_bytes().to_vec();
    let mut no_key = proof;
    no_key.public_key = vec![2];
    for wrong in [other_peer, other_key, no_key] {
        assert!(eye.verify_validator_proof(&wrong).await.unwrap().is_invalid());
    }
}

#[tokio::test]
async fn nothing_is_signed_in_the_place_of_what_was_signed() {
    let pen = pen(1);
    let at = (Height(5), Round::new(2));
    let vote = |kind, value| BallotVote::new(kind, at, value, pen.address());
    let (some, nothing) = (NilOrVal::Val(Value([1; 32])), NilOrVal::Nil);
    let first = pen.sign_vote(vote(VoteType::Prevote, some)).await.unwrap();
    let again = pen.sign_vote(vote(VoteType::Prevote, nothing)).await.unwrap();
    assert_eq!(again, first);
    let precommit = vote(VoteType::Precommit, nothing);
    assert_eq!(pen.sign_vote(precommit.clone()).await.unwrap().message, precommit);
    let first = pen.sign_proposal(proposal()).await.unwrap();
    let mut other = proposal();
    (other.value, other.pol_round) = (Value([2; 32]), Round::new(1));
    assert_eq!(pen.sign_proposal(other).await.unwrap(), first);
}

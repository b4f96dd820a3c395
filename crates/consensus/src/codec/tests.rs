use super::*;
use crate::context::{Address, BallotProposal, BallotVote, Height, SignedBallot, Value};
use crate::parts::{CHUNK, Head, cut, payload_hash};
use crate::peer_key::some_peer;
use crate::sign::{Mark, some_pen};
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId};
use arc_malachitebft_app_channel::app::types::sync::RawDecidedValue;
use arc_malachitebft_core_types as core;
use arc_malachitebft_sync::{ValueRequest, ValueResponse};
use core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaSignature, RoundCertificate,
    RoundCertificateType, RoundSignature, SignedMessage, Validity, VoteType,
};
use kofo_primitives::{ValidatorKey, ValidatorSecret, VoteSignature};
use proptest::prelude::*;

fn key(n: u8) -> ValidatorKey {
    ValidatorSecret::new(&[n; 32]).unwrap().key()
}

const MARK: Mark = Mark(VoteSignature::new([9; 64]));

fn vote(kind: VoteType, value: NilOrVal<Value>) -> SignedBallot {
    let vote = BallotVote::new(kind, (Height(7), Round::new(2)), value, Address(key(1)));
    SignedMessage::new(vote, MARK)
}

fn proposal(pol_round: Round) -> SignedConsensusMsg<Ctx> {
    let proposal = BallotProposal {
        height: Height(7),
        round: Round::new(2),
        value: Value([3; 32]),
        pol_round,
        proposer: Address(key(2)),
    };
    SignedConsensusMsg::Proposal(SignedMessage::new(proposal, MARK))
}

fn head(payload: &[u8]) -> Head {
    let pen = some_pen("kofo-test", 1);
    pen.sign_head(Head {
        height: 7,
        round: 2,
        proposer: pen.key(),
        id: [3; 32],
        size: u32::try_from(payload.len()).unwrap(),
        hash: payload_hash(payload),
        signature: VoteSignature::new([0; 64]),
    })
}

fn polka() -> PolkaCertificate<Ctx> {
    PolkaCertificate {
        height: Height(7),
        round: Round::new(2),
        value_id: Value([3; 32]),
        polka_signatures: (1..4)
            .map(|n| PolkaSignature::new(Address(key(n)), MARK))
            .collect(),
    }
}

fn round_certificate(cert_type: RoundCertificateType) -> RoundCertificate<Ctx> {
    let signature = |n: u8| {
        let (kind, value) = if n.is_multiple_of(2) {
            (VoteType::Prevote, NilOrVal::Nil)
        } else {
            (VoteType::Precommit, NilOrVal::Val(Value([n; 32])))
        };
        RoundSignature::new(kind, value, Address(key(n)), MARK)
    };
    RoundCertificate {
        height: Height(7),
        round: Round::new(2),
        cert_type,
        round_signatures: (1..4).map(signature).collect(),
    }
}

fn response(payloads: usize) -> Response<Ctx> {
    let value = |n: u64| {
        let certificate = ExtendedCommitCertificate {
            height: Height(n),
            round: Round::new(1),
            value_id: Value([3; 32]),
            commit_signatures: vec![ExtendedCommitSignature::new(Address(key(1)), MARK, None)],
        };
        RawDecidedValue::new(vec![5; 100].into(), certificate)
    };
    let values = (1..=payloads as u64).map(value).collect();
    Response::ValueResponse(ValueResponse::new(Height(1), values))
}

fn returns<T>(message: &T)
where
    T: Mirrored + PartialEq + std::fmt::Debug,
    Wire: Codec<T, Error = WireError>,
{
    let bytes = Codec::<T>::encode(&Wire, message).unwrap();
    assert_eq!(&Codec::<T>::decode(&Wire, bytes.clone()).unwrap(), message);
    // Neither cut short nor with something behind it.
    for length in 0..bytes.len().min(400) {
        assert!(Codec::<T>::decode(&Wire, bytes.slice(..length)).is_err());
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(Codec::<T>::decode(&Wire, longer.into()).is_err());
    let mut newer = bytes.to_vec();
    newer[0] = VERSION + 1;
    assert_eq!(
        Codec::<T>::decode(&Wire, newer.into()).unwrap_err(),
        WireError::Version(Some(VERSION + 1))
    );
}

#[test]
fn every_message_comes_back_as_it_was() {
    let value = NilOrVal::Val(Value([3; 32]));
    for vote in [
        vote(VoteType::Prevote, NilOrVal::Nil),
        vote(VoteType::Prevote, value),
        vote(VoteType::Precommit, NilOrVal::Nil),
        vote(VoteType::Precommit, value),
    ] {
        returns(&SignedConsensusMsg::Vote(vote.clone()));
        returns(&LivenessMsg::Vote(vote));
    }
    returns(&proposal(Round::Nil));
    returns(&proposal(Round::new(1)));
    returns(&polka());
    returns(&LivenessMsg::PolkaCertificate(polka()));
    for kind in [RoundCertificateType::Skip, RoundCertificateType::Precommit] {
        returns(&LivenessMsg::SkipRoundCertificate(round_certificate(kind)));
    }
    returns(&Status::<Ctx> {
        peer_id: some_peer(1),
        tip_height: Height(9),
        history_min_height: Height(1),
    });
    returns(&Request::ValueRequest(ValueRequest::<Ctx>::new(
        Height(3)..=Height(5),
    )));
    returns(&response(0));
    returns(&response(3));
}

#[test]
fn every_part_proof_and_value_comes_back_as_it_was() {
    let payload = vec![1; CHUNK + 1];
    let parts = cut(&head(&payload), &payload);
    assert_eq!(parts.len(), 2);
    for (place, part) in (0..).zip(parts) {
        returns(&part);
        let name = StreamId::new(vec![1; 16].into());
        returns(&StreamMessage::new(name, place, StreamContent::Data(part)));
    }
    returns(&StreamMessage::<Part>::new(
        StreamId::new(vec![].into()),
        2,
        StreamContent::Fin,
    ));
    let pen = some_pen("kofo-test", 1);
    returns(&pen.prove_peer(some_peer(1).to_bytes()));
    for (valid_round, validity) in [(Round::Nil, Validity::Valid), (Round::new(1), Validity::Invalid)] {
        returns(&ProposedValue::<Ctx> {
            height: Height(7),
            round: Round::new(2),
            valid_round,
            proposer: Address(key(1)),
            value: Value([3; 32]),
            validity,
        });
    }
}

#[test]
fn heights_rounds_and_lists_that_are_too_great_are_refused() {
    let read = |bytes: Bytes| Codec::<SignedConsensusMsg<Ctx>>::decode(&Wire, bytes);
    let with = |height, round| {
        let at = (Height(height), Round::new(round));
        let vote = BallotVote::new(VoteType::Prevote, at, NilOrVal::Nil, Address(key(1)));
        let message = SignedConsensusMsg::Vote(SignedMessage::new(vote, MARK));
        Codec::<SignedConsensusMsg<Ctx>>::encode(&Wire, &message).unwrap()
    };
    assert!(read(with(MAX_HEIGHT, MAX_ROUND)).is_ok());
    for (height, round) in [
        (MAX_HEIGHT + 1, 0),
        (u64::MAX, 0),
        (1, MAX_ROUND + 1),
        (1, u32::MAX),
    ] {
        assert!(matches!(
            read(with(height, round)),
            Err(WireError::TooMuch { .. })
        ));
    }
    let mut long = polka();
    long.polka_signatures = vec![long.polka_signatures[0].clone(); MOST_SIGNATURES + 1];
    let bytes = Codec::<PolkaCertificate<Ctx>>::encode(&Wire, &long).unwrap();
    assert!(matches!(
        Codec::<PolkaCertificate<Ctx>>::decode(&Wire, bytes),
        Err(WireError::TooMuch { .. })
    ));
    let bytes = Codec::<Response<Ctx>>::encode(&Wire, &response(MOST_VALUES + 1)).unwrap();
    assert!(Codec::<Response<Ctx>>::decode(&Wire, bytes).is_err());
}

#[test]
fn a_vote_without_a_round_is_never_sent() {
    let vote = BallotVote::new(
        VoteType::Prevote,
        (Height(1), Round::Nil),
        NilOrVal::Nil,
        Address(key(1)),
    );
    let message = SignedConsensusMsg::Vote(SignedMessage::new(vote, MARK));
    assert!(matches!(
        Codec::<SignedConsensusMsg<Ctx>>::encode(&Wire, &message),
        Err(WireError::NoRound(_))
    ));
}

#[test]
fn the_length_of_a_response_is_known_before_it_is_written() {
    for payloads in [0, 1, 5] {
        let response = response(payloads);
        let bytes = Codec::<Response<Ctx>>::encode(&Wire, &response).unwrap();
        assert_eq!(Wire.encoded_len(&response).unwrap(), bytes.len());
    }
}

fn garbage_is_an_error_or_a_message(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    // Decoding must return; whatever it returns can be written again.
    macro_rules! each {
        ($($message:ty),*) => {
            $(if let Ok(message) = Codec::<$message>::decode(&Wire, bytes.clone()) {
                let again = Codec::<$message>::encode(&Wire, &message).unwrap();
                assert_eq!(again, bytes);
            })*
        };
    }
    each!(
        Part,
        SignedConsensusMsg<Ctx>,
        LivenessMsg,
        StreamMessage<Part>,
        ValidatorProof<Ctx>,
        ProposedValue<Ctx>,
        PolkaCertificate<Ctx>,
        Status<Ctx>,
        Request<Ctx>,
        Response<Ctx>
    );
}

proptest! {
    #[test]
    fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), current in any::<bool>()) {
        if let Some(version) = bytes.first_mut().filter(|_| current) {
            *version = VERSION;
        }
        garbage_is_an_error_or_a_message(&bytes);
    }

    #[test]
    fn messages_with_a_byte_changed_never_panic(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        let certificate = round_certificate(RoundCertificateType::Skip);
        let messages = [
            Codec::<LivenessMsg>::encode(&Wire, &LivenessMsg::SkipRoundCertificate(certificate)).unwrap(),
            Codec::<Response<Ctx>>::encode(&Wire, &response(2)).unwrap(),
            Codec::<SignedConsensusMsg<Ctx>>::encode(&Wire, &proposal(Round::new(1))).unwrap(),
            Codec::<Part>::encode(&Wire, &cut(&head(&[1; 9]), &[1; 9])[0]).unwrap(),
        ];
        for message in messages {
            let mut bytes = message.to_vec();
            let place = place.index(bytes.len());
            bytes[place] = to;
            garbage_is_an_error_or_a_message(&bytes);
        }
    }
}

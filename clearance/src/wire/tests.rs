use super::*;
use crate::fixtures::{asset, certify, network, set};
use crate::merkle::MerkleProof;
use crate::op::Act;
use crate::receipt::{Ending, Receipt};
use kofo_primitives::Header;

fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

fn ask() -> Signed<Ask> {
    let ask = Ask {
        version: 1,
        network: network(),
        key: key(1).id(),
        of: Some(SwapId::new([3; 32])),
        after: 7,
        time_ms: 1_000,
    };
    ask.sign(&key(1))
}

fn act() -> Signed<AccountAct> {
    let act = AccountAct {
        version: 1,
        network: network(),
        account: key(2).id(),
        sequence: 4,
        act: Act::Collect,
    };
    act.sign(&key(2))
}

fn header() -> Header {
    Header {
        version: 1,
        network: network(),
        height: 3,
        time_ms: 4,
        previous: [1; 32],
        batch: [2; 32],
        state: [3; 32],
        receipts: [4; 32],
        validators: [5; 32],
        next_validators: [6; 32],
    }
}

fn path() -> MerkleProof {
    MerkleProof::of(&[[1; 32], [2; 32]], 1).unwrap()
}

fn order_proof() -> Box<OrderProof> {
    Box::new(OrderProof {
        certificate: certify(&header(), &set(0, 1..=4), 0..3),
        header: header(),
        hidden: [7; 32],
        path: path(),
    })
}

fn receipt_proof() -> Box<ReceiptProof> {
    Box::new(ReceiptProof {
        certificate: certify(&header(), &set(0, 1..=4), 1..4),
        header: header(),
        receipt: Receipt {
            order: SwapId::new([3; 32]),
            ending: Ending::Settled,
            time_ms: 9,
            payouts: [8; 32],
        },
        path: path(),
    })
}

fn requests() -> Vec<Request> {
    vec![
        Request::Status,
        Request::Changes { after_epoch: 5 },
        Request::Submit(Box::new(Submission::Act(Box::new(act())))),
        Request::Order(SwapId::new([3; 32])),
        Request::Parts(ask()),
        Request::Mine(ask()),
        Request::Payouts(ask()),
        Request::Account(key(2).id()),
        Request::Share(ask()),
        Request::Op(vec![1, 2, 3]),
        Request::Ops(vec![vec![1], vec![2, 3]]),
    ]
}

fn account() -> AccountView {
    let amount = Amount::new;
    AccountView {
        account: key(2).id(),
        height: 8,
        sequence: 5,
        holdings: vec![Holding {
            asset: asset(),
            free: amount(1),
            provider: amount(2),
            relay: amount(3),
            stake: amount(4),
            delegated: amount(5),
            reward: amount(6),
            unbonding: vec![(7, amount(8))],
        }],
        points: 9,
        score: 10,
        settled: 11,
        failed: 12,
        power: 13,
        jailed_until_ms: Some(14),
    }
}

fn responses() -> Vec<Response> {
    let change = SetChange {
        header: header(),
        certificate: certify(&header(), &set(0, 1..=4), 0..3),
        next: set(1, 1..=5),
    };
    let status = ValidatorStatus {
        network: network(),
        genesis: [1; 32],
        height: 2,
        time_ms: 3,
        header: [4; 32],
        validators: set(0, 1..=4),
    };
    let order = |answer| Response::Order(Box::new(answer));
    vec![
        Response::Status(Box::new(status)),
        Response::Changes(vec![change]),
        Response::Taken([1; 32]),
        order(OrderAnswer::Unknown),
        order(OrderAnswer::Waiting),
        order(OrderAnswer::Refused(Text::new("expired").unwrap())),
        order(OrderAnswer::Committed(order_proof())),
        order(OrderAnswer::Ended(order_proof(), receipt_proof())),
        Response::Parts(Bytes::new([1; 40]).unwrap()),
        Response::Mine(vec![(SwapId::new([3; 32]), 4)]),
        Response::Account(Box::new(account())),
        Response::Share(Bytes::new([2; 80]).unwrap()),
        Response::refused(RefusedClass::Busy, &"later"),
    ]
}

#[test]
fn every_request_and_every_answer_is_read_as_it_was_written() {
    for request in requests() {
        assert_eq!(Request::read(&request.write()), Ok(request));
    }
    for response in responses() {
        assert_eq!(Response::read(&response.write()), Ok(response));
    }
}

#[test]
fn what_does_not_begin_or_end_as_one_is_none() {
    let bytes = [
        requests().iter().map(Request::write).collect::<Vec<_>>(),
        responses().iter().map(Response::write).collect(),
    ]
    .concat();
    for bytes in bytes {
        let neither = |bytes: &[u8]| Request::read(bytes).is_err() && Response::read(bytes).is_err();
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(neither(&other));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(neither(&longer));
        // `Request::Op` aside, no message is the beginning of another.
        let shorter = bytes.get(..bytes.len() - 1).unwrap();
        assert!(neither(shorter) || bytes.len() == 2);
    }
    assert!(Request::read(&[]).is_err() && Response::read(&[]).is_err());
    assert!(Request::read(&[CLEARANCE, 200]).is_err());
    assert!(Response::read(&[CLEARANCE, 200]).is_err());
    let long = Request::Op(vec![0; kofo_primitives::MAX_MESSAGE]).write();
    assert!(matches!(Request::read(&long), Err(CodecError::TooLong { .. })));
}

#[test]
fn a_question_is_signed_in_all_of_its_fields() {
    let right = ask();
    let signed = |ask: &Signed<Ask>| ask.body.key.verify(&ask.body.id(), &ask.signature).is_ok();
    assert!(signed(&right));
    type Change = fn(&mut Ask);
    let changes: [Change; 6] = [
        |ask| ask.version = 2,
        |ask| ask.network = NetworkId::new("kofo-other").unwrap(),
        |ask| ask.key = key(2).id(),
        |ask| ask.of = None,
        |ask| ask.after = 8,
        |ask| ask.time_ms = 1_001,
    ];
    for change in changes {
        let mut other = right.clone();
        change(&mut other.body);
        assert!(!signed(&other));
    }
}

#[test]
fn a_long_refusal_is_cut_and_not_lost() {
    let long = "a".repeat(1_000);
    let refused = Response::refused(RefusedClass::Invalid, &long);
    assert_eq!(Response::read(&refused.write()), Ok(refused.clone()));
    let Response::Refused { why, .. } = refused else {
        panic!("not a refusal")
    };
    assert!(why.to_string().starts_with("aaa") && why.to_string().len() <= 300);
}

use super::*;
use crate::account::Account;
use crate::contract::contract_address;
use crate::node::Node;
use crate::purse::Ledger;
use futures::FutureExt;
use kofo_primitives::{Amount, Hashlock, LegId, NetworkId, Seed, Side, SwapId, SwapNonce, UnixTime};
use std::sync::Mutex;

/// What needs no other process is there at once.
pub(crate) fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a signer in this process")
}

/// One end, with nothing but its keys: a round's signatures need no node.
pub(crate) fn purse(of: u8) -> Purse {
    let network = NetworkId::new("kofo-test").unwrap();
    let config = EvmConfig::ethereum("http://localhost", 31_337, network).unwrap();
    let signer = crate::local_signer(&Seed::new([of; 64]));
    Purse {
        node: Node::new(&config, Address::ZERO, Vec::new()).unwrap(),
        config,
        runtime_code: Vec::new(),
        owner: now(Account::owner(&signer)).unwrap(),
        gas: vec![now(Account::gas(&signer, 0)).unwrap()],
        ledger: Mutex::new(Ledger::default()),
    }
}

/// A leg that 1 locked for 2, as it stands at one end.
pub(crate) fn leg(lane: u8, end: End) -> (LegRef, HtlcSpec) {
    let [refunder, redeemer] = [1, 2].map(purse);
    let config = refunder.config;
    let spec = HtlcSpec {
        place: Bytes::new(contract_address(config.profile, config.chain_id).to_vec()).unwrap(),
        asset: config.coin,
        amount: Amount::new(1_000),
        hashlock: Hashlock::new([0x11; 32]),
        timelock: UnixTime(1_800_000_000),
        redeemer: Bytes::new(redeemer.owner.address().to_vec()).unwrap(),
        refunder: Bytes::new([refunder.owner.address().as_slice(), &[0, lane]].concat()).unwrap(),
        depth: 1,
        end,
        nonce: SwapNonce::new([0; 32]),
        from_height: 0,
    };
    let of = LegRef {
        swap: SwapId::new([lane; 32]),
        leg: LegId::first(Side::Beta),
    };
    (of, spec)
}

fn legs(lanes: &[u8], end: End) -> Vec<(LegRef, HtlcSpec)> {
    lanes.iter().map(|lane| leg(*lane, end)).collect()
}

fn asked(lanes: &[u8]) -> Asked {
    Asked::of(&purse(1), &legs(lanes, End::Refunder)).unwrap()
}

fn signed(lanes: &[u8]) -> Result<RoundReply, AdapterError> {
    let legs = legs(lanes, End::Redeemer);
    now(cosign(
        &purse(2),
        Together::Refund,
        &legs,
        &asked(lanes).request(),
    ))
}

fn refused<T: std::fmt::Debug>(answer: Result<T, AdapterError>, field: &str) {
    assert!(
        matches!(&answer, Err(AdapterError::Malformed { field: f, .. }) if *f == field),
        "{answer:?}"
    );
}

#[test]
fn one_reply_releases_all_legs_in_their_order() {
    let asked = asked(&[1, 2, 3]);
    let done = asked.finish(Fee::NONE, &signed(&[1, 2, 3]).unwrap()).unwrap();
    for ((digest, redeemer), prepared) in asked.0.iter().zip(&done) {
        let Some(Form::Release(word, Fee::NONE)) = Form::decode(prepared) else {
            panic!("expected a release")
        };
        word.check(*digest, *redeemer).unwrap();
    }
    assert_eq!(done.len(), 3);
}

#[test]
fn the_most_legs_fit_into_request_and_reply() {
    let lanes: Vec<u8> = (1..=32).collect();
    let asked = asked(&lanes);
    let reply = signed(&lanes).unwrap();
    assert_eq!(
        (asked.request().as_slice().len(), reply.as_slice().len()),
        (1_029, 2_085)
    );
    assert_eq!(asked.finish(Fee::NONE, &reply).unwrap().len(), 32);
    let more: Vec<u8> = (1..=33).collect();
    refused(
        read(&purse(1), End::Refunder, &legs(&more, End::Refunder)),
        "legs of a round",
    );
    refused(read(&purse(1), End::Refunder, &[]), "legs of a round");
}

#[test]
fn request_and_reply_are_pinned() {
    let asked = asked(&[1]);
    let (digest, redeemer) = asked.0[0];
    let mut request = vec![1, 1, 0, 0, 0];
    request.extend(digest);
    assert_eq!(asked.request().as_slice(), request);
    let reply = signed(&[1]).unwrap();
    let (head, word) = reply.as_slice().split_at(5);
    assert_eq!(head, [1, 1, 0, 0, 0]);
    Word::raw(word.try_into().unwrap())
        .check(digest, redeemer)
        .unwrap();
}

#[test]
fn a_release_of_another_leg_is_no_answer() {
    let refused_by_us = asked(&[1]).finish(Fee::NONE, &signed(&[2]).unwrap());
    refused(refused_by_us, "the redeemer's signature");
    // Nor is the right one in another place.
    let swapped = asked(&[1, 2]).finish(Fee::NONE, &signed(&[2, 1]).unwrap());
    refused(swapped, "the redeemer's signature");
}

#[test]
fn a_release_for_another_chain_is_no_answer() {
    let mut elsewhere = purse(2);
    elsewhere.config.chain_id = 1;
    let it = Htlc::new(&purse(2).config, &leg(1, End::Redeemer).1).unwrap();
    let word = now(Word::by(&elsewhere.owner, it.word_on(&elsewhere.config, None))).unwrap();
    let reply = Bytes::new(borsh::to_vec(&(VERSION, vec![word])).unwrap()).unwrap();
    refused(asked(&[1]).finish(Fee::NONE, &reply), "the redeemer's signature");
    // There the contract has another address too.
    let legs = legs(&[1], End::Redeemer);
    let answer = now(cosign(
        &elsewhere,
        Together::Refund,
        &legs,
        &asked(&[1]).request(),
    ));
    refused(answer, "place");
}

#[test]
fn junk_is_no_answer_and_no_request() {
    let good = signed(&[1]).unwrap();
    let mut longer = good.as_slice().to_vec();
    longer.push(0);
    let mut newer = good.as_slice().to_vec();
    newer[0] = 2;
    for junk in [
        vec![],
        vec![1],
        vec![1, 0, 0, 0, 0],
        longer,
        newer,
        vec![0xff; 4_096],
    ] {
        let reply = Bytes::new(junk).unwrap();
        refused(asked(&[1]).finish(Fee::NONE, &reply), "answer of a round");
    }
    for junk in [vec![], vec![1, 0, 0, 0, 0], vec![2], vec![0xff; 16_384]] {
        let request = Bytes::new(junk).unwrap();
        let legs = legs(&[1], End::Redeemer);
        let answer = now(cosign(&purse(2), Together::Refund, &legs, &request));
        refused(answer, "request of a round");
    }
}

#[test]
fn the_helper_signs_only_what_it_could_redeem_and_only_terms_that_both_see_alike() {
    let request = asked(&[1]).request();
    // A stranger to the leg, and the refunder itself.
    for who in [1, 3] {
        let answer = now(cosign(
            &purse(who),
            Together::Refund,
            &legs(&[1], End::Redeemer),
            &request,
        ));
        assert!(matches!(answer, Err(AdapterError::Alone(_))), "{answer:?}");
    }
    let answer = now(cosign(
        &purse(2),
        Together::Refund,
        &legs(&[1], End::Refunder),
        &request,
    ));
    refused(answer, "our end of the leg");
    let mut other = legs(&[1], End::Redeemer);
    other[0].1.amount = Amount::new(1_001);
    refused(
        now(cosign(&purse(2), Together::Refund, &other, &request)),
        "request of a round",
    );
}

#[test]
fn a_redeem_is_done_alone() {
    let legs = legs(&[1], End::Redeemer);
    let answer = now(cosign(&purse(2), Together::Redeem, &legs, &asked(&[1]).request()));
    assert!(matches!(answer, Err(AdapterError::Alone(_))), "{answer:?}");
}

use super::*;
use crate::fixtures::{certify, network, set};
use crate::merkle::merkle_root;
use crate::receipt::{Ending, Settlement};
use kofo_primitives::{NodeId, decode};

const BEGAN: u64 = 1_000_000;
const HOUR: u64 = 3_600_000;

fn time(height: u64) -> u64 {
    BEGAN + height * HOUR
}

/// A header of that height, an hour for each.
fn header(height: u64, by: &ValidatorSet, next: &ValidatorSet) -> Header {
    Header {
        version: 1,
        network: network(),
        height,
        time_ms: time(height),
        previous: [1; 32],
        batch: merkle_root(&leaves()),
        state: [2; 32],
        receipts: merkle_root(&[settlement().receipt().leaf(), [6; 32]]),
        validators: by.digest(),
        next_validators: next.digest(),
    }
}

fn order(n: u8) -> SwapId {
    SwapId::new([n; 32])
}

fn leaves() -> Vec<Digest> {
    (0..5)
        .map(|n| order_leaf(order(n), &[n.wrapping_add(100); 32]))
        .collect()
}

fn settlement() -> Settlement {
    Settlement {
        order: order(3),
        ending: Ending::Settled,
        time_ms: 5,
        payouts: Vec::new(),
    }
}

/// All but one of its members certify; of one alone, that one.
fn signed(header: &Header, by: &ValidatorSet) -> Certificate {
    let members = by.members().len();
    certify(header, by, 0..members.max(2) - 1)
}

fn change(height: u64, by: &ValidatorSet, next: &ValidatorSet) -> SetChange {
    let header = header(height, by, next);
    SetChange {
        certificate: signed(&header, by),
        header,
        next: next.clone(),
    }
}

fn proof(height: u64, by: &ValidatorSet, n: u8) -> OrderProof {
    let header = header(height, by, by);
    OrderProof {
        certificate: signed(&header, by),
        header,
        hidden: [n + 100; 32],
        path: MerkleProof::of(&leaves(), n.into()).unwrap(),
    }
}

fn light() -> Light {
    Light::new(network(), set(0, 1..=4), BEGAN)
}

/// Four, then a fifth joins after height 10, then the first leaves after height 20.
fn epochs() -> [ValidatorSet; 3] {
    [set(0, 1..=4), set(1, 1..=5), set(2, 2..=5)]
}

fn followed() -> Light {
    let [first, second, third] = epochs();
    let mut light = light();
    light.advance(&change(10, &first, &second), time(10)).unwrap();
    light.advance(&change(20, &second, &third), time(20)).unwrap();
    light
}

#[test]
fn an_order_is_final_in_every_epoch_over_joining_and_leaving() {
    let mut light = followed();
    assert_eq!(light.epoch(), 2);
    assert_eq!(light.validators(), &epochs()[2]);
    for (height, epoch) in [(1, 0), (10, 0), (11, 1), (20, 1), (21, 2), (300, 2)] {
        let by = &epochs()[epoch];
        let proof = proof(height, by, 3);
        let certified = light.order(order(3), &proof, time(22)).unwrap();
        assert_eq!(certified.order(), order(3));
        assert_eq!(certified.height(), height);
        assert_eq!(certified.epoch(), by.epoch());
        assert_eq!(certified.time_ms(), time(height));
    }
}

#[test]
fn a_set_certifies_the_heights_of_its_own_epoch_alone() {
    let mut light = followed();
    let [first, second, third] = epochs();
    for (height, by) in [
        (11, &first),
        (21, &first),
        (10, &second),
        (21, &second),
        (20, &third),
    ] {
        let wrong = proof(height, by, 3);
        let refused = light.order(order(3), &wrong, time(22));
        assert_eq!(refused, Err(LightError::WrongEpoch { height }));
    }
}

#[test]
fn a_set_certifies_the_times_of_its_own_epoch_alone() {
    let mut light = followed();
    let [first, second, _] = epochs();
    // Who was a validator once says that an order of an old height is of today.
    for (height, by, have) in [
        (5, &first, time(21)),
        (15, &second, time(21)),
        (15, &second, time(10)),
        (1, &first, BEGAN),
    ] {
        let mut header = header(height, by, by);
        header.time_ms = have;
        let refused = light.header(&header, &signed(&header, by), time(22));
        let named = matches!(refused, Err(LightError::WrongTime { have: named, .. }) if named == have);
        assert!(named, "{refused:?}");
    }
}

#[test]
fn an_order_that_was_certified_long_ago_makes_nobody_lock() {
    let mut light = followed();
    let [first, _, third] = epochs();
    let now = time(10) + TRUST_MS;
    let recent = header(300, &third, &third);
    light.header(&recent, &signed(&recent, &third), now).unwrap();
    assert!(light.order(order(3), &proof(10, &first, 3), now).is_ok());
    let days = 14;
    let refused = light.order(order(3), &proof(9, &first, 3), now);
    assert_eq!(refused, Err(LightError::Old { days }));
}

#[test]
fn who_misses_a_change_is_told_to_fetch_it() {
    let mut light = light();
    let [_, second, third] = epochs();
    let (height, known) = (11, 0);
    let refused = light.order(order(3), &proof(height, &second, 3), time(12));
    assert_eq!(refused, Err(LightError::UnknownSet { height, known }));
    // A change that leaves one out.
    let refused = light.advance(&change(20, &second, &third), time(20));
    assert_eq!(refused, Err(LightError::UnknownSet { height: 20, known }));
    assert_eq!(light.epoch(), 0);
}

#[test]
fn validators_that_the_ones_before_did_not_certify_are_none() {
    let mut light = light();
    let [first, second, third] = epochs();
    // Signed by those who want to be it.
    let mut grab = change(10, &first, &second);
    grab.certificate = signed(&grab.header, &set(1, 30..=34));
    assert!(matches!(
        light.advance(&grab, time(10)),
        Err(LightError::Certificate(_))
    ));
    // Another set than the header names.
    let mut other = change(10, &first, &second);
    other.next = third.clone();
    assert_eq!(light.advance(&other, time(10)), Err(LightError::OtherSet));
    // An epoch that does not grow.
    let again = set(0, 1..=3);
    assert_eq!(
        light.advance(&change(10, &first, &again), time(10)),
        Err(LightError::OtherSet)
    );
    // Two of four.
    let mut few = change(10, &first, &second);
    few.certificate = certify(&few.header, &first, 0..2);
    assert!(matches!(
        light.advance(&few, time(10)),
        Err(LightError::Certificate(CertificateError::Power { .. }))
    ));
    assert_eq!(light.epoch(), 0);
}

#[test]
fn a_change_that_is_replayed_changes_nothing_and_an_old_set_changes_nothing_more() {
    let mut light = followed();
    let before = light.clone();
    let [first, second, _] = epochs();
    light.advance(&change(10, &first, &second), time(22)).unwrap();
    assert_eq!(light, before);
    // The first validators, long gone, name others in the place of the second.
    let fork = set(7, 30..=33);
    let refused = light.advance(&change(10, &first, &fork), time(22));
    assert_eq!(refused, Err(LightError::WrongEpoch { height: 10 }));
    let refused = light.advance(&change(25, &first, &fork), time(25));
    assert_eq!(refused, Err(LightError::WrongEpoch { height: 25 }));
    assert_eq!(light.epoch(), 2);
}

#[test]
fn no_bit_of_header_certificate_proof_or_order_can_be_flipped() {
    let first = set(0, 1..=4);
    let right = proof(5, &first, 3);
    let now = time(6);
    assert!(light().order(order(3), &right, now).is_ok());
    let bytes = encode(&right);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = decode::<OrderProof>(&flipped) {
            assert!(light().order(order(3), &read, now).is_err(), "bit {bit}");
        }
    }
    for bit in 0..256 {
        let mut id = *order(3).as_bytes();
        id[bit / 8] ^= 1 << (bit % 8);
        let refused = light().order(SwapId::new(id), &right, now);
        assert_eq!(refused, Err(LightError::NotIncluded("the order")), "bit {bit}");
    }
}

#[test]
fn no_bit_of_a_change_can_be_flipped() {
    let [first, second, _] = epochs();
    let bytes = encode(&change(10, &first, &second));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = decode::<SetChange>(&flipped) {
            let mut light = light();
            assert!(light.advance(&read, time(10)).is_err(), "bit {bit}");
            assert_eq!(light.epoch(), 0);
        }
    }
}

#[test]
fn no_bit_of_a_receipt_can_be_flipped() {
    let first = set(0, 1..=4);
    let header = header(5, &first, &first);
    let leaves = [settlement().receipt().leaf(), [6; 32]];
    let right = ReceiptProof {
        certificate: signed(&header, &first),
        header,
        receipt: settlement().receipt(),
        path: MerkleProof::of(&leaves, 0).unwrap(),
    };
    let now = time(6);
    assert_eq!(light().receipt(order(3), &right, now), Ok(right.receipt));
    let refused = light().receipt(order(4), &right, now);
    assert_eq!(refused, Err(LightError::NotIncluded("the receipt")));
    let bytes = encode(&right);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = decode::<ReceiptProof>(&flipped) {
            assert!(light().receipt(order(3), &read, now).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn what_one_network_certified_is_refused_on_another() {
    let other = NetworkId::new("kofo-other").unwrap();
    let mut theirs = Light::new(other.clone(), set(0, 1..=4), BEGAN);
    let mut ours = proof(5, &set(0, 1..=4), 3);
    let refused = theirs.order(order(3), &ours, time(6));
    let (have, want) = (network(), other.clone());
    assert_eq!(refused, Err(LightError::Network { have, want }));
    // With the name changed, nobody signed it.
    ours.header.network = other;
    let refused = theirs.order(order(3), &ours, time(6));
    assert_eq!(refused, Err(LightError::OtherHeader));
    ours.certificate.header = ours.header.id();
    let refused = theirs.order(order(3), &ours, time(6));
    assert!(matches!(refused, Err(LightError::Certificate(_))), "{refused:?}");
}

#[test]
fn after_fourteen_days_without_news_nothing_is_believed() {
    let mut light = light();
    let first = set(0, 1..=4);
    let old = proof(1, &first, 3);
    light.order(order(3), &old, time(1)).unwrap();
    assert!(light.clone().order(order(3), &old, time(1) + TRUST_MS).is_ok());
    let days = 14;
    let late = time(1) + TRUST_MS + 1;
    let refused = light.order(order(3), &old, late);
    assert_eq!(refused, Err(LightError::Stale { days }));
    let news = proof(400, &first, 3);
    assert_eq!(
        light.order(order(3), &news, late),
        Err(LightError::Stale { days })
    );
}

#[test]
fn seventeen_of_twenty_five_are_enough_and_sixteen_are_not() {
    let many = set(0, 1..=25);
    let mut light = Light::new(network(), many.clone(), BEGAN);
    let header = header(5, &many, &many);
    assert_eq!(
        light.header(&header, &certify(&header, &many, 8..25), time(6)),
        Ok(0)
    );
    let few = certify(&header, &many, 0..16);
    let (have, need, total) = (16_000, 16_667, 25_000);
    let power = CertificateError::Power { have, need, total };
    assert_eq!(
        light.header(&header, &few, time(6)),
        Err(LightError::Certificate(power))
    );
}

#[test]
fn so_many_sets_are_remembered_and_no_more() {
    let one = |epoch: u64| set(epoch, [1]);
    let mut light = Light::new(network(), one(0), BEGAN);
    let most = u64::try_from(MAX_SETS).unwrap();
    for epoch in 0..most {
        // A set for each height, and a minute each.
        let mut handover = change(epoch + 1, &one(epoch), &one(epoch + 1));
        handover.header.time_ms = BEGAN + (epoch + 1) * 60_000;
        handover.certificate = signed(&handover.header, &one(epoch));
        light.advance(&handover, handover.header.time_ms).unwrap();
    }
    assert_eq!(light.epoch(), most);
    assert_eq!(light.sets.len(), MAX_SETS);
    let now = BEGAN + most * 60_000;
    let at = |height: u64| {
        let mut header = header(height, &one(height - 1), &one(height));
        header.time_ms = BEGAN + height * 60_000;
        (signed(&header, &one(height - 1)), header)
    };
    let (certificate, oldest) = at(2);
    assert_eq!(light.header(&oldest, &certificate, now), Ok(1));
    let (certificate, forgotten) = at(1);
    let (height, known) = (1, most);
    assert_eq!(
        light.header(&forgotten, &certificate, now),
        Err(LightError::UnknownSet { height, known })
    );
    assert_eq!(Light::read(&light.write()), Ok(light));
}

#[test]
fn it_is_kept_over_a_restart_and_only_sets_that_follow_each_other_are_read() {
    let light = followed();
    assert_eq!(Light::read(&light.write()), Ok(light.clone()));
    type Change = fn(&mut Light);
    let changes: [Change; 5] = [
        |light| light.sets.clear(),
        |light| light.sets.swap(0, 1),
        |light| light.sets[2].from = light.sets[1].from,
        |light| light.sets[2].after_ms = light.sets[1].after_ms,
        |light| light.sets[2].set = light.sets[1].set.clone(),
    ];
    for change in changes {
        let mut broken = light.clone();
        change(&mut broken);
        assert!(Light::read(&broken.write()).is_err());
    }
    let mut longer = light.write();
    longer.push(0);
    assert!(Light::read(&longer).is_err());
    assert!(Light::read(&[]).is_err());
    let account = NodeId::new([1; 32]);
    assert_eq!(light.validators().members()[0].power, 1_000);
    assert!(light.validators().members().iter().all(|m| m.account != account));
}

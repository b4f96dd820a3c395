use super::*;
use crate::fixtures::{claim, claim_key, fulfil, key, path, returns, terms};
use crate::{LinkKey, decode};

const RELAYS: [u8; 2] = [31, 32];

/// Claimant, two relays, to the provider.
fn three() -> Vec<HopEntry> {
    path(&claim(), &RELAYS)
}

fn joined(entries: Vec<HopEntry>) -> Result<Path, PathError> {
    Path::new(&claim(), &claim().id(), entries)
}

fn received(entries: Vec<HopEntry>) -> Result<Path, PathError> {
    let claim = claim().sign(&claim_key());
    Path::received(&claim, &claim.body.id(), entries, &key(99).id())
}

/// Entry `index` after these, by that key, for that next one.
fn entry(after: &[HopEntry], by: u8, next: u8) -> HopEntry {
    let id = claim().id();
    let previous = after.last().map_or(*id.as_bytes(), HopEntry::digest);
    let index = u8::try_from(after.len()).unwrap();
    HopEntry::sign(&id, (index, previous), &key(by), key(next).id(), (None, None))
}

fn with(change: impl FnOnce(&mut Vec<HopEntry>)) -> Vec<HopEntry> {
    let mut entries = three();
    change(&mut entries);
    entries
}

#[test]
fn an_honest_path_is_taken_with_its_digest_and_its_receiver() {
    let path = received(three()).unwrap();
    assert_eq!((path.len(), path.is_empty()), (3, false));
    assert_eq!(path.receiver(), key(99).id());
    assert_eq!(path.digest(), three()[2].digest());
    assert_eq!(path.entries(), three());
    assert_eq!(path.into_entries(), three());
    // A provider beside the claimant: one entry.
    assert_eq!(received(crate::fixtures::path(&claim(), &[])).unwrap().len(), 1);
}

#[test]
fn no_path_is_empty_or_longer_than_the_claim_allows() {
    let most = claim().max_hops;
    assert_eq!(joined(vec![]), Err(PathError::Length { got: 0, most }));
    let long = path(&claim(), &[31, 32, 33, 34]);
    assert_eq!(joined(long), Err(PathError::Length { got: 5, most }));
    assert!(joined(path(&claim(), &[31, 32, 33])).is_ok());
    // Whatever the claim says: who lets more through is not followed.
    let loose = Claim {
        max_hops: 255,
        ..claim()
    };
    let nine = path(&loose, &[31, 32, 33, 34, 35, 36, 37, 38]);
    let limit = Err(PathError::Length {
        got: 9,
        most: MAX_HOPS,
    });
    assert_eq!(Path::new(&loose, &loose.id(), nine), limit);
}

#[test]
fn an_entry_that_was_stripped_is_missed() {
    for at in 0..2u8 {
        let stripped = with(|entries| drop(entries.remove(at.into())));
        assert_eq!(joined(stripped), Err(PathError::Stripped { at, says: at + 1 }));
    }
}

#[test]
fn entries_that_were_swapped_are_noticed() {
    let swapped = |a, b| joined(with(|entries| entries.swap(a, b)));
    assert_eq!(swapped(1, 2), Err(PathError::Swapped { at: 1, says: 2 }));
    assert_eq!(swapped(0, 1), Err(PathError::Swapped { at: 0, says: 1 }));
    assert_eq!(swapped(0, 2), Err(PathError::Swapped { at: 0, says: 2 }));
}

#[test]
fn entries_that_were_stripped_or_swapped_and_numbered_anew_are_noticed_too() {
    let renumbered = |mut entries: Vec<HopEntry>| {
        for (at, entry) in (0..).zip(entries.iter_mut()) {
            entry.index = at;
        }
        joined(entries)
    };
    let stripped = renumbered(with(|entries| drop(entries.remove(1))));
    assert_eq!(stripped, Err(PathError::Successor { at: 1 }));
    let swapped = renumbered(with(|entries| entries.swap(1, 2)));
    assert_eq!(swapped, Err(PathError::Successor { at: 1 }));
}

#[test]
fn who_was_not_named_cannot_graft_itself_onto_a_prefix() {
    // Key 50 overheard the first two entries, and attaches itself behind the first or the second.
    for kept in [1, 2] {
        let mut entries = three()[..kept].to_vec();
        entries.push(entry(&entries, 50, 99));
        let at = u8::try_from(kept).unwrap();
        assert_eq!(joined(entries), Err(PathError::Successor { at }));
    }
    // Even if it says that it is the one who was named, it cannot sign as that one.
    let mut entries = three()[..2].to_vec();
    let mut forged = entry(&entries, 50, 99);
    forged.hop_key = key(32).id();
    entries.push(forged);
    assert!(matches!(
        received(entries),
        Err(PathError::Signature { at: 2, .. })
    ));
}

#[test]
fn a_suffix_of_another_path_does_not_follow_this_one() {
    // Both paths pass from relay 31 to relay 32; the claimant named 31 in both, but asked for something in one of them.
    let id = claim().id();
    let payee = Some([1; 32]);
    let other = HopEntry::sign(
        &id,
        (0, *id.as_bytes()),
        &claim_key(),
        key(31).id(),
        (None, payee),
    );
    assert_eq!(
        joined(with(|entries| entries[0] = other)),
        Err(PathError::Chain { at: 1 })
    );
}

#[test]
fn a_path_begins_with_the_claimants_own_entry() {
    let claim = claim();
    let mut entries = vec![entry(&[], 50, 31)];
    entries.push(entry(&entries, 31, 99));
    assert_eq!(joined(entries), Err(PathError::Beginning));
    // Of this claim and of no other.
    let other = Claim {
        nonce: [8; 32],
        ..claim.clone()
    };
    assert_eq!(joined(path(&other, &RELAYS)), Err(PathError::Chain { at: 0 }));
}

#[test]
fn a_path_that_was_cut_off_at_its_end_or_sent_to_another_is_not_received() {
    let cut = with(|entries| drop(entries.pop()));
    assert!(joined(cut.clone()).is_ok());
    assert_eq!(received(cut), Err(PathError::Receiver));
    let claim = claim().sign(&claim_key());
    assert_eq!(
        Path::received(&claim, &claim.body.id(), three(), &key(98).id()),
        Err(PathError::Receiver)
    );
}

#[test]
fn every_byte_of_every_entry_is_signed() {
    let bytes = encode(&three());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let taken = decode::<Vec<HopEntry>>(&altered).is_ok_and(|entries| received(entries).is_ok());
            assert!(!taken, "bit {bit} of byte {at} is not signed");
        }
    }
}

#[test]
fn what_a_hop_asks_for_is_signed_by_it() {
    let bid = Bid {
        commitment: Bytes::new([2; 33]).unwrap(),
        sealed: Bytes::new([3; 40]).unwrap(),
    };
    let id = claim().id();
    let asks = (Some(bid), Some([4; 32]));
    let entry = HopEntry::sign(&id, (0, *id.as_bytes()), &claim_key(), key(99).id(), asks);
    assert!(received(vec![entry.clone()]).is_ok());
    let without = [
        HopEntry {
            bid: None,
            ..entry.clone()
        },
        HopEntry {
            payee: None,
            ..entry.clone()
        },
    ];
    for altered in without {
        assert!(matches!(
            received(vec![altered]),
            Err(PathError::Signature { at: 0, .. })
        ));
    }
    let another = ClaimId::new([0; 32]);
    assert!(entry.verify(&another).is_err(), "an entry is of one claim");
}

#[test]
fn entries_before_the_first_that_is_asked_for_are_not_verified_again() {
    let forged = with(|entries| entries[2].signature = entries[1].signature);
    let path = joined(forged).unwrap();
    let id = claim().id();
    assert!(matches!(
        path.verify(&id, 0),
        Err(PathError::Signature { at: 2, .. })
    ));
    assert!(path.verify(&id, 2).is_err());
    assert_eq!(path.verify(&id, 3), Ok(()));
}

#[test]
fn hops_sign_under_pseudonyms_that_their_neighbours_compute() {
    let id = claim().id();
    let relay = LinkKey::new(&[31; 32]).unwrap();
    let named = relay.base().pseudonym(&id).unwrap();
    let first = HopEntry::sign(&id, (0, *id.as_bytes()), &claim_key(), named, (None, None));
    let hop = relay.hop_key(&id).unwrap();
    let second = HopEntry::sign(&id, (1, first.digest()), &hop, key(99).id(), (None, None));
    assert!(received(vec![first, second]).is_ok());
}

fn back() -> (Path, Digest, Vec<ReturnEntry>) {
    let path = joined(three()).unwrap();
    let fulfil = fulfil(&claim(), &terms(&claim()), path.entries());
    let id = *fulfil.id().as_bytes();
    (path, id, returns(&fulfil, &RELAYS))
}

#[test]
fn every_relay_signs_the_way_back_and_the_claimant_sees_what_it_came_to() {
    let (path, id, back) = back();
    assert_eq!(check_returns(&path, &id, &[], 3), Ok(id));
    assert_eq!(check_returns(&path, &id, &back[..1], 2), Ok(back[0].digest()));
    assert_eq!(check_returns(&path, &id, &back, 1), Ok(back[1].digest()));
    let direct = joined(crate::fixtures::path(&claim(), &[])).unwrap();
    assert_eq!(check_returns(&direct, &id, &[], 1), Ok(id));
}

#[test]
fn returns_that_were_stripped_added_or_swapped_are_missed() {
    let (path, id, back) = back();
    let check = |entries: &[ReturnEntry]| check_returns(&path, &id, entries, 1);
    assert_eq!(check(&back[..1]), Err(ReturnError::Length { got: 1, want: 2 }));
    assert_eq!(check(&back[1..]), Err(ReturnError::Length { got: 1, want: 2 }));
    let more = [back.clone(), back[1..].to_vec()].concat();
    assert_eq!(check(&more), Err(ReturnError::Length { got: 3, want: 2 }));
    let swapped = [back[1].clone(), back[0].clone()];
    assert_eq!(check(&swapped), Err(ReturnError::Index { want: 2, says: 1 }));
    // Relay 31 cuts relay 32's entry out and signs anew: the other's place is still to be filled.
    let alone = ReturnEntry::sign(1, id, None, &key(31));
    assert_eq!(
        check(&[back[0].clone(), alone]),
        Err(ReturnError::Chain { at: 1 })
    );
}

#[test]
fn the_way_back_is_of_one_fulfil_and_signed_by_the_paths_hops() {
    let (path, id, back) = back();
    assert_eq!(
        check_returns(&path, &[0; 32], &back, 1),
        Err(ReturnError::Chain { at: 2 })
    );
    let stranger = ReturnEntry::sign(1, back[0].digest(), None, &key(50));
    assert!(matches!(
        check_returns(&path, &id, &[back[0].clone(), stranger], 1),
        Err(ReturnError::Signature { at: 1, .. })
    ));
    let mut opened = back.clone();
    opened[1].opening = Some(Bytes::new([1]).unwrap());
    assert!(matches!(
        check_returns(&path, &id, &opened, 1),
        Err(ReturnError::Signature { at: 1, .. })
    ));
    let bytes = encode(&back);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let taken = decode::<Vec<ReturnEntry>>(&altered).map(|back| check_returns(&path, &id, &back, 1));
        assert!(!matches!(taken, Ok(Ok(_))), "byte {at} is not signed");
    }
}

use super::{RecordError, open, seal};
use crate::backup::SwapCopy;
use crate::backup::tests::{copy, network, seed};
use kofo_primitives::{NetworkId, Role, Seed};
use kofo_tower::{MOST_RECORD_BYTES, SealedRecord};

/// Written by version 1, and read for ever: others keep such records.
const FIXTURE: &str = include_str!("../../testdata/record-v1.hex");

fn sealed(copy: &SwapCopy) -> SealedRecord {
    seal(copy, &seed(), &network()).unwrap()
}

#[test]
fn a_record_of_version_1_has_these_bytes_and_is_read_for_ever() {
    let copy = copy(Role::Initiator);
    assert_eq!(hex::encode(sealed(&copy).as_slice()), FIXTURE.trim());
    let kept = SealedRecord::new(hex::decode(FIXTURE.trim()).unwrap()).unwrap();
    assert_eq!(open(&kept, &seed(), &network()), Ok(copy));
}

#[test]
fn one_copy_makes_one_record_and_another_copy_another_nonce() {
    let mut one = copy(Role::Participant);
    let first = sealed(&one);
    assert_eq!(first, sealed(&one));
    one.at_ms += 1;
    assert_ne!(first.as_slice()[1..25], sealed(&one).as_slice()[1..25]);
}

#[test]
fn other_words_another_network_and_an_altered_byte_do_not_open_it() {
    let record = sealed(&copy(Role::Initiator));
    let other = NetworkId::new("kofo-other").unwrap();
    assert_eq!(
        open(&record, &Seed::new([8; 64]), &network()),
        Err(RecordError::Closed)
    );
    assert_eq!(open(&record, &seed(), &other), Err(RecordError::Closed));
    for at in 0..record.as_slice().len() {
        let mut altered = record.as_slice().to_vec();
        altered[at] ^= 1;
        let altered = SealedRecord::new(altered).unwrap();
        assert!(open(&altered, &seed(), &network()).is_err(), "byte {at}");
    }
    for end in 0..record.as_slice().len() {
        let short = SealedRecord::new(&record.as_slice()[..end]).unwrap();
        assert!(open(&short, &seed(), &network()).is_err(), "only {end} bytes");
    }
}

#[test]
fn a_record_shows_nothing_of_the_swap_and_is_far_below_the_bound() {
    let copy = copy(Role::Participant);
    let record = sealed(&copy);
    let plain = borsh::to_vec(&copy.order).unwrap();
    for part in plain.chunks(16) {
        assert!(!record.as_slice().windows(16).any(|bytes| bytes == part));
    }
    assert!(
        record.as_slice().len() * 8 < MOST_RECORD_BYTES,
        "{}",
        record.as_slice().len()
    );
}

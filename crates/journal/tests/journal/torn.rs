//! The machine loses power in the middle of a sync: of what was on its way to the disk any sectors may have arrived.

use std::fs;

use kofo_journal::{Journal, Store};

use crate::world::{bodies, key, record};

const SECTOR: usize = 512;
/// redb keeps what says which commit counts in the first page, and writes it when all others are durable.
const FIRST_PAGE: usize = 4_096;
const SEED: u64 = 0x6b6f_666f;
const TRIES: u64 = 60;

/// The file after the last sync that was acknowledged, and after one more; and the bodies by then.
fn before_and_after(records: usize) -> ([Vec<u8>; 2], Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Store::create(folder.path(), &key()).unwrap();
    let mut written = Vec::new();
    let mut write = |journal: &mut Store| {
        written.push(format!("record {}", written.len()));
        journal.append(record(written.last().unwrap())).unwrap();
        journal.put("count", &written.len().to_be_bytes()).unwrap();
        journal.sync().unwrap();
        // As it is while the process runs: the file says that it was not closed.
        fs::read(folder.path().join("journal.redb")).unwrap()
    };
    let mut before = Vec::new();
    for _ in 0..records {
        before = write(&mut journal);
    }
    let after = write(&mut journal);
    ([before, after], written)
}

/// What a node finds on such a disk when it starts again.
fn found(file: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("journal.redb"), file).unwrap();
    let journal = Store::open(folder.path(), &key()).expect("a torn sync is not a broken journal");
    bodies(&journal)
}

/// Each sector of `range` as it is in the one file or in the other, by the bits of a number that changes.
fn mixed(mut file: Vec<u8>, other: &[u8], range: std::ops::Range<usize>, state: &mut u64) -> Vec<u8> {
    file.resize(file.len().max(other.len()), 0);
    for start in range.step_by(SECTOR) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let end = (start + SECTOR).min(other.len());
        if *state & 1 == 1 && start < end {
            file[start..end].copy_from_slice(&other[start..end]);
        }
    }
    file
}

#[test]
fn a_sync_of_which_any_sectors_arrived_before_its_last_page_leaves_all_that_was_acknowledged() {
    let mut state = SEED;
    for records in [1, 3, 12] {
        let ([before, after], written) = before_and_after(records);
        for attempt in 0..TRIES {
            let torn = mixed(before.clone(), &after, FIRST_PAGE..after.len(), &mut state);
            assert_eq!(
                found(&torn),
                written[..records],
                "seed {SEED}, {records} records, try {attempt}"
            );
        }
    }
}

#[test]
fn a_sync_whose_last_page_is_torn_happened_or_did_not() {
    let mut state = SEED;
    for records in [1, 3, 12] {
        let ([before, after], written) = before_and_after(records);
        for attempt in 0..TRIES {
            let torn = mixed(after.clone(), &before, 0..FIRST_PAGE, &mut state);
            let found = found(&torn);
            let whole = found == written || found == written[..records];
            assert!(whole, "seed {SEED}, {records} records, try {attempt}: {found:?}");
        }
    }
}

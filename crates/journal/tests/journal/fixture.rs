//! A file of each format and record version there ever was opens and replays. See `tests/fixtures/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use kofo_journal::{Journal, JournalKey, Record, Store, audit};

/// The chain hash of the kept file: a fixture that was written anew would not have it.
const HEAD: &str = "3533e9c50d0f9253edacdaed006bc27497630a3c08f28bb4961dac16451eda2e";

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1/journal.redb")
}

fn key() -> JournalKey {
    JournalKey::from_bytes([0x42; 32])
}

fn records() -> [Record; 3] {
    [
        Record::new([1; 32], 0, b"the first record of version 1".to_vec()),
        Record::new([2; 32], 7, Vec::new()),
        Record::new([1; 32], 255, (0..=255).collect()),
    ]
}

/// Only ever used to make the file that is now kept.
fn write_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Store::create(folder.path(), &key()).unwrap();
    for record in records() {
        journal.append(record).unwrap();
        journal.sync().unwrap();
    }
    journal.put("evm/nonce", b"42").unwrap();
    journal.sync().unwrap();
    println!("HEAD is {}", journal.head().unwrap().hash);
    drop(journal);
    // A kept file need not carry a megabyte of free pages.
    redb::Database::open(folder.path().join("journal.redb"))
        .unwrap()
        .compact()
        .unwrap();
    fs::copy(folder.path().join("journal.redb"), kept()).unwrap();
}

#[test]
fn a_journal_of_version_1_opens_and_replays() {
    if !kept().exists() && std::env::var_os("KOFO_WRITE_FIXTURE").is_some() {
        write_fixture();
    }
    let folder = tempfile::tempdir().unwrap();
    fs::copy(kept(), folder.path().join("journal.redb")).unwrap();
    assert_eq!(audit(folder.path(), &key()).unwrap().finding, None);

    let mut journal = Store::open(folder.path(), &key()).unwrap();
    let replayed: Vec<Record> = journal
        .replay()
        .unwrap()
        .map(|entry| entry.unwrap().record)
        .collect();
    assert_eq!(replayed, records());
    assert_eq!(journal.get("evm/nonce").unwrap().unwrap().as_slice(), b"42");
    assert_eq!(journal.head().unwrap().hash.to_string(), HEAD);

    journal
        .append(Record::new([3; 32], 1, b"written by today's version".to_vec()))
        .unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.replay().unwrap().map(Result::unwrap).count(), 4);
}

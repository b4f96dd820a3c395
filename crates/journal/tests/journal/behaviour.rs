//! Sentences that hold for every journal, and those of the files on disk.

use kofo_journal::faulty::{Fault, Faulty, When};
use kofo_journal::memory::{Disk, Memory};
use kofo_journal::{
    Error, Journal, JournalKey, MAX_BODY, MAX_NAME, MAX_PENDING, MAX_VALUE, Record, Seq, Store,
};

use crate::world::{World, bodies, key, record, written};

#[test]
fn what_was_synced_is_kept_and_what_was_not_is_lost() {
    for world in World::all() {
        let mut journal = world.open();
        assert_eq!(journal.append(record("a")).unwrap(), Seq(1));
        journal.put("kept", b"1").unwrap();
        journal.sync().unwrap();
        assert_eq!(journal.append(record("b")).unwrap(), Seq(2));
        journal.put("lost", b"2").unwrap();
        journal.remove("kept").unwrap();
        drop(journal);

        let mut journal = world.open();
        assert_eq!(bodies(&*journal), ["a"]);
        assert_eq!(journal.get("kept").unwrap().unwrap().as_slice(), b"1");
        assert_eq!(journal.get("lost").unwrap(), None);
        assert_eq!(journal.append(record("c")).unwrap(), Seq(2));
        journal.sync().unwrap();
        drop(journal);
        assert_eq!(bodies(&*world.open()), ["a", "c"]);
    }
}

#[test]
fn a_record_is_not_replayed_before_its_sync() {
    for world in World::all() {
        let mut journal = world.open();
        journal.append(record("a")).unwrap();
        assert_eq!(bodies(&*journal), [""; 0]);
        journal.sync().unwrap();
        assert_eq!(bodies(&*journal), ["a"]);
    }
}

#[test]
fn a_record_comes_back_with_its_machine_its_kind_and_its_body() {
    for world in World::all() {
        let mut journal = world.open();
        let sent = [
            Record::new([1; 32], 0, Vec::new()),
            Record::new([2; 32], 255, vec![0; MAX_BODY]),
        ];
        for record in &sent {
            journal.append(record.clone()).unwrap();
        }
        journal.sync().unwrap();
        drop(journal);
        let journal = world.open();
        let back: Vec<Record> = journal
            .replay()
            .unwrap()
            .map(|entry| entry.unwrap().record)
            .collect();
        assert_eq!(back, sent);
    }
}

#[test]
fn values_are_seen_at_once_and_scanned_in_order() {
    for world in World::all() {
        let mut journal = world.open();
        journal.put("evm/b", b"1").unwrap();
        journal.put("btc/z", b"2").unwrap();
        journal.sync().unwrap();
        journal.put("evm/a", b"3").unwrap();
        journal.put("evm/c", b"").unwrap();
        journal.remove("evm/b").unwrap();
        journal.remove("never there").unwrap();
        let seen = |journal: &dyn Journal, prefix: &str| -> Vec<(String, Vec<u8>)> {
            journal
                .scan(prefix)
                .unwrap()
                .into_iter()
                .map(|(name, value)| (name, value.to_vec()))
                .collect()
        };
        let expected = [
            ("evm/a".to_owned(), b"3".to_vec()),
            ("evm/c".to_owned(), Vec::new()),
        ];
        assert_eq!(seen(&*journal, "evm/"), expected);
        assert_eq!(journal.get("evm/b").unwrap(), None);
        journal.sync().unwrap();
        drop(journal);
        let journal = world.open();
        assert_eq!(seen(&*journal, "evm/"), expected);
        assert_eq!(seen(&*journal, "").len(), 3);
    }
}

#[test]
fn a_sync_with_nothing_to_write_changes_nothing() {
    for world in World::all() {
        let mut journal = world.open();
        let before = journal.head().unwrap();
        journal.sync().unwrap();
        assert_eq!(journal.head().unwrap(), before);
        assert_eq!(before.seq, Seq(0));
    }
}

#[test]
fn something_too_large_is_refused_with_its_size() {
    for world in World::all() {
        let too_large = Record::new([0; 32], 0, vec![0; MAX_BODY + 1]);
        let refused = world.open().append(too_large).unwrap_err();
        assert!(matches!(refused, Error::BodyTooLarge { have, max: MAX_BODY } if have == MAX_BODY + 1));
        let refused = world.open().put("v", &vec![0; MAX_VALUE + 1]).unwrap_err();
        assert!(matches!(refused, Error::ValueTooLarge { have, max: MAX_VALUE } if have == MAX_VALUE + 1));
        for name in [String::new(), "n".repeat(MAX_NAME + 1)] {
            let refused = world.open().put(&name, b"").unwrap_err();
            assert!(matches!(refused, Error::BadName { have, .. } if have == name.len()));
            assert!(matches!(world.open().remove(&name), Err(Error::BadName { .. })));
        }
        let mut journal = world.open();
        journal.put(&"n".repeat(MAX_NAME), &vec![1; MAX_VALUE]).unwrap();
        journal.sync().unwrap();
        assert_eq!(
            journal.get(&"n".repeat(MAX_NAME)).unwrap().unwrap().len(),
            MAX_VALUE
        );
    }
}

#[test]
fn what_waits_for_a_sync_is_bounded_and_a_sync_makes_room() {
    let name = "n".repeat(MAX_NAME);
    for world in World::all() {
        let mut journal = world.open();
        for _ in 0..2 {
            for _ in 0..100_000 {
                journal.remove(&name).unwrap();
            }
            journal.sync().unwrap();
        }
        let refused = (0..MAX_PENDING / MAX_NAME)
            .find_map(|_| journal.remove(&name).err())
            .unwrap();
        assert!(matches!(refused, Error::TooMuchPending { have, max: MAX_PENDING } if have > MAX_PENDING));
    }
}

fn assert_poisoned(journal: &mut dyn Journal) {
    assert!(matches!(journal.append(record("x")), Err(Error::Poisoned)));
    assert!(matches!(journal.put("x", b""), Err(Error::Poisoned)));
    assert!(matches!(journal.remove("x"), Err(Error::Poisoned)));
    assert!(matches!(journal.sync(), Err(Error::Poisoned)));
    assert!(matches!(journal.replay().err(), Some(Error::Poisoned)));
    assert!(matches!(journal.get("x"), Err(Error::Poisoned)));
    assert!(matches!(journal.scan(""), Err(Error::Poisoned)));
    assert!(matches!(journal.head(), Err(Error::Poisoned)));
    assert!(matches!(journal.space(), Err(Error::Poisoned)));
}

#[test]
fn after_a_failed_append_or_put_everything_is_poisoned_and_a_reopen_heals() {
    let too_large = || Record::new([0; 32], 0, vec![0; MAX_BODY + 1]);
    for world in World::all() {
        let mut journal = world.open();
        journal.append(record("a")).unwrap();
        journal.sync().unwrap();
        journal.append(record("b")).unwrap();
        journal.append(too_large()).unwrap_err();
        assert_poisoned(&mut *journal);
        drop(journal);
        let mut journal = world.open();
        journal.put("", b"").unwrap_err();
        assert_poisoned(&mut *journal);
        drop(journal);
        assert_eq!(bodies(&*world.open()), ["a"]);
    }
}

#[test]
fn a_failed_sync_poisons_and_is_durable_or_not_as_the_fault_says() {
    for world in World::all() {
        for (when, expected) in [(When::Before, vec!["a"]), (When::After, vec!["a", "a", "b"])] {
            let mut journal = Faulty::new(world.open(), Fault { at_sync: 2, when });
            let syncs = journal.syncs();
            journal.append(record("a")).unwrap();
            journal.sync().unwrap();
            journal.append(record("b")).unwrap();
            assert!(matches!(journal.sync(), Err(Error::Injected { sync: 2 })));
            assert_poisoned(&mut journal);
            assert_eq!(syncs.count(), 2);
            drop(journal);
            assert_eq!(bodies(&*world.open()), expected);
        }
    }
}

#[test]
fn a_sound_wrapper_passes_everything_through_and_counts() {
    for world in World::all() {
        let mut journal = Faulty::sound(world.open());
        journal.append(record("a")).unwrap();
        journal.put("v", b"1").unwrap();
        journal.sync().unwrap();
        journal.sync().unwrap();
        assert_eq!(bodies(&journal), ["a"]);
        assert_eq!(journal.scan("").unwrap().len(), 1);
        assert!(journal.space().unwrap().used > 0);
        assert_eq!(journal.syncs().count(), 2);
    }
}

#[test]
fn a_journal_is_opened_once_at_a_time() {
    let folder = written(&["a"]);
    let first = Store::open(folder.path(), &key()).unwrap();
    let second = Store::open(folder.path(), &key()).err();
    assert!(matches!(second, Some(Error::InUse { folder: named }) if named == folder.path()));
    assert!(matches!(
        Store::create(folder.path(), &key()).err(),
        Some(Error::InUse { .. })
    ));
    drop(first);
    assert_eq!(bodies(&Store::open(folder.path(), &key()).unwrap()), ["a"]);

    let disk = Disk::new();
    let first = Memory::open(&disk).unwrap();
    assert!(matches!(Memory::open(&disk).err(), Some(Error::InUse { .. })));
    drop(first);
    assert!(Memory::open(&disk).is_ok());
}

#[test]
fn a_wrong_key_is_said_to_be_wrong_at_open_and_changes_nothing() {
    let folder = written(&["a"]);
    let wrong = Store::open(folder.path(), &JournalKey::from_bytes([8; 32])).err();
    assert!(matches!(wrong, Some(Error::WrongKey { .. })));
    assert_eq!(bodies(&Store::open(folder.path(), &key()).unwrap()), ["a"]);
}

#[test]
fn open_does_not_make_a_journal_and_create_does_not_replace_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open(folder.path(), &key()).err(),
        Some(Error::Missing { .. })
    ));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let inner = folder.path().join("not/there/yet");
    drop(Store::create(&inner, &key()).unwrap());
    assert!(matches!(
        Store::create(&inner, &key()).err(),
        Some(Error::AlreadyExists { .. })
    ));
}

#[test]
fn what_a_crash_left_of_a_create_is_cleared_away_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("journal.redb.new"), b"half a file").unwrap();
    assert!(matches!(
        Store::open(folder.path(), &key()).err(),
        Some(Error::Missing { .. })
    ));
    drop(Store::create(folder.path(), &key()).unwrap());
    assert_eq!(bodies(&Store::open(folder.path(), &key()).unwrap()), [""; 0]);
}

#[test]
fn a_file_that_is_not_a_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    std::fs::write(&path, b"hello").unwrap();
    assert!(matches!(
        Store::open(folder.path(), &key()).err(),
        Some(Error::Storage { .. })
    ));
    std::fs::remove_file(&path).unwrap();
    drop(redb::Database::create(&path).unwrap());
    assert!(matches!(
        Store::open(folder.path(), &key()).err(),
        Some(Error::UnknownFormat { found: None, .. })
    ));
}

#[test]
fn neither_bodies_nor_names_nor_values_stand_in_the_file_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Store::create(folder.path(), &key()).unwrap();
    journal
        .append(Record::new(
            *b"machine-machine-machine-machine-",
            1,
            b"a body in clear".to_vec(),
        ))
        .unwrap();
    journal.put("a name in clear", b"a value in clear").unwrap();
    journal.sync().unwrap();
    drop(journal);
    let file = std::fs::read(folder.path().join("journal.redb")).unwrap();
    let clear: [&[u8]; 4] = [
        b"machine-machine",
        b"a body in clear",
        b"a name in clear",
        b"a value in clear",
    ];
    for words in clear {
        assert!(!file.windows(words.len()).any(|window| window == words));
    }
}

#[test]
fn the_space_taken_and_left_is_told() {
    let folder = written(&["a"]);
    let journal = Store::open(folder.path(), &key()).unwrap();
    let space = journal.space().unwrap();
    assert_eq!(
        space.used,
        std::fs::metadata(folder.path().join("journal.redb"))
            .unwrap()
            .len()
    );
    assert!(space.free > 0);
}

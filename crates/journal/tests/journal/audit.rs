//! An alteration is found and named, by the audit and by a replay.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use kofo_journal::{Error, Finding, Journal, JournalKey, Reason, Seq, Store, audit};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

use crate::world::{bodies, key, record, written};

const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
const SIDE: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("side");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("journal.redb")
}

fn five() -> TempDir {
    written(&["one", "two", "three", "four", "five"])
}

/// Every row of the records as stored, put back as `change` leaves them.
fn tamper(folder: &TempDir, change: impl FnOnce(&mut Vec<(u64, Vec<u8>)>)) {
    let db = Database::open(file(folder)).unwrap();
    let txn = db.begin_write().unwrap();
    {
        let mut table = txn.open_table(RECORDS).unwrap();
        let mut rows: Vec<(u64, Vec<u8>)> = table
            .iter()
            .unwrap()
            .map(|row| row.unwrap())
            .map(|(k, v)| (k.value(), v.value().to_vec()))
            .collect();
        table.retain(|_, _| false).unwrap();
        change(&mut rows);
        for (seq, stored) in rows {
            table.insert(seq, stored.as_slice()).unwrap();
        }
    }
    txn.commit().unwrap();
}

/// What audit and replay (or already the open) say; they must agree on the place.
fn found(folder: &TempDir) -> (Seq, Reason) {
    let report = audit(folder.path(), &key()).unwrap();
    let Some(Finding::Record { seq, reason }) = report.finding else {
        panic!("no record named: {report:?}");
    };
    assert_eq!(report.records + 1, seq.0, "all before it are right");
    let replayed = Store::open(folder.path(), &key())
        .and_then(|journal| journal.replay()?.collect::<Result<Vec<_>, _>>())
        .unwrap_err();
    let Error::Broken(Finding::Record { .. }) = replayed else {
        panic!("a replay must not go through: {replayed:?}");
    };
    (seq, reason)
}

#[test]
fn an_untouched_journal_is_whole_and_not_changed_by_the_audit() {
    let folder = five();
    let mut journal = Store::open(folder.path(), &key()).unwrap();
    journal.put("a", b"1").unwrap();
    journal.sync().unwrap();
    let head = journal.head().unwrap();
    drop(journal);
    let before = fs::read(file(&folder)).unwrap();
    let report = audit(folder.path(), &key()).unwrap();
    assert_eq!(
        (report.records, report.values, report.head),
        (5, Some(1), Some(head))
    );
    assert_eq!(report.finding, None);
    assert_eq!(fs::read(file(&folder)).unwrap(), before);
}

#[test]
fn an_altered_byte_on_disk_is_found_and_its_record_named() {
    let folder = five();
    let db = Database::open(file(&folder)).unwrap();
    let stored = db
        .begin_read()
        .unwrap()
        .open_table(RECORDS)
        .unwrap()
        .get(3)
        .unwrap()
        .unwrap()
        .value()
        .to_vec();
    drop(db);
    let mut bytes = fs::read(file(&folder)).unwrap();
    let places: Vec<usize> = (0..bytes.len() - stored.len())
        .filter(|at| bytes[*at..].starts_with(&stored))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + stored.len() / 2] ^= 0x40;
    }
    fs::write(file(&folder), bytes).unwrap();
    assert_eq!(found(&folder), (Seq(3), Reason::Altered));
}

#[test]
fn an_altered_record_is_named_whichever_it_is() {
    for seq in 1..=5 {
        let folder = five();
        tamper(&folder, |rows| *rows[seq as usize - 1].1.last_mut().unwrap() ^= 1);
        assert_eq!(found(&folder), (Seq(seq), Reason::Altered));
    }
}

#[test]
fn a_missing_record_is_named() {
    let folder = five();
    tamper(&folder, |rows| drop(rows.remove(1)));
    assert_eq!(found(&folder), (Seq(2), Reason::Missing));
}

#[test]
fn a_missing_record_is_named_even_if_the_later_ones_close_the_gap() {
    let folder = five();
    tamper(&folder, |rows| {
        rows.remove(2);
        rows.iter_mut().zip(1..).for_each(|(row, seq)| row.0 = seq);
    });
    assert_eq!(found(&folder), (Seq(3), Reason::Altered));
}

#[test]
fn reordered_records_are_named_with_the_place_where_the_first_of_them_stands() {
    let folder = five();
    tamper(&folder, |rows| {
        rows[1].0 = 4;
        rows[3].0 = 2;
    });
    assert_eq!(found(&folder), (Seq(2), Reason::Reordered { found_at: Seq(4) }));
}

#[test]
fn a_tail_that_was_cut_off_is_found_against_the_head() {
    let folder = five();
    tamper(&folder, |rows| rows.truncate(3));
    assert_eq!(found(&folder), (Seq(4), Reason::Truncated { head: Seq(5) }));
    assert!(
        matches!(Store::open(folder.path(), &key()).err(), Some(Error::Broken(_))),
        "before any replay"
    );
}

#[test]
fn a_record_beyond_the_head_is_named() {
    let folder = five();
    tamper(&folder, |rows| rows.push((6, rows[4].1.clone())));
    assert_eq!(found(&folder), (Seq(6), Reason::BeyondHead { head: Seq(5) }));
    assert!(
        matches!(Store::open(folder.path(), &key()).err(), Some(Error::Broken(_))),
        "before any replay"
    );
}

#[test]
fn a_record_of_another_journal_under_the_same_key_is_not_taken() {
    let (folder, other) = (five(), five());
    let mut stolen = Vec::new();
    tamper(&other, |rows| stolen = rows[2].1.clone());
    tamper(&folder, |rows| rows[2].1 = stolen);
    assert_eq!(found(&folder), (Seq(3), Reason::Altered));
}

#[test]
fn a_record_of_a_later_version_is_named_with_its_version() {
    let folder = five();
    tamper(&folder, |rows| rows[1].1[0] = 200);
    assert_eq!(found(&folder), (Seq(2), Reason::UnknownVersion { version: 200 }));
}

#[test]
fn an_altered_head_and_a_head_put_back_are_found() {
    let folder = five();
    let set_tail = |value: Option<&[u8]>| -> Vec<u8> {
        let db = Database::open(file(&folder)).unwrap();
        let txn = db.begin_write().unwrap();
        let old = txn
            .open_table(META)
            .unwrap()
            .get("tail")
            .unwrap()
            .unwrap()
            .value()
            .to_vec();
        if let Some(value) = value {
            txn.open_table(META).unwrap().insert("tail", value).unwrap();
        }
        txn.commit().unwrap();
        old
    };
    let earlier = set_tail(None);
    let mut journal = Store::open(folder.path(), &key()).unwrap();
    journal.append(record("six")).unwrap();
    journal.sync().unwrap();
    drop(journal);
    set_tail(Some(&earlier));
    assert_eq!(found(&folder), (Seq(6), Reason::BeyondHead { head: Seq(5) }));

    let mut altered = earlier;
    altered[30] ^= 1;
    set_tail(Some(&altered));
    assert_eq!(audit(folder.path(), &key()).unwrap().finding, Some(Finding::Head));
    assert!(matches!(
        Store::open(folder.path(), &key()).err(),
        Some(Error::Broken(Finding::Head))
    ));
}

#[test]
fn a_value_that_was_altered_taken_away_or_put_back_is_found() {
    type Rows = Vec<([u8; 32], Vec<u8>)>;
    let alterations: [fn(&mut Rows, &Rows); 3] = [
        |rows, _| *rows[0].1.last_mut().unwrap() ^= 1,
        |rows, _| drop(rows.remove(0)),
        |rows, earlier| rows.clone_from(earlier),
    ];
    for alteration in alterations {
        let folder = five();
        let put = |value: &[u8]| {
            let mut journal = Store::open(folder.path(), &key()).unwrap();
            journal.put("evm/nonce", value).unwrap();
            journal.sync().unwrap();
        };
        let change = |change: &dyn Fn(&mut Rows)| -> Rows {
            let db = Database::open(file(&folder)).unwrap();
            let txn = db.begin_write().unwrap();
            let mut table = txn.open_table(SIDE).unwrap();
            let rows = table.iter().unwrap().map(Result::unwrap);
            let mut rows: Rows = rows
                .map(|(tag, value)| (*tag.value(), value.value().to_vec()))
                .collect();
            table.retain(|_, _| false).unwrap();
            change(&mut rows);
            for (tag, value) in &rows {
                table.insert(tag, value.as_slice()).unwrap();
            }
            drop(table);
            txn.commit().unwrap();
            rows
        };
        put(b"7");
        let earlier = change(&|_| ());
        put(b"8");
        change(&|rows| alteration(rows, &earlier));
        let report = audit(folder.path(), &key()).unwrap();
        assert_eq!(
            (report.records, report.values, report.finding),
            (5, None, Some(Finding::SideTable))
        );
        assert!(matches!(
            Store::open(folder.path(), &key()).err(),
            Some(Error::Broken(Finding::SideTable))
        ));
    }
}

#[test]
fn whatever_byte_of_the_file_is_altered_the_audit_answers_and_is_never_wrong() {
    let folder = five();
    let expected = bodies(&Store::open(folder.path(), &key()).unwrap());
    let sound = fs::read(file(&folder)).unwrap();
    let used: Vec<usize> = (0..sound.len()).filter(|at| sound[*at] != 0).collect();
    let (mut whole, mut findings) = (0, 0);
    for at in used.iter().step_by(used.len() / 200 + 1) {
        let mut altered = sound.clone();
        altered[*at] ^= 0x10;
        fs::write(file(&folder), &altered).unwrap();
        match audit(folder.path(), &key()) {
            Ok(report) if report.finding.is_none() => {
                // What was hit are the database's own lists, if anything: it may refuse or panic, but not lie.
                let replay = || Store::open(folder.path(), &key()).map(|journal| bodies(&journal));
                if let Ok(replayed) = catch_unwind(replay) {
                    match replayed {
                        Ok(replayed) => assert_eq!(replayed, expected, "byte {at}"),
                        Err(error) => assert!(matches!(error, Error::Storage { .. }), "byte {at}: {error}"),
                    }
                }
                whole += 1;
            }
            Ok(_) | Err(Error::Storage { .. } | Error::WrongKey { .. } | Error::UnknownFormat { .. }) => {
                findings += 1;
            }
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(whole > 0 && findings > 0, "{whole} {findings}");
}

#[test]
fn a_journal_that_is_missing_in_use_or_under_another_key_is_not_audited() {
    let folder = five();
    let wrong = JournalKey::from_bytes([8; 32]);
    assert!(matches!(
        audit(folder.path(), &wrong),
        Err(Error::WrongKey { .. })
    ));
    assert!(matches!(
        audit(Path::new("/nowhere/at/all"), &key()),
        Err(Error::Missing { .. })
    ));
    let open = Store::open(folder.path(), &key()).unwrap();
    assert!(matches!(audit(folder.path(), &key()), Err(Error::InUse { .. })));
    drop(open);
    assert!(audit(folder.path(), &key()).is_ok());
}

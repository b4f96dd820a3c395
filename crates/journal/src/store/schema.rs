//! The tables, and the few rows that are not records: format, id, key check, tail.

use redb::{Database, Durability, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use crate::chain::{Hash, Head};
use crate::error::storage;
use crate::seal::Sealer;
use crate::{Error, Finding, JournalKey, Result, Seq};

use super::file::Files;

/// Records by place, from 1, as `version ‖ nonce ‖ ciphertext`.
pub(crate) const RECORDS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("records");
/// Side table: the name's tag, and the sealed name and value.
pub(crate) const SIDE: TableDefinition<'static, &'static [u8; 32], &'static [u8]> =
    TableDefinition::new("side");
const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");

/// The layout of the tables. A record's own version is beside it.
const FORMAT: u8 = 1;
const KEY_CHECK: &[u8] = b"kofo journal";

/// What the last commit left: sealed, and written with each commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) head: Head,
    /// The exclusive or of the hashes of all side table rows.
    pub(crate) side: [u8; 32],
}

/// A write transaction of the only kind this crate uses: durable at commit, in two phases, so that a peer
/// who shapes what we write cannot have half a commit accepted after a crash.
pub(crate) fn begin_write(db: &Database) -> Result<WriteTransaction> {
    let mut txn = db.begin_write().map_err(storage("beginning a commit"))?;
    txn.set_two_phase_commit(true);
    txn.set_durability(Durability::Immediate)
        .map_err(storage("asking for durability"))?;
    Ok(txn)
}

/// Makes the file of an empty journal.
pub(crate) fn write_new(files: &Files, key: &JournalKey) -> Result<()> {
    let mut id = [0; 32];
    getrandom::fill(&mut id).map_err(Error::Random)?;
    let sealer = Sealer::new(key, id);
    files.make(|db| {
        let txn = begin_write(db)?;
        txn.open_table(RECORDS).map_err(storage("making the records"))?;
        txn.open_table(SIDE).map_err(storage("making the side table"))?;
        let check = sealer.seal_value("check", &[], KEY_CHECK)?;
        for (name, value) in [("format", &[FORMAT][..]), ("id", &id), ("check", &check)] {
            put_meta(&txn, name, value)?;
        }
        write_tail(
            &txn,
            &sealer,
            &Tail {
                head: Head::genesis(&id),
                side: [0; 32],
            },
        )?;
        txn.commit().map_err(storage("committing the empty journal"))
    })
}

/// Checks format and key.
pub(crate) fn unlock(txn: &ReadTransaction, files: &Files, key: &JournalKey) -> Result<Sealer> {
    let path = || files.journal().to_owned();
    let known = FORMAT;
    match get_meta(txn, "format")?.as_deref() {
        Some([FORMAT]) => {}
        Some([found]) => {
            return Err(Error::UnknownFormat {
                path: path(),
                found: Some(*found),
                known,
            });
        }
        _ => {
            return Err(Error::UnknownFormat {
                path: path(),
                found: None,
                known,
            });
        }
    }
    let id = get_meta(txn, "id")?.and_then(|id| <[u8; 32]>::try_from(id).ok());
    let id = id.ok_or_else(|| Error::UnknownFormat {
        path: path(),
        found: None,
        known,
    })?;
    let sealer = Sealer::new(key, id);
    let check = get_meta(txn, "check")?.and_then(|sealed| sealer.open_value("check", &[], &sealed));
    match check {
        Some(check) if check.as_slice() == KEY_CHECK => Ok(sealer),
        _ => Err(Error::WrongKey { path: path() }),
    }
}

pub(crate) fn read_tail(txn: &ReadTransaction, sealer: &Sealer) -> Result<Tail> {
    let plain = get_meta(txn, "tail")?.and_then(|sealed| sealer.open_value("tail", &[], &sealed));
    let tail = plain.and_then(|plain| {
        let (seq, rest) = plain.split_first_chunk::<8>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let side = <[u8; 32]>::try_from(rest).ok()?;
        Some(Tail {
            head: Head {
                seq: Seq(u64::from_be_bytes(*seq)),
                hash: Hash(*hash),
            },
            side,
        })
    });
    tail.ok_or(Error::Broken(Finding::Head))
}

/// `seq (8, big endian) ‖ chain hash (32) ‖ side (32)`, sealed.
pub(crate) fn write_tail(txn: &WriteTransaction, sealer: &Sealer, tail: &Tail) -> Result<()> {
    let plain = [&tail.head.seq.0.to_be_bytes()[..], &tail.head.hash.0, &tail.side].concat();
    put_meta(txn, "tail", &sealer.seal_value("tail", &[], &plain)?)
}

/// The place of the last stored record, whatever the head says.
pub(crate) fn last_seq(txn: &ReadTransaction) -> Result<Seq> {
    let table = txn.open_table(RECORDS).map_err(storage("opening the records"))?;
    let last = table.last().map_err(storage("finding the last record"))?;
    Ok(Seq(last.map_or(0, |(seq, _)| seq.value())))
}

fn get_meta(txn: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>> {
    let table = match txn.open_table(META) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table.map_err(storage("opening the journal's own rows"))?,
    };
    let value = table
        .get(name)
        .map_err(storage("reading the journal's own rows"))?;
    Ok(value.map(|value| value.value().to_vec()))
}

fn put_meta(txn: &WriteTransaction, name: &str, value: &[u8]) -> Result<()> {
    let mut table = txn
        .open_table(META)
        .map_err(storage("opening the journal's own rows"))?;
    table
        .insert(name, value)
        .map_err(storage("writing the journal's own rows"))?;
    Ok(())
}

//! The side table's rows: `tag(name) -> sealed(name length (2) ‖ name ‖ value)`.
//!
//! Its rows are not in the hash chain, since they are replaced. The tail holds the exclusive or of their
//! hashes instead, so that a row that was altered, taken away or put back to an older value shows at open.

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::storage;
use crate::journal::Value;
use crate::seal::Sealer;
use crate::{Error, Finding, Result};

use super::schema::{SIDE, Tail};

const LABEL: &str = "side";
const BROKEN: Error = Error::Broken(Finding::SideTable);

pub(crate) fn seal(sealer: &Sealer, name: &str, value: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(name.len()).expect("names are at most MAX_NAME bytes");
    let mut plain = Zeroizing::new(Vec::with_capacity(2 + name.len() + value.len()));
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(name.as_bytes());
    plain.extend_from_slice(value);
    sealer.seal_value(LABEL, &sealer.tag(name), &plain)
}

pub(crate) fn open(sealer: &Sealer, name: &str, sealed: &[u8]) -> Result<Value> {
    let plain = sealer
        .open_value(LABEL, &sealer.tag(name), sealed)
        .ok_or(BROKEN)?;
    let (_, value) = split(&plain).filter(|(found, _)| *found == name).ok_or(BROKEN)?;
    Ok(Zeroizing::new(value.to_vec()))
}

/// Reads a value that is there.
pub(crate) fn read(txn: &ReadTransaction, sealer: &Sealer, name: &str) -> Result<Value> {
    let table = txn.open_table(SIDE).map_err(storage("opening the side table"))?;
    let row = table.get(&sealer.tag(name)).map_err(storage("reading a value"))?;
    open(sealer, name, row.ok_or(BROKEN)?.value())
}

/// All names, once every row has been found to be the one that the last commit left.
pub(crate) fn read_names(txn: &ReadTransaction, sealer: &Sealer, tail: &Tail) -> Result<BTreeSet<String>> {
    let table = txn.open_table(SIDE).map_err(storage("opening the side table"))?;
    let mut names = BTreeSet::new();
    let mut digest = [0; 32];
    for row in table.iter().map_err(storage("reading the side table"))? {
        let (tag, sealed) = row.map_err(storage("reading the side table"))?;
        fold(&mut digest, tag.value(), sealed.value());
        let plain = sealer
            .open_value(LABEL, tag.value(), sealed.value())
            .ok_or(BROKEN)?;
        let (name, _) = split(&plain).ok_or(BROKEN)?;
        names.insert(name.to_owned());
    }
    if digest == tail.side {
        Ok(names)
    } else {
        Err(BROKEN)
    }
}

/// Writes buffered changes and brings the tail's digest along.
pub(crate) fn write(
    txn: &WriteTransaction,
    sealer: &Sealer,
    changes: &BTreeMap<String, Option<Vec<u8>>>,
    tail: &mut Tail,
) -> Result<()> {
    let mut table = txn.open_table(SIDE).map_err(storage("opening the side table"))?;
    for (name, sealed) in changes {
        let tag = sealer.tag(name);
        if let Some(sealed) = sealed {
            fold(&mut tail.side, &tag, sealed);
        }
        let before = match sealed {
            Some(sealed) => table.insert(&tag, sealed.as_slice()),
            None => table.remove(&tag),
        };
        if let Some(before) = before.map_err(storage("writing a value"))? {
            fold(&mut tail.side, &tag, before.value());
        }
    }
    Ok(())
}

/// Adds a row to the digest, or takes it out again.
fn fold(digest: &mut [u8; 32], tag: &[u8; 32], sealed: &[u8]) {
    let row: [u8; 32] = Sha256::new()
        .chain_update(tag)
        .chain_update(sealed)
        .finalize()
        .into();
    digest
        .iter_mut()
        .zip(row)
        .for_each(|(digest, row)| *digest ^= row);
}

fn split(plain: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = plain.split_first_chunk::<2>()?;
    let (name, value) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((std::str::from_utf8(name).ok()?, value))
}

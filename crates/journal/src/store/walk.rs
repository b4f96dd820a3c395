//! Reads the records in order and checks each against the chain, and the last against the head.

use redb::{Range, ReadTransaction};

use crate::chain::Head;
use crate::error::storage;
use crate::journal::Entry;
use crate::seal::Sealer;
use crate::{Error, Finding, Reason, Result, Seq};

use super::schema::RECORDS;

/// Iterates over verified records and ends after the first error.
pub(crate) struct Walk<'a> {
    sealer: &'a Sealer,
    rows: Range<'static, u64, &'static [u8]>,
    at: Head,
    end: Head,
    over: bool,
}

impl<'a> Walk<'a> {
    /// From the journal's first record to `end`.
    pub(crate) fn new(txn: &ReadTransaction, sealer: &'a Sealer, end: Head) -> Result<Self> {
        let table = txn.open_table(RECORDS).map_err(storage("opening the records"))?;
        let rows = table.range(0u64..).map_err(storage("reading the records"))?;
        Ok(Self {
            sealer,
            rows,
            at: sealer.genesis(),
            end,
            over: false,
        })
    }

    /// Where the walk stands: the last record that was right.
    pub(crate) fn at(&self) -> Head {
        self.at
    }

    fn step(&mut self) -> Result<Option<Entry>> {
        let Some(row) = self.rows.next() else {
            return self.finish();
        };
        let (seq, stored) = row.map_err(storage("reading a record"))?;
        let (found, expected, head) = (Seq(seq.value()), self.at.seq.next(), self.end.seq);
        if expected > head {
            return broken(found, Reason::BeyondHead { head });
        }
        if found > expected {
            return broken(expected, Reason::Missing);
        }
        if found < expected {
            return broken(found, Reason::Altered);
        }
        match self.sealer.open_record(self.at, stored.value()) {
            Err(reason) => broken(found, reason),
            Ok(record) => {
                self.at = self.at.extend(stored.value());
                Ok(Some(Entry {
                    seq: found,
                    hash: self.at.hash,
                    record,
                }))
            }
        }
    }

    fn finish(&self) -> Result<Option<Entry>> {
        if self.at.seq < self.end.seq {
            return broken(self.at.seq.next(), Reason::Truncated { head: self.end.seq });
        }
        if self.at.hash != self.end.hash {
            return Err(Error::Broken(Finding::Head));
        }
        Ok(None)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.step().transpose();
        self.over = !matches!(item, Some(Ok(_)));
        item
    }
}

fn broken<T>(seq: Seq, reason: Reason) -> Result<T> {
    Err(Error::Broken(Finding::Record { seq, reason }))
}

/// Where the record that belongs after `before` stands, if it stands at another place.
pub(crate) fn find_moved(txn: &ReadTransaction, sealer: &Sealer, before: Head) -> Result<Option<Seq>> {
    let table = txn.open_table(RECORDS).map_err(storage("opening the records"))?;
    for row in table.range(0u64..).map_err(storage("reading the records"))? {
        let (seq, stored) = row.map_err(storage("reading a record"))?;
        if sealer.open_record(before, stored.value()).is_ok() {
            return Ok(Some(Seq(seq.value())));
        }
    }
    Ok(None)
}

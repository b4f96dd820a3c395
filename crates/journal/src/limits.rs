//! What bounds a journal's memory, and the checks.

use crate::{Error, Record, Result};

/// Largest body of a record, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// Longest name in the side table, in bytes.
pub const MAX_NAME: usize = 256;
/// Largest value in the side table, in bytes.
pub const MAX_VALUE: usize = 4 * 1024 * 1024;
/// Most bytes that may wait for one sync: room for 256 records of the largest size and their overhead.
pub const MAX_PENDING: usize = 256 * (MAX_BODY + 2 * OVERHEAD);

/// Counted for each buffered item on top of its own bytes, so that empty ones are bounded too.
pub(crate) const OVERHEAD: usize = 256;

pub(crate) fn check_record(record: &Record) -> Result<()> {
    let have = record.body.len();
    if have > MAX_BODY {
        return Err(Error::BodyTooLarge { have, max: MAX_BODY });
    }
    Ok(())
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Error::BadName {
            have: name.len(),
            max: MAX_NAME,
        });
    }
    Ok(())
}

pub(crate) fn check_value(value: &[u8]) -> Result<()> {
    let have = value.len();
    if have > MAX_VALUE {
        return Err(Error::ValueTooLarge { have, max: MAX_VALUE });
    }
    Ok(())
}

/// Bytes that wait for the next sync.
#[derive(Default)]
pub(crate) struct Pending {
    bytes: usize,
}

impl Pending {
    /// Takes note of one more item.
    pub(crate) fn add(&mut self, item: usize) -> Result<()> {
        let have = self.bytes.saturating_add(item).saturating_add(OVERHEAD);
        if have > MAX_PENDING {
            return Err(Error::TooMuchPending {
                have,
                max: MAX_PENDING,
            });
        }
        self.bytes = have;
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, JournalKey, seal::Sealer};

    #[test]
    fn one_sync_has_room_for_256_of_the_largest_records_as_they_are_stored() {
        let record = Record::new([0; 32], 0, vec![0; MAX_BODY]);
        let sealer = Sealer::new(&JournalKey::from_bytes([1; 32]), [1; 32]);
        let stored = sealer
            .seal_record(Head::genesis(&[1; 32]), &record)
            .unwrap()
            .len();
        let mut pending = Pending::default();
        for _ in 0..256 {
            pending.add(stored).unwrap();
        }
        assert!(matches!(pending.add(stored), Err(Error::TooMuchPending { .. })));
    }
}

//! One record, and how it is written as bytes.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Names the state machine that a record belongs to, for instance a swap's id.
pub type MachineId = [u8; 32];

/// A record's place in the journal, over all machines. The first is 1; 0 means "none yet".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl Seq {
    pub(crate) fn next(self) -> Self {
        Self(
            self.0
                .checked_add(1)
                .expect("2^64 records do not fit on any disk"),
        )
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a caller wants to find again. Opaque here; wiped when dropped, since a body may carry a preimage.
/// (To take the body out, use `std::mem::take(&mut record.body)`.)
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Record {
    /// Whose record it is.
    pub machine: MachineId,
    /// The caller's own type tag.
    pub kind: u8,
    /// At most [`crate::MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

impl Record {
    /// Puts the three together.
    #[must_use]
    pub fn new(machine: MachineId, kind: u8, body: Vec<u8>) -> Self {
        Self { machine, kind, body }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record {{ machine: ")?;
        self.machine.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ", kind: {}, body: {} bytes }}", self.kind, self.body.len())
    }
}

/// The version that new records are written in.
pub(crate) const VERSION: u8 = 1;
const V1_PREFIX: usize = 33;

/// Version 1: `machine (32) ‖ kind (1) ‖ body`. The version byte itself stands before the ciphertext.
pub(crate) fn encode(record: &Record) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(V1_PREFIX + record.body.len()));
    bytes.extend_from_slice(&record.machine);
    bytes.push(record.kind);
    bytes.extend_from_slice(&record.body);
    bytes
}

/// Reads every version there ever was: a new one adds an arm and none is taken away. `None`: unknown version or
/// too short.
pub(crate) fn decode(version: u8, bytes: &[u8]) -> Option<Record> {
    match version {
        1 => {
            let (machine, rest) = bytes.split_first_chunk::<32>()?;
            let (kind, body) = rest.split_first()?;
            Some(Record {
                machine: *machine,
                kind: *kind,
                body: body.to_vec(),
            })
        }
        _ => None,
    }
}

/// Whether [`decode`] has an arm for it.
pub(crate) fn is_known(version: u8) -> bool {
    (1..=VERSION).contains(&version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_not_printed() {
        let shown = format!("{:?}", Record::new([0x11; 32], 3, b"preimage".to_vec()));
        assert!(shown.ends_with("kind: 3, body: 8 bytes }"), "{shown}");
        assert!(shown.starts_with("Record { machine: 1111"), "{shown}");
    }

    #[test]
    fn version_1_is_machine_kind_body_in_this_order() {
        let record = Record::new([2; 32], 9, vec![1, 2]);
        let bytes = encode(&record);
        assert_eq!(bytes.as_slice(), [&[2u8; 32][..], &[9], &[1, 2]].concat());
        assert_eq!(decode(1, &bytes), Some(record));
    }

    #[test]
    fn a_short_record_or_a_version_of_the_future_is_not_decoded() {
        assert_eq!(decode(1, &[0; 32]), None);
        assert_eq!(decode(VERSION + 1, &[0; 64]), None);
        assert!(is_known(VERSION) && !is_known(VERSION + 1) && !is_known(0));
    }
}

//! The ledger as bytes, so that nobody needs to do all batches again: for a restart, and for whoever comes late.
//!
//! A snapshot is checked against a header. If that header is certified, so is all that is read: bytes that lead to
//! another root are refused.

use crate::genesis::Genesis;
use crate::ledger::{Ledger, Tip};
use crate::proofs::LegProofs;
use crate::state::State;
use borsh::BorshDeserialize;
use kofo_primitives::{Header, ValidatorSet, encode};
use std::sync::Arc;

const VERSION: u8 = 1;

/// Why bytes are no snapshot of that header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Another version, cut off, or not in order.
    #[error("the bytes are no snapshot of version {VERSION}: damaged, or of another release")]
    Malformed,
    /// Of another network, or of the time before the first header.
    #[error("the header is not one of this network's batches")]
    OtherNetwork,
    /// It leads to something else than the header says.
    #[error("the snapshot's {0} is not what the header says: damaged, or of another height")]
    Other(&'static str),
}

impl Ledger {
    /// All of the ledger, in the order of its keys; nothing before the first batch needs one.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = encode(&(VERSION, &self.last));
        for (key, value) in self.state.entries() {
            for part in [key, value] {
                let length = u32::try_from(part.len()).expect("what is in the state came in messages");
                bytes.extend(length.to_le_bytes());
                bytes.extend(part);
            }
        }
        bytes
    }

    /// The ledger after the batch of a header, of what [`Ledger::snapshot`] gave then.
    pub fn restore(
        genesis: Arc<Genesis>,
        proofs: Arc<dyn LegProofs>,
        header: &Header,
        bytes: &[u8],
    ) -> Result<Self, SnapshotError> {
        if header.network != genesis.network || header.height == 0 {
            return Err(SnapshotError::OtherNetwork);
        }
        let mut rest = bytes;
        let malformed = |_| SnapshotError::Malformed;
        let (version, last) = <(u8, Option<ValidatorSet>)>::deserialize(&mut rest).map_err(malformed)?;
        if version != VERSION {
            return Err(SnapshotError::Malformed);
        }
        if last.as_ref().map(ValidatorSet::digest) != Some(header.validators) {
            return Err(SnapshotError::Other("last set of validators"));
        }
        let mut entries = Vec::new();
        let mut before: &[u8] = &[];
        while !rest.is_empty() {
            let (key, value) = (part(&mut rest)?, part(&mut rest)?);
            if key <= before {
                return Err(SnapshotError::Malformed);
            }
            entries.push((key, value));
            before = key;
        }
        let mut state = State::of(&entries);
        drop(entries);
        if state.root() != header.state {
            return Err(SnapshotError::Other("state"));
        }
        let tip = Tip {
            height: header.height,
            time_ms: header.time_ms,
            id: header.id(),
        };
        let ledger = Self {
            genesis,
            proofs,
            state,
            tip,
            last,
        };
        if ledger.validators().digest() != header.next_validators {
            return Err(SnapshotError::Other("next set of validators"));
        }
        Ok(ledger)
    }
}

/// The next part, of a length that stands before it.
fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], SnapshotError> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Malformed)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| SnapshotError::Malformed)?;
    let (part, after) = after.split_at_checked(length).ok_or(SnapshotError::Malformed)?;
    *rest = after;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CLAIMANT, Chain, PROVIDER, account, funded, kofo};
    use crate::op::Act;
    use crate::proofs::NoProofs;
    use kofo_primitives::Amount;

    fn restored(header: &Header, bytes: &[u8]) -> Result<Ledger, SnapshotError> {
        Ledger::restore(Arc::new(funded()), Arc::new(NoProofs), header, bytes)
    }

    fn lived() -> Chain {
        let mut chain = Chain::new(funded());
        chain.wait(1_000);
        let give = Act::Transfer {
            to: account(PROVIDER),
            asset: kofo(),
            amount: Amount::new(7),
        };
        let give = chain.act(CLAIMANT, give);
        chain.batch(1_000, [give]);
        chain
    }

    #[test]
    fn a_ledger_that_was_restored_goes_on_to_the_same_roots() {
        let mut chain = lived();
        let header = chain.headers.last().unwrap().clone();
        let restored = restored(&header, &chain.ledger.snapshot()).unwrap();
        assert_eq!(restored.tip(), chain.ledger.tip());
        assert_eq!(restored.snapshot(), chain.ledger.snapshot());
        let mut other = lived();
        other.ledger = restored;
        for chain in [&mut chain, &mut other] {
            chain.wait(4_000_000);
        }
        assert_eq!(chain.headers.last(), other.headers.last());
    }

    #[test]
    fn no_bit_of_a_snapshot_can_be_flipped_and_no_end_cut_off() {
        let chain = lived();
        let header = chain.headers.last().unwrap().clone();
        let bytes = chain.ledger.snapshot();
        assert!(restored(&header, &bytes).is_ok());
        // Every byte, and of it another bit each time.
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(restored(&header, &flipped).is_err(), "byte {at}");
        }
        for end in 0..bytes.len() {
            assert!(restored(&header, &bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_snapshot_is_of_one_header() {
        let chain = lived();
        let bytes = chain.ledger.snapshot();
        let right = chain.headers.last().unwrap();
        type Change = fn(&mut Header);
        let changes: [(Change, SnapshotError); 5] = [
            (|h| h.state = [0; 32], SnapshotError::Other("state")),
            (
                |h| h.validators = [0; 32],
                SnapshotError::Other("last set of validators"),
            ),
            (
                |h| h.next_validators = [0; 32],
                SnapshotError::Other("next set of validators"),
            ),
            (|h| h.height = 0, SnapshotError::OtherNetwork),
            (
                |h| h.network = kofo_primitives::NetworkId::new("kofo-other").unwrap(),
                SnapshotError::OtherNetwork,
            ),
        ];
        for (change, refused) in changes {
            let mut other = right.clone();
            change(&mut other);
            assert_eq!(restored(&other, &bytes).err(), Some(refused));
        }
    }
}
